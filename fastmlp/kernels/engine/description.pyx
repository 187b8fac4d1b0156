"""What networks are made of, by name: the compiled code's number of each thing, and what is computed together."""

import numpy as np

from fastmlp.kernels.activations import ACTIVATIONS
from fastmlp.kernels.row_losses import LossKind

from fastmlp.kernels.activations cimport is_of_rows, takes_input
from fastmlp.kernels.isa cimport FLOAT32, FLOAT64, UINT8
from fastmlp.kernels.engine.plan cimport NO_LOSS, NO_METRIC


def numbers(enum):
    """The numbers of an enum by their names."""
    return {kind.name.lower(): kind.value for kind in enum}


KINDS = numbers(StageKind)
LOSSES = {None: NO_LOSS, **numbers(LossKind)}
METRICS = {None: NO_METRIC, **numbers(MetricKind)}
SOURCES = {np.dtype(np.uint8): UINT8, np.dtype(np.float32): FLOAT32, np.dtype(np.float64): FLOAT64}
# what activations take besides, in the order of the arguments of their kernels
ACTIVATION_SETTINGS = {
    "rectifier": ("negative_slope", "threshold", "max_value"),
    "scaled_elu": ("alpha", "width"),
    "squareplus": ("b",),
    "hard_shrink": ("threshold",),
    "soft_shrink": ("threshold",),
    "threshold": ("threshold", "default_value"),
}
# what losses take besides, in a dict with their name, and what it is by default
LOSS_SETTINGS = {
    "huber": {"delta": 1.0},
    "categorical_crossentropy": {"label_smoothing": 0.0},
    "binary_crossentropy": {"label_smoothing": 0.0},
    "categorical_crossentropy_from_logits": {"label_smoothing": 0.0},
    "binary_crossentropy_from_logits": {"label_smoothing": 0.0},
    "categorical_focal_crossentropy": {"alpha": 0.25, "gamma": 2.0, "label_smoothing": 0.0},
    "categorical_focal_crossentropy_from_logits": {"alpha": 0.25, "gamma": 2.0, "label_smoothing": 0.0},
    "binary_focal_crossentropy": {"alpha": 1.0, "beta": 1.0, "gamma": 2.0, "label_smoothing": 0.0},
    "binary_focal_crossentropy_from_logits": {"alpha": 1.0, "beta": 1.0, "gamma": 2.0, "label_smoothing": 0.0},
    "quantile": {"quantiles": (0.5,)},
}
# the last activation and the loss that are computed together, from the logits
FUSED = {
    ("sigmoid", "binary_focal_crossentropy"),
    ("softmax", "categorical_crossentropy"),
    ("softmax", "sparse_categorical_crossentropy"),
    ("softmax", "categorical_focal_crossentropy"),
    ("softmax", "kl_divergence"),
    ("sigmoid", "binary_crossentropy"),
    ("exponential", "poisson"),
}


def settings_of_loss(loss):
    """A loss that is given by name, or by name and settings, as a dict of all of them."""
    settings = dict(loss) if isinstance(loss, dict) else {"name": loss}
    if not callable(settings["name"]) and settings["name"] not in (None, *LOSSES):
        raise ValueError(f"loss: got {settings['name']!r}, needs one of {', '.join(name for name in LOSSES if name)}")
    known = {"reduction": "mean", **LOSS_SETTINGS.get(settings["name"], {})}
    unknown = set(settings) - {"name"} - set(known)
    if unknown:
        raise ValueError(f"loss: got {sorted(unknown)} for {settings['name']!r}, which takes no such thing")
    return {**known, **settings}


def is_no_epilogue(activation):
    """Whether an activation needs whole rows, or its gradient needs the input: a dense stage has neither."""
    return is_of_rows(ACTIVATIONS[activation]) or takes_input(ACTIVATIONS[activation])
