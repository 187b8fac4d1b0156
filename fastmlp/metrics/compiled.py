"""The metrics of a compiled model: their names, and which of them the engine computes."""

from __future__ import annotations

from collections.abc import Sequence

from fastmlp.losses import Loss
from fastmlp.metrics import METRICS, Metric
from fastmlp.metrics.accuracy import EngineAccuracy


class CompiledMetrics:
    """The arguments `metrics` and `weighted_metrics` of `compile`, checked together.

    Attributes
    ----------
    names : list of str
        "loss" and a name for each metric, numbered as Keras does: auc, auc_1, ..., and weighted_auc.

    Raises
    ------
    ValueError
        When a metric does not take the y of the loss, stands in both lists, or is called "loss".
    """

    def __init__(self, metrics: Sequence[Metric] = (), weighted: Sequence[Metric] = (), loss: Loss | None = None):
        if loss is not None:
            check_targets(metrics, loss, "metrics")
            check_targets(weighted, loss, "weighted_metrics")
        if any(metric in metrics for metric in weighted):
            raise ValueError("weighted_metrics: got an object of metrics, needs another one")
        self.metrics, self.weighted = list(metrics), list(weighted)
        self.names = unique_names(metrics, weighted)

    @property
    def all(self) -> list[Metric]:
        """The metrics in the order of `names`, which begin with the loss."""
        return [*self.metrics, *self.weighted]

    def direction_of(self, name: str) -> str | None:
        """Return "up" or "down" for a name in the logs whose metric says which way is better, else None."""
        found = dict(zip(self.names[1:], self.all, strict=True)).get(name.removeprefix("val_"))
        return None if found is None else found.direction


def in_engine(metrics: Sequence[Metric], loss: Loss, units: int) -> tuple[Metric | None, str | None]:
    """Return the first of the metrics that the engine computes, and its name there; at most one, without weights."""
    for metric in metrics:
        if loss.custom or type(metric) not in METRICS.values():  # a subclass may count otherwise
            continue
        name = metric.resolve(loss, units) if isinstance(metric, EngineAccuracy) else None
        if name is not None:
            return metric, name
    return None, None


def check_targets(metrics: Sequence[Metric], loss: Loss, argument: str) -> None:
    """Raise ValueError for a metric that does not take the y of this loss."""
    for metric in metrics:
        if metric.targets is not None and not loss.custom and (metric.targets == "labels") != loss.sparse:
            needs = f"one for the y of {loss.engine_name!r}, such as 'accuracy'"
            raise ValueError(f"{argument}: got {metric.name!r}, needs {needs}")


def unique_names(metrics: Sequence[Metric], weighted: Sequence[Metric]) -> list[str]:
    """Return "loss" and a name for each metric.

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
