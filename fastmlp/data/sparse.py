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
