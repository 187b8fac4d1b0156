"""What metrics have in common: sums that grow with each call of `update_state`, and a `result` of them."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import numpy as np

from fastmlp.data.arrays import numeric
from fastmlp.data.values import Number, answering
from fastmlp.initializers import get as get_initializer
from fastmlp.losses.functions import FUNCTIONS
from fastmlp.metrics.state import StateVariable
from fastmlp.settings import Settings, array_shape, only, optional_name, snake_case

PART = 1 << 16  # elements that are looked at together: they stay in a cache


class Metric(Settings):
    """Base of the metrics, and of custom ones, which have `update_state` and `result`.

    What a custom one counts in are variables (`add_weight`), which `reset_state` sets to 0, or attributes, which its
    own `reset_state` sets. A model calls its `update_state` batch by batch, as Keras does.

    Parameters
    ----------
    name : str, optional
        The key in History; default the class's name in snake case.
    dtype : None, "float32" or "float64"
        Metrics count in float64.
    """

    targets: ClassVar[str | None] = None  # "columns" or "labels", where y_true must be one of them
    direction: str | None = None  # "up" or "down", where that way is better
    default_name: ClassVar[str | None] = None  # where it is not the class's in snake case
    single: bool = True  # whether result() is one number
    dtype: ClassVar[str] = "float64"  # in which it counts

    def __init_subclass__(cls) -> None:
        if "result" in vars(cls):
            setattr(cls, "result", answered(vars(cls)["result"]))  # noqa: B010, a method is not assigned to

    def __init__(self, name: str | None = None, *, dtype: Any = None):
        only("dtype", dtype, (None, "float32", "float64"), "metrics count in float64")
        self.name = optional_name(name) or self.default_name or snake_case(type(self).__name__)

    def __setattr__(self, name: str, value: Any) -> None:
        kind: Any = type(self)
        if name in vars(self) and name in settings_of(kind):
            raise AttributeError(f"{name}: got a new value, needs a new {kind.__name__}")
        object.__setattr__(self, name, value)  # sums change

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Count in rows of truth and prediction.

        Parameters
        ----------
        y_true, y_pred : arrays [rows, columns], or [rows] for one column; class numbers [rows] for the sparse metrics
        sample_weight : array [rows] or number, optional
        """
        raise TypeError(f"{type(self).__name__}: needs a method update_state(y_true, y_pred, sample_weight)")

    def result(self) -> Any:
        """Return the value of all that was counted in since `reset_state`; it answers `.numpy()`."""
        raise TypeError(f"{type(self).__name__}: needs a method result()")

    def reset_state(self) -> None:
        """Forget all: set the variables to 0."""
        for variable in self.variables:
            variable.assign(0.0)

    def let_go(self) -> None:
        """Keep the result alone, where more than sums is kept."""

    @property
    def variables(self) -> list[StateVariable]:
        """What `add_weight` has made, in that order."""
        made: list[StateVariable] = vars(self).get("_variables", [])
        return list(made)

    def add_weight(
        self, shape: Any = (), initializer: Any = None, dtype: Any = None, name: str | None = None
    ) -> StateVariable:
        """Return a new variable, to count in.

        Parameters
        ----------
        shape : tuple of int
            Default one number.
        initializer : str, Initializer or function, optional
            Of the first values; default zeros.
        dtype : None
            Any: it is float64.
        name : str, optional
        """
        sizes = array_shape("shape", shape)
        start = get_initializer("zeros" if initializer is None else initializer, "initializer")
        values = np.array(start(sizes, "float64"), np.float64)
        made = vars(self).setdefault("_variables", [])
        made.append(StateVariable(values, optional_name(name) or f"variable_{len(made)}"))
        variable: StateVariable = made[-1]
        return variable

    def add_variable(
        self, shape: Any, initializer: Any, dtype: Any = None, aggregation: Any = "sum", name: str | None = None
    ) -> StateVariable:
        """Return a new variable: Keras' other name of `add_weight`."""
        return self.add_weight(shape, initializer, dtype, name)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call `update_state`, and return `result()`."""
        self.update_state(*args, **kwargs)
        return self.result()


def answered(result: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return a method `result` whose numbers and arrays answer `.numpy()`."""

    @functools.wraps(result)
    def method(self: Any) -> Any:
        value = result(self)
        if isinstance(value, np.ndarray) and value.ndim:
            return answering(value)
        return Number(value) if isinstance(value, (int, float, np.number, np.ndarray)) else value

    return method


@functools.cache
def settings_of(kind: Any) -> frozenset[str]:
    """Return what stays as the constructor has checked it; a custom class may change all but its name."""
    known = kind.__module__.startswith(f"{__package__}.")
    return frozenset(inspect.signature(kind).parameters) if known else frozenset({"name"})


class Average(Metric):
    """Base of the metrics that are a weighted mean: sum(weight * value) / sum(weight), 0 when that sum is."""

    def __init__(self, name: str | None = None):
        super().__init__(name)
        self.reset_state()

    def reset_state(self) -> None:
        self.total = self.count = 0.0

    def add(self, values: np.ndarray, weights: np.ndarray | None) -> None:
        """Count in one value a row."""
        self.total += float(values.sum(dtype=np.float64) if weights is None else (values * weights).sum())
        self.count += float(len(values) if weights is None else weights.sum())

    def result(self) -> float:
        return self.total / self.count if self.count else 0.0


class Mean(Average):
    """Weighted mean of values."""

    def update_state(self, values: Any, sample_weight: Any = None) -> None:  # type: ignore[override]
        """Count in values: a number, or an array whose first axis is the rows, with a weight for each row."""
        array = np.atleast_1d(numeric("values", values)).astype(np.float64)
        rows = len(array)
        self.add(array.reshape(rows, -1).mean(axis=1) if rows else array, row_weights(sample_weight, rows))


class Sum(Mean):
    """Weighted sum of values."""

    def result(self) -> float:
        return self.total


class RowMetric(Average):
    """Base of the metrics that are the mean of one value a row."""

    targets: ClassVar[str | None] = "columns"
    direction = "down"
    vector_is_row: ClassVar[bool] = False  # whether a vector is one row, as the columns belong together; else a column
    in_own_type: ClassVar[bool] = False  # whether the values are computed in the type of y_pred; else in float64

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        labels = self.targets == "labels"
        truth, predicted = labelled(y_true, y_pred) if labels else columns(y_true, y_pred, self.vector_is_row)
        is_float32 = self.in_own_type and predicted.dtype == np.float32
        weights = row_weights(sample_weight, len(predicted))
        for part in parts(truth, predicted, weights, "float32" if is_float32 else "float64"):
            self.add(self.values(*part[:2]), part[2])

    def values(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        """Return the values [rows] of y_pred, float [rows, columns], and of y_true, likewise or labels [rows]."""
        raise TypeError(f"{type(self).__name__}: needs a method values(y_true, y_pred)")


class LossMetric(RowMetric):
    """Base of the losses as metrics: the values are those of the loss, in the same arithmetic."""

    in_own_type = True
    loss: ClassVar[str]  # its name

    @property
    def settings(self) -> dict[str, Any]:
        """What the loss depends on besides the arrays."""
        return {}

    def values(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        return FUNCTIONS[self.loss](y_true, y_pred, **self.settings)


def columns(y_true: Any, y_pred: Any, vector_is_row: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Return truth and prediction as arrays of the same shape [rows, columns], or raise ValueError or TypeError.

    Vectors are one column of many rows or, where the columns of a row belong together, one row, as in Keras.
    """
    y_pred = numeric("y_pred", y_pred)
    vector_is_row = vector_is_row and y_pred.ndim == 1
    truth, predicted = matrix("y_true", y_true, vector_is_row), matrix("y_pred", y_pred, vector_is_row)
    if truth.shape != predicted.shape:
        raise ValueError(f"y_true: got shape {truth.shape}, needs {predicted.shape} as y_pred")
    return truth, predicted


def labelled(y_true: Any, y_pred: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return class numbers, int64 [rows], and predictions [rows, classes], or raise ValueError or TypeError."""
    truth, predicted = numeric("y_true", y_true), matrix("y_pred", y_pred, vector_is_row=True)
    truth = truth.reshape(1) if truth.ndim == 0 else truth
    if truth.shape not in ((len(predicted),), (len(predicted), 1)):
        raise ValueError(f"y_true: got shape {truth.shape}, needs ({len(predicted)},), a class number for each row")
    truth = truth.reshape(-1)
    classes = predicted.shape[1]
    if len(truth) and not (truth.min() >= 0 and truth.max() < classes):  # written so that NaN fails too
        got = f"labels from {truth.min()} to {truth.max()}"
        raise ValueError(f"y_true: got {got}, needs integers from 0 to {classes - 1}")
    return truth.astype(np.int64), predicted


def matrix(argument: str, values: Any, vector_is_row: bool = False) -> np.ndarray:
    """Return numbers as an array [rows, columns]; a vector is one column, or one row."""
    array = numeric(argument, values)
    if array.ndim not in (1, 2):
        raise ValueError(f"{argument}: got shape {array.shape}, needs (rows, columns) or (rows,)")
    return array.reshape((1, -1) if vector_is_row else (-1, 1)) if array.ndim == 1 else array


def row_weights(sample_weight: Any, rows: int) -> np.ndarray | None:
    """Return weights as float64 [rows], None for None; ValueError or TypeError for what is not one for each row."""
    if sample_weight is None:
        return None
    weights = numeric("sample_weight", sample_weight).astype(np.float64)
    if weights.ndim == 0:
        return np.full(rows, weights)
    if weights.shape not in ((rows,), (rows, 1)):
        raise ValueError(f"sample_weight: got shape {weights.shape}, needs ({rows},), one for each row")
    return weights.reshape(-1)


def parts(
    y_true: np.ndarray, y_pred: np.ndarray, weights: np.ndarray | None, dtype: str = "float64"
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray | None]]:
    """Cut rows into parts that stay in a cache, of that dtype; labels, y_true [rows], stay as they are."""
    rows = max(1, PART // max(1, y_pred.shape[1]))
    for start in range(0, len(y_pred), rows):
        part = slice(start, start + rows)
        truth = y_true[part] if y_true.ndim == 1 else y_true[part].astype(dtype)
        yield truth, y_pred[part].astype(dtype), None if weights is None else weights[part]
