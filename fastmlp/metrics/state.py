"""What a metric of the user's own counts in, as variables: `self.total = self.add_weight(name="total")`."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from fastmlp.data.arrays import Shape, numeric


class StateVariable(NDArrayOperatorsMixin):
    """An array in float64 with `assign`, `assign_add` and `assign_sub`; elsewhere it is used as an array.

    Attributes
    ----------
    name : str
    shape : tuple of int
    """

    dtype = "float64"

    def __init__(self, values: np.ndarray, name: str):
        self.array, self.name = values, name

    @property
    def shape(self) -> Shape:
        return self.array.shape

    @property
    def value(self) -> np.ndarray:
        """The same as `numpy()`."""
        return self.numpy()

    def numpy(self) -> np.ndarray:
        """Return a copy of the values."""
        return self.array.copy()

    def assign(self, value: Any) -> StateVariable:
        """Set the values, of the same shape or a single one for all; ValueError or TypeError for others."""
        array = numeric(self.name, value).astype(np.float64)
        if array.shape not in ((), self.shape):
            raise ValueError(f"{self.name}: got shape {array.shape}, needs {self.shape}")
        self.array = np.broadcast_to(array, self.shape).copy()
        return self

    def assign_add(self, value: Any) -> StateVariable:
        """Add to the values."""
        return self.assign(self.array + numeric(self.name, value))

    def assign_sub(self, value: Any) -> StateVariable:
        """Subtract from the values."""
        return self.assign(self.array - numeric(self.name, value))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        if copy is False:
            raise ValueError(f"{self.name}: got copy=False, needs a copy: the values change")
        return self.array.astype(dtype or np.float64)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        arrays = [one.array if isinstance(one, StateVariable) else one for one in inputs]
        return getattr(ufunc, method)(*arrays, **kwargs)

    def __getitem__(self, index: Any) -> Any:
        return self.array[index]

    def __len__(self) -> int:
        return len(self.array)

    def __float__(self) -> float:
        return float(self.array)

    def __int__(self) -> int:
        return int(self.array)

    def __bool__(self) -> bool:
        return bool(self.array)

    def __repr__(self) -> str:
        return f"<StateVariable {self.name}, shape={self.shape}, value={self.array}>"
