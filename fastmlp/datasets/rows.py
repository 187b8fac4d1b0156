"""Features and the classes of their rows: what arrays must be to be a dataset, and rows held out to test on."""

from __future__ import annotations

import os
from typing import Any, TypeAlias

import numpy as np

Array: TypeAlias = "np.ndarray[Any, Any]"
Pair: TypeAlias = "tuple[Array, Array]"
Dataset: TypeAlias = "tuple[Pair, Pair]"
Name: TypeAlias = "str | os.PathLike[str]"


def checked_pair(x: Array, y: Array, images: Name, labels: Name, label_column: int | None = None) -> Pair:
    """Return features [rows, ...] and labels [rows], or raise ValueError naming where they are from.

    Parameters
    ----------
    x, y : ndarray
        Features of rank 2 or more; classes as `classes_in` takes them.
    images, labels : str or path
        What errors call them.
    label_column : int, optional
        As of `classes_in`.
    """
    if x.ndim < 2:
        raise ValueError(f"{images}: got shape {x.shape}; features need 2 dimensions or more, [rows, ...]")
    if x.dtype.kind not in "iufb":
        raise ValueError(f"{images}: got {x.dtype}; features need numbers")
    y = classes_in(y, labels, label_column)
    if len(x) != len(y):
        rows = os.path.basename(images)
        raise ValueError(f"{labels}: got {len(y)} labels for {len(x)} rows in {rows}, needs one for each row")
    return x, y


def classes_in(y: Array, labels: Name, column: int | None = None) -> Array:
    """Return the class of each row: an integer, or a string, with the value that it has in ``y``.

    Parameters
    ----------
    y : ndarray [rows] or [rows, columns]
        Integers, whole numbers in a float type (they become int64), or strings.
    labels : str or path
        What errors call it.
    column : int, optional
        Which of the columns. Default: the only one, or where every row has one 1 and else 0, the place of the 1.
    """
    if y.ndim not in (1, 2):
        raise ValueError(f"{labels}: got shape {y.shape}; labels need shape [rows] or [rows, columns]")
    if column is not None or y.shape[1:] == (1,):
        columns = y.reshape(len(y), -1)
        if not 0 <= (column or 0) < columns.shape[1]:
            raise ValueError(f"label_column: got {column} for {labels}, needs 0 to {columns.shape[1] - 1}")
        y = columns[:, column or 0].copy()
    elif y.ndim == 2:
        if not _is_one_hot(y):
            raise ValueError(
                f"{labels}: got shape {y.shape}; labels of several columns need one 1 a row and else 0, or "
                f"label_column (which one is the class, 0 to {y.shape[1] - 1})"
            )
        y = y.argmax(axis=1)
    if y.dtype.kind == "b":
        return y.astype(np.uint8)
    if y.dtype.kind in "iuU":
        return y
    if y.dtype.kind != "f":
        raise ValueError(f"{labels}: got {y.dtype}; labels need integers, whole numbers or strings")
    wrong = np.flatnonzero(~((y == np.floor(y)) & (np.abs(y) < 2.0**53)))  # also NaN
    if wrong.size:
        raise ValueError(f"{labels}: got {y[wrong[0]]} in row {wrong[0]}; labels need to be whole numbers")
    return y.astype(np.int64)


def _is_one_hot(y: Array) -> bool:
    """Whether every row has one 1, and is 0 elsewhere."""
    return y.dtype.kind in "iufb" and bool((((y == 0) | (y == 1)).all(1) & ((y == 1).sum(1) == 1)).all())


def require_same_rows(source: Name, train: Pair, test: Pair) -> None:
    """Raise ValueError unless the rows of both parts are of one shape and type."""
    if train[0].shape[1:] != test[0].shape[1:] or train[0].dtype != test[0].dtype:
        rows = [f"{x.dtype} of shape {x.shape[1:]}" for x, _ in (train, test)]
        raise ValueError(f"{source}: a training row is {rows[0]}, a test row {rows[1]}; they need to be the same")


def hold_out(rows: Pair, fraction: float) -> Dataset:
    """Return rows as a training and a test part, each in the order of the rows.

    Of each class the test part has the fraction, rounded so that it has it of all rows too, and never the last row
    to train on. Which rows they are is drawn by a generator that always starts from the same seed.
    """
    x, y = rows
    if not 0.0 < fraction < 1.0:
        raise ValueError(f"test_split: got {fraction}, needs a number between 0 and 1")
    shuffled = np.random.default_rng(0).permutation(len(y))
    by_class = shuffled[np.argsort(y[shuffled], kind="stable")]
    _, starts, counts = np.unique(y[by_class], return_index=True, return_counts=True)
    shares = fraction * counts
    taken = shares.astype(int)
    growing = np.flatnonzero(taken < counts - 1)
    growing = growing[np.argsort((taken - shares)[growing], kind="stable")]  # those that lack most of their share first
    taken[growing[: max(0, round(fraction * len(y)) - taken.sum())]] += 1
    if not taken.any():
        raise ValueError(f"test_split: got {fraction} of {len(y)} rows, needs enough for a row to test on")
    places = np.arange(len(y)) - np.repeat(starts, counts)  # of each row within its class
    of_test = np.zeros(len(y), bool)
    of_test[by_class[places < np.repeat(taken, counts)]] = True
    return (x[~of_test], y[~of_test]), (x[of_test], y[of_test])
