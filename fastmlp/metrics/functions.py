"""Metrics as functions of arrays, by Keras' names: one value for each row.

y_true and y_pred are [rows, columns], and the result is float64 [rows]; of vectors it is one number. The functions of
losses are those of `fastmlp.losses`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from fastmlp.losses.functions import FUNCTIONS as OF_LOSSES
from fastmlp.metrics.accuracy import (
    BinaryAccuracy,
    CategoricalAccuracy,
    SparseCategoricalAccuracy,
    SparseTopKCategoricalAccuracy,
    TopKCategoricalAccuracy,
)
from fastmlp.metrics.base import RowMetric, columns, labelled


def binary_accuracy(y_true: Any, y_pred: Any, threshold: float = 0.5) -> Any:
    """Return which part of the columns has (y_pred > threshold) == (y_true > 0.5)."""
    return values_of(BinaryAccuracy(threshold=threshold), y_true, y_pred)


def categorical_accuracy(y_true: Any, y_pred: Any) -> Any:
    """Return 1.0 where the largest output is the largest of y_true, else 0.0."""
    return values_of(CategoricalAccuracy(), y_true, y_pred)


def sparse_categorical_accuracy(y_true: Any, y_pred: Any) -> Any:
    """Return 1.0 where the largest output is the one numbered y_true, else 0.0; y_true is [rows] or [rows, 1]."""
    return values_of(SparseCategoricalAccuracy(), y_true, y_pred)


def top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5) -> Any:
    """Return 1.0 where fewer than k outputs are larger than that of y_true's largest, else 0.0."""
    return values_of(TopKCategoricalAccuracy(k), y_true, y_pred)


def sparse_top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5) -> Any:
    """Return 1.0 where fewer than k outputs are larger than the one numbered y_true, else 0.0."""
    return values_of(SparseTopKCategoricalAccuracy(k), y_true, y_pred)


def values_of(metric: RowMetric, y_true: Any, y_pred: Any) -> Any:
    """Return a metric's values of rows, or of a vector."""
    truth, predicted = labelled(y_true, y_pred) if metric.targets == "labels" else columns(y_true, y_pred, True)
    values = metric.values(truth, predicted)
    return values if np.ndim(y_pred) > 1 else float(values[0])


ACCURACIES = (
    binary_accuracy,
    categorical_accuracy,
    sparse_categorical_accuracy,
    top_k_categorical_accuracy,
    sparse_top_k_categorical_accuracy,
)
FUNCTIONS = {**OF_LOSSES, **{function.__name__: function for function in ACCURACIES}}
