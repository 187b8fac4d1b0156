"""Rows in two parts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from fastmlp.settings import boolean, integer, only, real


def split_dataset(
    dataset: Any,
    left_size: float | None = None,
    right_size: float | None = None,
    shuffle: bool = False,
    seed: int | None = None,
    preferred_backend: None = None,
) -> tuple[Any, Any]:
    """Return the first rows of arrays and the last ones.

    Parameters
    ----------
    dataset : array, or tuple, list or dict of arrays with as many rows
        Such as x, or (x, y).
    left_size, right_size : int or float, optional
        Rows of either part, or its share of all; without one of them, what the other leaves.
    shuffle : bool
        Whether the rows are put in another order before, the same for all arrays; `seed` decides which.
    preferred_backend : None
        Parts are arrays, in a container of the same kind.

    Raises
    ------
    ValueError, TypeError
        When the arrays have not as many rows, or the sizes do not fit.
    """
    only("preferred_backend", preferred_backend, (None,), "parts are arrays")
    arrays = [np.asarray(one) for one in items_of(dataset)]
    lengths = {len(array) if array.ndim else 0 for array in arrays}
    if len(lengths) != 1 or 0 in lengths:
        raise ValueError(f"dataset: got arrays of {sorted(lengths)} rows, needs as many rows in each, one at least")
    (rows,) = lengths
    left, right = size("left_size", left_size, rows), size("right_size", right_size, rows)
    if left is None and right is None:
        raise ValueError("left_size: got None beside right_size=None, needs one of the two")
    left = rows - right if left is None else left  # type: ignore[operator]
    right = rows - left if right is None else right
    if left + right > rows or 0 in (left, right):
        raise ValueError(f"left_size: got {left} rows beside {right}, needs at most {rows} and one at least in either")
    order = np.arange(rows)
    if boolean("shuffle", shuffle):
        order = np.random.default_rng(seed).permutation(rows)
    parts = (order[:left], order[rows - right :])
    first, second = ([array[part] for array in arrays] for part in parts)
    return like(dataset, first), like(dataset, second)


def size(argument: str, given: Any, rows: int) -> int | None:
    """Return a part's number of rows, of which a float is the share."""
    if given is None:
        return None
    if isinstance(given, float):
        return round(rows * real(argument, given, low=0.0, high=1.0))
    return integer(argument, given, at_least=0, below=rows + 1)


def items_of(dataset: Any) -> list[Any]:
    """Return the arrays of a container, or of an array itself."""
    if isinstance(dataset, Mapping):
        return list(dataset.values())
    return list(dataset) if isinstance(dataset, (tuple, list)) else [dataset]


def like(dataset: Any, arrays: list[Any]) -> Any:
    """Return arrays in a container of that kind."""
    if isinstance(dataset, Mapping):
        return dict(zip(dataset, arrays, strict=True))
    if isinstance(dataset, (tuple, list)):
        return type(dataset)(arrays)
    return arrays[0]
