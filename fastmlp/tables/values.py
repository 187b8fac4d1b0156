"""What the texts of a table are, told from all of its rows: missing values, numbers, dates, true and false."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice

import polars as pl

from fastmlp.tables.conversions import DAY_FIRST, MONTH_FIRST, Conversion, conversions
from fastmlp.tables.frames import NO_NUMBERS

MISSING = ("", "NA", "N/A", "n/a", "#N/A", "<NA>", "NaN", "nan", "NAN", "NULL", "Null", "null", "?")
HEAD = 1000  # the rows that rule out most conversions, before all rows are asked

Frames = Callable[[], Iterator[pl.DataFrame]]


def cleaned(text: pl.Expr, missing: Sequence[str] = MISSING) -> pl.Expr:
    """Return texts without blanks around them, and null for those that stand for a missing value."""
    text = text.str.strip_chars()
    return pl.when(~text.is_in(list(missing))).then(text)


def typed(
    frames: Frames, missing: Sequence[str] = MISSING, decimal_comma: bool = False, day_first: bool | None = None
) -> tuple[Frames, int, bool | None]:
    """Return a table whose columns of text that are numbers, dates or booleans throughout are of that type.

    Missing values are null afterwards, NaN among them. All rows are read for it, in bounded memory.

    Parameters
    ----------
    frames : function
        What gives the table some rows at a time, at least one frame of them, as often as it is asked.
    missing : sequence of str
        The texts that stand for a missing value.
    decimal_comma : bool, default False
        Whether "1,5" is a number.
    day_first : bool, default None
        Whether "3/4/2024" is in April; None finds it for each column.

    Returns
    -------
    frames : function
    rows : int
    day_first : bool or None
        What was found; None without such dates, or where columns differ.
    """
    first = pl.concat(list(islice(frames(), 2)))
    words = [name for name, kind in first.schema.items() if kind == pl.String]
    cleaning = [
        cleaned(pl.col(words), missing),
        pl.col([name for name, kind in first.schema.items() if kind.is_float()]).fill_nan(None),
    ]
    possible = conversions(decimal_comma, day_first)
    head = first.head(HEAD).with_columns(cleaning)
    left = {name: fitting(head[name], possible) for name in words}
    chosen: dict[str, str] = {}
    asked = {name: kind for name, kinds in left.items() if (kind := next(kinds, None)) is not None}
    rows = None
    while asked or rows is None:  # of all rows, which seldom rule out what the first ones allow
        rows, fit = 0, dict(asked)
        for frame in frames():
            rows += len(frame)
            if fit:
                losses = [lost(pl.col(names), kind, possible[kind]) for kind, names in by_kind(fit).items()]
                loses = frame.select(cleaned(pl.col(list(fit)), missing)).select(losses).row(0, named=True)
                fit = {name: kind for name, kind in fit.items() if not loses[name]}
        chosen |= fit
        again = [name for name in asked if name not in fit]
        asked = {name: kind for name in again if (kind := next(left[name], None)) is not None}
    converting = [possible[kind](pl.col(names)) for kind, names in by_kind(chosen).items()]
    orders = {kind.startswith(DAY_FIRST) for kind in chosen.values() if kind.startswith((DAY_FIRST, MONTH_FIRST))}
    found = orders.pop() if len(orders) == 1 else None
    return lambda: (frame.with_columns(cleaning).with_columns(converting) for frame in frames()), rows, found


def by_kind(kinds: dict[str, str]) -> dict[str, list[str]]:
    """Return the columns of each kind: one expression for many of them is quick."""
    found: dict[str, list[str]] = {}
    for name, kind in kinds.items():
        found.setdefault(kind, []).append(name)
    return found


def lost(text: pl.Expr, kind: str, conversion: Conversion) -> pl.Expr:
    """Return whether a conversion loses values of a column, other than words for a missing number or date."""
    losses = text.filter(text.is_not_null() & conversion(text).is_null())
    return losses.len() > 0 if kind == "boolean" else ~losses.str.to_lowercase().is_in(list(NO_NUMBERS)).all()


def fitting(head: pl.Series, possible: dict[str, Conversion]) -> Iterator[str]:
    """Yield the conversions that lose none of the first values of a column, looked at when asked for."""
    with_digits = head.str.contains(r"\d").any() or head.null_count() == len(head)
    for kind, conversion in possible.items():
        if with_digits or kind == "boolean":
            frame = head.to_frame("text")
            if not frame.select(lost(pl.col("text"), kind, conversion)).item():
                yield kind
