"""Rows that were given, as a table or as an array: their columns, and rows of which some columns come from others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmlp.data.arrays import numeric
from fastmlp.data.tables import columns_of

Array = NDArray[Any]


class Table:
    """A frame of pandas, polars or Arrow, or a dict of columns: arrays or lists.

    Attributes
    ----------
    names : list of str
        Of its columns.
    """

    def __init__(self, frame: Any) -> None:
        self.frame = frame
        found = frame if isinstance(frame, dict) else dict(columns_of(frame) or [])
        self.columns = {name: np.asarray(one) if isinstance(one, (list, tuple)) else one for name, one in found.items()}
        self.names = [str(name) for name in self.columns]
        self.count = len(next(iter(self.columns.values()), ()))

    def take(self, rows: Array) -> Table:
        """Return some rows, by their numbers."""
        return Table(self._framed({name: taken(column, rows) for name, column in self.columns.items()}))

    def with_columns_of(self, groups: Sequence[Array], rows: Array) -> Any:
        """Return the frame with the columns of each group taken from other rows: `rows` [count, groups]."""
        names, columns = list(self.columns), dict(self.columns)
        for group, others in zip(groups, rows.T, strict=True):
            for place in group:
                columns[names[place]] = taken(columns[names[place]], others)
        return self._framed(columns)

    def cells(self, row: int) -> list[Any]:
        """Return the values of a row."""
        return [taken(column, np.array([row]))[0] for column in map(plain, self.columns.values())]

    def _framed(self, columns: dict[Any, Any]) -> Any:
        """Return columns as a frame of the kind that was given, where that is made of a dict of them."""
        if type(self.frame).__module__.partition(".")[0] in ("pandas", "polars"):
            return type(self.frame)(columns)
        return columns


class Rows:
    """An array [rows, ...]: each number of a row is a column.

    Attributes
    ----------
    names : list of str
        "column 0" and so on.
    """

    def __init__(self, array: Array) -> None:
        self.frame, self.count = array, len(array)
        self.flat = array.reshape(len(array), -1)
        self.names = [f"column {place}" for place in range(self.flat.shape[1])]

    def take(self, rows: Array) -> Rows:
        return Rows(self.frame[rows])

    def with_columns_of(self, groups: Sequence[Array], rows: Array) -> Any:
        """Return the array with the columns of each group taken from other rows: `rows` [count, groups]."""
        flat = self.flat.copy()
        for group, others in zip(groups, rows.T, strict=True):
            flat[:, group] = self.flat[others][:, group]
        return flat.reshape(self.frame.shape)

    def cells(self, row: int) -> list[Any]:
        return list(self.flat[row].tolist())


def rows_of(x: Any) -> Table | Rows:
    """Return what was given; TypeError, ValueError where it has no rows."""
    if isinstance(x, dict) or columns_of(x):
        return Table(x)
    array = x if isinstance(x, np.ndarray) and x.dtype == object else numeric("x", x)
    if array.ndim < 2 or not array.size:
        raise ValueError(f"x: got shape {array.shape}, needs rows [rows, ...] and at least one")
    return Rows(array)


def row_weights(sample_weight: Any, rows: int) -> Array:
    """Return what rows count; ValueError unless there is a number of at least 0 for each, and one above."""
    found = np.asarray(numeric("sample_weight", sample_weight), np.float64)
    if found.shape != (rows,):
        raise ValueError(f"sample_weight: got shape {found.shape}, needs one for each of the {rows} rows of x")
    if not (np.isfinite(found).all() and (found >= 0).all() and found.any()):
        raise ValueError("sample_weight: got other than numbers of at least 0, some of them above")
    return found


def taken(column: Any, rows: Array) -> Any:
    """Return some values of a column, by their places, whatever the index of pandas says."""
    if hasattr(column, "iloc"):
        return column.iloc[rows].reset_index(drop=True)
    return column.take(rows) if hasattr(column, "combine_chunks") else column[rows]


def plain(column: Any) -> Any:
    """Return a column whose values are Python's where its own are boxed, as Arrow's are."""
    return np.asarray(column.to_pylist(), object) if hasattr(column, "combine_chunks") else column
