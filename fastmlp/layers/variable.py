"""A layer's weights one by one: packed for the kernels, and given as arrays when they are asked for."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from fastmlp.data.arrays import Shape, weight_arrays
from fastmlp.elsewhere import Advises
from fastmlp.kernels.engine.arena import is_transposed
from fastmlp.kernels.engine.blocks import Block


class Owner(Protocol):
    """What a variable asks of its layer."""

    @property
    def name(self) -> str: ...
    def name_by_levels(self) -> str: ...
    @property
    def dtype(self) -> str: ...
    @property
    def trainable(self) -> bool: ...
    def draw_weights(self) -> None: ...
    def use_dtype(self, dtype: str) -> None: ...


class Variable(Advises):
    """One array of a layer's weights. Reading gives a copy; `assign` sets it.

    Attributes
    ----------
    layer : Layer
        Whose it is.
    name : str
        Such as "kernel".
    shape : tuple of int
    has_gradients : bool
        False for statistics of the data, which no gradient changes.
    """

    def __init__(self, layer: Owner, name: str, shape: Shape, has_gradients: bool):
        self.layer, self.name, self.shape, self.has_gradients = layer, name, shape, has_gradients
        self._block: Block | None = None  # made with the first values, and not when a file says that there are some

    @property
    def path(self) -> str:
        """Such as "dense/kernel", or "encoder/dense/kernel" in a model within a model."""
        return f"{self.layer.name_by_levels()}/{self.name}"

    @property
    def dtype(self) -> str:
        return self.layer.dtype

    @property
    def trainable(self) -> bool:
        """Whether training changes it by gradients: it has some, and its layer is not frozen."""
        return self.has_gradients and self.layer.trainable

    @property
    def has_values(self) -> bool:
        """Whether it was drawn or set."""
        return self._block is not None

    @property
    def block(self) -> Block:
        """The memory that networks refer to; the first values are drawn when it is asked for."""
        if self._block is None:
            self.layer.draw_weights()
        assert self._block is not None
        return self._block

    @property
    def value(self) -> np.ndarray:
        """The same as `numpy()`."""
        return self.numpy()

    def numpy(self) -> np.ndarray:
        """Return a copy of the values."""
        return np.asarray(self.block.read())

    def assign(self, value: Any) -> None:
        """Set the values; ValueError or TypeError unless they have the same shape."""
        self.write(self.check(value))

    def write(self, array: np.ndarray) -> None:
        """Set the values from a checked array."""
        if self._block is None:
            self.layer.use_dtype(self.dtype)  # from here on it is fixed
            block = self._new_block(self.dtype)
            block.write(array)
            self._block = block
        else:
            self._block.write(array)

    def _new_block(self, dtype: str) -> Block:
        return Block(self.shape, dtype, is_transposed(self.name, self.shape))

    def check(self, value: Any) -> np.ndarray:
        """Return values as an array of this shape and dtype, or raise ValueError or TypeError."""
        return weight_arrays(self.path, [value], [self.shape], self.dtype)[0]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        if copy is False:
            raise ValueError(f"{self.path}: got copy=False, needs a copy: the weights lie packed for the kernels")
        return self.numpy().astype(dtype or self.dtype, copy=False)

    def __getstate__(self) -> dict[str, Any]:
        values = None if self._block is None else self._block.read()
        return {**vars(self), "_block": values}

    def __setstate__(self, state: dict[str, Any]) -> None:
        values = state["_block"]
        vars(self).update(state)
        if values is not None:
            self._block = self._new_block(values.dtype.name)
            self._block.write(values)

    def __repr__(self) -> str:
        return f"<Variable {self.path}, shape={self.shape}, dtype={self.dtype}>"
