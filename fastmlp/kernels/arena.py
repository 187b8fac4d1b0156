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
    """Where a dense layer's weights are in a region, in elements."""

    kernel: int
    bias: int
    end: int
    inputs: int
    units: int
    use_bias: bool


class Arena:
    """Regions of equal layout in one block of memory: the weights, then one for each of the optimizer's slots.

    A kernel [inputs, units] is kept as [panels][inputs][width], the packed right operand of the forward product; the
    bias follows it. Nothing reads the columns past `units`.

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

    def add(self, inputs: int, units: int, use_bias: bool) -> Place:
        """Make a place for a dense layer."""
        padded = -(-units // self.width) * self.width
        bias = self.size + inputs * padded
        place = Place(self.size, bias, bias + padded, inputs, units, use_bias)
        self.places.append(place)
        self.size = place.end
        return place

    def allocate(self, slots: int, start: float) -> None:
        """Make the memory: weights of 0, and slots filled with their value at the start."""
        self.regions = aligned((1 + slots, self.size), self.dtype)
        self.regions[1:] = start

    def weights(self, region: NDArray[Any]) -> list[NDArray[Any]]:
        """Copies of a region's arrays: for each dense layer the kernel [inputs, units], then its bias [units]."""
        arrays = []
        for place, kernel, bias in self.views(region):
            arrays.append(kernel.transpose(1, 0, 2).reshape(place.inputs, -1)[:, : place.units].copy())
            if place.use_bias:
                arrays.append(bias[: place.units].copy())
        return arrays

    def fill(self, region: NDArray[Any], weights: Sequence[Any]) -> None:
        """Copy arrays, in the order of `weights`, into a region."""
        arrays = iter(weights)
        for place, kernel, bias in self.views(region):
            flat = np.zeros((place.inputs, bias.size), self.dtype)
            flat[:, : place.units] = next(arrays)
            kernel[...] = flat.reshape(place.inputs, -1, self.width).transpose(1, 0, 2)
            if place.use_bias:
                bias[: place.units] = next(arrays)

    def views(self, region: NDArray[Any]) -> Iterator[tuple[Place, NDArray[Any], NDArray[Any]]]:
        """Every place with its kernel [panels, inputs, width] and its padded bias, in a region."""
        for place in self.places:
            kernel = region[place.kernel : place.bias].reshape(-1, place.inputs, self.width)
            yield place, kernel, region[place.bias : place.end]


def aligned(shape: tuple[int, ...], dtype: Any) -> NDArray[Any]:
    """Zeros that start at a multiple of ALIGNMENT bytes."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    memory = np.zeros(size + ALIGNMENT, np.uint8)
    start = -memory.ctypes.data % ALIGNMENT
    values: NDArray[Any] = memory[start : start + size].view(dtype).reshape(shape)
    return values
