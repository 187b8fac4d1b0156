"""The packed layout of arrays of weights, and the memory for what is kept beside them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

ALIGNMENT = 64  # bytes: a cache line, and the widest vector

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Place:
    """Where the numbers that belong to an array of weights are in a region: from which element on, in what shape."""

    start: int
    shape: Shape


class Arena:
    """Regions of equal layout in one block of memory: one for each of the optimizer's slots.

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

    def add(self, shape: Shape) -> Place:
        """Make a place for what belongs to an array."""
        place = Place(self.size, shape)
        self.places.append(place)
        self.size += int(np.prod(panels_shape(shape, self.width)))
        return place

    def allocate(self, slots: int, start: float) -> None:
        """Make the memory: slots of 0, but for the first, which is filled with `start`."""
        self.regions = aligned((slots, self.size), self.dtype)
        self.regions[:1] = start

    def arrays(self, region: NDArray[Any]) -> list[NDArray[Any]]:
        """Return copies of a region's arrays, in the order in which their places were made."""
        return [unpacked(panels, shape) for shape, panels in self.views(region)]

    def fill(self, region: NDArray[Any], arrays: Sequence[Any]) -> None:
        """Copy arrays, in the order of `arrays`, into a region."""
        for array, (shape, panels) in zip(arrays, self.views(region), strict=True):
            fill(panels, shape, array)

    def views(self, region: NDArray[Any]) -> Iterator[tuple[Shape, NDArray[Any]]]:
        """Every array's shape with its panels in a region."""
        for place in self.places:
            shape = panels_shape(place.shape, self.width)
            yield place.shape, region[place.start : place.start + int(np.prod(shape))].reshape(shape)


def panels_shape(shape: Shape, width: int) -> tuple[int, int, int]:
    """Return the packed shape [panels, rows, width] of a matrix [rows, columns], or of a vector, which is one row.

    That is the right operand of the forward product. Nothing reads the columns past the last.
    """
    return -(-shape[-1] // width), shape[0] if len(shape) == 2 else 1, width


def unpacked(panels: NDArray[Any], shape: Shape) -> NDArray[Any]:
    """Return a copy of the array that is packed in panels."""
    array: NDArray[Any] = panels.transpose(1, 0, 2).reshape(panels.shape[1], -1)[:, : shape[-1]].reshape(shape).copy()
    return array


def fill(panels: NDArray[Any], shape: Shape, array: Any) -> None:
    """Pack an array of that shape into panels."""
    count, rows, width = panels.shape
    flat = np.zeros((rows, count * width), panels.dtype)
    flat[:, : shape[-1]] = array
    panels[...] = flat.reshape(rows, count, width).transpose(1, 0, 2)


def aligned(shape: Shape, dtype: Any) -> NDArray[Any]:
    """Zeros that start at a multiple of ALIGNMENT bytes."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    memory = np.zeros(size + ALIGNMENT, np.uint8)
    start = -memory.ctypes.data % ALIGNMENT
    values: NDArray[Any] = memory[start : start + size].view(dtype).reshape(shape)
    return values
