"""What is to be predicted: one of two, one of several, a number or a count, found from the target's values."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, NamedTuple

import polars as pl

from fastmlp.errors import told
from fastmlp.settings import is_among

TASKS = ("binary", "classes", "numbers", "counts")
FEW = 20  # whole numbers of so many values at most are classes
MANY = 100  # and of so many, where they are 0, 1, 2, ... and all of them frequent
LEAST_SKEW = 0.3  # of counts; grades have as many below their mean as above
MUCH_SKEW = 3  # of numbers; an exponential distribution has 2
SMALL = 20  # the median of counts lies below


class Task(NamedTuple):
    """What a target asks for.

    Parameters
    ----------
    kind : {"binary", "classes", "numbers", "counts"}
    reason : str
        Why, in words.
    missing : int
        The rows whose target is missing, which are left out.
    """

    kind: str
    reason: str
    missing: int


def find_task(target: pl.Series, task: str | None = None) -> Task:
    """Return what a target asks for.

    Words and booleans are classes, numbers with decimals numbers. Whole numbers are counts where they begin at 0 or 1
    and the greater ones get ever rarer, classes where they are few, or 0, 1, 2, ... of which none is rare, and numbers
    otherwise.

    Parameters
    ----------
    target : polars.Series [rows]
        With null or NaN where it is missing.
    task : {"binary", "classes", "numbers", "counts"}, default None
        What it is instead of what is found; it is checked that the values fit.

    Raises
    ------
    ValueError
        For a target without values, of one value alone, of dates, or of words that hardly repeat; for an unknown
        `task`, and one that the values do not fit.
    """
    if not isinstance(target, pl.Series):
        raise TypeError(f"target: got {type(target).__name__}, needs a polars.Series, a column of a table")
    name = f"target {target.name!r}"
    values = (target.fill_nan(None) if target.dtype.is_float() else target).drop_nulls()
    if task is not None and not is_among(task, TASKS):
        raise ValueError(f"task: got {told(task)}, needs one of {', '.join(TASKS)}")
    if values.dtype.is_temporal() or values.dtype.is_nested():
        raise ValueError(f"{name}: got values of type {values.dtype}, needs classes or numbers")
    distinct = values.n_unique()
    if distinct < 2:
        got = f"{values[0]!r} in every row" if distinct else "no values"
        raise ValueError(f"{name}: got {got}, needs at least two different values")
    kind, reason = _found(values, distinct)
    if task is not None:
        _require_fit(name, values, distinct, task)
        kind, reason = task, "as given"
    elif kind == "classes" and not values.dtype.is_numeric() and 2 * distinct > max(len(values), 100):
        raise ValueError(f"{name}: got {distinct} different words in {len(values)} rows, needs classes that repeat")
    missing = len(target) - len(values)
    return Task(kind, reason + (f"; missing rows left out: {missing:,}" if missing else ""), missing)


def _found(values: pl.Series, distinct: int) -> tuple[str, str]:
    """Return the task of values that are all there, and why."""
    if distinct == 2:
        return "binary", "two values"
    if not values.dtype.is_numeric():
        return "classes", f"{distinct:,} different words"
    if not is_whole(values):
        return "numbers", "numbers with decimals" + _skewed(values)
    low, high = (int(value) for value in (_float(values.min()), _float(values.max())))
    if _are_counts(values, distinct, low):
        return "counts", f"whole numbers from {low} to {high}, the greater the rarer"
    in_order = low in (0, 1) and high - low + 1 == distinct
    frequent = in_order and _rarest_share(values) >= 0.1
    if distinct <= FEW or (distinct <= MANY and frequent):
        return "classes", f"{distinct} different whole numbers"
    return "numbers", f"{distinct:,} different whole numbers" + _skewed(values)


def _skewed(values: pl.Series) -> str:
    """Return a note on numbers of which a few are far from all others: most of a squared error is theirs."""
    skew = values.cast(pl.Float64).skew()
    if skew is None or not abs(skew) > MUCH_SKEW:
        return ""
    return f", skewed: half of them {'below' if skew > 0 else 'above'} {_float(values.median()):.4g}"


def is_whole(values: pl.Series) -> bool:
    """Whether numbers have no decimals."""
    return not values.dtype.is_float() or bool(((values % 1) == 0).all())


def _are_counts(values: pl.Series, distinct: int, low: int) -> bool:
    """Whether whole numbers look like counts: from 0 or 1, mostly small, and from the commonest on ever rarer."""
    if low not in (0, 1) or distinct < 4 or _float(values.median()) > SMALL:
        return False
    rows = values.alias("value").cast(pl.Int64).value_counts().sort("value")["count"].to_list()
    top = rows.index(max(rows))
    tail = rows[top:]
    rises = sum(max(later - former, 0) for former, later in pairwise(tail))  # by chance there are some
    falls = len(tail) >= 4 and 2 * rises <= tail[0] and 10 * tail[-1] <= tail[0]
    skew = values.cast(pl.Float64).skew()
    return falls and skew is not None and skew > LEAST_SKEW


def _rarest_share(values: pl.Series) -> float:
    """Return how often the rarest value is there, as a share of the commonest."""
    counts = values.alias("value").value_counts()["count"]
    return _float(counts.min()) / _float(counts.max())


def _require_fit(name: str, values: pl.Series, distinct: int, task: str) -> None:
    """Raise a ValueError where values do not fit a task."""
    if task == "binary" and distinct != 2:
        raise ValueError(f"{name}: got {distinct} different values, 'binary' needs two")
    if task in ("numbers", "counts") and not values.dtype.is_numeric():
        raise ValueError(f"{name}: got values of type {values.dtype}, {task!r} needs numbers")
    if task == "counts" and (_float(values.min()) < 0 or not is_whole(values)):
        raise ValueError(
            f"{name}: got {_float(values.min()):g} to {_float(values.max()):g}, needs whole numbers of at least 0"
        )


def _float(value: Any) -> float:
    """Return a value that polars has found in a column of numbers."""
    return float(value)
