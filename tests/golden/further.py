"""What Keras' constraints, focal losses and reductions give, in float64; `python -m tests.golden.further`.

Run where Keras and JAX are installed it writes further.json beside this file, which the tests compare with. `keras` is
Keras or fastmlp wherever it is an argument.
"""

import importlib
import json
import os
from pathlib import Path

import numpy as np

PATH = Path(__file__).with_suffix(".json")
RANDOM = np.random.default_rng(5)
KERNEL, BIAS = RANDOM.normal(size=(3, 4)), RANDOM.normal(size=4)
KERNEL[:, 2] *= 0.01
CONSTRAINTS = {  # what it shows: class and arguments, and whether it may be that of a vector
    "max_norm": ("MaxNorm", {"max_value": 0.75}, True),
    "max_norm_of_rows": ("MaxNorm", {"max_value": 0.75, "axis": 1}, False),
    "max_norm_of_all": ("MaxNorm", {"max_value": 0.75, "axis": [0, 1]}, False),
    "non_neg": ("NonNeg", {}, True),
    "unit_norm": ("UnitNorm", {}, True),
    "unit_norm_of_rows": ("UnitNorm", {"axis": 1}, False),
    "min_max_norm": ("MinMaxNorm", {"min_value": 0.5, "max_value": 0.75}, True),
    "min_max_norm_half_way": ("MinMaxNorm", {"min_value": 0.5, "max_value": 0.75, "rate": 0.5}, True),
}

ROWS = 10
X, Y = RANDOM.normal(size=(ROWS, 3)), RANDOM.normal(size=(ROWS, 4))
BITS = np.array([[1.0, 0.0], [0.0, 0.0], [0.25, 1.0], [1.0, 1.0]])
SHARES = np.array([[0.9, 0.2], [0.4, 0.75], [0.3, 0.6], [0.05, 1.0]])
LOGITS = np.array([[2.0, -1.5], [-0.25, 0.75], [0.0, 3.0], [-4.0, 1.0]])
WEIGHTS = np.array([0.5, 2.0, 0.0, 1.0])
LOSSES = {  # what it shows: class, arguments, prediction
    "binary_focal": ("BinaryFocalCrossentropy", {"gamma": 1.5}, SHARES),
    "binary_focal_balanced": ("BinaryFocalCrossentropy", {"apply_class_balancing": True, "alpha": 0.3}, SHARES),
    "binary_focal_smoothed": ("BinaryFocalCrossentropy", {"label_smoothing": 0.1}, SHARES),
    "binary_focal_logits": ("BinaryFocalCrossentropy", {"from_logits": True, "gamma": 3.0}, LOGITS),
    "none": ("MeanSquaredError", {"reduction": None}, SHARES),
    "none_by_name": ("Huber", {"reduction": "none"}, LOGITS),
    "sum": ("BinaryCrossentropy", {"reduction": "sum"}, SHARES),
    "mean_with_sample_weight": ("MeanSquaredError", {"reduction": "mean_with_sample_weight"}, SHARES),
}


def loss_of(keras, case):
    """The loss of a case, and the prediction that it is called with."""
    name, arguments, prediction = LOSSES[case]
    return getattr(keras.losses, name)(**arguments), prediction


def summed(keras):
    """The history of a fit with a sum over the batch for its loss, the weights after it, and what evaluate returns."""
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4)])
    model.compile(keras.optimizers.SGD(0.01), keras.losses.MeanSquaredError(reduction="sum"))
    model.set_weights([KERNEL, BIAS])
    fitted = {"batch_size": 4, "epochs": 2, "shuffle": False, "verbose": 0}
    history = model.fit(X, Y, validation_data=(X[:6], Y[:6]), validation_batch_size=4, **fitted).history
    found = {name: [float(value) for value in values] for name, values in history.items()}
    found["weights"] = [np.asarray(weight).tolist() for weight in model.get_weights()]
    found["evaluated"] = float(model.evaluate(X, Y, batch_size=4, verbose=0))
    return found


def main():
    os.environ.update(KERAS_BACKEND="jax", JAX_ENABLE_X64="1")
    jax, keras = importlib.import_module("jax"), importlib.import_module("keras")
    dtypes = importlib.import_module("keras.src.backend.common.dtypes")
    dtypes.BIT64_TO_BIT32_DTYPE["float64"] = "float64"  # else its means pass through float32
    keras.config.set_floatx("float64")
    constraints = {}
    for case, (name, arguments, _) in CONSTRAINTS.items():
        constraint = getattr(keras.constraints, name)(**arguments)
        arrays = [KERNEL, BIAS] if CONSTRAINTS[case][2] else [KERNEL]
        constraints[case] = [np.asarray(constraint(array)).tolist() for array in arrays]
    losses = {}
    for case in LOSSES:
        loss, prediction = loss_of(keras, case)
        weighted = loss(BITS, prediction, WEIGHTS)
        gradient = jax.grad(lambda p, loss=loss: loss(BITS, p, WEIGHTS).sum())(jax.numpy.asarray(prediction))
        assert gradient.dtype == np.float64
        losses[case] = [np.asarray(one).tolist() for one in (loss(BITS, prediction), weighted, gradient)]
    found = {"constraints": constraints, "losses": losses, "summed": summed(keras)}
    PATH.write_text("{\n" + ",\n".join(f'"{name}": {json.dumps(one)}' for name, one in found.items()) + "\n}\n")


if __name__ == "__main__":
    main()
