"""Checked rows as they are handed to the engine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Targets = tuple[np.ndarray | None, ...]


@dataclass(frozen=True)
class Data:
    """Checked arrays as the engine takes them: x [rows, features] for each input, the rest for each output.

    Attributes
    ----------
    xs : tuple of ndarray
    ys : tuple of ndarray or None
        [rows] or [rows, units]; None for an output without a loss. Empty where there are no targets.
    sample_weights : tuple of ndarray or None
        [rows]; empty where no row has a weight.
    y_trues : tuple of ndarray or None
        What metrics take for y, where the loss takes something else.
    """

    xs: tuple[np.ndarray, ...]
    ys: Targets = ()
    sample_weights: Targets = ()
    y_trues: Targets = ()

    @property
    def rows(self) -> int:
        return len(self.xs[0])

    def part(self, start: int, stop: int) -> Data:
        """Return some of the rows, or itself where that is all."""
        return self if start == 0 and stop == self.rows else self.map(lambda array: array[start:stop])

    def map(self, function: Callable[[np.ndarray], np.ndarray]) -> Data:
        """Return what a function makes of each array."""

        def made(arrays: Targets) -> Targets:
            return tuple(None if array is None else function(array) for array in arrays)

        return Data(tuple(map(function, self.xs)), made(self.ys), made(self.sample_weights), made(self.y_trues))


def unpack(argument: str, value: Any) -> tuple[Any, Any, Any]:
    """Return `validation_data`, or a batch, as (x, y, sample_weight), which is None where there is none."""
    if not isinstance(value, (tuple, list)):
        raise TypeError(f"{argument}: got {type(value).__name__}, needs (x, y)")
    if len(value) not in (2, 3):
        raise ValueError(f"{argument}: got {len(value)} items, needs two or three: (x, y) or (x, y, sample_weight)")
    return value[0], value[1], value[2] if len(value) == 3 else None
