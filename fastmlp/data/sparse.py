"""Sparse rows: matrices and arrays of scipy.sparse, made dense for the engine a few batches at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

# numbers that sparse rows are made dense to at a time: some MB, which stay in a cache
DENSE_AT_ONCE = 1 << 20


def is_sparse(values: Any) -> bool:
    """Whether it is a matrix or an array of scipy.sparse, which is not imported for that."""
    return hasattr(values, "tocsr") and hasattr(values, "nnz")


def csr(argument: str, x: Any) -> Any:
    """Return x as a CSR matrix or array without duplicates; x itself stays as it is.

    Raises
    ------
    TypeError
        When it has no real numbers.
    ValueError
        When it has not two axes, or its numbers of rows and columns lead beyond them.
    """
    if x.dtype.kind not in "buif":
        raise TypeError(f"{argument}: got a {type(x).__name__} of dtype {x.dtype}, needs real numbers")
    if x.ndim != 2:
        raise ValueError(f"{argument}: got a {type(x).__name__} of shape {x.shape}, needs (rows, columns)")
    try:
        rows = sound(sound(x).tocsr())
    except ValueError as error:
        raise ValueError(f"{argument}: got a {type(x).__name__} that is damaged: {error}") from None
    if not rows.has_canonical_format:  # what stands twice is a sum
        rows = rows.copy()
        rows.sum_duplicates()
    return rows


def sound(x: Any) -> Any:
    """Return a matrix with the same memory; ValueError where SciPy, which does not look, would read beyond it."""
    if hasattr(x, "check_format"):
        x = type(x)((x.data, x.indices, x.indptr), shape=x.shape)
        x.check_format()
    if x.format == "coo":
        for places, size in zip((x.row, x.col), x.shape, strict=True):
            if len(places) != len(x.data) or (len(places) and not 0 <= places.min() <= places.max() < size):
                raise ValueError("row and column numbers must be below its shape, one for each value")
    return x


def dense(x: Any, rows: Any = slice(None)) -> np.ndarray:
    """Return some rows of a CSR matrix as an array of uint8, float32 or float64."""
    array: np.ndarray = x[rows].toarray(order="C")
    return array if array.dtype in (np.uint8, np.float32, np.float64) else array.astype(np.float64)


def rows_at_once(batch_size: int, *widths: int) -> int:
    """Return how many rows to make dense at a time: whole batches, one at least."""
    return max(1, DENSE_AT_ONCE // (batch_size * max(1, *widths))) * batch_size


def parts(rows: int, at_once: int) -> Iterator[slice]:
    """Cut a number of rows into those to make dense at a time."""
    return (slice(start, start + at_once) for start in range(0, rows, at_once))
