"""Precision and recall of each column in one number: F1Score, and FBetaScore that weighs them."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastmlp.config import EPSILON
from fastmlp.data.arrays import numeric
from fastmlp.metrics.base import Metric, columns, parts, row_weights
from fastmlp.metrics.confusion import one_of
from fastmlp.settings import real

AVERAGES = ("micro", "macro", "weighted")
SMALLEST_OUTPUT = 1e-9  # Keras' limit for a largest output to be a prediction


class FBetaScore(Metric):
    """(1 + b^2) P R / (b^2 P + R + 1e-7) with the precision P and the recall R of each column; then their mean.

    P is hits / (predictions + 1e-7), and R is hits / (truths + 1e-7): as in Keras, a perfect score is a little below 1.

    Parameters
    ----------
    average : {None, "micro", "macro", "weighted"}
        The mean over the columns: of all elements as one column, of all columns alike, or weighted by their truths.
        None for the scores of the columns, as an array.
    beta : float above 0
        b: how many times as much recall counts as precision does.
    threshold : float in [0, 1], optional
        Outputs above it are predictions; by default the largest ones of each row, where they are not 0.
    """

    targets = "columns"
    direction = "up"
    default_name = "fbeta_score"

    def __init__(
        self,
        average: str | None = None,
        beta: float = 1.0,
        threshold: float | None = None,
        name: str | None = None,
    ):
        super().__init__(name)
        self.average = None if average is None else one_of("average", average, AVERAGES)
        self.beta = real("beta", beta, low=0.0)
        if self.beta == 0.0:
            raise ValueError("beta: got 0.0, needs a number above 0")
        self.threshold = None if threshold is None else real("threshold", threshold, low=0.0, high=1.0)
        self.single = average is not None
        self.reset_state()

    def reset_state(self) -> None:
        self.sums = np.zeros((3, 1))  # of hits, predictions and truths, for each column

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        y_pred = numeric("y_pred", y_pred)
        if self.threshold is None and y_pred.ndim == 1:
            needs = "(rows, columns), or a threshold: which of a row is the largest output is not known"
            raise ValueError(f"y_pred: got shape {y_pred.shape}, needs {needs}")
        arrays = columns(y_true, y_pred)
        for truth, outputs, weights in parts(*arrays, row_weights(sample_weight, len(arrays[1]))):
            w = np.ones(len(truth)) if weights is None else weights
            predicted = self.predicted(outputs)
            self.sums = self.sums + np.stack([w @ (predicted * truth), w @ predicted, w @ truth])

    def predicted(self, outputs: np.ndarray) -> np.ndarray:
        """Return which outputs are predictions."""
        if self.threshold is not None:
            return np.asarray(outputs > self.threshold)
        largest = outputs.max(axis=1, keepdims=True)
        return np.asarray((outputs == largest) & (np.abs(outputs) > SMALLEST_OUTPUT))

    def result(self) -> Any:
        sums = self.sums.sum(axis=1, keepdims=True) if self.average == "micro" else self.sums
        hits, predictions, truths = sums
        precision, recall = hits / (predictions + EPSILON), hits / (truths + EPSILON)
        square = self.beta * self.beta
        scores = (1.0 + square) * precision * recall / (square * precision + recall + EPSILON)
        if self.average is None:
            return scores
        if self.average == "weighted":
            return float((scores * truths).sum() / (truths.sum() + EPSILON))
        return float(scores.mean())


class F1Score(FBetaScore):
    """2 P R / (P + R + 1e-7): `FBetaScore` with a beta of 1."""

    default_name = "f1_score"

    def __init__(self, average: str | None = None, threshold: float | None = None, name: str | None = None):
        super().__init__(average, 1.0, threshold, name)
