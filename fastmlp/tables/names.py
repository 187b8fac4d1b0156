"""Numbers that are names, as of persons and shops: told by what a column is called, and by how its values behave."""

from __future__ import annotations

import re

import numpy as np
import polars as pl
from numpy.typing import NDArray

CODES = "id ids code zip zipcode postcode plz key uid uuid guid ssn sku ean isbn upc fips iban phone"
THINGS = (
    "account agent airline airport article author book branch brand campaign carrier category city client company "
    "country county customer dealer department device district doctor driver employee film flight hospital hotel item "
    "merchant model movie operator order partner patient person player product profile region route school seller "
    "session shop song station store student supplier team title track user vehicle vendor venue video warehouse"
)
NAMES = {*CODES.split(), *THINGS.split(), *(f"{thing}id" for thing in THINGS.split())}
QUANTITIES = (
    "age amount amt area average avg balance cost count counts credit date day days debt depth distance duration "
    "elevation fee height hour hours income km length level limit max mean mile mileage miles min minute minutes money "
    "month months num number pay points population price quantity rate revenue salary score seconds size speed sqft "
    "temperature time times total value volume wage wages weight width year years yr"
)
WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_]+")

LEAST_VALUES = 100  # of a column, for its behaviour to be asked
LEAST_ROWS = 5  # for each value, on average
MOST_ROWS = 500_000  # drawn from more, so that they are of all times
SHRINKAGE = 10  # rows whose mean a value's mean is drawn to
GAIN = 0.01  # the share of the target's variance that a value's own mean explains at least
RATIO = 3  # and how much more of it than the means of the values around


def words_of(name: str) -> list[str]:
    """Return the words of a column's name: "customerId" and "customer_id" have two."""
    return [word.lower() for word in WORD.findall(name)]


def family(name: str) -> str:
    """Return what columns that differ in digits have in common: "pixel_#_#"."""
    return re.sub(r"\d+", "#", name)


def is_name_by_name(name: str) -> bool:
    """Whether whole numbers called so are names: customer_id, zip, store."""
    words = words_of(name)
    return bool(words) and words[-1] in NAMES and "per" not in words and not is_count_by_name(name)


def is_count_by_name(name: str) -> bool:
    """Whether numbers called so count something: num_accounts, total_visits."""
    return words_of(name)[:1] in (["num"], ["n"], ["number"], ["count"], ["total"])


def is_quantity_by_name(name: str) -> bool:
    """Whether numbers called so measure or count."""
    return not set(QUANTITIES.split()).isdisjoint(words_of(name))


def behaves_as_name(column: pl.Series, target: NDArray[np.float64]) -> bool:
    """Whether a value tells of the target what the values around it do not.

    The mean target of a value in every other row predicts the remaining rows. That of measures is near what the values
    on both sides predict, that of names is not.

    Parameters
    ----------
    column : Series [rows]
        Whole numbers, with null where missing.
    target : array [rows]
        Numbers, with NaN where missing.
    """
    known = np.flatnonzero(column.is_not_null().to_numpy() & np.isfinite(target))
    random = np.random.default_rng(0)
    if len(known) > MOST_ROWS:
        known = random.choice(known, MOST_ROWS, replace=False)
    values, y = column.to_numpy()[known], target[known]
    different, codes = np.unique(values, return_inverse=True)
    if len(different) < LEAST_VALUES or len(values) < LEAST_ROWS * len(different) or y.std() == 0:
        return False
    y = (y - y.mean()) / y.std()
    asked = random.random(len(y)) < 0.5
    rows = np.bincount(codes[~asked], minlength=len(different)).astype(np.float64)
    sums = np.asarray(np.bincount(codes[~asked], y[~asked], minlength=len(different)), np.float64)

    def explained(means: NDArray[np.float64]) -> float:
        return 1.0 - float(np.mean((y[asked] - means[codes[asked]]) ** 2)) / float(y[asked].var())

    own = explained(sums / (rows + SHRINKAGE))
    if own < GAIN:
        return False
    around = max(explained(_means_around(rows, sums, reach)) for reach in (1, 2, 4, 8, 16, 32))
    return own >= RATIO * around


def _means_around(rows: NDArray[np.float64], sums: NDArray[np.float64], reach: int) -> NDArray[np.float64]:
    """Return for each value the mean target of `reach` values on both sides, its own rows left out."""
    places = np.arange(len(rows))
    low, high = np.maximum(places - reach, 0), np.minimum(places + reach + 1, len(rows))
    rows_before, sums_before = (np.concatenate([[0], np.cumsum(each)]) for each in (rows, sums))
    near = rows_before[high] - rows_before[low] - rows
    means: NDArray[np.float64] = (sums_before[high] - sums_before[low] - sums) / (near + SHRINKAGE)
    return means
