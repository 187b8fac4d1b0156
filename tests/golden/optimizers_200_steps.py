"""The losses of 200 steps of each of Keras' optimizers, in float64; `python -m tests.golden.optimizers_200_steps`.

Run where Keras and JAX are installed it writes optimizers_200_steps.json beside this file, which the tests compare
with. Keras computes with JAX here, since with TensorFlow it rounds settings such as momentum=0.9 to float32, and is
imported by `losses` alone, so that the tests can read the cases, the data and the network where it is not.
"""

import importlib
import json
import math
import os
from pathlib import Path

import numpy as np

PATH = Path(__file__).with_suffix(".json")
STEPS, ROWS, BATCH, UNITS = 200, 24, 8, (4, 5, 2)

AROUND = {"clipvalue": 0.05, "weight_decay": 0.01, "use_ema": True, "ema_momentum": 0.9, "ema_overwrite_frequency": 7}
REGULARIZED = {f"{penalty}_regularization_strength": 1e-3 for penalty in ("l1", "l2", "l2_shrinkage")}
CASES = {  # what it shows: class and arguments of the optimizer; a pair in place of the rate is a schedule
    "sgd": ("SGD", {"learning_rate": 0.05}),
    "momentum": ("SGD", {"learning_rate": 0.05, "momentum": 0.9}),
    "nesterov": ("SGD", {"learning_rate": 0.05, "momentum": 0.9, "nesterov": True}),
    "rmsprop": ("RMSprop", {}),
    "rmsprop_momentum": ("RMSprop", {"momentum": 0.5}),
    "rmsprop_centered": ("RMSprop", {"centered": True}),
    "rmsprop_centered_momentum": ("RMSprop", {"momentum": 0.5, "centered": True}),
    "adagrad": ("Adagrad", {"learning_rate": 0.05}),
    "adadelta": ("Adadelta", {"learning_rate": 1.0}),
    "adam": ("Adam", {"learning_rate": 0.01}),
    "amsgrad": ("Adam", {"learning_rate": 0.01, "beta_2": 0.9, "amsgrad": True}),
    "adamw": ("AdamW", {"learning_rate": 0.01}),
    "adamax": ("Adamax", {"learning_rate": 0.01}),
    "nadam": ("Nadam", {"learning_rate": 0.01}),
    "lion": ("Lion", {}),
    "ftrl": ("Ftrl", {"learning_rate": 0.2}),
    "ftrl_regularized": ("Ftrl", {"learning_rate": 0.5, "learning_rate_power": -0.4, "beta": 0.2, **REGULARIZED}),
    "schedule_free": ("ScheduleFreeAdamW", {"learning_rate": 0.05}),
    "schedule_free_decayed": ("ScheduleFreeAdamW", {"learning_rate": 0.1, "warmup_steps": 20, "weight_decay": 0.01}),
    "accumulated": ("Adam", {"learning_rate": 0.02, "gradient_accumulation_steps": 3}),
    "accumulated_and_clipped": ("SGD", {"learning_rate": 0.2, "gradient_accumulation_steps": 2, "clipnorm": 0.5}),
    "excluded": ("AdamW", {"learning_rate": 0.01, "weight_decay": 0.2}),
    "weight_decay": ("SGD", {"learning_rate": 0.05, "momentum": 0.9, "weight_decay": 0.1}),
    "clipvalue": ("SGD", {"learning_rate": 0.05, "clipvalue": 0.02}),
    "average": ("SGD", {"learning_rate": 0.05, "use_ema": True, "ema_overwrite_frequency": 10}),
    "all_around_adam": ("Adam", {"learning_rate": 0.01, **AROUND}),
    "all_around_nadam": ("Nadam", {"learning_rate": 0.01, **AROUND}),
    "scheduled_sgd": ("SGD", {"learning_rate": ("PolynomialDecay", (0.1, 150, 0.001, 2.0)), "weight_decay": 0.1}),
    "accumulated_on_schedule": (
        "SGD",
        {"learning_rate": ("ExponentialDecay", (0.3, 50, 0.5)), "gradient_accumulation_steps": 4, "weight_decay": 0.01},
    ),
    "scheduled_adam": ("Adam", {"learning_rate": ("CosineDecayRestarts", (0.02, 40))}),
}

EXCLUDED = {"excluded": (1, 3)}  # the biases


def data():
    """Inputs [rows, 4] and targets [rows, 2]."""
    rng = np.random.default_rng(8)
    x = rng.normal(size=(ROWS, UNITS[0]))
    return x, np.stack([np.sin(x[:, 0] + x[:, 1]), x[:, 2] * x[:, 3]], axis=1)


def initial_weights():
    """Kernel and bias of the hidden layer, of tanh, and of the linear output."""
    rng = np.random.default_rng(9)
    return [rng.uniform(-0.5, 0.5, shape) for shape in [UNITS[:2], UNITS[1:2], UNITS[1:], UNITS[2:]]]


def batch(step):
    """The rows of a step."""
    return slice(step * BATCH % ROWS, step * BATCH % ROWS + BATCH)


def made(optimizers, name):
    """The optimizer of a case, from Keras' `optimizers` or our own."""
    cls, arguments = CASES[name]
    rate = arguments.get("learning_rate")
    if isinstance(rate, tuple):
        arguments = {**arguments, "learning_rate": getattr(optimizers.schedules, rate[0])(*rate[1])}
    return getattr(optimizers, cls)(**arguments)


def losses(name):
    """The loss of each step before its update, by Keras; then that with the weights that `fit` would end with."""
    os.environ.update(KERAS_BACKEND="jax", JAX_ENABLE_X64="1")
    jax, keras = importlib.import_module("jax"), importlib.import_module("keras")
    dtypes = importlib.import_module("keras.src.backend.common.dtypes")
    dtypes.BIT64_TO_BIT32_DTYPE["float64"] = "float64"  # else schedules pass through float32
    keras.config.set_floatx("float64")
    differentiated = jax.value_and_grad(mean_squared_error)
    variables = [keras.Variable(array) for array in initial_weights()]
    optimizer = made(keras.optimizers, name)
    optimizer.exclude_from_weight_decay([variables[number] for number in EXCLUDED.get(name, ())])
    x, y = map(jax.numpy.asarray, data())
    found = []
    for step in range(STEPS):
        weights = [variable.value for variable in variables]
        loss, gradients = differentiated(weights, x[batch(step)], y[batch(step)])
        optimizer.apply(gradients, variables)
        found.append(float(loss))
    optimizer.finalize_variable_values(variables)
    return [*found, float(mean_squared_error([variable.value for variable in variables], x, y))]


def mean_squared_error(weights, x, y):
    """The loss in JAX."""
    hidden = importlib.import_module("jax").numpy.tanh(x @ weights[0] + weights[1])
    return ((hidden @ weights[2] + weights[3] - y) ** 2).mean()


def main():
    found = {name: losses(name) for name in CASES}
    assert all(math.isfinite(loss) for run in found.values() for loss in run)
    with open(PATH, "w") as file:
        file.write("{\n")
        file.write(",\n".join(f'"{name}": {json.dumps(run)}' for name, run in found.items()))
        file.write("\n}\n")


if __name__ == "__main__":
    main()
