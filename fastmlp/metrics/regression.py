"""Distances between truth and prediction. There are n columns in a row; t is the truth and p the prediction."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from fastmlp.config import EPSILON
from fastmlp.errors import told
from fastmlp.metrics.base import LossMetric, Metric, RowMetric, columns, parts, row_weights
from fastmlp.settings import integer, is_among

AGGREGATIONS = ("uniform_average", "variance_weighted_average")


class MeanSquaredError(RowMetric):
    """1/n sum (p - t)^2."""

    def values(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        return np.asarray(np.square(y_pred - y_true).mean(axis=1))


class RootMeanSquaredError(MeanSquaredError):
    """Square root of the mean squared error over all rows."""

    def result(self) -> float:
        mean = super().result()
        return math.sqrt(mean) if mean >= 0 else math.nan


class MeanAbsoluteError(RowMetric):
    """1/n sum |p - t|."""

    def values(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        return np.asarray(np.abs(y_pred - y_true).mean(axis=1))


class MeanAbsolutePercentageError(RowMetric):
    """100/n sum |t - p| / max(|t|, 1e-7)."""

    def values(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        return np.asarray(100.0 * np.abs((y_true - y_pred) / np.maximum(np.abs(y_true), EPSILON)).mean(axis=1))


class MeanSquaredLogarithmicError(RowMetric):
    """1/n sum (log(max(p, 1e-7) + 1) - log(max(t, 1e-7) + 1))^2."""

    def values(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        logs = np.log(np.maximum(y_pred, EPSILON) + 1.0) - np.log(np.maximum(y_true, EPSILON) + 1.0)
        return np.asarray(np.square(logs).mean(axis=1))


class LogCoshError(LossMetric):
    """1/n sum log(cosh(p - t))."""

    default_name = "logcosh"
    loss = "log_cosh"


class CosineSimilarity(RowMetric):
    """sum t p / (|t| |p|), 0 where a norm is."""

    direction = "up"
    vector_is_row = True

    def values(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        norms = np.linalg.norm(y_true, axis=1) * np.linalg.norm(y_pred, axis=1)
        return np.asarray((y_true * y_pred).sum(axis=1) / np.where(norms == 0.0, 1.0, norms))


class R2Score(Metric):
    """1 - sum w (t - p)^2 / sum w (t - mean(t))^2 for each column, 0 where only the second sum is; then their mean.

    Parameters
    ----------
    class_aggregation : {"uniform_average", "variance_weighted_average", None}
        The mean over the columns: of all alike, or weighted by the second sum. None for the scores of the columns, as
        an array.
    num_regressors : int
        Features p for the adjusted score 1 - (1 - R2) (n - 1) / (n - p - 1), with n the number of values; 0 for none.
    """

    targets = "columns"
    direction = "up"

    def __init__(
        self, class_aggregation: str | None = "uniform_average", num_regressors: int = 0, name: str | None = None
    ):
        super().__init__(name)
        if not is_among(class_aggregation, (None, *AGGREGATIONS)):
            needs = f"one of {', '.join(map(repr, AGGREGATIONS))}, or None"
            raise ValueError(f"class_aggregation: got {told(class_aggregation)}, needs {needs}")
        self.class_aggregation = class_aggregation
        self.num_regressors = integer("num_regressors", num_regressors, at_least=0)
        self.single = class_aggregation is not None
        self.reset_state()

    def reset_state(self) -> None:
        self.samples = 0
        self.sums: np.ndarray | None = None  # of w, w t, w t^2 and w (t - p)^2, for each column

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        arrays = columns(y_true, y_pred)
        for truth, predicted, weights in parts(*arrays, row_weights(sample_weight, len(arrays[1]))):
            w = np.ones(len(truth)) if weights is None else weights
            residuals = np.square(truth - predicted)
            one = np.full(truth.shape[1], w.sum())
            sums = np.stack([one, w @ truth, w @ np.square(truth), w @ residuals])
            self.sums = sums if self.sums is None else self.sums + sums
            self.samples += truth.size

    def result(self) -> Any:
        if self.sums is None:
            return math.nan
        count, total, squares, residual = self.sums
        with np.errstate(divide="ignore", invalid="ignore"):
            spread = squares - total * (total / count)
            scores = 1.0 - residual / spread
            scores[np.isinf(scores)] = 0.0
            if self.class_aggregation is None:
                return self.adjusted(scores)
            if self.class_aggregation == "uniform_average":
                return float(self.adjusted(scores.mean()))
            return float(self.adjusted((spread * scores).sum() / spread.sum()))

    def adjusted(self, score: Any) -> Any:
        """Return the score with regard to the number of features, where that is asked for and there are enough rows."""
        free = self.samples - self.num_regressors - 1
        if self.num_regressors == 0 or free <= 0:
            return score
        return 1.0 - (1.0 - score) * (self.samples - 1.0) / free
