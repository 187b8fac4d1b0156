"""What columns of data frames are where their types do not tell: names, ids, free text, as in tables of files."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from fastmlp.tables import frames
from fastmlp.tables.frames import BOOLEAN, CATEGORY, IGNORE, NUMBER

if TYPE_CHECKING:
    import polars as pl

TARGET = "\0target"  # no other column is called so


def found_types(table: Mapping[Any, Any], y: Any, told: Collection[Any] = ()) -> dict[Any, str]:
    """Return "ignore" for columns of ids and free text, and "category" for numbers that are names, by column.

    Parameters
    ----------
    table : dict of columns
        As `frames.columns` returns it. The columns of an array, which have no names, are what their types say.
    y : array [rows]
        The targets, by which names show that are not called so.
    told : collection
        Columns that are not asked.

    Returns
    -------
    dict
        Empty without polars.
    """
    asked = {name: column for name, column in table.items() if name not in told}
    if not asked or not all(isinstance(name, str) for name in asked):
        return {}
    try:
        import polars as pl

        from fastmlp.tables.columns import find_columns
    except ImportError:
        return {}
    frame = pl.DataFrame({name: as_series(name, column) for name, column in asked.items()})
    try:
        columns = find_columns(frame.with_columns(as_series(TARGET, y)), TARGET)
    except (ValueError, TypeError):  # of what is no target, which fit tells better
        columns = find_columns(frame)
    types = {}
    for column in columns:
        if column.kind in ("id", "text"):
            types[column.name] = IGNORE
        elif column.kind == CATEGORY and frame.schema[column.name].is_numeric():
            types[column.name] = CATEGORY
    return types


def as_series(name: str, column: Any) -> pl.Series:
    """Return a column of any frame as one of polars."""
    import polars as pl

    if isinstance(column, pl.Series):
        return column.alias(name)
    kind, values = frames.plain(name, column)
    if kind == CATEGORY:
        return pl.Series(name, values.tolist(), pl.String)
    if kind == BOOLEAN:
        return pl.Series(name, [None if value != value else bool(value) for value in values.tolist()], pl.Boolean)
    return pl.Series(name, np.ascontiguousarray(values), nan_to_null=kind == NUMBER)
