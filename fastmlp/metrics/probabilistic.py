"""Losses that compare distributions, as metrics."""

from __future__ import annotations

from typing import Any

from fastmlp.metrics.base import LossMetric
from fastmlp.settings import boolean, real


class CrossEntropy(LossMetric):
    """Base of the cross-entropies.

    Parameters
    ----------
    from_logits : bool
        Whether y_pred is the input of the softmax or sigmoid.
    """

    def __init__(self, name: str | None = None, *, from_logits: bool = False):
        super().__init__(name)
        self.from_logits = boolean("from_logits", from_logits)

    @property
    def settings(self) -> dict[str, Any]:
        return {"from_logits": self.from_logits}


class SparseCategoricalCrossentropy(CrossEntropy):
    """-log(y_pred[label]), with y_true class numbers."""

    loss = "sparse_categorical_crossentropy"
    targets = "labels"


class SmoothedCrossEntropy(CrossEntropy):
    """Base of those whose y_true can be drawn to the middle: by `label_smoothing`, from 0 to 1."""

    def __init__(self, name: str | None = None, *, from_logits: bool = False, label_smoothing: float = 0.0):
        super().__init__(name, from_logits=from_logits)
        self.label_smoothing = real("label_smoothing", label_smoothing, low=0.0, high=1.0)

    @property
    def settings(self) -> dict[str, Any]:
        return {"from_logits": self.from_logits, "label_smoothing": self.label_smoothing}


class CategoricalCrossentropy(SmoothedCrossEntropy):
    """-sum(y_true * log(y_pred))."""

    loss = "categorical_crossentropy"
    vector_is_row = True


class BinaryCrossentropy(SmoothedCrossEntropy):
    """Mean of -(y_true * log(y_pred) + (1 - y_true) * log(1 - y_pred)), over the columns."""

    loss = "binary_crossentropy"


class KLDivergence(LossMetric):
    """sum t log(t / p), both clipped to [1e-7, 1]."""

    loss = "kl_divergence"
    vector_is_row = True


class Poisson(LossMetric):
    """Mean of p - t log(p + 1e-7), over the columns."""

    loss = "poisson"
