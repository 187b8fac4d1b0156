"""Mean and variance of rows, also of batches one after another, of which none is kept."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from fastmlp.data import sparse
from fastmlp.data.arrays import Shape, features, numeric, sparse_features
from fastmlp.data.batches import DEFAULT_BATCH_SIZE, gives_batches, one_pass
from fastmlp.data.containers import is_array

Axes = Callable[[Shape], Shape]


def moments(
    data: Any, kept: Axes, shape: Shape | None = None, batch_size: int | None = None, steps: int | None = None
) -> tuple[np.ndarray, np.ndarray, int]:
    """Return mean and variance in float64 for each place of the axes that are kept, and the number of axes of data.

    Those of batches are put together as in T. Chan, G. Golub and R. LeVeque, Updating formulae and a pairwise algorithm
    for computing sample variances, 1979.

    Parameters
    ----------
    data : array [rows, ...], or batches
        An iterable of arrays, or an object with `__len__` and `__getitem__`; of (x, y) the first is taken.
    kept : function of the shape of data
        Which of its axes are kept, in ascending order; ValueError where it has them not.
    shape : tuple of int, optional
        Of a row, where it is known.
    batch_size, steps : int, optional
        How many batches to take; of an array, batches of so many rows, 32 by default.

    Raises
    ------
    ValueError, TypeError
        When they are no arrays of finite numbers, there is no batch, or their rows differ in shape.
    """
    count, mean, variance, axes = 0.0, np.zeros(()), np.zeros(()), 0
    for name, batch in batches_of(data, batch_size, steps):
        rows = rows_in(name, batch, shape, kept)
        shape, axes, place = rows.shape[1:], rows.ndim, kept(rows.shape)
        others = tuple(axis for axis in range(axes) if axis not in place)
        mean_of_more = np.asarray(rows.mean(axis=others, dtype=np.float64))
        variance_of_more, more = np.asarray(rows.var(axis=others, dtype=np.float64)), rows.size / mean_of_more.size
        if not count:
            count, mean, variance = more, mean_of_more, variance_of_more
            continue
        total, difference = count + more, mean_of_more - mean
        between = difference * difference * (count * more / total)
        variance = (variance * count + variance_of_more * more + between) / total
        count, mean = total, mean + difference * (more / total)
    if not count:
        raise ValueError(f"data: got {type(data).__name__} without a batch, needs at least one")
    return mean, variance, axes


def batches_of(data: Any, batch_size: int | None, steps: int | None) -> Iterator[tuple[str, Any]]:
    """Yield the batches, an array as one, and sparse rows a few at a time, each with what it is called in errors."""
    if gives_batches(data) or is_list_of_batches(data):
        for number, batch in enumerate(itertools.islice(one_pass(data), steps)):
            yield f"data batch {number}", x_of(batch)
        return
    count = None if steps is None else steps * (batch_size or DEFAULT_BATCH_SIZE)
    if not sparse.is_sparse(data):
        yield "data", data if count is None else numeric("data", data)[:count]
        return
    rows = sparse_features("data", data, None, "float64")[:count]
    for part in sparse.parts(rows.shape[0], sparse.rows_at_once(1, rows.shape[1])):
        yield "data", sparse.dense(rows, part)


def is_list_of_batches(data: Any) -> bool:
    """Whether a list holds arrays with rows, and not the rows of one."""
    return isinstance(data, (list, tuple)) and bool(data) and all(is_array(one) and len(one.shape) > 1 for one in data)


def x_of(batch: Any) -> Any:
    """Return the x of (x, y), as loaders give them, also in a list; or a batch without a y."""
    is_pair = isinstance(batch, tuple) or (isinstance(batch, list) and bool(batch) and is_array(batch[0]))
    return batch[0] if is_pair else batch


def rows_in(argument: str, data: Any, shape: Shape | None, kept: Axes) -> np.ndarray:
    """Return checked rows; numbers in a row by themselves are rows of one, where no axis or one of length 1 is kept."""
    if not hasattr(data, "shape"):
        data = numeric(argument, data)
    if len(data.shape) == 1 and (shape == (1,) or not kept((0, 0))):
        data = numeric(argument, data).reshape(-1, 1)
    return features(argument, data, shape, "float64")
