"""The metrics of a compiled model: their names, and which of them the engine computes."""

from __future__ import annotations

import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastmlp.errors import told
from fastmlp.losses import Loss
from fastmlp.losses.compiled import loss_names, placed
from fastmlp.metrics import METRICS, MeanMetricWrapper, Metric, get, get_list
from fastmlp.metrics.accuracy import EngineAccuracy
from fastmlp.metrics.base import LossMetric


@dataclass(frozen=True)
class Counted:
    """A metric of an output; `is_weighted` where it weighs the rows."""

    metric: Metric
    output: int
    is_weighted: bool
    name: str  # in the results

    @property
    def takes_batches(self) -> bool:
        """Whether it must be given the rows batch by batch: a class of the user's, which may count batches."""
        return type(self.metric) not in METRICS.values() and not isinstance(self.metric, MeanMetricWrapper)


class CompiledMetrics:
    """The arguments `metrics` and `weighted_metrics` of `compile`, checked together.

    Parameters
    ----------
    metrics, weighted : list or dict
        As of `compile`; see `for_outputs`.
    losses : list of Loss or None
        One for each output.
    output_names : list of str
    order : list of int, optional
        In which the outputs' losses are among the results; default that of the outputs.

    Attributes
    ----------
    counted : list of Counted
        The metrics, then the weighted ones; those of several outputs by their names.
    metrics, weighted : list of Metric
        The two kinds of them.
    user : weakref to Results, optional
        What counts by them, or has done so last.
    losses : list of (int, str)
        Outputs whose losses have names of their own.
    names : list of str
        "loss", the names of the outputs' losses, and a name for each metric: numbered as Keras does, auc, auc_1, ...,
        and weighted_auc; of one of several outputs with the output's name before it.

    Raises
    ------
    ValueError
        When a metric does not take the y of the loss, stands in both lists, or is called "loss".
    """

    user: weakref.ref[Any] | None = None

    def __init__(
        self,
        metrics: Any = None,
        weighted: Any = None,
        losses: Sequence[Loss | None] = (None,),
        output_names: Sequence[str] = ("output",),
        order: Sequence[int] | None = None,
    ):
        self.losses = loss_names(losses, output_names, order)
        self.counted: list[Counted] = []
        plain = for_outputs("metrics", metrics, output_names)
        of_weighted = for_outputs("weighted_metrics", weighted, output_names)
        everywhere = [metric for metrics in plain for metric in metrics]
        if any(metric in everywhere for metrics in of_weighted for metric in metrics):
            raise ValueError("weighted_metrics: got an object of metrics, needs another one")
        for output, (loss, name) in enumerate(zip(losses, output_names, strict=True)):
            if loss is not None:
                check_targets(plain[output], loss, "metrics")
                check_targets(of_weighted[output], loss, "weighted_metrics")
            else:
                check_kinds([*plain[output], *of_weighted[output]])
            found = [(metric, False) for metric in plain[output]] + [(metric, True) for metric in of_weighted[output]]
            prefix = f"{name}_" if len(output_names) > 1 else ""
            names = unique_names(plain[output], of_weighted[output])
            for (metric, is_weighted), own in zip(found, names, strict=True):
                self.counted.append(Counted(metric, output, is_weighted, prefix + own))
        if len(output_names) > 1:
            self.counted.sort(key=lambda one: one.name)  # as Keras returns them
        self.metrics = [one.metric for one in self.counted if not one.is_weighted]
        self.weighted = [one.metric for one in self.counted if one.is_weighted]
        self.names = ["loss", *(name for _, name in self.losses), *(one.name for one in self.counted)]
        if len(set(self.names)) < len(self.names):
            raise ValueError(f"metrics: got the names {self.names[1:]}, needs different ones")

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "user"}

    def of_output(self, output: int) -> list[Metric]:
        """Return the metrics of an output, the weighted ones too."""
        return [one.metric for one in self.counted if one.output == output]

    def by_output(self, is_weighted: bool, outputs: int) -> list[Any]:
        """Return the metrics as `compile` takes them: a list, or a list for each of several outputs."""
        found: list[list[Metric]] = [[] for _ in range(outputs)]
        for one in self.counted:
            if one.is_weighted == is_weighted:
                found[one.output].append(one.metric)
        return found[0] if outputs == 1 else found

    def direction_of(self, name: str) -> str | None:
        """Return "up" or "down" for a name in the logs of a loss, or of a metric that says which way is better."""
        name = name.removeprefix("val_")
        if name == "loss" or any(name == own for _, own in self.losses):
            return "down"
        metric = next((one.metric for one in self.counted if one.name == name), None)
        return getattr(metric, "direction", None) or getattr(metric, "_direction", None)  # the name in Keras' classes


def for_outputs(argument: str, given: Any, names: Sequence[str]) -> list[list[Metric]]:
    """Return the metrics of each output, from `compile`'s argument.

    For one output it is a list of metrics; for several a list with an item for each, which is a metric, a list of them
    or None; for any a dict by output names, or an empty list.

    Raises
    ------
    ValueError, TypeError
        When it does not fit the outputs.
    """
    if isinstance(given, (list, tuple)) and not given:
        given = None
    if isinstance(given, Mapping):
        items = placed(argument, dict(given), names)
    elif len(names) > 1 and given is not None:
        if isinstance(given, str) or not isinstance(given, Sequence):
            raise TypeError(f"{argument}: got {told(given)}, needs a list or dict of {list(names)}")
        items = placed(argument, given, names)
    else:
        holds_lists = isinstance(given, (list, tuple)) and len(given) == 1 and isinstance(given[0], (list, tuple))
        items = [given[0] if holds_lists else given] * len(names)
    found = []
    for item in items:
        is_one = item is not None and (isinstance(given, Mapping) or len(names) > 1)
        is_one = is_one and (isinstance(item, str) or not isinstance(item, Sequence))
        found.append([get(item, argument)] if is_one else get_list(item, argument))
    return found


def in_engine(metrics: Sequence[Metric], loss: Loss, units: int) -> tuple[Metric | None, str | None]:
    """Return the first of the metrics that the engine computes, and its name there; at most one, without weights.

    The loss itself goes before an accuracy: from predictions, which are rounded where they are near 0 and 1, it would
    be another number.
    """
    for metric in metrics:
        if isinstance(metric, LossMetric) and type(metric) in METRICS.values() and is_same(metric, loss):
            return metric, "own_loss"
    for metric in metrics:
        if loss.custom or type(metric) not in METRICS.values():  # a subclass may count otherwise
            continue
        name = metric.resolve(loss, units) if isinstance(metric, EngineAccuracy) else None
        if name is not None:
            return metric, name
    return None, None


def is_same(metric: LossMetric, loss: Loss) -> bool:
    """Whether a metric is the loss, with the same settings."""
    settings = dict(metric.settings)
    name = metric.loss + "_from_logits" * settings.pop("from_logits", False)
    return not loss.custom and {"name": name, "reduction": None, **settings} == {**loss.spec, "reduction": None}


def check_targets(metrics: Sequence[Metric], loss: Loss, argument: str) -> None:
    """Raise ValueError for a metric that does not take the y of this loss."""
    for metric in metrics:
        if metric.targets is not None and not loss.custom and (metric.targets == "labels") != loss.sparse:
            needs = f"one for the y of {loss.engine_name!r}, such as 'accuracy'"
            raise ValueError(f"{argument}: got {metric.name!r}, needs {needs}")


def check_kinds(metrics: Sequence[Metric]) -> None:
    """Raise ValueError where some metrics of an output without a loss take class numbers, and others columns."""
    named = {metric.targets: metric.name for metric in metrics if metric.targets is not None}
    if len(named) > 1:
        raise ValueError(f"metrics: got {named['labels']!r} beside {named['columns']!r}, needs metrics of the same y")


def unique_names(metrics: Sequence[Metric], weighted: Sequence[Metric]) -> list[str]:
    """Return a name for each metric of an output.

    Raises
    ------
    ValueError
        When one is called "loss".
    """
    names: list[str] = []
    uses: dict[str, int] = {}
    for metric, prefix in [*((metric, "") for metric in metrics), *((metric, "weighted_") for metric in weighted)]:
        name = str(metric.name)
        if name == "loss":
            raise ValueError("metrics: got one called 'loss', needs another name")
        if name in uses:
            name = prefix + name
        count = uses.get(name, 0)
        uses[name] = count + 1
        names.append(f"{name}_{count}" if count else name)
    return names
