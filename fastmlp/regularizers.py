"""Penalties on weights, added to the loss."""

from __future__ import annotations

from typing import Any

from fastmlp.settings import Settings, lookup, real


class L2(Settings):
    """The penalty l2 * sum(w * w), as in Keras (scikit-learn's and PyTorch's have a factor of one half)."""

    def __init__(self, l2: float = 0.01):
        self.l2 = real("l2", l2, low=0.0)


l2 = L2  # Keras has both spellings

REGULARIZERS: dict[str, type[L2]] = {"l2": L2}


def get(identifier: Any, argument: str = "regularizer") -> L2 | None:
    """Return the regularizer for a name, class, instance or config; None stays None."""
    return None if identifier is None else lookup(argument, identifier, REGULARIZERS)
