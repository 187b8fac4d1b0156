"""Rows for the engine: dense ones as they are, sparse ones as lists of what is not 0."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from fastmlp.kernels.engine.sparse_rows import sparse_rows


def prepared(x: Any) -> Any:
    """Features that rows may be taken from: a C-contiguous array of uint8, float32 or float64, or a CSR matrix."""
    if sp.issparse(x):
        return x.tocsr()
    if x.dtype not in (np.uint8, np.float32, np.float64):
        x = x.astype(np.float64)
    return np.require(x, requirements=["C", "A"])


def for_network(x: Any, dtype: Any) -> Any:
    """Return what is `prepared` as a network of that dtype reads it."""
    return sparse_rows(x, dtype) if sp.issparse(x) else x


def as_dense(y: Any) -> NDArray[Any]:
    """Return targets as an array; the engine reads all of them."""
    return y.toarray() if sp.issparse(y) else y  # type: ignore[no-any-return]


def predict(network: Any, x: Any) -> NDArray[Any]:
    """Return the network's outputs, [rows, units]."""
    out = np.empty((x.shape[0], network.outputs), network.dtype)
    if not (isinstance(x, np.ndarray) and network.predict_small(x, out)):
        network.predict(for_network(x, network.dtype), out=out)
    return out
