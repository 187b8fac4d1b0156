"""How often a prediction is right: the three accuracies, and whether the right class is among the k most likely."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from fastmlp.data.arrays import numeric
from fastmlp.losses import Loss
from fastmlp.metrics.base import RowMetric
from fastmlp.settings import integer, real


class Accuracy(RowMetric):
    """How often y_pred == y_true, over rows and columns: for classes that were predicted, not their probabilities."""

    direction = "up"

    def values(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        return np.asarray((y_true == y_pred).mean(axis=1))


class EngineAccuracy(RowMetric):
    """Base of the accuracies that the engine computes as it trains, where one is asked for without weights."""

    direction = "up"
    engine_name: ClassVar[str]

    def resolve(self, loss: Loss, units: int) -> str | None:
        """Return the engine's name of this metric for a model of that loss and number of outputs; None for none."""
        return self.engine_name


class BinaryAccuracy(EngineAccuracy):
    """How often (y_pred > threshold) == (y_true > 0.5), over rows and columns."""

    engine_name = "binary_accuracy"

    def __init__(self, name: str | None = None, *, threshold: float = 0.5):
        super().__init__(name)
        self.threshold = real("threshold", threshold)

    def resolve(self, loss: Loss, units: int) -> str | None:
        return self.engine_name if self.threshold == 0.5 else None

    def values(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        hits = (y_pred > self.threshold) == (y_true > 0.5)
        return np.asarray(hits.mean(axis=1))


class CategoricalAccuracy(EngineAccuracy):
    """How often the largest output is the largest of y_true, which is one-hot."""

    engine_name = "categorical_accuracy"
    vector_is_row = True

    def values(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        return np.asarray(y_true.argmax(axis=1) == y_pred.argmax(axis=1), np.float64)


class SparseCategoricalAccuracy(EngineAccuracy):
    """How often the largest output is the one numbered y_true."""

    engine_name = "sparse_categorical_accuracy"
    targets = "labels"

    def values(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        return np.asarray(y_true == y_pred.argmax(axis=1), np.float64)


class AnyAccuracy(EngineAccuracy):
    """What the name "accuracy" means in Keras: binary for one output, else categorical or sparse as y is."""

    engine_name = default_name = "accuracy"
    targets = None

    def resolve(self, loss: Loss, units: int) -> str | None:
        if loss.sparse:
            return SparseCategoricalAccuracy.engine_name
        return BinaryAccuracy.engine_name if units == 1 else CategoricalAccuracy.engine_name

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        truth, predicted = numeric("y_true", y_true), numeric("y_pred", y_pred)
        if not predicted.ndim:
            raise ValueError(f"y_pred: got the number {predicted}, needs an array (rows, columns) or (rows,)")
        shape = truth.shape or (1,)
        kind: type[RowMetric] = CategoricalAccuracy
        if predicted.ndim == 1 or predicted.shape[-1] == 1:
            kind = BinaryAccuracy
        elif len(shape) == 1 or shape[-1] == 1:
            kind = SparseCategoricalAccuracy
        one = kind()
        one.update_state(truth, predicted, sample_weight)
        self.total += one.total
        self.count += one.count


class TopKCategoricalAccuracy(RowMetric):
    """How often fewer than k outputs are larger than that of the class, which is the largest of a one-hot y_true.

    A prediction of NaN is never among the k.
    """

    direction = "up"
    vector_is_row = True

    def __init__(self, k: int = 5, name: str | None = None):
        super().__init__(name)
        self.k = integer("k", k, at_least=1)

    def values(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        return in_top_k(y_true.argmax(axis=1), y_pred, self.k)


class SparseTopKCategoricalAccuracy(RowMetric):
    """How often fewer than k outputs are larger than the one numbered y_true."""

    targets = "labels"
    direction = "up"

    def __init__(self, k: int = 5, name: str | None = None):
        super().__init__(name)
        self.k = integer("k", k, at_least=1)

    def values(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        return in_top_k(y_true, y_pred, self.k)


def in_top_k(labels: np.ndarray, y_pred: np.ndarray, k: int) -> np.ndarray:
    """Return 1.0 for each row of y_pred in which fewer than k values are larger than that of the label, else 0.0."""
    right = np.take_along_axis(y_pred, labels[:, None], axis=1)
    larger = np.count_nonzero(y_pred > right, axis=1)
    return np.asarray((larger < k) & (right[:, 0] == right[:, 0]), np.float64)
