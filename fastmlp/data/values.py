"""What computing gives: arrays and numbers that answer `.numpy()`, as those of Keras do."""

from __future__ import annotations

from typing import Any

import numpy as np


class Array(np.ndarray):
    """An array of NumPy that answers `.numpy()`."""

    __slots__ = ()

    def numpy(self) -> np.ndarray:
        """Return a plain array with the same memory."""
        return self.view(np.ndarray)

    def __array_wrap__(self, array: Any, context: Any = None, return_scalar: bool = False) -> Any:
        return array[()] if return_scalar else super().__array_wrap__(array, context, return_scalar)


class Number(float):
    """A float that answers `.numpy()`, with a scalar of NumPy."""

    __slots__ = ()
    shape = ()

    def numpy(self) -> np.float64:
        """Return the number as a scalar of NumPy."""
        return np.float64(self)


class Count(int):
    """An int that answers `.numpy()`, with a scalar of NumPy."""

    __slots__ = ()
    shape = ()

    def numpy(self) -> np.int64:
        """Return the number as a scalar of NumPy."""
        return np.int64(self)


def answering(array: np.ndarray) -> Array:
    """Return an array as one that answers `.numpy()`, with the same memory."""
    return array if isinstance(array, Array) else array.view(Array)
