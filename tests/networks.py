"""The case table of whole networks: their layers, losses, targets and optimizers."""

import numpy as np

OPTIMIZERS = [
    {"name": "sgd", "learning_rate": 0.1},
    {"name": "momentum", "learning_rate": 0.05, "momentum": 0.9},
    {"name": "nesterov", "learning_rate": 0.05, "momentum": 0.9},
    {"name": "rmsprop", "learning_rate": 0.01, "rho": 0.9, "epsilon": 1e-7},
    {"name": "adagrad", "learning_rate": 0.1, "epsilon": 1e-7, "initial_accumulator_value": 0.1},
    {"name": "adam", "learning_rate": 0.01, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7},
    {"name": "rmsprop_momentum", "learning_rate": 0.01, "rho": 0.9, "momentum": 0.9, "epsilon": 1e-7},
    {"name": "rmsprop_centered", "learning_rate": 0.01, "rho": 0.9, "momentum": 0.5, "epsilon": 1e-3},
    {"name": "adadelta", "learning_rate": 1.0, "rho": 0.95, "epsilon": 1e-7},
    {"name": "amsgrad", "learning_rate": 0.01, "beta_1": 0.9, "beta_2": 0.9, "epsilon": 1e-7},
    {"name": "adamax", "learning_rate": 0.01, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7},
    {"name": "nadam", "learning_rate": 0.01, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7},
    {"name": "lion", "learning_rate": 0.01, "beta_1": 0.9, "beta_2": 0.99},
]
# with all that may be around a rule, so that each of it shows in a few steps
AROUND = {"clipvalue": 0.02, "weight_decay": 0.3, "ema_momentum": 0.8, "ema_overwrite_frequency": 4}
AROUND_A_RULE = [{**optimizer, **AROUND} for optimizer in OPTIMIZERS if optimizer["name"] in ("sgd", "adam", "nadam")]


def dense(units, activation="linear", use_bias=True, l2=0.0):
    return {"kind": "dense", "units": units, "activation": activation, "use_bias": use_bias, "l2": l2}


def activation(name):
    return {"kind": "activation", "activation": name}


def dropout(rate, seed=5):
    return {"kind": "dropout", "rate": rate, "seed": seed}


RESCALING = {"kind": "rescaling", "scale": 0.25, "offset": -0.5}
# name: layers, loss, metric, outputs (None: as many as inputs); widths are below, at and above the register tiles
NETWORKS = {
    "softmax": (
        [dense(33, "relu"), dropout(0.3), dense(5, "softmax")],
        "sparse_categorical_crossentropy",
        "sparse_categorical_accuracy",
        5,
    ),
    "one_hot": ([dense(8, "tanh"), dense(4, "softmax")], "categorical_crossentropy", "categorical_accuracy", 4),
    "binary": ([dense(17, "sigmoid", l2=0.01), dense(1, "sigmoid")], "binary_crossentropy", "binary_accuracy", 1),
    "regression": ([RESCALING, dense(64, "relu", False), dense(3, l2=0.02)], "mean_squared_error", None, 3),
    "logits": ([dense(6, "tanh"), dense(5)], "sparse_categorical_crossentropy_from_logits", None, 5),
    "one_hot_logits": ([dense(5)], "categorical_crossentropy_from_logits", "categorical_accuracy", 5),
    "binary_logits": ([dense(2)], "binary_crossentropy_from_logits", None, 2),
    "unfused": (
        [dense(7, "softmax"), dense(4, "sigmoid"), activation("tanh"), dense(3, "softmax"), dropout(0.1)],
        "categorical_crossentropy",
        "categorical_accuracy",
        3,
    ),
    "sparse_unfused": (
        [dense(7, "sigmoid"), dense(3, "softmax"), RESCALING | {"offset": 0.25}],
        "sparse_categorical_crossentropy",
        "sparse_categorical_accuracy",
        3,
    ),
    "binary_unfused": (
        [dropout(0.5), dense(3, "sigmoid", False), RESCALING | {"offset": 0.3}],
        "binary_crossentropy",
        "binary_accuracy",
        3,
    ),
    "rectifiers": (
        [dense(35, "leaky_relu"), dense(17, "elu"), dense(9, "selu"), dense(6, "relu6"), dense(5, "softplus")],
        "mean_squared_error",
        None,
        5,
    ),
    "from_the_input": (
        [dense(35, "gelu"), dense(17, "silu", False, l2=0.01), activation("mish"), dense(6, "mish"), dense(4, "gelu")],
        "mean_squared_error",
        None,
        4,
    ),
    "further_activations": (
        [
            activation("gelu"),
            dense(7, "softsign"),
            activation("exponential"),
            dense(3, "hard_sigmoid"),
            dense(4),
            activation("silu"),
            dense(34, "log_softmax"),
            activation("exponential"),
            dropout(0.2),
            dense(2),
        ],
        "mean_squared_error",
        None,
        2,
    ),
    "weightless": ([activation("tanh"), RESCALING], "mean_squared_error", None, None),
    "activations": (
        [activation("sigmoid"), dense(31), activation("relu"), dropout(0.0), dense(5), activation("softmax")],
        "sparse_categorical_crossentropy",
        "sparse_categorical_accuracy",
        5,
    ),
}


def targets(loss, rows, outputs, rng):
    """Targets that fit the loss, for either implementation."""
    labels = rng.integers(0, outputs, rows)
    if loss.startswith("sparse"):
        return labels.astype(np.intc)
    if loss.startswith("categorical"):
        return np.eye(outputs)[labels]
    if loss.startswith("binary"):
        return rng.integers(0, 2, (rows, outputs)).astype(float)
    return rng.normal(size=(rows, outputs))


def shapes(inputs, layers):
    """Shapes of the weights."""
    found = []
    for layer in layers:
        if layer["kind"] == "dense":
            found.append((inputs, layer["units"]))
            inputs = layer["units"]
            found += [(inputs,)] * layer["use_bias"]
    return found


def initial(inputs, layers, rng):
    return [rng.uniform(-0.4, 0.4, shape) for shape in shapes(inputs, layers)]


def pairs():
    """Names of networks with optimizers: each with six, and two with all."""
    everything = [*OPTIMIZERS, *AROUND_A_RULE]
    return [
        (name, optimizer)
        for name in NETWORKS
        for optimizer in (everything if name in ("regression", "unfused") else OPTIMIZERS[:6])
    ]


# the run that is compared with the oracle from end to end
WHOLE_RUN = [dense(32, "relu"), dropout(0.3, seed=2**40 + 7), dense(10, "softmax")]
WHOLE_RUN_LOSS, WHOLE_RUN_METRIC = "sparse_categorical_crossentropy", "sparse_categorical_accuracy"
