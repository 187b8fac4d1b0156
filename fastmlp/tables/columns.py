"""What each column of a table is: a number, a category, a date, or nothing that a network learns from."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from itertools import groupby
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fastmlp.errors import told
from fastmlp.settings import is_among, listed, mapping
from fastmlp.tables.names import behaves_as_name, family, is_count_by_name, is_name_by_name, is_quantity_by_name
from fastmlp.tables.task import Task, find_task, is_whole

DONE = {
    "number": "used as a number",
    "category": "used by its values",
    "boolean": "used as 0 and 1",
    "date": "used by its parts",
    "text": "ignored",
    "constant": "ignored",
    "id": "ignored",
    "dropped": "ignored",
    "weight": "weighs the rows",
    "target": "predicted",
}
CHOSEN = ("number", "category", "boolean", "date", "text", "id")  # kinds that `types` may name
LEAST_ROWS = 20  # fewer tell nothing about values that do not repeat
SELDOM = 0.1  # the share of words up to which a column is of numbers all the same, if these are told to be missing
UNIQUE = 0.9  # the share of different values from which on they are names of rows
FAMILY = 8  # so many columns called alike but for their digits, and of numbers, are all numbers
SHOWN = 3  # of such columns with the same said about them, so many are shown one by one


class Column(NamedTuple):
    """What is known of a column.

    Parameters
    ----------
    name : str
    kind : str
        "number", "category", "boolean" and "date" are used; "text", "constant", "id" and "dropped" are not; "target"
        and "weight" are what they say.
    missing : int
        Rows without a value.
    distinct : int
        Different values, missing ones not counted.
    note : str
        Why it is of this kind, where its type does not tell.
    """

    name: str
    kind: str
    missing: int
    distinct: int
    note: str = ""


def find_columns(
    frame: pl.DataFrame,
    target: str | None = None,
    types: Mapping[str, str] | None = None,
    drop: Collection[str] = (),
    *,
    weight: str | None = None,
    task: str | None = None,
) -> list[Column]:
    """Return what each column of a table is, found from its type, its values and its name.

    Whole numbers are categories where they are names: by what they are called (customer_id, zip, store), or because
    each value tells of the target what the values around it do not. Names of rows, which hardly repeat, are ids.
    Words are categories, however many, unless they are free text.

    Parameters
    ----------
    frame : polars.DataFrame
        As `read` gives it.
    target, weight : str, default None
        The columns of what is predicted, and of what rows weigh.
    types : mapping of str to {"number", "category", "boolean", "date", "text", "id"}, default None
        Kinds by column, where the finding is wrong.
    drop : collection of str, default ()
        Columns to be ignored.
    task : str, default None
        What `find_task` takes.

    Raises
    ------
    ValueError
        For names that are no columns, columns that are given two parts, unknown kinds, weights that are no numbers of
        at least 0, and a target that `find_task` refuses.
    """
    if not isinstance(frame, pl.DataFrame):
        raise TypeError(f"frame: got {type(frame).__name__}, needs a polars.DataFrame, as read gives it")
    types = {} if types is None else mapping("types", types)
    if isinstance(drop, str):
        raise ValueError(f"drop: got {told(drop)}, needs a list of names")
    drop = listed("drop", drop)
    _require_names(frame, target, weight, types, drop)
    given = dict.fromkeys(drop, "dropped") | types
    found_task = None if target is None else find_task(frame[target], task)
    values = None if target is None or found_task is None else _numbers_of(frame[target], found_task)
    alike = Counter(family(name) for name, dtype in frame.schema.items() if dtype.is_numeric())
    columns = []
    for series in frame.get_columns():
        series = series.fill_nan(None) if series.dtype.is_float() else series
        present = series.drop_nulls()
        distinct = _distinct(present)
        if series.name == target and found_task is not None:
            kind, note = "target", f"{found_task.kind}: {found_task.reason}"
        elif series.name == weight:
            kind, note = "weight", ""
        elif series.name in given:
            kind, note = given[series.name], "as given"
        else:
            is_one_of_many = alike[family(series.name)] >= FAMILY
            kind, note = _kind(series, present, distinct, None if is_one_of_many else values)
        columns.append(Column(series.name, kind, len(series) - len(present), distinct, note))
    return _with_families(columns, frame.schema, given)


def _kind(series: pl.Series, present: pl.Series, distinct: int, target: NDArray[np.float64] | None) -> tuple[str, str]:
    """Return the kind of a column and why."""
    dtype = series.dtype
    if dtype.is_nested() or dtype in (pl.Binary, pl.Object):
        return "text", f"values of type {dtype}"
    if distinct == 0:
        return "constant", "no values"
    if distinct == 1 and len(present) == len(series):
        return "constant", "one value"
    if dtype == pl.Boolean:
        return "boolean", ""
    if dtype in (pl.Date, pl.Datetime):
        return "date", ""
    if dtype == pl.String:
        return _kind_of_words(present, distinct)
    if dtype.is_numeric():
        return _kind_of_numbers(series, present, distinct, target)
    return ("number", "seconds") if dtype == pl.Duration else ("category", "")


def _kind_of_words(present: pl.Series, distinct: int) -> tuple[str, str]:
    """Return the kind of a column of words: free text is long and hardly repeats."""
    seldom = len(present) >= LEAST_ROWS and 2 * distinct > len(present)
    words = float(present.head(10_000).str.count_matches(r"\S+").mean() or 0)  # type: ignore[arg-type]
    if (seldom and words >= 4) or (words >= 8 and distinct > 200):
        return "text", "free text"
    note = _words_between_numbers(present.head(10_000))
    if seldom and distinct > UNIQUE * len(present) and not note:
        return "id", "hardly a value is there twice"
    return "category", note


def _words_between_numbers(words: pl.Series) -> str:
    """Return a note on a column that would be of numbers but for a tenth of its words or less."""
    others = words.filter(words.cast(pl.Float64, strict=False).is_null())
    if others.is_empty() or len(others) > SELDOM * len(words):
        return ""
    different = others.unique(maintain_order=True)
    return f"numbers but for {different[0]!r}" + (f" and {len(different) - 1:,} others" if len(different) > 1 else "")


def _kind_of_numbers(
    series: pl.Series, present: pl.Series, distinct: int, target: NDArray[np.float64] | None
) -> tuple[str, str]:
    """Return the kind of a column of numbers: whole ones may be names."""
    if not is_whole(present):
        return "number", ""
    if distinct == 2 and present.min() == 0 and present.max() == 1 and not is_count_by_name(series.name):
        return "boolean", ""
    if len(present) == len(series) >= LEAST_ROWS and _counts_rows(present):
        return "id", "counts the rows"
    if distinct > 2 and is_name_by_name(series.name):
        if len(present) >= LEAST_ROWS and distinct > UNIQUE * len(present):
            return "id", "hardly a value is there twice"
        return "category", "numbers that are names"
    if target is not None and not is_quantity_by_name(series.name) and behaves_as_name(series, target):
        return "category", "numbers that behave as names"
    return "number", ""


def _counts_rows(values: pl.Series) -> bool:
    """Whether numbers are 0, 1, 2, ... or 1, 2, 3, ... in this order."""
    return values[0] in (0, 1) and bool((values.diff().drop_nulls() == 1).all())


def _distinct(present: pl.Series) -> int:
    """Return the number of different values; 0 where values are of a type that cannot be compared."""
    return 0 if present.dtype.is_nested() or present.dtype == pl.Object else present.n_unique()


def _numbers_of(target: pl.Series, task: Task) -> NDArray[np.float64]:
    """Return a target as numbers with NaN where it is missing: of classes, whether it is the commonest."""
    if task.kind not in ("numbers", "counts"):
        target = target == target.drop_nulls().mode().sort()[0]
    return np.asarray(target.cast(pl.Float64), np.float64)


def _with_families(columns: list[Column], schema: pl.Schema, given: Mapping[str, str]) -> list[Column]:
    """Return columns of which those called alike, as pixels, are all numbers if most are."""
    families: dict[str, list[Column]] = {}
    for column in columns:
        if schema[column.name].is_numeric() and column.kind in ("number", "boolean", "category", "id"):
            families.setdefault(family(column.name), []).append(column)
    numbers = {
        name
        for name, members in families.items()
        if len(members) >= FAMILY and 2 * sum(member.kind == "number" for member in members) > len(members)
    }
    changed = {member.name for name in numbers for member in families[name] if member.name not in given}
    return [column._replace(kind="number", note="") if column.name in changed else column for column in columns]


def _require_names(
    frame: pl.DataFrame, target: str | None, weight: str | None, types: Mapping[str, str], drop: Collection[str]
) -> None:
    """Raise a ValueError for names that are no columns, for a column with two parts, and for unknown kinds."""
    parts: dict[str, Collection[str | None]] = {
        "target": [target],
        "weight": [weight],
        "types": list(types),
        "drop": list(drop),
    }
    columns = frame.columns
    taken: dict[str, str] = {}
    for part, names in parts.items():
        for name in names:
            if name is None:
                continue
            if not isinstance(name, str):
                raise TypeError(f"{part}: got {told(name)}, needs the name of a column")
            if name not in columns:
                close = difflib.get_close_matches(name, columns, n=1)
                raise ValueError(
                    f"{part}: got {told(name)}, needs a column of the table{f': {close[0]!r}?' if close else ''}"
                )
            if name in taken:
                raise ValueError(f"{part}: got {told(name)}, which {taken[name]} has too, needs another column")
            taken[name] = part
    for name, kind in types.items():
        if not is_among(kind, CHOSEN):
            raise ValueError(f"types: got {told(kind)} for {name!r}, needs one of {', '.join(CHOSEN)}")
    if weight is not None:
        values = frame[weight]
        if not values.dtype.is_numeric() or values.null_count() or not bool((values >= 0).all()):
            raise ValueError(
                f"weight: got {told(weight)} of type {values.dtype}, needs numbers of at least 0 in every row"
            )


def describe(columns: list[Column]) -> str:
    """Return a table for people: each column, its kind, missing and distinct values, and what is done with it.

    More than three columns that are called alike but for their digits, and of the same kind, share a line.
    """
    if not isinstance(columns, (list, tuple)) or not all(isinstance(one, Column) for one in columns):
        raise TypeError(f"columns: got {told(columns)}, needs a list of Column, as find_columns gives it")
    lines = [("column", "kind", "missing", "distinct", "what is done with it"), *cells(columns)]
    widths = [max(len(line[place]) for line in lines) for place in range(5)]
    return "\n".join(_aligned(line, widths) for line in lines)


def cells(columns: list[Column]) -> Iterator[tuple[str, str, str, str, str]]:
    """Yield the cells of that table, line by line."""
    for _, members in groupby(columns, lambda column: (family(column.name), column.kind, column.note)):
        yield from _lines_of(list(members))


def _lines_of(members: list[Column]) -> Iterator[tuple[str, str, str, str, str]]:
    """Yield the cells of columns that are alike, in one line where they are many."""
    if len(members) > SHOWN:
        first, last = members[0], members[-1]
        missing, distinct = (
            f"{min(each):,}" if min(each) == max(each) else f"{min(each):,} to {max(each):,}"
            for each in ([member.missing for member in members], [member.distinct for member in members])
        )
        yield f"{first.name} to {last.name} ({len(members):,})", first.kind, missing, distinct, _done(first)
        return
    for one in members:
        yield one.name, one.kind, f"{one.missing:,}", f"{one.distinct:,}", _done(one)


def _done(column: Column) -> str:
    """Return what is done with a column, and why."""
    return DONE[column.kind] + (f": {column.note}" if column.note else "")


def _aligned(cells: tuple[str, ...], widths: list[int]) -> str:
    """Return a line: words from the left, numbers to the right."""
    name, kind, missing, distinct, done = cells
    left = f"{name:<{widths[0]}}  {kind:<{widths[1]}}"
    return f"{left}  {missing:>{widths[2]}}  {distinct:>{widths[3]}}  {done}".rstrip()
