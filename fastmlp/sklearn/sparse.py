"""Rows for the engine: dense ones as they are, sparse ones made dense a few batches at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from fastmlp.data.sparse import dense, parts, rows_at_once

Chunk = tuple[NDArray[Any], Any, NDArray[np.int64]]


def prepared(x: Any) -> Any:
    """Features as the engine reads them: a C-contiguous array of uint8, float32 or float64, or a CSR matrix."""
    if sp.issparse(x):
        return x.tocsr()
    if x.dtype not in (np.uint8, np.float32, np.float64):
        x = x.astype(np.float64)
    return np.require(x, requirements=["C", "A"])


def chunks(x: Any, order: NDArray[np.int64], batch_size: int) -> Iterator[Chunk]:
    """Return the rows of an epoch as dense arrays: (array, row numbers of x that it holds, order of its rows).

    Dense rows are one chunk, whose row numbers are slice(None); sparse ones come in chunks of whole batches.
    """
    if not sp.issparse(x):
        yield x, slice(None), order
        return
    for part in parts(len(order), rows_at_once(batch_size, x.shape[1])):
        rows = order[part]
        yield dense(x, rows), rows, np.arange(len(rows))


def as_dense(y: Any) -> NDArray[Any]:
    """Return targets as an array; the engine reads all of them."""
    return y.toarray() if sp.issparse(y) else y  # type: ignore[no-any-return]


def predict(network: Any, x: Any) -> NDArray[Any]:
    """Return the network's outputs, [rows, units]."""
    out = np.empty((x.shape[0], network.outputs), network.dtype)
    if isinstance(x, np.ndarray):
        if not network.predict_small(x, out):
            network.predict(x, out=out)
        return out
    for rows in parts(x.shape[0], rows_at_once(1, x.shape[1])):
        out[rows] = network.predict(dense(x, rows))
    return out
