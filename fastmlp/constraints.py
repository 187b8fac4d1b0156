"""What weights must keep to after each update."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastmlp.elsewhere import getter
from fastmlp.settings import Settings, lookup, only, real, refuse_methods


class MaxNorm(Settings):
    """No column of a kernel, and no vector, is longer than `max_value`: w * min(norm, max_value) / (1e-7 + norm).

    Parameters
    ----------
    max_value : float
        Default 2.
    axis : int
        0: norms are taken over the inputs of each unit.
    """

    def __init_subclass__(cls) -> None:
        refuse_methods(cls, ("__call__",), "the engine computes max_norm")

    def __init__(self, max_value: float = 2, axis: int = 0):
        self.max_value = real("max_value", max_value, low=0.0)
        if self.max_value == 0.0:
            raise ValueError("max_value: got 0, needs a positive number")
        only("axis", axis, (0,), "norms are taken over the inputs of each unit")
        self.axis = axis


max_norm = MaxNorm  # Keras has both spellings

CONSTRAINTS: dict[str, type[MaxNorm]] = {"max_norm": MaxNorm}


def get(identifier: Any, argument: str = "constraint") -> MaxNorm | None:
    """Return the constraint for a name, class, instance or config; None stays None."""
    return None if identifier is None else lookup(argument, identifier, CONSTRAINTS)


if not TYPE_CHECKING:  # type checkers report other names by themselves
    __getattr__ = getter("constraints")
