"""Tables: data frames of pandas, polars and Arrow, whose columns have types of their own, and lists of anything."""

from __future__ import annotations

import datetime
import numbers
from decimal import Decimal
from typing import Any

import numpy as np

NUMBERS = (numbers.Real, np.bool_, Decimal)
TIMES = (np.datetime64, np.timedelta64, datetime.date, datetime.time, datetime.timedelta)
NEEDS = "needs an array of real numbers"

Column = tuple[Any, Any]  # its name, None where it has none, and its values


def columns_of(values: Any) -> list[Column] | None:
    """Return the columns of a data frame, or a single column of one; None for what is neither."""
    if isinstance(values, (np.ndarray, np.generic, list, tuple, dict)):
        return None
    if hasattr(values, "get_columns"):  # of polars
        return [(column.name, column) for column in values.get_columns()]
    if hasattr(values, "iloc") and hasattr(values, "columns"):  # of pandas, where names may stand twice
        return [(name, values.iloc[:, place]) for place, name in enumerate(values.columns)]
    if hasattr(values, "column_names") and hasattr(values, "columns"):  # of Arrow
        return list(zip(values.column_names, values.columns, strict=True))
    is_typed = hasattr(values, "dtype") or hasattr(values, "type")
    if is_typed and (hasattr(values, "isna") or hasattr(values, "null_count")):  # a column of pandas, or of the others
        return [(getattr(values, "name", None), values)]
    return None


def array_of(argument: str, values: Any, columns: list[Column]) -> np.ndarray:
    """Return a table as an array of real numbers, [rows, columns], or a single column as [rows].

    Raises
    ------
    TypeError
        For a column of anything else than numbers: of texts, of dates and times.
    ValueError
        For missing values.
    """
    arrays = [column_array(argument, *column) for column in columns]
    if len(arrays) == 1 and arrays[0].shape == np.shape(values):
        return arrays[0]
    whole = np.asarray(values)  # often without a copy; numbers beside bools and nullable columns become objects there
    return np.column_stack(arrays) if whole.dtype.kind == "O" and arrays else whole


def column_array(argument: str, name: Any, column: Any) -> np.ndarray:
    """Return the numbers of a column; TypeError or ValueError, which name it, where there are none."""
    called = label(name, column)
    require_all(argument, name, column)
    array = np.asarray(column)
    if array.dtype.kind == "O" and not is_time(column):
        array = objects_array(f"{argument}: got {called}", array)
    if array.dtype.kind not in "buif" or is_time(column):
        raise TypeError(f"{argument}: got {called}, {NEEDS}")
    return array


def objects_array(got: str, array: np.ndarray) -> np.ndarray:
    """Return an array of objects as one of float64; TypeError, which begins with `got`, where they are no numbers."""
    for kind in set(map(type, array.ravel())):
        if not issubclass(kind, NUMBERS) or issubclass(kind, TIMES):
            raise TypeError(f"{got} with values of type {kind.__name__}, {NEEDS}")
    try:
        return array.astype(np.float64)
    except OverflowError as error:
        raise ValueError(f"{got}: {error}") from None


def label(name: Any, column: Any) -> str:
    """Return what a column is called in errors: "column 'age' of dtype Int64"."""
    return f"{'a column' if name is None or name == '' else f'column {name!r}'} of dtype {type_of(column)}"


def labels(values: Any) -> list[str] | None:
    """Return what the columns of a table are called in errors; None where it is none."""
    columns = columns_of(values)
    return None if columns is None else [label(*column) for column in columns]


def type_of(column: Any) -> Any:
    """Return the type of a column, as its library names it."""
    return column.dtype if hasattr(column, "dtype") else getattr(column, "type", type(column).__name__)


def require_all(argument: str, name: Any, column: Any) -> None:
    """Raise ValueError where values of a column are missing."""
    missing = missing_values(column)
    if missing:
        got = f"{missing} missing value{'s' * (missing > 1)} in {label(name, column)}"
        raise ValueError(f"{argument}: got {got}, needs a number in every row")


def missing_values(column: Any) -> int:
    """Return how many values of a column are missing; NaN among plain floats is none of them."""
    if hasattr(column, "null_count"):
        return int(column.null_count() if callable(column.null_count) else column.null_count)
    return 0 if isinstance(column.dtype, np.dtype) and column.dtype.kind != "O" else int(np.sum(column.isna()))


def is_time(column: Any) -> bool:
    """Whether a column or an array has dates, times or durations."""
    kind = type_of(column)
    if hasattr(kind, "is_temporal"):  # of polars
        return bool(kind.is_temporal())
    if hasattr(kind, "kind"):  # of NumPy and of pandas
        return kind.kind in "mM" or str(kind).startswith("period")
    return str(kind).startswith(("date", "time", "duration"))  # of Arrow


def has_times(array: np.ndarray) -> bool:
    """Whether an array has dates, times or durations, also among objects."""
    kinds = set(map(type, array.ravel())) if array.dtype.kind == "O" else {array.dtype.type}
    return any(issubclass(kind, TIMES) for kind in kinds)


def refuse_columns(argument: str, values: Any) -> None:
    """Refuse what a conversion by others would hide, or not name the column of.

    Raises
    ------
    TypeError
        For dates, times and durations, which become numbers of some unit.
    ValueError
        For missing values of a column.
    """
    if isinstance(values, (list, tuple)):
        try:
            values = np.asarray(values, dtype=object)
        except ValueError:  # rows of unequal lengths: for who converts them
            return
    needs = "needs numbers, such as days since the first"
    if isinstance(values, np.ndarray) and has_times(values):
        raise TypeError(f"{argument}: got dates or times, {needs}")
    for name, column in columns_of(values) or []:
        if is_time(column) or has_times(np.asarray(column)):
            raise TypeError(f"{argument}: got {label(name, column)} with dates or times, {needs}")
        require_all(argument, name, column)
