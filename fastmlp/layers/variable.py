"""A model's weights one by one, for programs that train by themselves."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from fastmlp.data.arrays import Shape, weight_arrays


class Owner(Protocol):
    """What layers and variables ask of the model that owns their weights."""

    optimizer: Any

    @property
    def dtype(self) -> str: ...
    @property
    def built(self) -> bool: ...
    @property
    def network(self) -> Any: ...
    @property
    def weights(self) -> list[Variable]: ...
    @property
    def trainable_weights(self) -> list[Variable]: ...
    @property
    def weight_names(self) -> dict[str, Shape]: ...
    def get_weights(self) -> list[np.ndarray]: ...
    def set_weights(self, weights: Any) -> None: ...
    def input_shape_of(self, layer: Any) -> Shape: ...


class Variable:
    """One array of a model's weights. Reading gives a copy; `assign` sets it.

    Attributes
    ----------
    path, name : str
        "dense/kernel", and its last part.
    shape : tuple of int
    trainable : bool
        Whether gradients change it; False for statistics of the data.
    """

    def __init__(self, model: Owner, path: str, shape: Shape, trainable: bool):
        self.model, self.path, self.shape, self.trainable = model, path, shape, trainable
        self.name = path.rpartition("/")[2]

    @property
    def dtype(self) -> str:
        return self.model.dtype

    def numpy(self) -> np.ndarray:
        """Return a copy of the values."""
        return self.model.get_weights()[self._place()]

    def assign(self, value: Any) -> None:
        """Set the values; ValueError or TypeError unless they have the same shape."""
        array = self.check(value)
        weights = self.model.get_weights()
        weights[self._place()] = array
        self.model.set_weights(weights)

    def check(self, value: Any) -> np.ndarray:
        """Return values as an array of this shape and dtype, or raise ValueError or TypeError."""
        return weight_arrays(self.path, [np.asarray(value)], [self.shape], self.dtype)[0]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        if copy is False:
            raise ValueError(f"{self.path}: got copy=False, needs a copy: the weights lie packed for the kernels")
        return self.numpy().astype(dtype or self.dtype, copy=False)

    def __repr__(self) -> str:
        return f"<Variable {self.path}, shape={self.shape}, dtype={self.dtype}>"

    def _place(self) -> int:
        return list(self.model.weight_names).index(self.path)
