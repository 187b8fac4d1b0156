"""Mean and variance of rows, also of batches one after another, of which none is kept."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastmlp.data.arrays import features
from fastmlp.data.batches import gives_batches, one_pass


def moments(data: Any, by_column: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and variance in float64, of each column of the last axis or of all values.

    Those of batches are put together as in T. Chan, G. Golub and R. LeVeque, Updating formulae and a pairwise algorithm
    for computing sample variances, 1979.

    Parameters
    ----------
    data : array [rows, ...], or batches
        An iterable of arrays, or an object with `__len__` and `__getitem__`; of a tuple (x, y) the first is taken.
    by_column : bool

    Raises
    ------
    ValueError, TypeError
        When they are no arrays of finite numbers, there is no batch, or their rows differ in shape.
    """
    if not gives_batches(data):
        return moments_of_array("data", data, by_column, None)[1:]
    count, mean, squares = 0.0, np.zeros(()), np.zeros(())
    shape = None
    for number, batch in enumerate(one_pass(data)):
        rows = np.asarray(batch[0] if isinstance(batch, tuple) else batch)
        more, mean_of_more, variance = moments_of_array(f"data batch {number}", rows, by_column, shape)
        shape, total = rows.shape[1:], count + more
        difference = mean_of_more - mean
        squares = squares + variance * more + difference * difference * (count * more / total)
        mean = mean + difference * (more / total)
        count = total
    if not count:
        raise ValueError(f"data: got {type(data).__name__} without a batch, needs at least one")
    return mean, squares / count


def moments_of_array(
    argument: str, data: Any, by_column: bool, shape: tuple[int, ...] | None
) -> tuple[float, np.ndarray, np.ndarray]:
    """Return of how many values each mean is, the means and the variances."""
    rows = features(argument, data, shape, "float64")
    axes = tuple(range(rows.ndim - 1)) if by_column else None
    mean = np.asarray(rows.mean(axis=axes, dtype=np.float64))
    return rows.size / mean.size, mean, np.asarray(rows.var(axis=axes, dtype=np.float64))
