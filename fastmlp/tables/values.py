"""What the texts of a table are: missing values, numbers, dates, true and false."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import islice

import polars as pl

MISSING = ("", "NA", "N/A", "n/a", "#N/A", "<NA>", "NaN", "nan", "NAN", "NULL", "Null", "null", "?")
HEAD = 1000  # the rows that rule out most conversions, before all rows are asked

# Zip codes and account numbers: as numbers they would lose zeros in front, or digits at the end.
NOT_A_NUMBER = r"^[+-]?(?:0\d+|\d{19,})$"
MONTH_FIRST, DAY_FIRST = "%m/%d/", "%d/%m/"
DATES = (
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%m/%d/%Y",  # where both fit, the month is first
    "%d/%m/%Y",
    "%d.%m.%Y",
    "%d-%m-%Y",
    "%d-%b-%Y",
    "%d %b %Y",
    "%d %B %Y",
    "%b %d, %Y",
    "%B %d, %Y",
)
MONTHS = ("%b-%Y", "%b %Y", "%B %Y", "%Y-%m")  # Mar-2018, March 2018, 2018-03: their first days
TIMES = ("%H:%M", "%H:%M:%S", "%H:%M:%S%.f")
DAYS_WITH_TIMES = ("%Y-%m-%dT", "%Y-%m-%d ", "%Y/%m/%d ", "%m/%d/%Y ", "%d/%m/%Y ", "%d.%m.%Y ")
MOMENTS_OF_ZONES = ("%Y-%m-%dT%H:%M:%S%.f%z", "%Y-%m-%d %H:%M:%S%.f%z")

Conversion = Callable[[pl.Expr], pl.Expr]
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
                losses = [lost(pl.col(names), possible[kind]) for kind, names in by_kind(fit).items()]
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


def lost(text: pl.Expr, conversion: Conversion) -> pl.Expr:
    """Return whether a conversion loses values of a column."""
    return conversion(text).null_count() != text.null_count()


def fitting(head: pl.Series, possible: dict[str, Conversion]) -> Iterator[str]:
    """Yield the conversions that lose none of the first values of a column, looked at when asked for."""
    with_digits = head.str.contains(r"\d").any() or head.null_count() == len(head)
    for kind, conversion in possible.items():
        if with_digits or kind == "boolean":
            frame = head.to_frame("text")
            if not frame.select(lost(pl.col("text"), conversion)).item():
                yield kind


def conversions(decimal_comma: bool, day_first: bool | None) -> dict[str, Conversion]:
    """Return what a text may be, in the order to be tried; each gives null for other texts."""
    with_commas = with_decimal_comma if decimal_comma else with_thousands
    found: dict[str, Conversion] = {
        "integer": lambda text: number(text).cast(pl.Int64, strict=False),
        "float": lambda text: number(text).cast(pl.Float64, strict=False),
        "boolean": boolean,
        "number with commas": lambda text: with_commas(number(text)),
    }
    found |= {form: partial(date, form=form) for form in DATES}
    found |= {form: partial(first_day, form=form) for form in MONTHS}
    found |= {days + times: partial(moment, form=days + times) for days in DAYS_WITH_TIMES for times in TIMES}
    found |= {form: partial(moment_of_zone, form=form) for form in MOMENTS_OF_ZONES}
    wrong = () if day_first is None else MONTH_FIRST if day_first else DAY_FIRST
    return {form: each for form, each in found.items() if not form.startswith(wrong)}


def number(text: pl.Expr) -> pl.Expr:
    """Return the texts that may be numbers, null for names made of digits."""
    return pl.when(~text.str.contains(NOT_A_NUMBER)).then(text)


def with_decimal_comma(text: pl.Expr) -> pl.Expr:
    """Return the numbers of texts such as "1,5" and "1.234,5"."""
    is_one = text.str.contains(r"^[+-]?(?:\d+|\d{1,3}(?:\.\d{3})+)(?:,\d+)?(?:[eE][+-]?\d+)?$")
    plain = text.str.replace_all(".", "", literal=True).str.replace(",", ".", literal=True)
    return pl.when(is_one).then(plain).cast(pl.Float64, strict=False)


def with_thousands(text: pl.Expr) -> pl.Expr:
    """Return the numbers of texts such as "1,234" and "1,234,567.8"."""
    is_one = text.str.contains(r"^[+-]?\d{1,3}(?:,\d{3})*(?:\.\d+)?$")
    return pl.when(is_one).then(text.str.replace_all(",", "", literal=True)).cast(pl.Float64, strict=False)


def boolean(text: pl.Expr) -> pl.Expr:
    """Return True for "true", False for "false", in any case of letters."""
    lower = text.str.to_lowercase()
    return pl.when(lower.is_in(["true", "false"])).then(lower == "true")


def date(text: pl.Expr, form: str) -> pl.Expr:
    """Return the days of texts, of years of four digits."""
    day = text.str.strptime(pl.Date, form, strict=False)
    return pl.when(day.dt.year() >= 1000).then(day)


def first_day(text: pl.Expr, form: str) -> pl.Expr:
    """Return the first days of months, of years of four digits."""
    return date(text + " 1", f"{form} %d")


def moment(text: pl.Expr, form: str) -> pl.Expr:
    """Return the moments of texts, of years of four digits."""
    found = text.str.strptime(pl.Datetime("us"), form, strict=False)
    return pl.when(found.dt.year() >= 1000).then(found)


def moment_of_zone(text: pl.Expr, form: str) -> pl.Expr:
    """Return the moments of texts that end in "Z" or "+02:00", as those of UTC."""
    text = text.str.replace("Z$", "+00:00")
    return text.str.strptime(pl.Datetime("us", "UTC"), form, strict=False).dt.replace_time_zone(None)
