"""Checked rows as they are handed to the engine."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from fastmlp.data import sparse
from fastmlp.kernels import Network
from fastmlp.kernels.engine.sparse_rows import sparse_rows

Targets = tuple[np.ndarray | None, ...]


@dataclass(frozen=True)
class Data:
    """Checked arrays as the engine takes them: x [rows, features] for each input, the rest for each output.

    Attributes
    ----------
    xs : tuple of ndarray, of CSR matrices or of SparseRows
    ys : tuple of ndarray or None
        [rows] or [rows, units]; None for an output without a loss. Empty where there are no targets.
    sample_weights : tuple of ndarray or None
        [rows]; empty where no row has a weight.
    y_trues : tuple of ndarray or None
        What metrics take for y, where the loss takes something else.
    """

    xs: tuple[Any, ...]
    ys: Targets = ()
    sample_weights: Targets = ()
    y_trues: Targets = ()

    @property
    def rows(self) -> int:
        return int(self.xs[0].shape[0])

    @property
    def sparse_widths(self) -> list[int]:
        """The numbers of columns of the sparse ones of x."""
        return [x.shape[1] for x in self.xs if sparse.is_sparse(x)]

    def for_network(self, network: Network) -> Data:
        """Return the same rows as SparseRows where there are sparse ones and the network reads all of these."""
        are_sparse = [sparse.is_sparse(x) for x in self.xs]
        if not any(are_sparse) or any(one > takes for one, takes in zip(are_sparse, network.takes_sparse, strict=True)):
            return self
        xs = (sparse_rows(x, network.dtype) if one else x for x, one in zip(self.xs, are_sparse, strict=True))
        return replace(self, xs=tuple(xs))

    def part(self, start: int, stop: int) -> Data:
        """Return some of the rows, or itself where that is all."""
        return self if start == 0 and stop == self.rows else self.taken(slice(start, stop))

    def taken(self, rows: Any) -> Data:
        """Return the rows of a slice or of an array of their numbers."""

        def cut(arrays: Targets) -> Targets:
            return tuple(None if array is None else array[rows] for array in arrays)

        return Data(tuple(x[rows] for x in self.xs), cut(self.ys), cut(self.sample_weights), cut(self.y_trues))

    def dense(self) -> Data:
        """Return the same rows with every x as the engine takes it."""
        if not self.sparse_widths:
            return self
        return replace(self, xs=tuple(sparse.dense(x) if sparse.is_sparse(x) else x for x in self.xs))


def unpack(argument: str, value: Any) -> tuple[Any, Any, Any]:
    """Return `validation_data`, or a batch, as (x, y, sample_weight), which is None where there is none."""
    if not isinstance(value, (tuple, list)):
        raise TypeError(f"{argument}: got {type(value).__name__}, needs (x, y)")
    if len(value) not in (2, 3):
        raise ValueError(f"{argument}: got {len(value)} items, needs two or three: (x, y) or (x, y, sample_weight)")
    return value[0], value[1], value[2] if len(value) == 3 else None
