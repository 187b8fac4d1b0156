"""The case table of whole networks: their layers, losses, targets and optimizers."""

import numpy as np

OPTIMIZERS = [
    {"name": "sgd", "learning_rate": 0.1},
    {"name": "momentum", "learning_rate": 0.05, "momentum": 0.9},
    {"name": "nesterov", "learning_rate": 0.05, "momentum": 0.9},
    {"name": "rmsprop", "learning_rate": 0.01, "rho": 0.9, "epsilon": 1e-7},
    {"name": "adagrad", "learning_rate": 0.1, "epsilon": 1e-7, "initial_accumulator_value": 0.1},
    {"name": "adam", "learning_rate": 0.01, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7},
]


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
    "absolute": ([dense(9, "tanh"), dense(3)], "mean_absolute_error", None, 3),
    "percentage": ([dense(9, "tanh"), dense(3, "selu")], "mean_absolute_percentage_error", None, 3),
    "logarithmic": ([dense(9, "tanh"), dense(3, "softplus")], "mean_squared_logarithmic_error", None, 3),
    "huber": ([dense(9, "tanh"), dense(3)], {"name": "huber", "delta": 0.6}, None, 3),
    "log_cosh": ([dense(9, "tanh"), dense(3, "gelu")], "log_cosh", None, 3),
    "counts": ([dense(9, "tanh"), dense(3, "exponential")], "poisson", None, 3),
    "margin": ([dense(4, "tanh"), dense(3)], "hinge", "binary_accuracy", 3),
    "squared_margin": ([dense(9, "sigmoid"), dense(2, "tanh")], "squared_hinge", "binary_accuracy", 2),
    "leading_class": ([dense(9, "tanh"), dense(34, "softsign")], "categorical_hinge", "categorical_accuracy", 34),
    "divergence": ([dense(9, "tanh"), dense(4, "softmax")], "kl_divergence", "categorical_accuracy", 4),
    "direction": ([dense(9, "tanh"), dense(4), dropout(0.1)], "cosine_similarity", None, 4),
    "smoothed": (
        [dense(9, "tanh"), dense(4, "softmax")],
        {"name": "categorical_crossentropy", "label_smoothing": 0.1},
        "categorical_accuracy",
        4,
    ),
    "smoothed_unfused": (
        [dense(4, "softmax"), RESCALING | {"offset": 0.25}],
        {"name": "categorical_crossentropy", "label_smoothing": 0.3},
        "categorical_accuracy",
        4,
    ),
    "smoothed_logits": (
        [dense(35)],
        {"name": "categorical_crossentropy_from_logits", "label_smoothing": 0.2},
        "categorical_accuracy",
        35,
    ),
    "smoothed_binary": (
        [dense(9, "relu"), dense(3, "sigmoid")],
        {"name": "binary_crossentropy", "label_smoothing": 0.2},
        "binary_accuracy",
        3,
    ),
    "smoothed_binary_unfused": (
        [dense(3, "sigmoid"), RESCALING | {"offset": 0.3}],
        {"name": "binary_crossentropy", "label_smoothing": 1.0},
        "binary_accuracy",
        3,
    ),
    "smoothed_binary_logits": (
        [dense(3)],
        {"name": "binary_crossentropy_from_logits", "label_smoothing": 0.5},
        None,
        3,
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
    loss = loss["name"] if isinstance(loss, dict) else loss
    labels = rng.integers(0, outputs, rows)
    if loss.startswith("sparse"):
        return labels.astype(np.intc)
    if loss.startswith(("categorical", "kl_divergence")):
        return np.eye(outputs)[labels]
    if loss.startswith("binary"):
        return rng.integers(0, 2, (rows, outputs)).astype(float)
    if loss in ("hinge", "squared_hinge"):
        return 2.0 * rng.integers(0, 2, (rows, outputs)) - 1.0
    if loss in ("poisson", "mean_squared_logarithmic_error"):
        return rng.integers(0, 4, (rows, outputs)).astype(float)
    if loss == "mean_absolute_percentage_error":
        return rng.uniform(1.0, 3.0, (rows, outputs))
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


# the run that is compared with the oracle from end to end
WHOLE_RUN = [dense(32, "relu"), dropout(0.3, seed=2**40 + 7), dense(10, "softmax")]
WHOLE_RUN_LOSS, WHOLE_RUN_METRIC = "sparse_categorical_crossentropy", "sparse_categorical_accuracy"
