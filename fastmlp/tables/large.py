"""Networks for a table that is larger than memory: what it is like on drawn rows, its rows in a file, training from it.

The recipe is that of smaller tables; an epoch is half a million rows at most, so that early stopping looks as often.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fastmlp.callbacks.monitor import EarlyStopping
from fastmlp.config.memory import available_memory
from fastmlp.models import Model
from fastmlp.tables import frames, recipe, targets
from fastmlp.tables.encoders import DATE_PARTS, Categories
from fastmlp.tables.keeping import kept
from fastmlp.tables.preparation import INDICATORS, Preparation, bins_for
from fastmlp.tables.reading import Table
from fastmlp.tables.stored import Batches, Stored, Values

MOST_MEMORY = 4 << 30  # bytes for the inputs of networks that are held at once
DRAWN_ROWS, DRAWN_CELLS = 200_000, 1 << 24  # that tell what columns are like, at most
AT_ONCE = 16_384  # rows that are stored at a time
EPOCH = 500_000  # rows
HELD_OUT = 100_000  # rows, at most


def is_large(table: Table) -> bool:
    """Whether the inputs that networks take of a table would need 4 GB, or half of the memory that there is."""
    first = next(filter(len, table.frames()), None)
    if first is None:
        return False
    bins = bins_for(table.rows, first.width)
    a_row = sum(8 + 4 * inputs_at_most(column, bins) for column in first.get_columns())
    return table.rows * a_row > min(MOST_MEMORY, available_memory() // 2)


def inputs_at_most(column: pl.Series, bins: int) -> int:
    """Return how many inputs a network takes of a column whose first rows these are, at most."""
    if column.dtype == pl.String:
        return 1 + min(column.n_unique(), INDICATORS)
    return (DATE_PARTS if column.dtype in (pl.Date, pl.Datetime) else 1) * (1 + bins)


def draw(table: Table, random: np.random.Generator) -> tuple[pl.DataFrame, NDArray[np.intp]]:
    """Return some rows of a table in their order, and their numbers in it."""
    count = min(table.rows, DRAWN_ROWS, max(10_000, DRAWN_CELLS // len(table.schema)))
    numbers = np.sort(random.choice(table.rows, count, replace=False))
    found, start = [], 0
    for frame in table.frames():
        first, last = np.searchsorted(numbers, [start, start + len(frame)])
        found.append(frame[numbers[first:last] - start])
        start += len(frame)
    return pl.concat(found), numbers


def counting(drawn: pl.DataFrame, numbers: NDArray[np.intp]) -> list[str]:
    """Return the columns that count the rows, from 0 or 1."""
    whole = [series for series in drawn.get_columns() if series.dtype.is_integer() and not series.null_count()]
    return [series.name for series in whole if any((series.to_numpy() == numbers + first).all() for first in (0, 1))]


def require_weights(name: str, values: Values) -> None:
    """Raise ValueError for what are no weights of rows: those that were not drawn are not looked at before."""
    wrong = values[~(values >= 0)]
    if len(wrong):
        got = "a missing value" if np.isnan(wrong[0]) else f"{wrong[0]:g}"
        raise ValueError(f"weight: got {got} in {name!r}, needs numbers of at least 0 in every row")


class Rows:
    """The rows of a large table in a file, with what is trained on, tested on and predicted.

    Parameters
    ----------
    path : Path
        Of the file.
    preparation : Preparation
        Fitted on drawn rows; its words are chosen anew.
    target, weight : str
        Columns; the second may be None.
    task : str
        As of `find_task`.

    Attributes
    ----------
    left_out : int
        Rows without a target.
    tested : bool array [rows]
        Which of the others are to test on.
    classes : array
        As they are written; of numbers empty.
    known : float64 array [classes]
        How the classes are written in the file.
    numbers : targets.Numbers or None
        Of classes None.
    """

    def __init__(self, path: Path, preparation: Preparation, target: str, weight: str | None, task: str) -> None:
        self.preparation, self.target, self.weight = preparation, target, weight
        self.path, self.of_classes = path, task in ("binary", "classes")
        self.left_out = 0
        self.classes: NDArray[Any] = np.empty(0)
        self.numbers: targets.Numbers | None = None

    def store(self, table: Table, tested: NDArray[np.bool_]) -> None:
        """Write a table; of each class the first row is to train on."""
        dtype = table.schema[self.target]
        words = self.of_classes and not (dtype.is_numeric() or dtype == pl.Boolean)
        kinds = {name: encoder.kind for name, encoder in self.preparation.columns_.items()}
        kinds[self.target] = frames.CATEGORY if words else frames.NUMBER
        if self.weight is not None:
            kinds[self.weight] = frames.NUMBER
        self.stored, self.place = Stored(self.path, kinds), list(kinds).index(self.target)
        seen: set[float] = set()
        kept, start = [], 0
        for frame in table.batches(AT_ONCE):
            found = frame[self.target].fill_nan(None) if dtype.is_float() else frame[self.target]
            there = found.is_not_null()
            written = self.stored.append(frame.filter(there))
            y = written[:, self.place]
            if self.weight is not None:
                require_weights(self.weight, written[:, list(kinds).index(self.weight)])
            chosen = tested[start : start + len(frame)][there.to_numpy()]
            if self.of_classes:
                for value, first in zip(*np.unique(y, return_index=True), strict=True):
                    chosen[first] &= value in seen
                    seen.add(float(value))
            kept.append(chosen)
            start += len(frame)
        self.tested = np.concatenate(kept)
        self.left_out = table.rows - len(self.tested)
        of_words = [name for name, each in self.preparation.columns_.items() if isinstance(each, Categories)]
        self.preparation.recount(self.stored.counts(of_words, ~self.tested))
        if self.of_classes:
            self._find_classes(dtype, sorted(seen))
        else:
            self.numbers = self._fitted()

    def _find_classes(self, dtype: pl.DataType, written: list[float]) -> None:
        values: Any = np.array(written)
        if self.stored.kinds[self.target] == frames.CATEGORY:
            values = np.array(self.stored.words(self.target).tolist(), str)
        elif dtype == pl.Boolean or dtype.is_integer():
            values = values.astype(bool if dtype == pl.Boolean else np.int64)
        self.classes, self.known = np.sort(values), np.array(written)
        self.places = np.searchsorted(self.classes, values)

    def _fitted(self) -> targets.Numbers:
        """Return the targets to train on, standardised, with their range."""
        count, total, squares, least, greatest = 0, 0.0, 0.0, np.inf, -np.inf
        for rows in self.stored.blocks(~self.tested):
            y = rows[:, self.place]
            if len(y):
                least, greatest = min(least, float(y.min())), max(greatest, float(y.max()))
                shift = y.mean() - total  # of means, whose difference is small: no digits are lost
                squares += ((y - y.mean()) ** 2).sum() + shift**2 * count * len(y) / (count + len(y))
                count += len(y)
                total += shift * len(y) / count
        return targets.Numbers(False, total, float((squares / count) ** 0.5) or 1.0, least, greatest)

    def goals(self, rows: Values) -> NDArray[Any]:
        """Return the targets of written rows: places of classes, or numbers."""
        y = rows[:, self.place]
        if not self.of_classes:
            return np.ascontiguousarray(y)
        places: NDArray[Any] = self.places[np.searchsorted(self.known, y)]
        return places

    def parts_to_test(self) -> Iterator[tuple[dict[str, Any], NDArray[Any]]]:
        """Yield the columns and the targets of the rows to test on, some at a time."""
        for rows in self.stored.blocks(self.tested):
            for start in range(0, len(rows), AT_ONCE):
                part = rows[start : start + AT_ONCE]
                yield self.stored.columns(part), self.goals(part)

    def guess(self) -> tuple[float, NDArray[np.float64]]:
        """Return the mean of the targets to train on; and of classes the share of each."""
        if self.numbers is not None:
            return self.numbers.mean, np.empty(0)
        counts = np.zeros(len(self.classes))
        for rows in self.stored.blocks(~self.tested):
            counts += np.bincount(self.goals(rows), minlength=len(counts))
        return np.nan, counts / counts.sum()

    def prepared(self, rows: Values) -> tuple[Any, ...]:
        """Return written rows as a network is trained on them: (x, y), and their weights where there are any."""
        table = self.stored.columns(rows)
        inputs = self.preparation.inputs(table)
        y = self.goals(rows)
        found: tuple[Any, ...] = (
            inputs[0] if len(inputs) == 1 else inputs,
            y.astype(np.int32) if self.numbers is None else self.numbers.encode(y),
        )
        return found if self.weight is None else (*found, table[self.weight].astype(np.float32))

    def digests(self) -> dict[str, str]:
        """Return what tells these rows from others, by name."""
        preparation = hashlib.blake2b(json.dumps(self.preparation.to_data()).encode(), digest_size=8).hexdigest()
        tested = hashlib.blake2b(self.tested.tobytes(), digest_size=8).hexdigest()
        return {
            "rows of the table": self.stored.digest(),
            "rows to test on": tested,
            "preparation": preparation,
        }

    def train(self, members: int, seed: int, settings: recipe.Settings, verbose: int = 0) -> list[Model]:
        """Return so many trained networks, one trained after the other."""
        random = np.random.default_rng(seed)
        to_train = ~self.tested
        rows = int(to_train.sum())
        settings = settings.for_rows(rows)
        size = settings.batch_size or 1
        share = min(settings.held_out, HELD_OUT / rows)
        shapes = [np.empty((0, width), np.float32) for width in self.preparation.input_widths]
        examples = recipe.Examples(shapes, self.preparation.codes_, np.empty(0), len(self.classes))
        models = []
        for _ in range(members):
            held_out = to_train & (random.random(len(to_train)) < share)
            held_out[np.flatnonzero(to_train)[0]] = True
            steps = -(-min(rows, EPOCH) // size)
            updates, order = settings.epochs * steps, int(random.integers(2**31))
            model = recipe.network(examples, settings, updates, int(random.integers(2**31)))
            stop = EarlyStopping("val_loss", patience=settings.patience, restore_best_weights=True)
            model.fit(
                Batches(self.stored, to_train & ~held_out, size, self.prepared, updates, order),
                shuffle=False,
                epochs=settings.epochs,
                steps_per_epoch=steps,
                validation_data=Batches(self.stored, held_out, size, self.prepared),
                callbacks=[stop, *kept(self)],
                verbose=verbose,
            )
            models.append(model)
        return models
