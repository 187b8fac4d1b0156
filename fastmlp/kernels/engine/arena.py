"""The packed layout of arrays of weights, and the memory for what is kept beside them."""

from __future__ import annotations

import math
import mmap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmlp.kernels.engine.packing import pack, unpack

ALIGNMENT = 64  # bytes: a cache line, and the widest vector
LARGE = 1 << 16  # numbers that are worth a walk in the order of the memory, where NumPy's is another
MUCH = 1 << 23  # bytes: some large pages

NARROW = 10  # outputs; c/narrow.h has room for 16
FEWEST_INPUTS, MOST_INPUTS = 16, 4096

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Place:
    """Where the numbers that belong to an array of weights are in a region, and in what shape they are packed."""

    start: int
    end: int
    shape: Shape
    packed: Shape
    transposed: bool


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

    def add(self, shape: Shape, transposed: bool = False) -> Place:
        """Make a place for what belongs to an array."""
        packed = panels_shape(shape, self.width, transposed)
        place = Place(self.size, self.size + math.prod(packed), shape, packed, transposed)
        self.places.append(place)
        self.size = place.end
        return place

    def allocate(self, slots: int, start: float) -> None:
        """Make the memory: slots of 0, but for the first, which is filled with `start`."""
        self.regions = aligned((slots, self.size), self.dtype, is_read=True)
        if start:  # else nothing is written to yet, and no memory taken
            self.regions[:1] = start

    def arrays(self, region: NDArray[Any], out: Sequence[NDArray[Any]] | None = None) -> list[NDArray[Any]]:
        """Return copies of a region's arrays, in the order in which their places were made; or `out` filled with them.

        `out` has C-contiguous arrays of the dtype.
        """
        memory = len(self.places) * [None] if out is None else out
        found = []
        for place, array in zip(self.places, memory, strict=True):
            if place.transposed:
                found.append(np.empty(place.shape, self.dtype) if array is None else array)
                found[-1][...] = unpacked(self.panels(region, place), place.shape[::-1]).T
            else:
                found.append(unpacked(self.panels(region, place), place.shape, array))
        return found

    def fill(self, region: NDArray[Any], arrays: Sequence[Any]) -> None:
        """Copy arrays, in the order of `arrays`, into a region."""
        for array, place in zip(arrays, self.places, strict=True):
            if place.transposed:
                fill(self.panels(region, place), place.shape[::-1], np.ascontiguousarray(np.transpose(array)))
            else:
                fill(self.panels(region, place), place.shape, array)

    @staticmethod
    def panels(region: NDArray[Any], place: Place) -> NDArray[Any]:
        """Return a place's panels in a region."""
        return region[place.start : place.end].reshape(place.packed)


def is_transposed(name: str, shape: Shape) -> bool:
    """Whether the transpose of an array of weights is packed: of a kernel with few outputs.

    Panels of few columns would be zeros for the most part. With more than some thousands of inputs rows are often
    sparse, and each of their numbers wants the weights of all outputs side by side.
    """
    return name == "kernel" and len(shape) == 2 and shape[1] <= NARROW and FEWEST_INPUTS <= shape[0] <= MOST_INPUTS


def panels_shape(shape: Shape, width: int, transposed: bool = False) -> tuple[int, int, int]:
    """Return the packed shape [panels, rows, width] of a matrix [rows, columns], or of a vector, which is one row.

    That is the right operand of the forward product. Nothing reads the columns past the last.
    """
    rows, columns = (1, *shape)[-2:] if not transposed else shape[::-1]
    return -(-columns // width), rows, width


def unpacked(panels: NDArray[Any], shape: Shape, out: NDArray[Any] | None = None) -> NDArray[Any]:
    """Return a copy of the array that is packed in panels, or `out` filled with it."""
    memory = np.empty(shape, panels.dtype) if out is None else out
    array = memory.reshape(panels.shape[1], shape[-1])
    if array.size >= LARGE:
        unpack(panels, array)
        return memory
    for columns, numbers in parts(array, panels):
        columns[...] = numbers
    return memory


def fill(panels: NDArray[Any], shape: Shape, array: Any) -> None:
    """Pack an array of that shape into panels, with zeros beside its columns."""
    matrix = np.asarray(array).reshape(panels.shape[1], shape[-1])
    if matrix.size >= LARGE and matrix.dtype == panels.dtype and matrix.flags.c_contiguous and matrix.flags.aligned:
        pack(matrix, panels)
        return
    for columns, numbers in parts(matrix, panels):
        numbers[...] = columns
    panels[-1, :, shape[-1] - (len(panels) - 1) * panels.shape[2] :] = 0


def parts(matrix: NDArray[Any], panels: NDArray[Any]) -> Iterator[tuple[NDArray[Any], NDArray[Any]]]:
    """Yield the full panels of a matrix, then what is left, each with its place in `panels`; all are views."""
    rows, columns = matrix.shape
    width = panels.shape[2]
    full = columns // width
    if full:
        yield matrix[:, : full * width].reshape(rows, full, width), panels[:full].transpose(1, 0, 2)
    if full < len(panels):
        yield matrix[:, full * width :], panels[full, :, : columns - full * width]


def aligned(shape: Shape, dtype: Any, is_read: bool = False) -> NDArray[Any]:
    """Zeros that start at a multiple of ALIGNMENT bytes; much memory that `is_read` as a whole is in large pages."""
    size = math.prod(shape) * np.dtype(dtype).itemsize
    pages = is_read and size >= MUCH and hasattr(mmap, "MADV_HUGEPAGE")
    memory = in_large_pages(size + ALIGNMENT) if pages else np.zeros(size + ALIGNMENT, np.uint8)
    start = -memory.ctypes.data % ALIGNMENT
    values: NDArray[Any] = memory[start : start + size].view(dtype).reshape(shape)
    return values


def in_large_pages(size: int) -> NDArray[np.uint8]:
    """Return zeros of the system's large pages, where it has some to give: fewer are faster to get and to find."""
    memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    memory.madvise(mmap.MADV_HUGEPAGE)
    return np.frombuffer(memory, np.uint8)
