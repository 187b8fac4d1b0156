"""Penalties on weights or outputs, added to the loss."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fastmlp.data.arrays import numeric
from fastmlp.data.values import Number
from fastmlp.elsewhere import getter
from fastmlp.settings import Settings, listing, lookup, real, refuse_methods

OWN = "a penalty of your own is added to the gradients in a loop of your own, see docs/keras.md"


class Regularizer(Settings):
    """Base of the penalties l1 * sum(|w|) + l2 * sum(w * w)."""

    def __init_subclass__(cls) -> None:
        refuse_methods(cls, ("__call__",), f"the engine computes the penalties of l1 and l2; {OWN}")

    def __call__(self, x: Any) -> Number:
        """Return the penalty of an array."""
        values = numeric("x", x).astype(np.float64, copy=False)
        strengths = self.strengths
        return Number(
            strengths.get("l1", 0.0) * np.abs(values).sum() + strengths.get("l2", 0.0) * np.square(values).sum()
        )

    @property
    def strengths(self) -> dict[str, float]:
        """The engine's description."""
        return {name: float(value) for name, value in self.get_config().items()}


class L1(Regularizer):
    """The penalty l1 * sum(|w|)."""

    def __init__(self, l1: float = 0.01):
        self.l1 = real("l1", l1, low=0.0)


class L2(Regularizer):
    """The penalty l2 * sum(w * w), as in Keras (scikit-learn's and PyTorch's have a factor of one half)."""

    def __init__(self, l2: float = 0.01):
        self.l2 = real("l2", l2, low=0.0)


class L1L2(Regularizer):
    """The penalty l1 * sum(|w|) + l2 * sum(w * w)."""

    def __init__(self, l1: float = 0.0, l2: float = 0.0):
        self.l1 = real("l1", l1, low=0.0)
        self.l2 = real("l2", l2, low=0.0)


l1, l2, l1_l2 = L1, L2, L1L2  # Keras has both spellings

REGULARIZERS: dict[str, type[Regularizer]] = {"l1": L1, "l2": L2, "l1_l2": L1L2}


def get(identifier: Any, argument: str = "regularizer") -> Regularizer | None:
    """Return the regularizer for a name, class, instance or config; None stays None."""
    if callable(identifier) and not isinstance(identifier, (type, Regularizer)):
        raise TypeError(f"{argument}: got a function, {identifier!r}, needs one of {listing(REGULARIZERS)}: {OWN}")
    return None if identifier is None else lookup(argument, identifier, REGULARIZERS)


if not TYPE_CHECKING:  # type checkers report other names by themselves
    __getattr__ = getter("regularizers")
