"""Loss and metrics of a run, by name: the engine's own means, and what follows from its predictions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from fastmlp.data.rows import Data
from fastmlp.losses import Loss
from fastmlp.metrics import METRICS, Metric
from fastmlp.metrics.accuracy import EngineAccuracy

if TYPE_CHECKING:
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
    """

    def __init__(self, model: Model):
        assert model.loss is not None
        self.names, self.dtype, self.units = model.metrics_names, model.dtype, model.units
        self.metrics, self.weighted = model.metrics, model.weighted_metrics
        self.inside, self.engine_metric = in_engine(self.metrics, model.loss, self.units)
        self.others = [metric for metric in (*self.metrics, *self.weighted) if metric is not self.inside]
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
            metric.update_state(y, predictions, sample_weight=weights if metric in self.weighted else None)

    @property
    def values(self) -> dict[str, float]:
        """Results by name, the loss first; none before the first call."""
        if not self.mean.rows:
            return {}
        loss, inside = self.mean.values
        rest = (inside if metric is self.inside else number(metric) for metric in (*self.metrics, *self.weighted))
        return {name: float(value) for name, value in zip(self.names, (loss, *rest), strict=True)}


def in_engine(metrics: Sequence[Metric], loss: Loss, units: int) -> tuple[Metric | None, str | None]:
    """Return the first of the metrics that the engine computes, and its name there; at most one, without weights."""
    for metric in metrics:
        if loss.custom or type(metric) not in METRICS.values():  # a subclass may count otherwise
            continue
        name = metric.resolve(loss, units) if isinstance(metric, EngineAccuracy) else None
        if name is not None:
            return metric, name
    return None, None


def number(metric: Metric) -> float:
    """Return a metric's result, or raise ValueError where that is not one number."""
    result: Any = metric.result()
    if np.size(result) != 1:
        raise ValueError(f"metrics: {metric.name}: got a result of shape {np.shape(result)}, needs one number")
    return float(np.asarray(result).reshape(()))


def check_targets(metrics: Sequence[Metric], loss: Loss, argument: str) -> None:
    """Raise ValueError for a metric that does not take the y of this loss."""
    for metric in metrics:
        if metric.targets is not None and not loss.custom and (metric.targets == "labels") != loss.sparse:
            needs = f"one for the y of {loss.engine_name!r}, such as 'accuracy'"
            raise ValueError(f"{argument}: got {metric.name!r}, needs {needs}")


def direction_of(model: Model, name: str) -> str | None:
    """Return "up" or "down" for a name in the logs whose metric says which way is better, else None."""
    metrics = dict(zip(model.metrics_names[1:], (*model.metrics, *model.weighted_metrics), strict=True))
    metric = metrics.get(name.removeprefix("val_"))
    return None if metric is None else metric.direction


def unique_names(metrics: Sequence[Metric], weighted: Sequence[Metric]) -> list[str]:
    """Return "loss" and a name for each metric, numbered as Keras does: auc, auc_1, ..., and weighted_auc.

    Raises
    ------
    ValueError
        When one is called "loss".
    """
    names, uses = ["loss"], {"loss": 1}
    for metric, prefix in [*((metric, "") for metric in metrics), *((metric, "weighted_") for metric in weighted)]:
        name = str(metric.name)
        if name == "loss":
            raise ValueError("metrics: got one called 'loss', needs another name")
        if name in uses:
            name = prefix + name
        count = uses.get(name, 0)
        uses[name] = count + 1
        names.append(f"{name}_{count}" if count else name)
    if len(set(names)) < len(names):
        raise ValueError(f"metrics: got the names {names[1:]}, needs different ones")
    return names
