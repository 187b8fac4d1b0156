"""Rows of a table that is larger than memory, in a file: written as they are read, read some at a time in any order."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fastmlp.tables import frames
from fastmlp.tables.frames import CATEGORY, DATE

AT_ONCE = 16_384  # rows that are read to be counted
BLOCK = 256  # rows that are read in one piece
HELD = 1 << 25  # bytes of the blocks that are shuffled together
MOST, LEAST = 256, 16  # of these blocks

Values = NDArray[np.float64]


class Stored:
    """Columns by name in a file of float64 [rows, columns]: numbers, NaN where one is missing; words by a number.

    The file is read and not mapped: pages of a map would count as memory of the process.

    Parameters
    ----------
    path : Path
        Of a file that is not there yet.
    kinds : mapping of str to {"number", "boolean", "date", "category"}
        What each column is.
    """

    def __init__(self, path: Path, kinds: Mapping[str, str]) -> None:
        self.path, self.kinds, self.rows = path, dict(kinds), 0
        self.codes: dict[str, dict[str | None, int]] = {name: {} for name, kind in kinds.items() if kind == CATEGORY}
        self._words: dict[str, NDArray[Any]] = {}

    def append(self, frame: pl.DataFrame) -> Values:
        """Write the rows of a frame, whose other columns are not looked at; return what was written.

        Raises
        ------
        ValueError
            For columns that are not of their kinds, and numbers that are infinite.
        """
        written = np.empty((len(frame), len(self.kinds)))
        for place, (name, kind) in enumerate(self.kinds.items()):
            _, values = frames.as_kind(name, frame[name], kind)
            frames.require_finite(name, kind, values)
            if kind == CATEGORY:
                codes = self.codes[name]
                written[:, place] = [codes.setdefault(word, len(codes)) for word in values.tolist()]
            elif kind == DATE:
                written[:, place] = np.where(np.isnat(values), np.nan, values.astype(np.int64))
            else:
                written[:, place] = values
        with open(self.path, "ab") as file:
            file.write(written.data)
        self.rows += len(written)
        self._words.clear()
        return written

    def read(self, start: int, stop: int) -> Values:
        """Return rows as they were written, [rows, columns]."""
        width, stop = len(self.kinds), min(stop, self.rows)
        found = np.fromfile(self.path, np.float64, (stop - start) * width, offset=8 * width * start)
        return found.reshape(-1, width)

    def digest(self) -> str:
        """Return a digest of all rows and words."""
        digest = hashlib.blake2b(
            repr([(name, list(codes)) for name, codes in self.codes.items()]).encode(), digest_size=8
        )
        for start in range(0, self.rows, AT_ONCE):
            digest.update(self.read(start, start + AT_ONCE).data)
        return digest.hexdigest()

    def columns(self, rows: Values) -> dict[str, NDArray[Any]]:
        """Return written rows as columns by name: numbers, datetime64[us], and words as objects."""
        return {name: self._column(name, rows[:, place]) for place, name in enumerate(self.kinds)}

    def _column(self, name: str, values: Values) -> NDArray[Any]:
        kind = self.kinds[name]
        if kind == CATEGORY:
            return self.words(name)[values.astype(np.intp)]
        if kind == DATE:
            missing = np.isnan(values)
            dates = np.where(missing, 0, values).astype(np.int64).astype("datetime64[us]")
            dates[missing] = "NaT"
            return dates
        return np.ascontiguousarray(values)

    def words(self, name: str) -> NDArray[Any]:
        """Return the words of a column by their numbers."""
        if name not in self._words:
            self._words[name] = np.array([*self.codes[name], None], object)[:-1]
        return self._words[name]

    def counts(self, names: list[str], chosen: NDArray[np.bool_]) -> dict[str, Counter[str | None]]:
        """Return for each of these columns of words how many of the chosen rows have each word."""
        places = [list(self.kinds).index(name) for name in names]
        sums = [np.zeros(len(self.codes[name]), np.int64) for name in names]
        for rows in self.blocks(chosen):
            for total, place in zip(sums, places, strict=True):
                total += np.bincount(rows[:, place].astype(np.intp), minlength=len(total))
        return {
            name: Counter({word: int(count) for word, count in zip(self.words(name), total, strict=True) if count})
            for name, total in zip(names, sums, strict=True)
        }

    def blocks(self, chosen: NDArray[np.bool_], random: np.random.Generator | None = None) -> Iterator[Values]:
        """Yield the chosen rows, thousands at a time; with `random` in another order.

        That draws blocks from all of the file, and shuffles the rows of some dozens of them together.
        """
        together = min(max(HELD // (8 * BLOCK * len(self.kinds)), LEAST), MOST)
        starts = np.arange(0, self.rows, BLOCK)
        if random is not None:
            random.shuffle(starts)
        for first in range(0, len(starts), together):
            found = [self.read(at, at + BLOCK)[chosen[at : at + BLOCK]] for at in starts[first : first + together]]
            rows = np.concatenate(found)
            yield rows if random is None else rows[random.permutation(len(rows))]


class Batches:
    """Batches of stored rows by number, through one pass over them or several, as `fit` takes them without shuffling.

    Each pass has an order of its own, which its number tells: a training may begin in the midst of one. Batches that
    follow each other are read on; others take reading from the beginning of their pass.

    Parameters
    ----------
    stored : Stored
    chosen : bool array [rows]
    size : int
        Rows of a batch.
    prepared : function
        What makes (x, y) or (x, y, sample_weight) of written rows.
    count : int, optional
        How many batches there are; default one pass.
    seed : int, optional
        Without, the rows are in their order.
    """

    def __init__(
        self,
        stored: Stored,
        chosen: NDArray[np.bool_],
        size: int,
        prepared: Callable[[Values], tuple[Any, ...]],
        count: int | None = None,
        seed: int | None = None,
    ) -> None:
        self.stored, self.chosen, self.size, self.prepared, self.seed = stored, chosen, size, prepared, seed
        self.of_pass = -(-int(chosen.sum()) // size)
        self.count = count or self.of_pass
        self.rest: Iterator[Values] = iter(())
        self.next = -1  # the number of the batch that comes next in `rest`

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, number: int) -> tuple[Any, ...]:
        if not 0 <= number < self.count:
            raise IndexError(number)
        in_order, place = divmod(number, self.of_pass)
        if number != self.next or place == 0:
            self.rest = islice(self.rows_of_pass(in_order), place, None)
        self.next = number + 1
        return self.prepared(next(self.rest))

    def rows_of_pass(self, number: int) -> Iterator[Values]:
        """Yield the written rows of the batches of a pass."""
        held: Values = np.empty((0, len(self.stored.kinds)))
        random = None if self.seed is None else np.random.default_rng([self.seed, number])
        for found in self.stored.blocks(self.chosen, random):
            rows = np.concatenate([held, found])
            whole = len(rows) // self.size * self.size
            for start in range(0, whole, self.size):
                yield rows[start : start + self.size]
            held = rows[whole:]
        if len(held):
            yield held
