"""Metrics by name: the three accuracies, and "accuracy", which stands for the one that fits the model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from fastmlp.losses import Loss
from fastmlp.settings import Settings, find, lookup, optional_name


class Metric(Settings):
    """Base of the metrics; `name` is the key in History."""

    kernel: ClassVar[str]  # the engine's name

    def __init__(self, name: str | None = None):
        self.name = optional_name(name) or self.kernel

    def resolve(self, loss: Loss, units: int) -> str:
        """Return the engine's name of this metric for a model of that loss and number of outputs."""
        if loss.sparse != (self.kernel == "sparse_categorical_accuracy"):
            raise ValueError(
                f"metrics: got {self.kernel!r}, needs one for the y of {loss.kernel!r}, such as 'accuracy'"
            )
        return self.kernel


class BinaryAccuracy(Metric):
    """How often (y_pred > 0.5) == (y_true > 0.5), over rows and columns."""

    kernel = "binary_accuracy"


class CategoricalAccuracy(Metric):
    """How often the largest output is the largest of y_true, which is one-hot."""

    kernel = "categorical_accuracy"


class SparseCategoricalAccuracy(Metric):
    """How often the largest output is the one numbered y_true."""

    kernel = "sparse_categorical_accuracy"


class AnyAccuracy(Metric):
    """What the name "accuracy" means in Keras: binary for one output, else categorical or sparse as y is."""

    kernel = "accuracy"

    def resolve(self, loss: Loss, units: int) -> str:
        if loss.sparse:
            return SparseCategoricalAccuracy.kernel
        return BinaryAccuracy.kernel if units == 1 else CategoricalAccuracy.kernel


METRICS: dict[str, type[Metric]] = {
    "accuracy": AnyAccuracy,
    "acc": AnyAccuracy,
    "binary_accuracy": BinaryAccuracy,
    "categorical_accuracy": CategoricalAccuracy,
    "sparse_categorical_accuracy": SparseCategoricalAccuracy,
}


def get(identifier: Any, argument: str = "metrics") -> Metric:
    """Return the metric for a name, class, instance or config; a metric asked for by name keeps that name."""
    if isinstance(identifier, str):
        return find(argument, identifier, METRICS)(identifier)
    return lookup(argument, identifier, METRICS)


def get_list(metrics: Any) -> list[Metric]:
    """Return `compile`'s metrics as objects; the engine computes at most one beside the loss."""
    if metrics is None:
        return []
    if isinstance(metrics, str) or not isinstance(metrics, Sequence):
        raise TypeError(f"metrics: got {metrics!r}, needs a list, such as ['accuracy']")
    if len(metrics) > 1:
        raise ValueError(f"metrics: got {len(metrics)} of them ({list(metrics)!r}), needs at most one")
    return [get(metric) for metric in metrics]
