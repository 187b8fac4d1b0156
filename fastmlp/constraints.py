"""What weights must keep to after each update."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastmlp.elsewhere import getter
from fastmlp.errors import told
from fastmlp.settings import Settings, is_among, lookup, real, refuse_methods


class Constraint(Settings):
    """Base of the constraints."""

    def __init_subclass__(cls) -> None:
        refuse_methods(cls, ("__call__",), "the engine computes constraints; a callback may set weights after a batch")

    @property
    def spec(self) -> dict[str, Any]:
        """The engine's description, for a matrix [inputs, units] or a vector."""
        raise NotImplementedError


class NonNeg(Constraint):
    """No weight is below 0: those that are become 0."""

    @property
    def spec(self) -> dict[str, Any]:
        return {"non_negative": True}


class Norms(Constraint):
    """Base of those that move norms into an interval: w * (rate * moved + (1 - rate) * norm) / (1e-7 + norm).

    Along an `axis` of 0 norms are taken over the inputs of each unit, along 1 or -1 over the units of each input, along
    [0, 1] over all of a matrix. A vector is taken as a whole.
    """

    interval: tuple[float, float]
    axis: Any

    def _take_axis(self, axis: Any) -> None:
        if not is_among(axis, AXES):
            raise ValueError(f"axis: got {told(axis)}, needs 0, 1, -1 or [0, 1]")
        self.axis = axis

    @property
    def spec(self) -> dict[str, Any]:
        low, high = self.interval
        along = 0 if self.axis == 0 else 1 if self.axis in (1, -1) else None
        return {"min_norm": low, "max_norm": high, "norm_rate": vars(self).get("rate", 1.0), "norm_axis": along}


class MaxNorm(Norms):
    """No norm is above `max_value`: w * min(norm, max_value) / (1e-7 + norm).

    Parameters
    ----------
    max_value : float
        Default 2.
    axis : int or list of int
        As of `Norms`; default 0.
    """

    def __init__(self, max_value: float = 2, axis: Any = 0):
        self.max_value = positive("max_value", max_value)
        self._take_axis(axis)

    @property
    def interval(self) -> tuple[float, float]:  # type: ignore[override]
        return 0.0, self.max_value


class UnitNorm(Norms):
    """Every norm is 1: w / (1e-7 + norm). `axis` is as of `Norms`, default 0."""

    interval = (1.0, 1.0)

    def __init__(self, axis: Any = 0):
        self._take_axis(axis)


class MinMaxNorm(Norms):
    """Norms are moved into [min_value, max_value], at each step by a share of the way, `rate`.

    Parameters
    ----------
    min_value, max_value : float
        Default 0 and 1.
    rate : float
        Default 1: the whole way.
    axis : int or list of int
        As of `Norms`; default 0.
    """

    def __init__(self, min_value: float = 0.0, max_value: float = 1.0, rate: float = 1.0, axis: Any = 0):
        self.min_value = real("min_value", min_value, low=0.0)
        self.max_value = positive("max_value", max_value)
        if self.min_value > self.max_value:
            raise ValueError(f"min_value: got {told(min_value)} above max_value {told(max_value)}, needs at most that")
        self.rate = real("rate", rate, low=0.0, high=1.0)
        self._take_axis(axis)

    @property
    def interval(self) -> tuple[float, float]:  # type: ignore[override]
        return self.min_value, self.max_value


AXES = (0, 1, -1, [0, 1], (0, 1))
non_neg, max_norm, unit_norm, min_max_norm = NonNeg, MaxNorm, UnitNorm, MinMaxNorm  # Keras has both spellings

CONSTRAINTS: dict[str, type[Constraint]] = {
    "max_norm": MaxNorm,
    "non_neg": NonNeg,
    "unit_norm": UnitNorm,
    "min_max_norm": MinMaxNorm,
}


def get(identifier: Any, argument: str = "constraint") -> Constraint | None:
    """Return the constraint for a name, class, instance or config; None stays None."""
    return None if identifier is None else lookup(argument, identifier, CONSTRAINTS)


def positive(argument: str, value: Any) -> float:
    """Return a number above 0, or raise TypeError or ValueError."""
    number = real(argument, value, low=0.0)
    if number == 0.0:
        raise ValueError(f"{argument}: got 0, needs a positive number")
    return number


if not TYPE_CHECKING:  # type checkers report other names by themselves
    __getattr__ = getter("constraints")
