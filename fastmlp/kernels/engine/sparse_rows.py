"""Rows that a network reads without their zeros."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmlp.kernels.contract import described
from fastmlp.kernels.ranges import extremes


@dataclass(frozen=True, eq=False)
class SparseRows:
    """Compressed sparse rows: the numbers of row i are data[indptr[i]:indptr[i + 1]], in the columns of `indices`.

    Attributes
    ----------
    data : array [numbers] of the network's dtype
    indices : array [numbers] of int32
        Columns, which increase in each row.
    indptr : array [rows + 1] of int64
    shape : tuple of int
        Rows and columns.
    """

    data: NDArray[Any]
    indices: NDArray[np.int32]
    indptr: NDArray[np.int64]
    shape: tuple[int, int]

    def __post_init__(self) -> None:
        """Take copies of what are places in memory, which nobody else may change meanwhile."""
        for name in ("indices", "indptr"):
            array = getattr(self, name)
            if isinstance(array, np.ndarray):
                object.__setattr__(self, name, np.array(array))
                getattr(self, name).flags.writeable = False

    def __len__(self) -> int:
        return self.shape[0]

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the numbers."""
        return self.data.dtype

    def __getitem__(self, rows: slice) -> SparseRows:
        """Return rows that follow each other, with the memory of all."""
        start, stop, _ = rows.indices(len(self))
        numbers = slice(self.indptr[start], self.indptr[stop])
        indptr = self.indptr[start : stop + 1] - self.indptr[start]
        return SparseRows(self.data[numbers], self.indices[numbers], indptr, (stop - start, self.shape[1]))

    def most_together(self, order: NDArray[np.int64] | None, batch_size: int, epochs: int) -> int:
        """Return how many numbers a batch has at most, of rows in the order of so many epochs; None: as they are."""
        counts = np.diff(self.indptr)
        if order is not None:
            counts = counts[order]
        starts = np.arange(0, len(counts) // epochs, batch_size)
        return int(np.add.reduceat(counts.reshape(epochs, -1), starts, axis=1).max())


def sparse_rows(x: Any, dtype: Any) -> SparseRows:
    """Return the rows of a matrix of scipy.sparse in a network's dtype; numbers that fit are shared, not copied.

    Numbers of one place are added, as in `x.toarray()`.
    """
    rows = x.tocsr()
    if not rows.has_canonical_format:
        rows = rows.copy() if rows is x else rows
        rows.sum_duplicates()
    if rows.shape[1] > np.iinfo(np.int32).max:
        raise ValueError(f"x: got {rows.shape[1]} columns, needs at most {np.iinfo(np.int32).max}")
    given = rows.data, rows.indices, rows.indptr
    data, indices, indptr = (
        np.require(array, kind, ["C", "A"]) for array, kind in zip(given, (dtype, np.int32, np.int64), strict=True)
    )
    return SparseRows(data, indices, indptr, rows.shape)


def check_sparse(name: str, x: SparseRows, dtype: Any, rows: int | None, columns: int) -> None:
    """Refuse sparse rows that are not of the dtype and the shape, or refer to memory that is not there; ValueError."""
    if x.shape[1] != columns or len(x) < 1 or (rows is not None and len(x) != rows):
        raise ValueError(
            f"{name}: got sparse rows {x.shape}, needs shape ({'rows' if rows is None else rows}, {columns})"
        )
    for what, array, kind in (
        ("data", x.data, dtype),
        ("indices", x.indices, np.int32),
        ("indptr", x.indptr, np.int64),
    ):
        fits = isinstance(array, np.ndarray) and array.dtype == kind and array.ndim == 1
        if not fits or not array.flags.c_contiguous or not array.flags.aligned:
            raise ValueError(
                f"{name}: got {what} of {described(array)}, needs a C-contiguous vector of {np.dtype(kind)}"
            )
    count = min(len(x.data), len(x.indices))
    if len(x.indptr) != len(x) + 1 or x.indptr[0] < 0 or x.indptr[-1] > count or (np.diff(x.indptr) < 0).any():
        raise ValueError(f"{name}: got an indptr that does not increase from 0 to {count} over {len(x)} rows")
    low, high = extremes(x.indices) if len(x.indices) else (0, 0)
    if low < 0 or high >= columns:
        raise ValueError(f"{name}: got columns from {low} to {high}, needs 0 to {columns - 1}")
