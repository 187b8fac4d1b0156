"""Losses that compare distributions, as metrics; formulas and limits of the cross-entropies are the kernels'."""

from __future__ import annotations

import numpy as np

from fastmlp import kernels
from fastmlp.config import EPSILON
from fastmlp.metrics.base import RowMetric
from fastmlp.settings import boolean, real


class CrossEntropy(RowMetric):
    """Base of the cross-entropies.

    Parameters
    ----------
    from_logits : bool
        Whether y_pred is the input of the softmax or sigmoid.
    """

    kernel: str

    def __init__(self, name: str | None = None, *, from_logits: bool = False):
        super().__init__(name)
        self.from_logits = boolean("from_logits", from_logits)

    def values(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        function = getattr(kernels, self.kernel + "_from_logits" if self.from_logits else self.kernel)
        return np.asarray(function(y_true, y_pred))


class SparseCategoricalCrossentropy(CrossEntropy):
    """-log(y_pred[label]), with y_true class numbers."""

    kernel = "sparse_categorical_crossentropy"
    targets = "labels"


class SmoothedCrossEntropy(CrossEntropy):
    """Base of those whose y_true can be drawn to the middle: by `label_smoothing`, from 0 to 1."""

    def __init__(self, name: str | None = None, *, from_logits: bool = False, label_smoothing: float = 0.0):
        super().__init__(name, from_logits=from_logits)
        self.label_smoothing = real("label_smoothing", label_smoothing, low=0.0, high=1.0)

    def values(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        if self.label_smoothing:
            classes = 2 if self.kernel == "binary_crossentropy" else y_true.shape[1]
            y_true = y_true * (1.0 - self.label_smoothing) + self.label_smoothing / classes
        return super().values(y_true, y_pred)


class CategoricalCrossentropy(SmoothedCrossEntropy):
    """-sum(y_true * log(y_pred))."""

    kernel = "categorical_crossentropy"


class BinaryCrossentropy(SmoothedCrossEntropy):
    """Mean of -(y_true * log(y_pred) + (1 - y_true) * log(1 - y_pred)), over the columns."""

    kernel = "binary_crossentropy"


class KLDivergence(RowMetric):
    """sum t log(t / p), both clipped to [1e-7, 1]."""

    def values(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        truth = np.clip(y_true, EPSILON, 1.0)
        return np.asarray((truth * np.log(truth / np.clip(y_pred, EPSILON, 1.0))).sum(axis=1))


class Poisson(RowMetric):
    """Mean of p - t log(p + 1e-7), over the columns."""

    def values(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray((y_pred - y_true * np.log(y_pred + EPSILON)).mean(axis=1))
