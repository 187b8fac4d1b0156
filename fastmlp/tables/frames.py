"""Columns of data frames as plain arrays: numbers, words, dates."""

from __future__ import annotations

import datetime
import numbers
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmlp.data.arrays import LARGE, as_array, require_room
from fastmlp.data.sparse import is_sparse
from fastmlp.data.tables import columns_of, type_of
from fastmlp.errors import told

NUMBER, CATEGORY, BOOLEAN, DATE, IGNORE = KINDS = ("number", "category", "boolean", "date", "ignore")
SLASHES = re.compile(r"(\d\d?)/(\d\d?)/(\d{4})(.*)$")
EMPTY = 2**20  # columns without a row, of which there may be any number
NO_NUMBERS = (  # what is written, in small letters, where a number or a date is not known
    *("-", "--", "---", "\N{EN DASH}", "\N{EM DASH}", ".", "..", "...", "none", "nil", "na", "n.a", "n.a.", "n. a."),
    *("nan", "missing", "unknown", "unk", "unavailable", "n/d", "nd", "not available", "not applicable", "not known"),
    *("no data", "#n/a n/a", "#value!", "#ref!", "#div/0!", "#name?", "#num!", "#null!"),
)
DATES = (datetime.date, np.datetime64)  # a datetime is a date


def columns(frame: Any) -> dict[Any, Any]:
    """Return the columns of a table by name: of pandas, polars or Arrow, a dict of columns, or rows of an array.

    The columns of an array are called by their places, from 0.

    Raises
    ------
    TypeError
        For sparse rows and what has no rows and columns.
    ValueError
        For two columns of one name, columns of different lengths, and arrays of other than two axes.
    """
    if is_sparse(frame):
        raise TypeError(f"X: got a {type(frame).__name__}, which is sparse, needs a table or a dense array")
    if isinstance(frame, Mapping):
        found = list(frame.items())
    else:
        found = columns_of(frame) or []
        if not found or len(getattr(frame, "shape", ())) != 2:
            array = as_array("X", frame)
            if array.nbytes > LARGE:
                require_room("X", array)
            if array.ndim != 2:
                raise ValueError(
                    f"Expected 2D array, got {array.ndim}D array instead: X needs rows and columns. "
                    "Reshape your data either using array.reshape(-1, 1) or array.reshape(1, -1)"
                )
            if not len(array) and array.shape[1] > EMPTY:
                raise ValueError(f"X: got shape {array.shape}, needs at least one row")
            found = list(enumerate(array.T))
    if not found:
        rows = len(frame) if hasattr(frame, "__len__") else 0
        raise ValueError(f"X: got a table with 0 feature(s) (shape=({rows}, 0)) while a minimum of 1 is required.")
    table = dict(found)
    if len(table) < len(found):
        names = [name for name, _ in found]
        raise ValueError(f"X: got two columns called {next(n for n in names if names.count(n) > 1)!r}, needs one")
    for name, column in table.items():
        if not hasattr(column, "__len__") or isinstance(column, (str, bytes, set, frozenset, Mapping)):
            raise TypeError(
                f"X: got {type(column).__name__} as column {told(name)}, needs an array or a list of values"
            )
    lengths = {len(column) for column in table.values()}
    if len(lengths) > 1:
        raise ValueError(f"X: got columns of {sorted(lengths)} rows, needs as many in each")
    return table


def part(column: Any, start: int, stop: int) -> Any:
    """Return some rows of a column, by their places whatever the index of pandas says."""
    return column.iloc[start:stop] if hasattr(column, "iloc") else column[start:stop]


def plain(name: Any, column: Any) -> tuple[str, NDArray[Any]]:
    """Return the kind of a column and its values.

    Returns
    -------
    kind : {"number", "category", "boolean", "date"}
        By its type; of objects, by what they are: words unless all are numbers, booleans or dates.
    values : array [rows]
        float64 with NaN of numbers and booleans (0, 1), durations in seconds; datetime64[us] with NaT of dates;
        objects of words, with None where a value is missing.
    """
    array = np.asarray(column)
    kind = array.dtype.kind
    if kind == "c":
        raise ValueError(f"X: got column {name!r} of Complex data not supported, needs real numbers")
    if kind in "iuf":
        return NUMBER, array.astype(np.float64)
    if kind == "b":
        return BOOLEAN, array.astype(np.float64)
    if kind == "M":
        return DATE, array.astype("datetime64[us]")
    if kind == "m":
        return NUMBER, np.where(np.isnat(array), np.nan, array / np.timedelta64(1, "s"))
    if kind == "U":
        return CATEGORY, array.astype(object)
    if kind != "O":
        raise TypeError(f"X: got column {name!r} of type {type_of(column)}, needs numbers, words, booleans or dates")
    return of_objects(array, gaps(column, array))


def gaps(column: Any, array: NDArray[Any]) -> NDArray[np.bool_]:
    """Return which objects stand for a missing value."""
    if hasattr(column, "isna"):  # of pandas, whose NA equals nothing, not even in a comparison
        return np.asarray(column.isna(), dtype=bool)
    return np.fromiter((value is None or value != value for value in array), bool, len(array))


def of_objects(array: NDArray[Any], missing: NDArray[np.bool_]) -> tuple[str, NDArray[Any]]:
    """Return the kind and the values of an array of objects."""
    there = array[~missing]
    types = set(map(type, there))
    if types and all(issubclass(each, (bool, np.bool_)) for each in types):
        return BOOLEAN, spread(there.astype(np.float64), missing, np.nan)
    if types and all(issubclass(each, (numbers.Real, Decimal)) for each in types):
        return NUMBER, spread(there.astype(np.float64), missing, np.nan)
    if types and all(issubclass(each, DATES) for each in types):
        zoned = [value.replace(tzinfo=None) if getattr(value, "tzinfo", None) else value for value in there]
        return DATE, spread(np.array(zoned, "datetime64[us]"), missing, np.datetime64("NaT"))
    if types and any(issubclass(each, dict) for each in types):
        raise TypeError("X: got values of type dict, argument must be a string or a number")
    return CATEGORY, spread(np.array([str(value) for value in there], object), missing, None)


def spread(values: NDArray[Any], missing: NDArray[np.bool_], gap: Any) -> NDArray[Any]:
    """Return values with gaps between them, where they are missing."""
    whole = np.full(len(missing), gap, values.dtype)
    whole[~missing] = values
    return whole


def as_kind(name: Any, column: Any, wanted: str | None, day_first: bool | None = None) -> tuple[str, NDArray[Any]]:
    """Return the kind and the values of a column that is to be of a kind, None for its own; ValueError if it cannot.

    As categories, numbers are written as words: 3 and 3.0 as "3". Words may be numbers, booleans cannot be dates. Dates
    as words are 2024-4-3, or 3/4/2024 where it is known whether their day is first.
    """
    found, values = plain(name, column)
    if wanted in (None, found) or {found, wanted} == {NUMBER, BOOLEAN}:
        return wanted or found, values
    if wanted == CATEGORY:
        return CATEGORY, words(values)
    if found == CATEGORY and all(map(is_gap, values)):
        return str(wanted), np.full(len(values), np.nan if wanted != DATE else np.datetime64("NaT", "us"))
    if found == CATEGORY and wanted in (NUMBER, DATE):
        try:
            return str(wanted), numbers_of(values) if wanted == NUMBER else dates_of(values, day_first)
        except ValueError as error:
            raise ValueError(f"X: got {error} in column {name!r}, needs a {wanted} in each row") from None
    raise ValueError(f"X: got column {name!r} of kind {found}, needs {wanted}")


def is_gap(word: str | None) -> bool:
    """Whether a word stands for no number and no date."""
    return word is None or word.strip().lower() in NO_NUMBERS


def numbers_of(words: NDArray[Any]) -> NDArray[np.float64]:
    """Return numbers that are written as words; ValueError with one that is none."""
    found = np.full(len(words), np.nan)
    for place, word in enumerate(words):
        try:
            found[place] = np.nan if is_gap(word) else float(word)
        except ValueError:
            raise ValueError(repr(word)) from None
    return found


def dates_of(words: NDArray[Any], day_first: bool | None) -> NDArray[np.datetime64]:
    """Return dates that are written as words; ValueError with one that is none."""
    found = np.empty(len(words), "datetime64[us]")
    for place, word in enumerate(words):
        try:
            found[place] = np.datetime64("NaT" if is_gap(word) else iso(word, day_first), "us")
        except ValueError:
            raise ValueError(repr(word)) from None
    return found


def iso(date: str, day_first: bool | None) -> str:
    """Return a date as NumPy reads it."""
    found = None if day_first is None else SLASHES.match(date)
    if found is None:
        return date
    first, second, year, rest = found.groups()
    day, month = (first, second) if day_first else (second, first)
    return f"{year}-{month:0>2}-{day:0>2}{rest}"


def words(values: NDArray[Any]) -> NDArray[Any]:
    """Return numbers or dates as words, None where one is missing; each different value is written once."""
    if values.dtype.kind == "M":
        return np.array([None if word == "NaT" else word for word in values.astype(str).tolist()], object)
    different, places = np.unique(values, return_inverse=True)
    written = [None if x != x else str(int(x)) if x.is_integer() else repr(x) for x in different.tolist()]
    return np.array(written, object)[places]


def require_finite(name: Any, kind: str, values: NDArray[Any]) -> None:
    """Raise ValueError for a number that is infinite."""
    if values.dtype.kind == "f" and np.isinf(values).any():
        raise ValueError(f"X: got infinity in column {name!r}, needs finite numbers; a missing one is NaN")
