"""The memory of a network's weights, and their way in and out of the packed layout."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

ALIGNMENT = 64  # bytes: a cache line, and the widest vector


@dataclass(frozen=True)
class Place:
    """Where an array of weights is in a region: its first element, and its shape, (columns,) or (rows, columns)."""

    start: int
    shape: tuple[int, ...]
    trained: bool

    @property
    def rows(self) -> int:
        """The rows of a matrix; a vector has one."""
        return self.shape[0] if len(self.shape) == 2 else 1

    @property
    def columns(self) -> int:
        """The columns of a matrix, or the elements of a vector."""
        return self.shape[-1]


class Arena:
    """Regions of equal layout in one block of memory: the weights, then one for each of the optimizer's slots.

    An array [rows, columns] is kept as [panels][rows][width], the packed right operand of the forward product; a vector
    is one row. Nothing reads the columns past the last.

    Parameters
    ----------
    width : int
        Columns of a panel.
    dtype : dtype
    """

    def __init__(self, width: int, dtype: np.dtype[Any]) -> None:
        self.width = width
        self.dtype = dtype
        self.places: list[Place] = []
        self.size = 0
        self.regions = aligned((0, 0), dtype)

    def add(self, shape: tuple[int, ...], trained: bool = True) -> Place:
        """Make a place for an array; what is not `trained` has no gradient and no slots."""
        place = Place(self.size, shape, trained)
        self.places.append(place)
        self.size += place.rows * -(-place.columns // self.width) * self.width
        return place

    def allocate(self, slots: int, start: float) -> None:
        """Make the memory: weights and slots of 0, but for the first slot, which is filled with `start`."""
        self.regions = aligned((1 + slots, self.size), self.dtype)
        self.regions[1:2] = start

    def weights(self, region: NDArray[Any], only_trained: bool = False) -> list[NDArray[Any]]:
        """Return copies of a region's arrays, in the order in which their places were made."""
        return [
            panels.transpose(1, 0, 2).reshape(place.rows, -1)[:, : place.columns].reshape(place.shape).copy()
            for place, panels in self.views(region, only_trained)
        ]

    def fill(self, region: NDArray[Any], weights: Sequence[Any], only_trained: bool = False) -> None:
        """Copy arrays, in the order of `weights`, into a region."""
        for array, (place, panels) in zip(weights, self.views(region, only_trained), strict=True):
            flat = np.zeros((place.rows, len(panels) * self.width), self.dtype)
            flat[:, : place.columns] = array
            panels[...] = flat.reshape(place.rows, -1, self.width).transpose(1, 0, 2)

    def views(self, region: NDArray[Any], only_trained: bool) -> Iterator[tuple[Place, NDArray[Any]]]:
        """Every place with its panels [panels, rows, width] in a region."""
        for place in self.places:
            if place.trained or not only_trained:
                panels = -(-place.columns // self.width)
                size = panels * place.rows * self.width
                yield place, region[place.start : place.start + size].reshape(panels, place.rows, self.width)


def aligned(shape: tuple[int, ...], dtype: Any) -> NDArray[Any]:
    """Zeros that start at a multiple of ALIGNMENT bytes."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    memory = np.zeros(size + ALIGNMENT, np.uint8)
    start = -memory.ctypes.data % ALIGNMENT
    values: NDArray[Any] = memory[start : start + size].view(dtype).reshape(shape)
    return values
