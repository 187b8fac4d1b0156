"""What networks are made of, by name: the compiled code's number of each thing, and layers taken apart into stages."""

import numpy as np

from fastmlp.kernels.activations cimport is_of_rows, takes_input
from fastmlp.kernels.isa cimport (
    ELU, EXPONENTIAL, FLOAT32, FLOAT64, GELU, HARD_SIGMOID, LEAKY_RELU, LINEAR, LOG_SOFTMAX, MISH, RELU, RELU6, SELU,
    SIGMOID, SILU, SOFTMAX, SOFTPLUS, SOFTSIGN, TANH, UINT8,
)
from fastmlp.kernels.engine.plan cimport (
    ACTIVATION, ACTIVITY_PENALTY, BATCH_NORMALIZATION, BINARY_ACCURACY, CATEGORICAL_ACCURACY, DENSE, DROPOUT,
    GAUSSIAN_NOISE, LAYER_NORMALIZATION, NORMALIZATION, NO_LOSS, NO_METRIC, RESCALING, SPARSE_CATEGORICAL_ACCURACY,
)
from fastmlp.kernels.row_losses cimport (
    BINARY, BINARY_FROM_LOGITS, CATEGORICAL, CATEGORICAL_FROM_LOGITS, CATEGORICAL_HINGE, COSINE_SIMILARITY, HINGE,
    HUBER, KL_DIVERGENCE, LOG_COSH, MEAN_ABSOLUTE_ERROR, MEAN_ABSOLUTE_PERCENTAGE_ERROR, MEAN_SQUARED_ERROR,
    MEAN_SQUARED_LOGARITHMIC_ERROR, POISSON, SPARSE_CATEGORICAL, SPARSE_CATEGORICAL_FROM_LOGITS, SQUARED_HINGE,
)

ACTIVATIONS = {
    "linear": LINEAR,
    "relu": RELU,
    "sigmoid": SIGMOID,
    "tanh": TANH,
    "softmax": SOFTMAX,
    "log_softmax": LOG_SOFTMAX,
    "exponential": EXPONENTIAL,
    "softsign": SOFTSIGN,
    "hard_sigmoid": HARD_SIGMOID,
    "leaky_relu": LEAKY_RELU,
    "relu6": RELU6,
    "elu": ELU,
    "selu": SELU,
    "softplus": SOFTPLUS,
    "silu": SILU,
    "gelu": GELU,
    "mish": MISH,
}
LOSSES = {
    None: NO_LOSS,
    "mean_squared_error": MEAN_SQUARED_ERROR,
    "categorical_crossentropy": CATEGORICAL,
    "sparse_categorical_crossentropy": SPARSE_CATEGORICAL,
    "binary_crossentropy": BINARY,
    "categorical_crossentropy_from_logits": CATEGORICAL_FROM_LOGITS,
    "sparse_categorical_crossentropy_from_logits": SPARSE_CATEGORICAL_FROM_LOGITS,
    "binary_crossentropy_from_logits": BINARY_FROM_LOGITS,
    "mean_absolute_error": MEAN_ABSOLUTE_ERROR,
    "mean_absolute_percentage_error": MEAN_ABSOLUTE_PERCENTAGE_ERROR,
    "mean_squared_logarithmic_error": MEAN_SQUARED_LOGARITHMIC_ERROR,
    "huber": HUBER,
    "log_cosh": LOG_COSH,
    "poisson": POISSON,
    "hinge": HINGE,
    "squared_hinge": SQUARED_HINGE,
    "categorical_hinge": CATEGORICAL_HINGE,
    "kl_divergence": KL_DIVERGENCE,
    "cosine_similarity": COSINE_SIMILARITY,
}
# what they take besides, in a dict with their name
LOSS_SETTINGS = {
    "huber": {"delta"},
    "categorical_crossentropy": {"label_smoothing"},
    "binary_crossentropy": {"label_smoothing"},
    "categorical_crossentropy_from_logits": {"label_smoothing"},
    "binary_crossentropy_from_logits": {"label_smoothing"},
}
# the last activation and the loss that are computed together, from the logits
FUSED = {
    ("softmax", "categorical_crossentropy"),
    ("softmax", "sparse_categorical_crossentropy"),
    ("sigmoid", "binary_crossentropy"),
}
KINDS = {
    "dense": DENSE,
    "activation": ACTIVATION,
    "dropout": DROPOUT,
    "rescaling": RESCALING,
    "gaussian_noise": GAUSSIAN_NOISE,
    "activity_penalty": ACTIVITY_PENALTY,
    "normalization": NORMALIZATION,
    "batch_normalization": BATCH_NORMALIZATION,
    "layer_normalization": LAYER_NORMALIZATION,
}
TRAINED = ("kernel", "bias", "gamma", "beta")  # the others are statistics of the data
SLOTS = {
    "sgd": 0,
    "momentum": 1,
    "nesterov": 1,
    "rmsprop": 1,
    "rmsprop_momentum": 2,
    "rmsprop_centered": 3,
    "adagrad": 1,
    "adadelta": 2,
    "adam": 2,
    "amsgrad": 3,
    "adamax": 2,
    "nadam": 2,
    "lion": 1,
}
METRICS = {
    None: NO_METRIC,
    "binary_accuracy": BINARY_ACCURACY,
    "categorical_accuracy": CATEGORICAL_ACCURACY,
    "sparse_categorical_accuracy": SPARSE_CATEGORICAL_ACCURACY,
}
SOURCES = {np.dtype(np.uint8): UINT8, np.dtype(np.float32): FLOAT32, np.dtype(np.float64): FLOAT64}


def settings_of_loss(loss):
    """A loss that is given by name, or by name and settings, as a dict of all of them."""
    settings = dict(loss) if isinstance(loss, dict) else {"name": loss}
    if settings["name"] == "huber":
        settings.setdefault("delta", 1.0)
    unknown = set(settings) - {"name"} - LOSS_SETTINGS.get(settings["name"], set())
    if unknown:
        raise ValueError(f"loss: got {sorted(unknown)} for {settings['name']!r}, which takes no such thing")
    return settings


def take_apart(layers, fused):
    """The layers with their numbers, where an activation that is no epilogue of the product is a stage of its own."""
    stages = []
    for number, layer in enumerate(layers):
        stage = dict(layer, number=number)
        activation = layer.get("activation", "linear")
        last = number == len(layers) - 1
        if layer["kind"] == "dense" and (is_no_epilogue(activation) or (fused and last)):
            stages.append(dict(stage, activation="linear"))
            stages.append({"kind": "activation", "number": number, "activation": activation})
        else:
            stages.append(stage)
    return stages


def weight_shapes(stage, inputs):
    """The shapes of a stage's weights by name, in the order of get_weights."""
    kind = stage["kind"]
    shapes = {}
    if kind == "dense":
        shapes["kernel"] = (inputs, stage["units"])
        if stage["use_bias"]:
            shapes["bias"] = (stage["units"],)
    if kind in ("batch_normalization", "layer_normalization"):
        names = [name for name, wanted in (("gamma", stage["use_gamma"]), ("beta", stage["use_beta"])) if wanted]
        shapes.update(dict.fromkeys(names, (inputs,)))
    if kind in ("batch_normalization", "normalization"):
        shapes.update(mean=(inputs,), variance=(inputs,))
    return shapes


def is_no_epilogue(activation):
    """Whether it takes whole rows, or its gradient its input, which a dense stage does not keep."""
    return is_of_rows(ACTIVATIONS[activation]) or takes_input(ACTIVATIONS[activation])
