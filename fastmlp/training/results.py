"""Loss and metrics of a run, by name: the engine's own means, and what follows from its predictions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fastmlp.data.rows import Data
from fastmlp.metrics import Metric
from fastmlp.metrics.compiled import in_engine
from fastmlp.training.model import Model


class Mean:
    """Mean of the engine's (loss, metric) over calls, by their rows; of a single call, its own bits."""

    def __init__(self) -> None:
        self.rows = 0
        self.totals: list[float] = []
        self.values: Sequence[float] = ()

    def add(self, values: Sequence[float], rows: int) -> None:
        """Count in the values of a call on so many rows."""
        before = self.totals if self.rows else [0.0] * len(values)
        self.totals = [total + value * rows for total, value in zip(before, values, strict=True)]
        self.values = [total / (self.rows + rows) for total in self.totals] if self.rows else values
        self.rows += rows


class Results:
    """Loss and metrics of the batches of an epoch, an evaluation or a call on one batch.

    The engine computes the loss and at most one metric, `engine_metric`. The others take the rows of each call in one
    go, from the predictions that it leaves in `room`.

    Parameters
    ----------
    model : Model
        Built and compiled; the results are those of its loss and metrics at this moment.
    """

    def __init__(self, model: Model):
        assert model.loss is not None
        self.changes = model.changes
        self.dtype, self.units, self.compiled = model.dtype, model.units, model.compiled_metrics
        self.inside, self.engine_metric = in_engine(self.compiled.metrics, model.loss, self.units)
        self.others = [metric for metric in self.compiled.all if metric is not self.inside]
        self.memory = np.empty((0, self.units), self.dtype)
        self.reset()

    def reset(self) -> None:
        """Begin anew."""
        self.mean = Mean()
        for metric in self.others:
            metric.reset_state()

    def room(self, rows: int) -> np.ndarray | None:
        """Return memory for the predictions of a call, [rows, units], the same one as long as it is enough; or None.

        A later call may change it: a metric keeps no part of it.
        """
        if not self.others:
            return None
        if len(self.memory) < rows:
            self.memory = np.empty((rows, self.units), self.dtype)
        return self.memory[:rows]

    def add(self, values: Sequence[float], data: Data, order: np.ndarray | None = None) -> None:
        """Count in a call of the engine on `data`, of which it visited the rows of `order`, or all."""
        self.mean.add(values, data.rows if order is None else len(order))
        if not self.others:
            return
        y = data.y if data.y_true is None else data.y_true
        predictions, weights = self.memory[: data.rows], data.sample_weight
        if order is not None and len(order) != data.rows:
            y, predictions = y[order], predictions[order]
            weights = None if weights is None else weights[order]
        for metric in self.others:
            metric.update_state(y, predictions, sample_weight=weights if metric in self.compiled.weighted else None)

    @property
    def values(self) -> dict[str, float]:
        """Results by name, the loss first; none before the first call."""
        if not self.mean.rows:
            return {}
        loss, inside = self.mean.values
        rest = (inside if metric is self.inside else number(metric) for metric in self.compiled.all)
        return {name: float(value) for name, value in zip(self.compiled.names, (loss, *rest), strict=True)}


def number(metric: Metric) -> float:
    """Return a metric's result, or raise ValueError where that is not one number."""
    result: Any = metric.result()
    if np.size(result) != 1:
        raise ValueError(f"metrics: {metric.name}: got a result of shape {np.shape(result)}, needs one number")
    return float(np.asarray(result).reshape(()))
