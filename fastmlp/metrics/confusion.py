"""Metrics made of how many predictions above a threshold are right: counts, precision, recall, area under a curve.

Truths are positive where they are not 0, predictions where they are larger than a threshold (so NaN never is). All of
them come from one table, `counts[truth, passed]`: the weight of the elements whose prediction passed that many of the
thresholds, which are in ascending order.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from fastmlp.config import EPSILON
from fastmlp.errors import told
from fastmlp.metrics.base import Metric, columns, parts, row_weights
from fastmlp.settings import integer, real

THRESHOLD_LIMIT = 2**20
LOWEST = -1e10  # Keras' threshold where the k largest outputs are the positive ones


class Confusion(Metric):
    """Base of the metrics on the table; a constructor sets `limits`, then calls `reset_state`.

    With `top_k` vectors are one row, else one column.
    """

    targets = "columns"
    direction = "up"
    top_k: int | None = None
    class_id: int | None = None
    limits: np.ndarray  # the thresholds in ascending order

    def reset_state(self) -> None:
        self.counts = np.zeros((2, len(self.limits) + 1))

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        arrays = columns(y_true, y_pred, self.top_k is not None)
        classes = arrays[1].shape[1]
        if self.class_id is not None and self.class_id >= classes:
            raise ValueError(f"class_id: got {self.class_id}, needs one of the {classes} columns, from 0")
        for truth, predicted, weights in parts(*arrays, row_weights(sample_weight, len(arrays[1]))):
            if self.top_k is not None:
                predicted = keep_top_k(predicted, self.top_k)
            if self.class_id is not None:
                chosen = slice(self.class_id, self.class_id + 1)
                truth, predicted = truth[:, chosen], predicted[:, chosen]
            cells = self.passed(predicted) + (truth != 0) * (len(self.limits) + 1)
            each = None if weights is None else np.repeat(weights, truth.shape[1])
            self.counts += np.bincount(cells.reshape(-1), each, self.counts.size).reshape(self.counts.shape)

    def passed(self, y_pred: np.ndarray) -> np.ndarray:
        """Return how many thresholds lie below each prediction."""
        if len(self.limits) == 1:
            return np.asarray(y_pred > self.limits[0], np.int64)
        # a NaN would be sorted behind all of them
        return np.where(np.isnan(y_pred), 0, np.searchsorted(self.limits, y_pred))

    def above(self) -> tuple[np.ndarray, np.ndarray]:
        """Return for each threshold the weight above it of negatives and of positives: false and true positives."""
        sums = self.counts[:, ::-1].cumsum(axis=1)[:, -2::-1]
        return sums[0], sums[1]

    def below(self) -> tuple[np.ndarray, np.ndarray]:
        """Return for each threshold the weight of the others: true and false negatives."""
        sums = self.counts.cumsum(axis=1)[:, :-1]
        return sums[0], sums[1]


class AtThresholds(Confusion):
    """Base of the metrics of one value for each threshold.

    Parameters
    ----------
    thresholds : float or list of float in [0, 1], optional
        Default 0.5. Several, fewer than 2**20, give an array.
    """

    def __init__(self, thresholds: Any = None, name: str | None = None, default: float = 0.5):
        super().__init__(name)
        given = [default] if thresholds is None else checked(thresholds)
        self.thresholds = None if thresholds is None else given if len(given) > 1 else given[0]
        self.limits = np.sort(np.array(given, np.float64))
        self.places = np.searchsorted(self.limits, given)  # where the caller's thresholds are among them
        self.single = len(given) == 1
        self.reset_state()

    def values(self) -> np.ndarray:
        """Return the values of the thresholds in ascending order."""
        raise NotImplementedError

    def result(self) -> Any:
        values = self.values()[self.places]
        return float(values[0]) if self.single else values


class TruePositives(AtThresholds):
    """Weight of the positives above a threshold."""

    def __init__(self, thresholds: Any = None, name: str | None = None):
        super().__init__(thresholds, name)

    def values(self) -> np.ndarray:
        return self.above()[1]


class FalsePositives(TruePositives):
    """Weight of the negatives above a threshold."""

    direction = "down"

    def values(self) -> np.ndarray:
        return self.above()[0]


class TrueNegatives(TruePositives):
    """Weight of the negatives not above a threshold."""

    def values(self) -> np.ndarray:
        return self.below()[0]


class FalseNegatives(TruePositives):
    """Weight of the positives not above a threshold."""

    direction = "down"

    def values(self) -> np.ndarray:
        return self.below()[1]


class Precision(AtThresholds):
    """Of the predictions above a threshold the part that is right, 0 when there are none.

    Parameters
    ----------
    thresholds : float or list of float in [0, 1], optional
        Default 0.5.
    top_k : int, optional
        Count only the k largest outputs of each row as predicted, the first ones of equal size; without thresholds all
        of them.
    class_id : int, optional
        Look at this column only.
    """

    def __init__(
        self, thresholds: Any = None, top_k: int | None = None, class_id: int | None = None, name: str | None = None
    ):
        super().__init__(thresholds, name, default=0.5 if top_k is None else LOWEST)
        self.top_k = None if top_k is None else integer("top_k", top_k, at_least=1)
        self.class_id = None if class_id is None else integer("class_id", class_id, at_least=0)

    def values(self) -> np.ndarray:
        false, true = self.above()
        return ratio(true, true + false)


class Recall(Precision):
    """Of the positives the part that is predicted, 0 when there are none; arguments as of `Precision`."""

    def values(self) -> np.ndarray:
        true, missed = self.above()[1], self.below()[1]
        return ratio(true, true + missed)


class OnGrid(Confusion):
    """Base of the metrics of many thresholds, evenly spaced from 0 to 1 or given.

    The first threshold is below and the last one above all predictions, which are clipped to [0, 1] (NaN counts as 0).
    """

    num_thresholds: int
    thresholds: Any = None

    def begin(self) -> None:
        """Set the limits from `num_thresholds` or `thresholds`."""
        self.limits = spaced(self.num_thresholds) if self.thresholds is None else with_ends(self.thresholds)
        self.reset_state()

    def passed(self, y_pred: np.ndarray) -> np.ndarray:
        y_pred = np.fmin(np.fmax(y_pred, 0.0), 1.0)
        if self.thresholds is not None:
            return np.asarray(np.searchsorted(self.limits, y_pred))
        # thresholds i / (n - 1) below p: those with i < p (n - 1), and the one that stands for 0 always
        return np.asarray(np.maximum(np.ceil(y_pred * (self.num_thresholds - 1)), 1.0), np.int64)


@functools.lru_cache(maxsize=2)
def spaced(count: int) -> np.ndarray:
    """Return so many thresholds from 0 to 1, in an array for all metrics: a file may ask for many and large ones."""
    limits = with_ends(np.arange(1, count - 1) / (count - 1))
    limits.flags.writeable = False
    return limits


def with_ends(inner: Any) -> np.ndarray:
    """Return thresholds with one below and one above all predictions."""
    return np.concatenate([[-EPSILON], inner, [1.0 + EPSILON]])


def keep_top_k(y_pred: np.ndarray, k: int) -> np.ndarray:
    """Return the predictions with all but the k largest of each row at LOWEST; of equal ones the first are larger."""
    columns_ = y_pred.shape[1]
    if k >= columns_:
        return y_pred
    last = np.partition(y_pred, columns_ - k, axis=1)[:, columns_ - k, None]
    larger, equal = y_pred > last, y_pred == last
    room = k - larger.sum(axis=1, keepdims=True)
    return np.asarray(np.where(larger | (equal & (equal.cumsum(axis=1) <= room)), y_pred, LOWEST))


def ratio(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return a / b, 0 where b is."""
    return np.asarray(np.divide(a, b, out=np.zeros(len(a)), where=b != 0.0))


def checked(thresholds: Any) -> list[float]:
    """Return thresholds, one or several, as a list of numbers in [0, 1]."""
    several = isinstance(thresholds, (list, tuple)) or (isinstance(thresholds, np.ndarray) and thresholds.ndim == 1)
    if several and len(thresholds) >= THRESHOLD_LIMIT:
        raise ValueError(f"thresholds: got {len(thresholds)}, needs fewer than {THRESHOLD_LIMIT}")
    found = [real("thresholds", one, low=0.0, high=1.0) for one in (thresholds if several else [thresholds])]
    if not found:
        raise ValueError("thresholds: got none, needs at least one")
    return found


def one_of(argument: str, value: Any, known: Sequence[str]) -> str:
    """Return the known name that `value` is without regard to case."""
    for name in known:
        if isinstance(value, str) and value.lower() == name.lower():
            return name
    raise ValueError(f"{argument}: got {told(value)}, needs one of {', '.join(map(repr, known))}")
