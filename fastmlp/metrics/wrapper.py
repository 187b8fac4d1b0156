"""A function as a metric: its value is that of all rows together, in however many parts they came."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from fastmlp.data.arrays import as_array, numeric
from fastmlp.errors import told
from fastmlp.metrics.base import Metric, row_weights
from fastmlp.metrics.functions import ACCURACIES, FUNCTIONS
from fastmlp.settings import optional_name, snake_case


class Rows:
    """An array that grows by rows; memory is taken for twice as many when it is full."""

    def __init__(self) -> None:
        self.count, self.memory = 0, np.empty(0)

    def add(self, rows: np.ndarray) -> None:
        """Copy rows in, of the shape of the first ones."""
        end = self.count + len(rows)
        if not self.count:
            self.memory = np.array(rows)
        kind = np.result_type(self.memory, rows)
        if end > len(self.memory) or kind != self.memory.dtype:
            larger = np.empty((2 * end, *self.memory.shape[1:]), kind)
            larger[: self.count] = self.array
            self.memory = larger
        self.memory[self.count : end] = rows
        self.count = end

    @property
    def array(self) -> np.ndarray:
        """All rows until now."""
        return self.memory[: self.count]


class MeanMetricWrapper(Metric):
    """Mean of what a function `fn(y_true, y_pred, **kwargs)` returns: values [rows, ...], or their mean as a number.

    The function is called when the result is asked for, with all the rows that were counted in: those of an epoch, of
    an evaluation, or of a call of train_on_batch or test_on_batch. So a function such as the root of a mean has one
    value, whatever the size of the batches. (In Keras it is the mean over the batches.)

    Parameters
    ----------
    fn : callable
        y_true and y_pred are what the model compares, in the model's dtype.
    name : str, optional
        Default the function's name.
    """

    def __init__(self, fn: Callable[..., Any], name: str | None = None, **kwargs: Any):
        if not callable(fn):
            raise TypeError(f"fn: got {told(fn)}, needs a function of y_true and y_pred")
        self.fn, self.kwargs = fn, kwargs
        super().__init__(optional_name(name) or getattr(fn, "__name__", snake_case(type(fn).__name__)))
        if any(fn is known for known in FUNCTIONS.values()):
            self.direction = "up" if fn in ACCURACIES else "down"
        self.reset_state()

    def reset_state(self) -> None:
        self.y_true, self.y_pred, self.weights, self.is_weighted = Rows(), Rows(), Rows(), False
        self.value: float | None = 0.0  # None where there are rows that it was not computed from

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        truth, predicted = as_array("y_true", y_true), as_array("y_pred", y_pred)
        for argument, array in (("y_true", truth), ("y_pred", predicted)):
            if not array.ndim:
                raise ValueError(f"{argument}: got {told(array[()])}, needs an array")
        if len(truth) != len(predicted):
            raise ValueError(f"y_true: got {len(truth)} rows, needs {len(predicted)} as y_pred")
        weights = row_weights(sample_weight, len(predicted))
        self.y_true.add(truth)
        self.y_pred.add(predicted)
        self.weights.add(np.ones(len(predicted)) if weights is None else weights)
        self.is_weighted |= weights is not None
        self.value = None

    def result(self) -> float:
        if self.value is None:
            self.value = self.evaluated()
        return self.value

    def evaluated(self) -> float:
        """Return the function's value of all rows; ValueError or TypeError where it does not return one."""
        rows, argument = self.y_pred.count, f"metrics: {self.name}"
        weights = self.weights.array if self.is_weighted else None
        returned = self.fn(self.y_true.array, self.y_pred.array, **self.kwargs)
        values = numeric(argument, returned).astype(np.float64)
        if values.ndim == 0 and weights is None:
            return float(values)
        if values.ndim == 0 or len(values) != rows:
            needs = f"{rows}, one for each row" + ("" if weights is not None else ", or one number")
            raise ValueError(f"{argument}: got values of shape {values.shape}, needs {needs}")
        of_rows = values.reshape(rows, -1).mean(axis=1)
        if weights is None:
            return float(of_rows.mean())
        total = float(weights.sum())
        return float((of_rows * weights).sum()) / total if total else 0.0

    def let_go(self) -> None:
        value = self.result()
        self.reset_state()
        self.value = value

    def get_config(self) -> dict[str, Any]:
        return {"fn": getattr(self.fn, "__name__", type(self.fn).__name__), "name": self.name, **self.kwargs}
