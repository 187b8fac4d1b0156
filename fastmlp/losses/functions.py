"""Losses as functions of arrays, by Keras' names: one value for each row, computed by the kernels.

y_true and y_pred have one shape, [..., columns], and may lack the last axis where it is 1; the result is [...]. It is
float32 or float64 as y_pred is, and float64 for anything else.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from fastmlp import kernels
from fastmlp.data.arrays import numeric, require_values
from fastmlp.data.values import answering
from fastmlp.settings import boolean, only, real

__all__ = [
    "binary_crossentropy",
    "binary_focal_crossentropy",
    "categorical_crossentropy",
    "categorical_focal_crossentropy",
    "categorical_hinge",
    "cosine_similarity",
    "hinge",
    "huber",
    "kl_divergence",
    "log_cosh",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_error",
    "mean_squared_logarithmic_error",
    "poisson",
    "quantile",
    "sparse_categorical_crossentropy",
    "squared_hinge",
]
ONE_AXIS = "columns are the last axis"
NO_LOGITS = "end the model with a softmax"


def mean_squared_error(y_true: Any, y_pred: Any) -> np.ndarray:
    """Return the mean of (y_pred - y_true) squared, over the columns."""
    return _by_kernel("mean_squared_error", y_true, y_pred)


def mean_absolute_error(y_true: Any, y_pred: Any) -> np.ndarray:
    """Return the mean of |y_pred - y_true|, over the columns."""
    return _by_kernel("mean_absolute_error", y_true, y_pred)


def mean_absolute_percentage_error(y_true: Any, y_pred: Any) -> np.ndarray:
    """Return 100 times the mean of |y_true - y_pred| / max(|y_true|, 1e-7), over the columns."""
    return _by_kernel("mean_absolute_percentage_error", y_true, y_pred)


def mean_squared_logarithmic_error(y_true: Any, y_pred: Any) -> np.ndarray:
    """Return the mean of (log(y_pred + 1) - log(y_true + 1)) squared, over the columns, both at least 1e-7."""
    return _by_kernel("mean_squared_logarithmic_error", y_true, y_pred)


def huber(y_true: Any, y_pred: Any, delta: float = 1.0) -> np.ndarray:
    """Return the mean over the columns of e * e / 2 where |e| <= delta, else delta * |e| - delta * delta / 2.

    Here e = y_pred - y_true.
    """
    return _by_kernel("huber", y_true, y_pred, real("delta", delta, low=0.0))


def log_cosh(y_true: Any, y_pred: Any) -> np.ndarray:
    """Return the mean of log(cosh(y_pred - y_true)), over the columns."""
    return _by_kernel("log_cosh", y_true, y_pred)


def poisson(y_true: Any, y_pred: Any) -> np.ndarray:
    """Return the mean of y_pred - y_true * log(y_pred + 1e-7), over the columns; NaN for a y_pred below -1e-7."""
    return _by_kernel("poisson", y_true, y_pred)


def quantile(y_true: Any, y_pred: Any, quantiles: Any = 0.5) -> np.ndarray:
    """Return the mean over the columns of q * e where e = y_true - y_pred is at least 0, else (q - 1) * e.

    `quantiles` is a q, or one for each column; y_true may have one column for all, or lack it.
    """
    levels, predictions = checked_quantiles(quantiles), _predictions(y_pred)
    if predictions.ndim == 1:
        predictions = predictions[:, np.newaxis]
    columns = predictions.shape[-1]
    if len(levels) not in (1, columns):
        raise ValueError(f"quantiles: got {len(levels)}, needs one, or one for each of {columns} columns of y_pred")
    truth = numeric("y_true", y_true)
    truth = truth[..., np.newaxis] if truth.ndim == predictions.ndim - 1 else truth
    if truth.shape != predictions.shape and truth.shape != (*predictions.shape[:-1], 1):
        raise ValueError(f"y_true: got shape {truth.shape}, needs {predictions.shape}, or one column for all")
    truth = np.ascontiguousarray(np.broadcast_to(truth, predictions.shape), predictions.dtype)
    each = np.broadcast_to(np.asarray(levels, predictions.dtype), (columns,))
    values = kernels.quantile(_matrix(truth), _matrix(predictions), each)
    return answering(np.asarray(values).reshape(predictions.shape[:-1]))


def checked_quantiles(quantiles: Any) -> tuple[float, ...]:
    """Return one or several quantiles as numbers from 0 to 1; TypeError or ValueError for what is none."""
    given = quantiles if isinstance(quantiles, (list, tuple, np.ndarray)) else (quantiles,)
    levels = tuple(real("quantiles", level, low=0.0, high=1.0) for level in given)
    if not levels:
        raise ValueError("quantiles: got none, needs one at least")
    return levels


def hinge(y_true: Any, y_pred: Any) -> np.ndarray:
    """Return the mean of max(1 - y_true * y_pred, 0), over the columns; y_true as `signs` takes it."""
    return _by_kernel("hinge", y_true, y_pred)


def squared_hinge(y_true: Any, y_pred: Any) -> np.ndarray:
    """Return the mean of max(1 - y_true * y_pred, 0) squared, over the columns; y_true as `signs` takes it."""
    return _by_kernel("squared_hinge", y_true, y_pred)


def categorical_hinge(y_true: Any, y_pred: Any) -> np.ndarray:
    """Return max(max((1 - y_true) * y_pred) - sum(y_true * y_pred) + 1, 0), with y_true one-hot."""
    return _by_kernel("categorical_hinge", y_true, y_pred)


def kl_divergence(y_true: Any, y_pred: Any) -> np.ndarray:
    """Return sum(y_true * log(y_true / y_pred)), both moved into [1e-7, 1]."""
    return _by_kernel("kl_divergence", y_true, y_pred)


def cosine_similarity(y_true: Any, y_pred: Any, axis: int = -1) -> np.ndarray:
    """Return minus the cosine of the angle between the rows: from -1, the same direction, to 1, the opposite one."""
    only("axis", axis, (-1,), ONE_AXIS)
    return _by_kernel("cosine_similarity", y_true, y_pred)


def categorical_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1
) -> np.ndarray:
    """Return -sum(y_true * log(y_pred)), where y_pred is divided by its sum first.

    With `label_smoothing` s, y_true is y_true * (1 - s) + s / columns.
    """
    only("axis", axis, (-1,), ONE_AXIS)
    return _crossentropy("categorical_crossentropy", y_true, y_pred, from_logits, label_smoothing)


def categorical_focal_crossentropy(
    y_true: Any,
    y_pred: Any,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> np.ndarray:
    """Return -sum(y_true * alpha * (1 - y_pred)**gamma * log(y_pred)), where y_pred is divided by its sum first.

    With `label_smoothing` s, y_true is y_true * (1 - s) + s / columns.
    """
    only("axis", axis, (-1,), ONE_AXIS)
    only("from_logits", from_logits, (False,), NO_LOGITS)
    numbers = real("alpha", alpha, low=0.0), real("gamma", gamma, low=0.0)
    return _crossentropy("categorical_focal_crossentropy", y_true, y_pred, False, label_smoothing, None, *numbers)


def binary_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1
) -> np.ndarray:
    """Return the mean of -(y_true * log(y_pred) + (1 - y_true) * log(1 - y_pred)), over the columns.

    With `label_smoothing` s, y_true is y_true * (1 - s) + s / 2.
    """
    only("axis", axis, (-1,), ONE_AXIS)
    return _crossentropy("binary_crossentropy", y_true, y_pred, from_logits, label_smoothing, classes=2)


def binary_focal_crossentropy(
    y_true: Any,
    y_pred: Any,
    apply_class_balancing: bool = False,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> np.ndarray:
    """Return the mean over the columns of r**gamma times the binary cross-entropy, with r = |y_true - y_pred|.

    With class balancing it is multiplied by `alpha` where y_true is 1, and by 1 - alpha where it is 0. With
    `label_smoothing` s, y_true is y_true * (1 - s) + s / 2; between 0 and 1, r is
    1 - y_true * y_pred - (1 - y_true) * (1 - y_pred).
    """
    only("axis", axis, (-1,), ONE_AXIS)
    weights = balance(apply_class_balancing, alpha)
    numbers = *weights, real("gamma", gamma, low=0.0)
    return _crossentropy("binary_focal_crossentropy", y_true, y_pred, from_logits, label_smoothing, 2, *numbers)


def balance(apply_class_balancing: Any, alpha: Any) -> tuple[float, float]:
    """Return what yes and no weigh in a binary focal cross-entropy."""
    share = real("alpha", alpha, low=0.0, high=1.0)
    return (share, 1.0 - share) if boolean("apply_class_balancing", apply_class_balancing) else (1.0, 1.0)


def sparse_categorical_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, ignore_class: Any = None, axis: int = -1
) -> np.ndarray:
    """Return -log(y_pred[label]), where y_pred is divided by its sum first; y_true has labels, [...] or [..., 1]."""
    only("ignore_class", ignore_class, (None,), "every row counts")
    only("axis", axis, (-1,), ONE_AXIS)
    name = "sparse_categorical_crossentropy" + "_from_logits" * boolean("from_logits", from_logits)
    labels, predictions = numeric("y_true", y_true), _predictions(y_pred)
    shape = predictions.shape[:-1]
    if labels.shape not in (shape, (*shape, 1)):
        raise ValueError(f"y_true: got shape {labels.shape}, needs {shape}, a label for each row of y_pred")
    if not np.array_equal(labels, np.floor(labels)):
        raise ValueError("y_true: got numbers with fractions, needs integers from 0 on")
    values = getattr(kernels, name)(labels.reshape(-1).astype(np.int64), _matrix(predictions))
    return answering(np.asarray(values).reshape(shape))


FUNCTIONS: dict[str, Callable[..., np.ndarray]] = {name: globals()[name] for name in __all__}


def signs(y_true: np.ndarray) -> np.ndarray:
    """Return the targets of a hinge loss as -1 and 1 where they are all 0 or 1, else as they are; as Keras does."""
    return 2 * y_true - 1 if np.all((y_true == 0) | (y_true == 1)) else y_true


def _by_kernel(name: str, y_true: Any, y_pred: Any, *settings: float) -> np.ndarray:
    truth, predictions = _alike(y_true, y_pred)
    if name in ("hinge", "squared_hinge"):
        truth = signs(truth)
    values = getattr(kernels, name)(_matrix(truth), _matrix(predictions), *settings)
    return answering(np.asarray(values).reshape(predictions.shape[:-1]))


def _crossentropy(
    name: str,
    y_true: Any,
    y_pred: Any,
    from_logits: Any,
    label_smoothing: Any,
    classes: int | None = None,
    *settings: float,
) -> np.ndarray:
    """Return the values of a cross-entropy against rows; labels are smoothed among so many classes, or the columns."""
    name += "_from_logits" * boolean("from_logits", from_logits)
    smoothing = real("label_smoothing", label_smoothing, low=0.0, high=1.0)
    truth, predictions = _alike(y_true, y_pred)
    if smoothing:
        matrix = kernels.smooth_labels(_matrix(truth), smoothing, classes or truth.shape[-1])
        truth = np.asarray(matrix).reshape(truth.shape)
    return _by_kernel(name, truth, predictions, *settings)


def _alike(y_true: Any, y_pred: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return both as arrays of one shape and float type; TypeError or ValueError where that cannot be."""
    truth, predictions = numeric("y_true", y_true), _predictions(y_pred)
    if truth.ndim == 1 and predictions.shape == (len(truth), 1):
        truth = truth[:, np.newaxis]
    elif predictions.ndim == 1 and truth.shape == (len(predictions), 1):
        predictions = predictions[:, np.newaxis]
    if truth.shape != predictions.shape:
        raise ValueError(f"y_true: got shape {truth.shape}, needs {predictions.shape}, that of y_pred")
    return truth.astype(predictions.dtype, copy=False), predictions


def _predictions(y_pred: Any) -> np.ndarray:
    predictions = numeric("y_pred", y_pred)
    if predictions.ndim == 0:
        raise ValueError("y_pred: got a single value, needs an array with columns")
    require_values("y_pred", predictions)
    return predictions if predictions.dtype in (np.float32, np.float64) else predictions.astype(np.float64)


def _matrix(array: np.ndarray) -> np.ndarray:
    return array.reshape(-1, array.shape[-1])
