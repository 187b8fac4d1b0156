"""A table becomes what a network takes, by what its training rows were like."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmlp.errors import told
from fastmlp.settings import boolean, integer, is_among
from fastmlp.tables import frames
from fastmlp.tables.encoders import Booleans, Categories, Dates, Encoder, Numbers, Scaled, Wholes, of_data, of_numbers
from fastmlp.tables.frames import BOOLEAN, CATEGORY, DATE, IGNORE, KINDS, NUMBER
from fastmlp.tables.names import family

Rows = NDArray[np.float32]
VERSION = 1
SETTINGS = ("bins", "seldom", "indicators", "embed_from", "day_first")
COARSE, FINE = 24, 48  # bins of the codes of numbers
MANY_ROWS = 30_000  # that take the fine ones
INDICATORS = 200  # columns for the words of one, at most
ALIKE = 48  # columns that may share a scale, as pixels do, at least
MOST_BINS = 2**16
MOST_INPUTS = 4_800  # of all codes together: those of more than a hundred columns are coarser


def bins_for(rows: int, columns: int) -> int:
    """Return how many bins the codes of numbers have in a table of that size, at most."""
    return max(1, min(FINE if rows >= MANY_ROWS else COARSE, MOST_INPUTS // columns))


class Preparation:
    """What makes arrays of a table: fitted on training rows, then the same for any others.

    Numbers become a standardised value and a piecewise-linear code, booleans too; dates their parts; words a column for
    each one that is seen often, or where these are many, their places for an Embedding: docs/table_networks.md.

    Parameters
    ----------
    types : dict, optional
        Of columns by name, where not what their dtype says: "number", "category", "boolean", "date" or "ignore". A
        column of numbers that are names, such as an id, is a "category".
    bins : int, optional
        Of a piecewise-linear code, at most; default 24, from 30,000 rows on 48, and fewer for more than 100 columns.
    seldom : int
        Words that fewer rows have count as one; default 5.
    indicators : int
        The most words of a column that get a column each; default 200. With more, places go to an Embedding.
    embed_from : int
        How many rows a word needs for a vector of its own; default 50. Where no more words than `indicators` have
        as many, those of the most rows get a column each.
    day_first : bool, optional
        Whether the day is first where dates are words as 3/4/2024; None takes none of these.

    Attributes
    ----------
    columns_ : dict
        What encodes each column, by name.
    width_ : int
        Columns of the array that `transform` returns.
    codes_ : list of int
        How many places each column for an Embedding has.
    """

    def __init__(
        self,
        types: Mapping[Any, str] | None = None,
        bins: int | None = None,
        seldom: int = 5,
        indicators: int = INDICATORS,
        embed_from: int = 50,
        day_first: bool | None = None,
    ) -> None:
        if types is not None and not isinstance(types, Mapping):
            raise TypeError(f"types: got {told(types)}, needs a dict of kinds by column")
        for name, kind in ({} if types is None else types).items():
            if not is_among(kind, KINDS):
                raise ValueError(f"types: got {told(kind)} for column {name!r}, needs one of {', '.join(KINDS)}")
        if bins is not None:
            integer("bins", bins, at_least=1, below=MOST_BINS + 1)
        for argument, value, least in (
            ("seldom", seldom, 1),
            ("indicators", indicators, 0),
            ("embed_from", embed_from, 0),
        ):
            integer(argument, value, at_least=least)
        if day_first is not None:
            boolean("day_first", day_first)
        self.types, self.bins, self.seldom = dict(types or {}), bins, seldom
        self.indicators, self.embed_from, self.day_first = indicators, embed_from, day_first

    def fit(self, frame: Any) -> Preparation:
        """Learn what the columns of a table are like: of pandas, polars, Arrow, a dict of columns, or an array.

        Raises
        ------
        ValueError, TypeError
            For `types` of columns that are not there, numbers that are not finite, and what is no table.
        """
        table = frames.columns(frame)
        unknown = sorted(map(str, self.types.keys() - table.keys()))
        if unknown:
            raise ValueError(f"types: got {', '.join(unknown)}, needs names of columns, of {_listed(table)}")
        columns: dict[Any, Encoder] = {}
        scales = self._shared_scales(table)
        for name, column in table.items():
            if self.types.get(name) != IGNORE:
                kind, values = frames.as_kind(name, column, self.types.get(name), self.day_first)
                frames.require_finite(name, kind, values)
                if name in scales:
                    columns[name] = Scaled(*scales[name], bool(np.isnan(values).any()))
                else:
                    columns[name] = self._fitted(kind, values, name in self.types, len(table))
        self._set(columns)
        return self

    def _shared_scales(self, table: Mapping[Any, Any]) -> dict[Any, tuple[float, float]]:
        """Return the least and the greatest number of many columns that are called alike, a third of which has both."""
        families: dict[str, list[Any]] = {}
        for name in table:
            if isinstance(name, str) and self.types.get(name, NUMBER) in (NUMBER, BOOLEAN):
                families.setdefault(family(name), []).append(name)
        scales: dict[Any, tuple[float, float]] = {}
        for names in families.values():
            if len(names) < ALIKE:
                continue
            found = {name: frames.plain(name, table[name]) for name in names}
            ranges = {
                name: (float(np.nanmin(values)), float(np.nanmax(values)))
                for name, (kind, values) in found.items()
                if kind in (NUMBER, BOOLEAN) and not np.isnan(values).all()
            }
            varied = {name: each for name, each in ranges.items() if each[0] < each[1]}
            if len(varied) < ALIKE:
                continue
            whole = min(low for low, _ in varied.values()), max(high for _, high in varied.values())
            if 3 * sum(each == whole for each in varied.values()) >= len(varied):
                scales |= dict.fromkeys(varied, whole)
        return scales

    def _fitted(self, kind: str, values: NDArray[Any], is_told: bool, count: int) -> Encoder:
        of_words = self.seldom, self.indicators, self.embed_from
        if kind == CATEGORY:
            return Categories.fitted(values, *of_words)
        bins = self.bins or bins_for(len(values), count)
        if kind == DATE:
            return Dates.fitted(values, bins)
        if kind == BOOLEAN:
            return Booleans.fitted(values, bins)
        return Numbers.fitted(values, bins) if is_told else of_numbers(values, bins, *of_words)

    def recount(self, counts: Mapping[Any, Mapping[str | None, int]]) -> None:
        """Choose the words of columns anew, by how many rows each has: of more rows than those of `fit`."""
        of_words = self.seldom, self.indicators, self.embed_from
        self._set({**self.columns_, **{name: Categories.of_counts(of, *of_words) for name, of in counts.items()}})

    def _set(self, columns: dict[Any, Encoder]) -> None:
        self.columns_ = columns
        self.width_ = sum(encoder.width for encoder in columns.values())
        self.codes_ = [each.codes for each in columns.values() if each.codes]

    @property
    def input_widths(self) -> list[int]:
        """Columns of each input of a network: of the numbers and of the places, where there are any.

        Where all columns are constants, one that is 0.
        """
        return [width for width in (self.width_, len(self.codes_)) if width] or [1]

    def inputs(self, frame: Any) -> list[Rows]:
        """Return the rows of a table as the inputs of a network; as `transform`, without empty arrays."""
        arrays = self.transform(frame)
        return [each for each in arrays if each.shape[1]] or [np.zeros((len(arrays[0]), 1), np.float32)]

    def transform(self, frame: Any) -> tuple[Rows, Rows]:
        """Return the rows of a table as arrays; its columns may come in any order, and others are not looked at.

        Returns
        -------
        numbers : float32 array [rows, width_]
        places : float32 array [rows, len(codes_)]
            For an Embedding of sum(codes_) vectors: the first column counts from 0, the next from codes_[0], ...

        Raises
        ------
        ValueError
            For columns that are not there, or of another kind; and as of `fit`.
        """
        table = frames.columns(frame)
        missing = [name for name in self.columns_ if name not in table]
        if missing:
            additional = [name for name in table if name not in self.columns_ and name not in self.types]
            others = f" and additional ones, {_listed(additional)}" if additional else ""
            raise ValueError(f"X: got a table without {_listed(missing)}{others}, needs the columns of fit")
        rows = len(next(iter(table.values())))
        numbers = np.empty((rows, self.width_), np.float32)
        places = np.empty((rows, len(self.codes_)), np.float32)
        start = at = above = 0
        for name, encoder in self.columns_.items():
            kind, values = frames.as_kind(name, table[name], encoder.kind, self.day_first)
            frames.require_finite(name, kind, values)
            if isinstance(encoder, (Categories, Wholes)) and encoder.codes:
                places[:, at] = encoder.places_of(values) + above
                at, above = at + 1, above + encoder.codes
            if encoder.width:
                encoder.encode(values, numbers[:, start : start + encoder.width])
                start += encoder.width
        return numbers, places

    def to_data(self) -> dict[str, Any]:
        """Return all there is to it as values of JSON: lists, dicts, words, numbers."""
        columns = [{"name": name, "kind": each.kind, **each.to_data()} for name, each in self.columns_.items()]
        settings = {name: getattr(self, name) for name in SETTINGS}
        return {"version": VERSION, "types": list(map(list, self.types.items())), **settings, "columns": columns}

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Preparation:
        """Return the preparation whose `to_data` this is; ValueError for what is none."""
        try:
            if data["version"] != VERSION:
                raise ValueError(f"version {data['version']!r}")
            made = cls(dict(data["types"]), *(data[name] for name in SETTINGS))
            columns: dict[Any, Encoder] = {}
            for column in data["columns"]:
                if column["name"] in columns or not isinstance(column["name"], (str, int)):
                    raise ValueError(f"name: got {column['name']!r:.100}, needs a name or a place, once")
                rest = {key: value for key, value in column.items() if key not in ("name", "kind")}
                columns[column["name"]] = of_data(column["kind"], rest)
            made._set(columns)
        except Exception as error:  # what other values lead to has no end of types
            raise ValueError(f"data: got what is no preparation of version {VERSION}: {error}") from None
        return made


def _listed(names: Any) -> str:
    """Return names for an error: a few of them."""
    found = [repr(name) for name in names]
    return ", ".join(found[:10]) + (f" and {len(found) - 10} others" if len(found) > 10 else "")
