"""Losses by name; each is the mean over the batch of one value a row.

The formulas are the kernels' (`fastmlp.kernels`, one function for each); here are their names and settings. A softmax
followed by categorical cross-entropy, or a sigmoid followed by binary cross-entropy, is computed from the logits in one
step.
"""

from __future__ import annotations

from typing import Any, ClassVar

from fastmlp.settings import Settings, boolean, lookup


class Loss(Settings):
    """Base of the losses."""

    kernel: ClassVar[str]  # the engine's name
    sparse: ClassVar[bool] = False  # True when targets are class numbers
    probabilities: ClassVar[bool] = False  # True when other targets must lie in [0, 1]
    own: ClassVar[bool] = False  # True for a function of the user's, which takes any targets

    @property
    def engine_name(self) -> str:
        return self.kernel


class MeanSquaredError(Loss):
    """Mean of (y_pred - y_true) squared, over the columns."""

    kernel = "mean_squared_error"


class CrossEntropy(Loss):
    """Base of the cross-entropies; `from_logits=True` says that the model ends without its softmax or sigmoid."""

    probabilities = True

    def __init__(self, from_logits: bool = False):
        self.from_logits = boolean("from_logits", from_logits)

    @property
    def engine_name(self) -> str:
        return self.kernel + "_from_logits" if self.from_logits else self.kernel


class CategoricalCrossentropy(CrossEntropy):
    """-sum(y_true * log(y_pred)) with y_true one-hot (or any distribution), [rows, classes]."""

    kernel = "categorical_crossentropy"


class SparseCategoricalCrossentropy(CrossEntropy):
    """-log(y_pred[label]) with y_true class numbers, [rows] or [rows, 1]."""

    kernel = "sparse_categorical_crossentropy"
    sparse = True


class BinaryCrossentropy(CrossEntropy):
    """Mean of -(y_true * log(y_pred) + (1 - y_true) * log(1 - y_pred)), over the columns."""

    kernel = "binary_crossentropy"


LOSSES: dict[str, type[Loss]] = {
    "mean_squared_error": MeanSquaredError,
    "mse": MeanSquaredError,
    "categorical_crossentropy": CategoricalCrossentropy,
    "sparse_categorical_crossentropy": SparseCategoricalCrossentropy,
    "binary_crossentropy": BinaryCrossentropy,
    "bce": BinaryCrossentropy,
}


def get(identifier: Any, argument: str = "loss") -> Loss:
    """Return the loss for a name, class, instance or config, or for a function of `custom_loss.Custom`."""
    if isinstance(identifier, Loss) and identifier.own:
        return identifier
    if callable(identifier) and not isinstance(identifier, (type, Loss)):
        from fastmlp.custom_loss import Custom

        return Custom(identifier)
    return lookup(argument, identifier, LOSSES)
