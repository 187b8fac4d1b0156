"""The case table of whole networks: their layers, losses, targets and optimizers."""

import math

import numpy as np

from fastmlp.kernels.engine.description import ACTIVATION_SETTINGS
from fastmlp.kernels.engine.stages import weight_shapes
from tests.cases import SCALARS

FTRL = {"name": "ftrl", "learning_rate": 0.1, "learning_rate_power": -0.5, "initial_accumulator_value": 0.1}
FTRL |= {"l1": 0.0, "l2": 0.0, "l2_shrinkage": 0.0, "beta": 0.0}
SCHEDULE_FREE = {"name": "schedule_free_adamw", "learning_rate": 0.01, "beta_1": 0.9, "beta_2": 0.999}
SCHEDULE_FREE |= {"epsilon": 1e-8, "warmup_steps": 3.0}
OPTIMIZERS = [
    {"name": "sgd", "learning_rate": 0.1},
    {"name": "momentum", "learning_rate": 0.05, "momentum": 0.9},
    {"name": "nesterov", "learning_rate": 0.05, "momentum": 0.9},
    {"name": "rmsprop", "learning_rate": 0.01, "rho": 0.9, "epsilon": 1e-7},
    {"name": "adagrad", "learning_rate": 0.1, "epsilon": 1e-7, "initial_accumulator_value": 0.1},
    {"name": "adam", "learning_rate": 0.01, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7},
    {"name": "momentum", "learning_rate": 0.05, "momentum": 0.9, "clipnorm": 0.05},
    {"name": "adam", "learning_rate": 0.01, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7, "global_clipnorm": 0.1},
    {"name": "rmsprop_momentum", "learning_rate": 0.01, "rho": 0.9, "momentum": 0.9, "epsilon": 1e-7},
    {"name": "rmsprop_centered", "learning_rate": 0.01, "rho": 0.9, "momentum": 0.5, "epsilon": 1e-3},
    {"name": "adadelta", "learning_rate": 1.0, "rho": 0.95, "epsilon": 1e-7},
    {"name": "amsgrad", "learning_rate": 0.01, "beta_1": 0.9, "beta_2": 0.9, "epsilon": 1e-7},
    {"name": "adamax", "learning_rate": 0.01, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7},
    {"name": "nadam", "learning_rate": 0.01, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7},
    {"name": "lion", "learning_rate": 0.01, "beta_1": 0.9, "beta_2": 0.99},
    FTRL | {"l1": 1e-3},
    FTRL | {"learning_rate_power": -0.7, "l2": 0.1, "l2_shrinkage": 0.2, "beta": 0.3},
    SCHEDULE_FREE,
    {"name": "sgd", "learning_rate": 0.1, "accumulation_steps": 2},
    {"name": "momentum", "learning_rate": 0.05, "momentum": 0.9, "accumulation_steps": 3, "clipnorm": 0.05},
]
# with all that may be around a rule, so that each of it shows in a few steps
AROUND = {"clipvalue": 0.02, "weight_decay": 0.3, "ema_momentum": 0.8, "ema_overwrite_frequency": 4}
AROUND_A_RULE = [{**one, **AROUND} for one in OPTIMIZERS[:-2] if one["name"] in ("sgd", "adam", "nadam")]
AROUND_A_RULE += [
    OPTIMIZERS[5] | {"weight_decay": 0.3, "undecayed": [1], "accumulation_steps": 2},
    SCHEDULE_FREE | {"weight_decay": 0.3, "undecayed": [0]},
]


def activation(name):
    """With what it takes besides."""
    return {"kind": "activation", "activation": name} | {one: SCALARS[one] for one in ACTIVATION_SETTINGS.get(name, ())}


def dense(units, name="linear", use_bias=True, l2=0.0, **weights):
    settings = activation(name) | {"kind": "dense", "units": units, "use_bias": use_bias}
    return settings | {"kernel": {"l2": l2}} | weights


def dropout(rate, seed=5):
    return {"kind": "dropout", "rate": rate, "seed": seed}


def noise(stddev, seed=6):
    return {"kind": "gaussian_noise", "stddev": stddev, "seed": seed}


def batch_normalization(use_gamma=True, use_beta=True, **weights):
    settings = {"kind": "batch_normalization", "epsilon": 1e-3, "momentum": 0.9}
    return settings | {"use_gamma": use_gamma, "use_beta": use_beta} | weights


def layer_normalization(use_gamma=True, use_beta=True):
    return {"kind": "layer_normalization", "epsilon": 1e-3, "use_gamma": use_gamma, "use_beta": use_beta}


def alpha_dropout(rate, seed=7):
    return {"kind": "alpha_dropout", "rate": rate, "seed": seed}


def gaussian_dropout(stddev, seed=8):
    return {"kind": "gaussian_dropout", "stddev": stddev, "seed": seed}


NORMALIZATION = {"kind": "normalization"}
PRELU = {"kind": "prelu"}
UNIT_NORMALIZATION = {"kind": "unit_normalization"}
ACTIVITY_PENALTY = {"kind": "activity_penalty", "l1": 0.02, "l2": 0.03}
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
    "hard_from_the_input": (
        [dense(35, "hard_silu"), activation("hard_silu"), dense(4, "hard_silu", False), dense(3)],
        "mean_squared_error",
        None,
        3,
    ),
    "pieces": (
        [
            dense(35, "hard_tanh"),
            activation("soft_shrink") | {"threshold": 0.1},
            dense(17, "sparse_sigmoid"),
            activation("threshold"),
            dense(7, "sparse_plus", False),
            dense(6, "rectifier") | {"threshold": 0.1, "max_value": 0.5},
            dense(9, "rectifier") | {"threshold": 0.0, "max_value": math.inf},
            dense(5),
            activation("hard_shrink") | {"threshold": 0.02},
        ],
        "mean_squared_error",
        None,
        5,
    ),
    "curves": (
        [
            dense(35, "gelu_tanh"),
            activation("log_sigmoid"),
            dense(17, "scaled_elu"),
            dense(7, "tanh_shrink", False),
            activation("scaled_elu") | {"width": 1.0},
            dense(34, "sparsemax"),
            activation("sparsemax"),
            dense(3, "squareplus"),
        ],
        "mean_squared_error",
        None,
        3,
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
    "batch_normalized": (
        [
            batch_normalization(),
            dense(35, "relu"),
            batch_normalization(gamma={"l2": 0.01}),
            dropout(0.3),
            dense(7),
            batch_normalization(False),
            activation("gelu"),
            batch_normalization(True, False),
            dense(4, "softmax"),
        ],
        "categorical_crossentropy",
        "categorical_accuracy",
        4,
    ),
    "layer_normalized": (
        [
            layer_normalization(),
            dense(35, "tanh"),
            layer_normalization(False),
            dense(6, "relu"),
            dropout(0.2),
            layer_normalization(True, False),
            dense(3),
            layer_normalization(False, False),
        ],
        "mean_squared_error",
        None,
        3,
    ),
    "unit_rows": (
        [UNIT_NORMALIZATION, dense(35, "relu"), UNIT_NORMALIZATION, dropout(0.2), dense(3), UNIT_NORMALIZATION],
        "mean_squared_error",
        None,
        3,
    ),
    "given_statistics_and_noise": (
        [
            NORMALIZATION,
            noise(0.3),
            dense(33, "elu"),
            NORMALIZATION,
            ACTIVITY_PENALTY,
            dense(5),
            noise(0.1),
            ACTIVITY_PENALTY | {"l2": 0.0},
        ],
        "mean_squared_error",
        None,
        5,
    ),
    "penalized": (
        [
            dense(34, "relu", kernel={"l1": 0.01, "l2": 0.02, "max_norm": 0.5}, bias={"l1": 0.03, "max_norm": 0.4}),
            dense(6, "tanh", False, kernel={"l1": 0.01}),
            dense(3, bias={"l2": 0.02}),
        ],
        "mean_squared_error",
        None,
        3,
    ),
    "constrained": (
        [
            dense(34, "relu", kernel={"non_negative": True}, bias={"non_negative": True}),
            dense(35, "tanh", kernel={"min_norm": 1.0, "max_norm": 1.0}, bias={"min_norm": 0.3, "max_norm": 0.4}),
            dense(6, kernel={"min_norm": 0.6, "max_norm": 0.7, "norm_rate": 0.5, "norm_axis": 1}),
            dense(33, "tanh", kernel={"max_norm": 0.5, "norm_axis": None}),
            dense(3, kernel={"min_norm": 1.0, "max_norm": 2.0, "norm_rate": 0.75}),
        ],
        "mean_squared_error",
        None,
        3,
    ),
    "slopes_that_are_trained": (
        [PRELU, dense(35, "tanh"), PRELU | {"alpha": {"l2": 0.01, "non_negative": True}}, dense(4), PRELU],
        "mean_squared_error",
        None,
        4,
    ),
    "other_dropouts": (
        [
            gaussian_dropout(0.4),
            dense(35, "selu"),
            alpha_dropout(0.3),
            dense(17, "tanh"),
            gaussian_dropout(0.2),
            dense(4),
            alpha_dropout(0.1),
        ],
        "mean_squared_error",
        None,
        4,
    ),
    "quantiles": ([dense(9, "tanh"), dense(3)], {"name": "quantile", "quantiles": [0.1, 0.5, 0.9]}, None, 3),
    "one_quantile": ([dense(9, "tanh"), dense(2)], {"name": "quantile", "quantiles": [0.8]}, None, 2),
    "summed": ([dense(9, "tanh"), dense(3)], {"name": "huber", "delta": 0.6, "reduction": "sum"}, None, 3),
    "summed_labels": (
        [dense(5, "softmax")],
        {"name": "sparse_categorical_crossentropy", "reduction": "sum"},
        "sparse_categorical_accuracy",
        5,
    ),
    "binary_focal": (
        [dense(9, "tanh"), dense(3, "sigmoid")],
        {"name": "binary_focal_crossentropy", "alpha": 0.3, "beta": 0.7, "gamma": 1.5, "label_smoothing": 0.1},
        "binary_accuracy",
        3,
    ),
    "binary_focal_logits": (
        [dense(35)],
        {"name": "binary_focal_crossentropy_from_logits", "label_smoothing": 0.2},
        None,
        35,
    ),
    "absolute": ([dense(9, "tanh"), dense(3)], "mean_absolute_error", None, 3),
    "percentage": ([dense(9, "tanh"), dense(3, "selu")], "mean_absolute_percentage_error", None, 3),
    "logarithmic": ([dense(9, "tanh"), dense(3, "softplus")], "mean_squared_logarithmic_error", None, 3),
    "huber": ([dense(9, "tanh"), dense(3)], {"name": "huber", "delta": 0.6}, None, 3),
    "log_cosh": ([dense(9, "tanh"), dense(3, "gelu")], "log_cosh", None, 3),
    "counts": ([dense(9, "tanh"), dense(3, "exponential")], "poisson", None, 3),
    "counts_unfused": ([dense(9, "tanh"), dense(3, "exponential"), RESCALING | {"offset": 0.1}], "poisson", None, 3),
    "counts_logits": ([dense(35)], "poisson_from_logits", None, 35),
    "margin": ([dense(4, "tanh"), dense(3)], "hinge", "binary_accuracy", 3),
    "squared_margin": ([dense(9, "sigmoid"), dense(2, "tanh")], "squared_hinge", "binary_accuracy", 2),
    "leading_class": ([dense(9, "tanh"), dense(34, "softsign")], "categorical_hinge", "categorical_accuracy", 34),
    "divergence": ([dense(9, "tanh"), dense(4, "softmax")], "kl_divergence", "categorical_accuracy", 4),
    "divergence_unfused": (
        [dense(4, "softmax"), RESCALING | {"offset": 0.1}],
        "kl_divergence",
        "categorical_accuracy",
        4,
    ),
    "divergence_logits": ([dense(35)], "kl_divergence_from_logits", "categorical_accuracy", 35),
    "direction": ([dense(9, "tanh"), dense(4), dropout(0.1)], "cosine_similarity", None, 4),
    "focal": (
        [dense(9, "tanh"), dense(4, "softmax")],
        {"name": "categorical_focal_crossentropy", "alpha": 0.4, "gamma": 1.5, "label_smoothing": 0.1},
        "categorical_accuracy",
        4,
    ),
    "focal_unfused": (
        [dense(4, "softmax"), RESCALING | {"offset": 0.1}],
        {"name": "categorical_focal_crossentropy", "alpha": 0.4, "gamma": 1.5, "label_smoothing": 0.1},
        "categorical_accuracy",
        4,
    ),
    "focal_logits": (
        [dense(9, "tanh"), dense(4)],
        {"name": "categorical_focal_crossentropy_from_logits", "gamma": 0.5, "label_smoothing": 0.2},
        "categorical_accuracy",
        4,
    ),
    "focal_by_default": ([dense(35, "softmax")], "categorical_focal_crossentropy", "categorical_accuracy", 35),
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
# those on which every optimizer is run; the others differ in what the optimizer does not see
LAYERED = ("regression", "unfused", "batch_normalized", "penalized", "constrained")


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
    if loss.startswith(("poisson", "mean_squared_logarithmic_error")):
        return rng.integers(0, 4, (rows, outputs)).astype(float)
    if loss == "mean_absolute_percentage_error":
        return rng.uniform(1.0, 3.0, (rows, outputs))
    return rng.normal(size=(rows, outputs))


def shapes(inputs, layers):
    """The name and the shape of each array of weights."""
    found = []
    for layer in layers:
        found += weight_shapes(layer, inputs).items()
        inputs = layer.get("units", inputs)
    return found


def initial(inputs, layers, rng):
    """Weights of either sign; variances are positive."""
    ranges = {"variance": (0.5, 2.0)}
    return [rng.uniform(*ranges.get(name, (-0.4, 0.4)), shape) for name, shape in shapes(inputs, layers)]


def pairs():
    """Names of networks with optimizers: each with one, and some with all."""
    everything = [*OPTIMIZERS, *AROUND_A_RULE]
    return [(name, one) for name in NETWORKS for one in (everything if name in LAYERED else OPTIMIZERS[5:6])]


# the run that is compared with the oracle from end to end
WHOLE_RUN = [dense(32, "relu"), dropout(0.3, seed=2**40 + 7), dense(10, "softmax")]
WHOLE_RUN_LOSS, WHOLE_RUN_METRIC = "sparse_categorical_crossentropy", "sparse_categorical_accuracy"
