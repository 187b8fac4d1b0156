"""Arrays that scikit-learn's checks would return as they are.

That is told in a microsecond or two, where the checks take more time than a step of a small network.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmlp.kernels.ranges import all_finite


def are_rows(estimator: Any, x: Any) -> bool:
    """Whether x is an array of finite floats, [rows, features], as the estimator was fitted to without names."""
    return (
        type(x) is np.ndarray
        and x.ndim == 2
        and len(x) > 0
        and "feature_names_in_" not in vars(estimator)
        and x.shape[1] == vars(estimator).get("n_features_in_")
        and are_finite(x)
    )


def are_numbers(y: Any, rows: int, columns: int) -> bool:
    """Whether y is an array of finite floats or of integers, [rows] or, of several columns, [rows, columns]."""
    return (
        type(y) is np.ndarray
        and y.shape == ((rows,) if columns == 1 else (rows, columns))
        and (y.dtype.kind in "iu" or are_finite(y))
    )


def are_among(y: Any, rows: int, classes: Any) -> bool:
    """Whether y is an array [rows] of values that are among the sorted classes, and of their kind."""
    if type(y) is not np.ndarray or type(classes) is not np.ndarray or y.shape != (rows,):
        return False
    if y.dtype.kind != classes.dtype.kind or y.dtype.kind not in "iufU":
        return False
    places = classes.searchsorted(y)
    np.minimum(places, len(classes) - 1, out=places)
    return bool((classes[places] == y).all())


def are_finite(x: NDArray[Any]) -> bool:
    """Whether x is an array of finite float32 or float64, and small enough for one thread."""
    return (
        x.dtype in FLOATS
        and x.flags.aligned
        and x.size <= MOST
        and all_finite(np.ascontiguousarray(x).reshape(-1), x.dtype == np.float32, 1)
    )


def are_all_finite(arrays: Iterable[Any]) -> bool:
    """Whether all numbers of all arrays are finite."""
    return all(are_finite(array) or np.isfinite(array).all() for array in arrays)


FLOATS = (np.dtype(np.float32), np.dtype(np.float64))
MOST = 1 << 20
