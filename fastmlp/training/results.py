"""Loss and metrics of a run, by name: the engine's own means, and what follows from its predictions."""

from __future__ import annotations

import copy
import weakref
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from fastmlp.data.arrays import numeric
from fastmlp.data.rows import Data
from fastmlp.metrics import Metric
from fastmlp.metrics.compiled import Counted, in_engine
from fastmlp.training.model import Model


class Mean:
    """Mean of the engine's numbers over calls, by their rows; of a single call, its own bits."""

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

    The engine computes the losses and at most one metric of each output, `engine_metrics`. The others take the rows of
    each call from the predictions that it leaves in `rooms`: in one go, or batch by batch where their kind asks for it,
    however the rows come, so that each has one value.

    Parameters
    ----------
    model : Model
        Built and compiled; the results are those of its losses and metrics at this moment.
    """

    def __init__(self, model: Model):
        self.changes, self.is_single = model.changes, model.is_single
        self.dtype, self.widths, self.compiled = model.dtype, model.output_widths, model.compiled_metrics
        self.has_custom_loss = any(loss is not None and loss.custom for loss in model.goals)
        self.inside: list[Metric | None] = []
        self.engine_metrics: list[str | None] = []
        for output, (loss, width) in enumerate(zip(model.goals, self.widths, strict=True)):
            plain = [one.metric for one in self.compiled.counted if one.output == output and not one.is_weighted]
            metric, name = (None, None) if loss is None else in_engine(plain, loss, width)
            self.inside.append(metric)
            self.engine_metrics.append(name)
        self.compiled_others = [one for one in self.compiled.counted if one.metric is not self.inside[one.output]]
        self.others = self.compiled_others
        self.is_counting = False
        self.memories = {one.output: np.empty((0, self.widths[one.output]), self.dtype) for one in self.others}
        self.reset()

    def reset(self) -> None:
        """Begin anew."""
        self.mean = Mean()
        if self.compiled_others:
            self.take_metrics()
        for one in self.others:
            one.metric.reset_state()

    def take_metrics(self) -> None:
        """Count by the metrics of the model, or by copies while those count for another call."""
        user = None if self.compiled.user is None else self.compiled.user()
        if user is None or user is self or not user.is_counting:
            self.compiled.user = weakref.ref(self)
            self.others = self.compiled_others
        elif self.others is self.compiled_others:
            copies = copies_of([one.metric for one in self.compiled_others])
            self.others = [replace(one, metric=twin) for one, twin in zip(self.compiled_others, copies, strict=True)]
        self.is_counting = True

    def rooms(self, rows: int) -> list[np.ndarray | None]:
        """Return memory for the predictions of a call, [rows, units] for each output, or None where none is needed.

        It is the same one as long as it is enough, so that a later call may change it: a metric keeps no part of it.
        """
        for output, memory in self.memories.items():
            if len(memory) < rows:
                self.memories[output] = np.empty((rows, memory.shape[1]), self.dtype)
        return [self.memories[n][:rows] if n in self.memories else None for n in range(len(self.widths))]

    def add(self, values: Any, data: Data, order: np.ndarray | None = None, batch_size: int | None = None) -> None:
        """Count in a call of the engine on `data`, of which it visited the rows of `order`, or all.

        Parameters
        ----------
        values : (loss, metric), or (loss, losses, metrics) with a list of those of each output
        batch_size : int, optional
            How many of the rows make a batch; default all of them.
        """
        if not self.is_single:
            loss, losses, metrics = values
            values = (loss, *losses, *metrics)
        self.mean.add(values, data.rows if order is None else len(order))
        for one in self.others:
            self.update(one, data, order, batch_size)

    def update(self, one: Counted, data: Data, order: np.ndarray | None, batch_size: int | None) -> None:
        """Let a metric count in the rows of a call."""
        y = data.ys[one.output]
        y = data.y_trues[one.output] if data.y_trues and data.y_trues[one.output] is not None else y
        predictions = self.memories[one.output][: data.rows]
        weights = data.sample_weights[one.output] if data.sample_weights and one.is_weighted else None
        pieces: list[np.ndarray | None]
        if one.takes_batches and batch_size is not None:
            visited = np.arange(data.rows) if order is None else order
            pieces = [visited[start : start + batch_size] for start in range(0, len(visited), batch_size)]
        else:
            pieces = [None if order is None or len(order) == data.rows else order]
        for rows in pieces:
            more = {"sample_weight": taken(weights, rows)} if one.is_weighted else {}  # a class may know no weights
            one.metric.update_state(taken(y, rows), taken(predictions, rows), **more)

    def final(self) -> dict[str, Any]:
        """Return the values at the end; the metrics keep no rows after it."""
        values = self.values
        for one in self.others:
            one.metric.let_go()
        self.is_counting = False
        return values

    @property
    def values(self) -> dict[str, Any]:
        """Results by name, the loss first, each a number or an array of several; none before the first call."""
        if not self.mean.rows:
            return {}
        loss, *of_outputs = self.mean.values
        count = 0 if self.is_single else len(self.widths)
        losses, inside = of_outputs[:count], of_outputs[count:]
        found: dict[str, Any] = {
            "loss": float(loss),
            **{name: float(losses[output]) for output, name in self.compiled.losses},
        }
        by_name = {one.name: one.metric for one in self.others}
        for one in self.compiled.counted:
            metric = by_name.get(one.name)
            found[one.name] = float(inside[one.output]) if metric is None else result_of(metric)
        return found


def copies_of(metrics: list[Metric]) -> list[Metric]:
    """Return copies; the metrics themselves where the user's cannot be copied."""
    try:
        return copy.deepcopy(metrics)
    except Exception:
        return metrics


def taken(array: np.ndarray | None, rows: np.ndarray | None) -> np.ndarray | None:
    """Return these rows of an array, or all."""
    return array if array is None or rows is None else array[rows]


def result_of(metric: Metric) -> Any:
    """Return a metric's result as a number, or as an array of several; TypeError where it is neither."""
    result = numeric(f"metrics: {metric.name}: result", metric.result()).astype(np.float64)
    return float(result.reshape(())) if result.size == 1 else result
