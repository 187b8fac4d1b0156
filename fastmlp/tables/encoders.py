"""What each kind of column becomes: fitted on the values of training rows, kept as plain data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from itertools import pairwise, repeat
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from fastmlp.settings import boolean, real
from fastmlp.tables import encoding
from fastmlp.tables.frames import BOOLEAN, CATEGORY, DATE, NUMBER, words

Values = NDArray[Any]
DATE_PARTS = 5


class Numbers:
    """A standardised number, its piecewise-linear code, and a flag where training rows had missing ones.

    Attributes
    ----------
    width : int
        Columns that it fills; 0 of a constant.
    """

    kind: ClassVar[str] = NUMBER
    codes: int = 0
    is_standardized: ClassVar[bool] = True  # it has a column with the standardised number before those of its code

    def __init__(self, edges: Values, center: float, scale: float, flagged: bool) -> None:
        self.edges, self.center, self.scale, self.flagged = np.asarray(edges, np.float64), center, scale, flagged
        self.width = (len(self.edges) if len(self.edges) > 1 else 0) + flagged

    @classmethod
    def fitted(cls, values: Values, bins: int) -> Numbers:
        there = values[~np.isnan(values)]
        if not len(there):
            return cls(np.empty(0), 0.0, 0.0, False)
        return cls(encoding.edges(there, bins), *encoding.center_and_scale(there), len(there) < len(values))

    def encode(self, values: Values, out: Values) -> None:
        """Fill out [rows, width]."""
        if self.flagged:
            out[:, -1] = np.isnan(values)
        if len(self.edges) > 1:
            out[:, 0] = encoding.softly_clipped(values, self.center, self.scale)
            encoding.piecewise_linear(values, self.edges, out[:, 1 : len(self.edges)])

    def to_data(self) -> dict[str, Any]:
        return {
            "edges": self.edges.tolist(),
            "center": self.center,
            "scale": self.scale,
            "flagged": self.flagged,
        }


class Scaled:
    """A number on a scale from 0 to 1 that it shares with others, as pixels do, and a flag as that of `Numbers`.

    That is the code of a single bin.
    """

    kind: ClassVar[str] = NUMBER
    codes: int = 0
    is_standardized: ClassVar[bool] = False

    def __init__(self, least: float, greatest: float, flagged: bool) -> None:
        self.edges, self.flagged = np.array([least, greatest]), flagged
        self.width = 1 + flagged

    def encode(self, values: Values, out: Values) -> None:
        """Fill out [rows, width]."""
        if self.flagged:
            out[:, -1] = np.isnan(values)
        encoding.piecewise_linear(values, self.edges, out[:, :1])

    def to_data(self) -> dict[str, Any]:
        least, greatest = self.edges.tolist()
        return {"least": least, "greatest": greatest, "flagged": self.flagged}


class Booleans(Numbers):
    """0 and 1 as numbers of two values."""

    kind = BOOLEAN


class Dates:
    """The parts of a date, each as numbers: when, the month, the day of the month and of the week, the hour."""

    kind: ClassVar[str] = DATE
    codes: int = 0

    def __init__(self, parts: list[Numbers]) -> None:
        self.parts = parts
        self.width = sum(part.width for part in parts)

    @classmethod
    def fitted(cls, values: Values, bins: int) -> Dates:
        return cls([Numbers.fitted(part, bins) for part in parts_of(values)])

    def encode(self, values: Values, out: Values) -> None:
        """Fill out [rows, width]."""
        start = 0
        for part, numbers in zip(self.parts, parts_of(values), strict=True):
            part.encode(numbers, out[:, start : start + part.width])
            start += part.width

    def to_data(self) -> dict[str, Any]:
        return {"parts": [part.to_data() for part in self.parts]}


def parts_of(dates: Values) -> list[Values]:
    """Return days since 1970, month, day of the month, day of the week and hour of dates, NaN where one is missing."""
    missing = np.isnat(dates)
    days, months = dates.astype("datetime64[D]"), dates.astype("datetime64[M]")
    parts = [
        (dates - np.datetime64(0, "us")) / np.timedelta64(1, "D"),
        months.astype(np.int64) % 12 + 1,
        (days - months.astype("datetime64[D]")).astype(np.int64) + 1,
        (days.astype(np.int64) + 3) % 7,  # the first was a Thursday; Monday is 0
        (dates - days) / np.timedelta64(1, "h"),
    ]
    return [np.where(missing, np.nan, part) for part in parts]


class Categories:
    """Words by their places among those that training rows had often; 0 is for all others and for what is not known.

    A missing word counts as one of its own, where it is seen as often.

    Attributes
    ----------
    known : list of str or None
        The words, those that were seen most first.
    embedded : bool
        Whether the place itself is taken, for an Embedding, in place of a column for each word.
    """

    kind: ClassVar[str] = CATEGORY

    def __init__(self, known: list[str | None], embedded: bool) -> None:
        self.known, self.embedded = list(known), embedded
        self.places = {word: place for place, word in enumerate(self.known, 1)}
        self.codes = len(self.known) + 1 if embedded else 0
        # one word needs a single column, as the others are what it is not; none needs none
        self.width = 0 if embedded else len(self.known) + 1 if len(self.known) > 1 else len(self.known)

    @classmethod
    def fitted(cls, values: Values, seldom: int, indicators: int, embed_from: int) -> Categories:
        return cls.of_counts(Counter(values.tolist()), seldom, indicators, embed_from)

    @classmethod
    def of_counts(cls, counts: Mapping[str | None, int], seldom: int, indicators: int, embed_from: int) -> Categories:
        """Return the categories of words of which each has so many rows."""
        known = [word for word, count in counts.items() if count >= seldom]
        known.sort(key=lambda word: (-counts[word], word is None, word or ""))
        if len(known) == len(counts) == 1:  # a constant tells nothing
            known = []
        often = sum(counts[word] >= embed_from for word in known)  # a vector takes many rows to be learned
        known = known[: max(often, indicators)]
        return cls(known, len(known) > indicators)

    def places_of(self, values: Values) -> NDArray[np.intp]:
        """Return the place of each word, [rows]."""
        return np.fromiter(map(self.places.get, values.tolist(), repeat(0)), np.intp, len(values))

    def encode(self, values: Values, out: Values) -> None:
        """Fill out [rows, width]."""
        out[:] = 0
        if self.width == 1:
            out[:, 0] = self.places_of(values)
        elif self.width:
            out[np.arange(len(values)), self.places_of(values)] = 1

    def to_data(self) -> dict[str, Any]:
        return {"known": self.known, "embedded": self.embedded}


class Wholes(Numbers):
    """Whole numbers of which many are seen often: as numbers, and by their places, since they may be names.

    Attributes
    ----------
    names : Categories
        Embedded.
    """

    def __init__(self, names: dict[str, Any], **numbers: Any) -> None:
        super().__init__(**numbers)
        self.names = Categories(**names)
        self.codes = self.names.codes

    def places_of(self, values: Values) -> NDArray[np.intp]:
        """Return the place of each number, [rows]."""
        different, rows = np.unique(values, return_inverse=True)
        return self.names.places_of(words(different))[rows]

    def to_data(self) -> dict[str, Any]:
        return {"names": self.names.to_data(), **super().to_data()}


def of_numbers(values: Values, bins: int, seldom: int, indicators: int, embed_from: int) -> Numbers:
    """Return what encodes numbers: as `Wholes` where more than `indicators` whole ones have `embed_from` rows."""
    found = Numbers.fitted(values, bins)
    there = values[~np.isnan(values)]
    if len(there) <= indicators * embed_from or not np.array_equal(there, np.floor(there)):
        return found
    different, counts = np.unique(values, return_counts=True)
    by_word = dict(zip(words(different).tolist(), counts.tolist(), strict=True))
    names = Categories.of_counts(by_word, seldom, indicators, embed_from)
    return Wholes(names.to_data(), **found.to_data()) if names.embedded and names.known != [None] else found


Encoder = Numbers | Scaled | Dates | Categories


def of_data(kind: str, data: dict[str, Any]) -> Encoder:
    """Return the encoder whose `to_data` this is; ValueError, TypeError or KeyError for what is none."""
    if kind == CATEGORY:
        return categories_of(**data)
    if kind == DATE:
        parts = [numbers_of(Numbers, **part) for part in data["parts"]]
        if len(parts) != DATE_PARTS:
            raise ValueError(f"parts: got {len(parts)}, needs {DATE_PARTS}")
        return Dates(parts)
    if kind == NUMBER and "least" in data:
        least, greatest = (real(name, data[name]) for name in ("least", "greatest"))
        require_rising([least, greatest])
        return Scaled(**{**data, "least": least, "greatest": greatest, "flagged": boolean("flagged", data["flagged"])})
    if kind == NUMBER and "names" in data:
        names = categories_of(**data["names"])
        if not names.embedded:
            raise ValueError("names: got words that are not embedded, needs embedded ones")
        return numbers_of(Wholes, names=names.to_data(), **{key: data[key] for key in data if key != "names"})
    return numbers_of({NUMBER: Numbers, BOOLEAN: Booleans}[kind], **data)


def numbers_of(cls: type[Numbers], edges: Any, center: Any, scale: Any, flagged: Any, **more: Any) -> Numbers:
    """Return an encoder of numbers whose values are checked."""
    found = [real("edges", edge) for edge in edges]
    require_rising(found)
    scales = {"center": real("center", center), "scale": real("scale", scale, 0)}
    return cls(edges=np.array(found), flagged=boolean("flagged", flagged), **scales, **more)


def categories_of(known: Any, embedded: Any) -> Categories:
    """Return an encoder of words which are checked."""
    if not isinstance(known, list) or not all(word is None or isinstance(word, str) for word in known):
        raise TypeError(f"known: got {known!r:.100}, needs a list of words")
    if len(set(known)) < len(known):
        raise ValueError("known: got a word twice, needs different ones")
    return Categories(known, boolean("embedded", embedded))


def require_rising(edges: list[float]) -> None:
    """Raise ValueError for numbers of which one is not above the one before."""
    if any(low >= high for low, high in pairwise(edges)):
        raise ValueError(f"edges: got {edges!r:.100}, needs rising numbers")
