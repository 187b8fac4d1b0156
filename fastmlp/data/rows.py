"""Checked rows as they are handed to the engine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from fastmlp.data.arrays import Shape, features


@dataclass(frozen=True)
class Data:
    """Checked arrays as the engine takes them: x [rows, features], y [rows] or [rows, units], weights [rows].

    `y_true` is what metrics take for y where the loss takes something else.
    """

    x: np.ndarray
    y: np.ndarray
    sample_weight: np.ndarray | None = None
    y_true: np.ndarray | None = None

    @property
    def rows(self) -> int:
        return len(self.x)

    def part(self, start: int, stop: int) -> Data:
        weights, y_true = (None if one is None else one[start:stop] for one in (self.sample_weight, self.y_true))
        return Data(self.x[start:stop], self.y[start:stop], weights, y_true)


def unlabelled(argument: str, x: Any, shape: Shape | None, dtype: str) -> tuple[Shape, Data]:
    """Return the shape of the rows of x and the checked array, with targets of no columns; errors as in `features`."""
    array = features(argument, x, shape, dtype)
    return array.shape[1:], Data(array.reshape(len(array), -1), np.empty((len(array), 0)))


def unpack(argument: str, value: Any) -> tuple[Any, Any, Any]:
    """Return `validation_data`, or a batch, as (x, y, sample_weight), which is None where there is none."""
    if not isinstance(value, (tuple, list)):
        raise TypeError(f"{argument}: got {type(value).__name__}, needs (x, y)")
    if len(value) not in (2, 3):
        raise ValueError(f"{argument}: got {len(value)} items, needs two or three: (x, y) or (x, y, sample_weight)")
    return value[0], value[1], value[2] if len(value) == 3 else None
