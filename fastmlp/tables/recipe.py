"""The network for tables, and how its members are trained: settings that were chosen by measuring on tables.

Where there is a choice of settings, a first round tries all of them on the same held-out rows, and those of the least
loss there are taken. The members differ in their seeds and in the rows that are held out for early stopping.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmlp.callbacks.monitor import EarlyStopping
from fastmlp.layers import Concatenate, Dense, Dropout, Embedding, Flatten, Input
from fastmlp.models import Model
from fastmlp.optimizers import AdamW
from fastmlp.optimizers.schedules import CosineDecay
from fastmlp.tables.in_time import InTime
from fastmlp.tables.keeping import kept
from fastmlp.training.many import fit_many

SPLITS = 4  # how many times other rows are held out to choose a dropout rate by, at most
FEW_ROWS, MANY_ROWS = 5_000, 100_000  # below and above, batches are smaller and larger
DEEP_ROWS = 30_000  # from there on a second layer pays
HELD_OUT = 20_000  # rows at most: more of them would tell the same


@dataclass(frozen=True)
class Settings:
    """How a network is made and trained.

    Attributes
    ----------
    hidden : sequence of int, optional
        Units of each hidden layer; default one of 384, and from 30,000 rows on two of 192 and 128.
    activation : str
        Of these.
    dropout : float
    learning_rate, weight_decay : float
        Of AdamW. The rate falls to 0 along half a cosine.
    batch_size : int, optional
        Default 64, 256 or 1024, by the number of rows.
    epochs : int
        At most; a training stops after `patience` epochs without gain, and the best weights are taken.
    patience : int
    held_out : float
        Share of the rows, of which 20,000 are enough.
    vector : int
        Length of an Embedding's vectors.
    """

    hidden: Sequence[int] | None = None
    activation: str = "relu"
    dropout: float = 0.0
    learning_rate: float = 2e-3
    weight_decay: float = 1e-2
    batch_size: int | None = None
    epochs: int = 24
    patience: int = 6
    held_out: float = 0.15
    vector: int = 2

    def for_rows(self, rows: int) -> Settings:
        """Return the settings with what was left to the number of rows of the table."""
        hidden = self.hidden or ((384,) if rows < DEEP_ROWS else (192, 128))
        batch_size = self.batch_size or (64 if rows < FEW_ROWS else 256 if rows < MANY_ROWS else 1024)
        return replace(self, hidden=hidden, batch_size=batch_size)


@dataclass(frozen=True)
class Examples:
    """What there is to learn from.

    Attributes
    ----------
    inputs : list of float32 arrays [rows, columns]
        Numbers, if there are any, and places for the vectors of an Embedding, if there are any.
    codes : sequence of int
        How many places each column has; empty without.
    y : array [rows]
        Classes from 0 as int32, or standardised numbers as float32.
    classes : int
        How many; 0 of numbers.
    weight : float32 array [rows], optional
        Of the rows.
    """

    inputs: Sequence[NDArray[np.float32]]
    codes: Sequence[int]
    y: NDArray[Any]
    classes: int
    weight: NDArray[np.float32] | None = None

    def rows(self, chosen: NDArray[Any] | slice) -> Any:
        """Return inputs as a model takes them: one array, or a list of two."""
        parts = [each[chosen] for each in self.inputs]
        return parts[0] if len(parts) == 1 else parts

    def part(self, chosen: NDArray[Any]) -> Examples:
        """Return some of the rows."""
        weight = None if self.weight is None else self.weight[chosen]
        return replace(self, inputs=[each[chosen] for each in self.inputs], y=self.y[chosen], weight=weight)


@dataclass(frozen=True)
class Member:
    """A network, the rows held out from its training, what stops it, and what lets it end in time."""

    settings: Settings
    model: Model
    mask: NDArray[np.bool_]
    stop: EarlyStopping
    in_time: InTime | None = None

    @property
    def loss(self) -> float:
        """The least on held-out rows; infinite before the first epoch."""
        best = self.stop.best
        return best if best is not None and np.isfinite(best) else np.inf


def train(examples: Examples, members: int, seed: int, choice: Sequence[Settings], verbose: int = 0) -> list[Model]:
    """Return so many trained networks, those of the first round first; the same for any number of threads.

    Parameters
    ----------
    choice : sequence of Settings
        The first round tries all of them; of 100,000 rows and more the first is taken.
    """
    random = np.random.default_rng(seed)
    choice = choice if len(examples.y) < MANY_ROWS else choice[:1]
    count = min(members, SPLITS) if len(choice) > 1 else members

    def trained(settings: Sequence[Settings], count: int) -> list[list[Member]]:
        masks = [held_out(examples, settings[0].held_out, random) for _ in range(count)]
        made = [[member(examples, each, mask, int(random.integers(2**31))) for each in settings] for mask in masks]
        fit(examples, [one for several in made for one in several], verbose)
        return made

    tried = trained(choice, count)
    best = int(np.mean([[one.loss for one in several] for several in tried], axis=0).argmin())
    others = trained(choice[best : best + 1], members - count) if members > count else []
    return [several[best].model for several in tried] + [several[0].model for several in others]


def member(
    examples: Examples, settings: Settings, mask: NDArray[np.bool_], seed: int, in_time: InTime | None = None
) -> Member:
    """Return a network that is to be trained on the rows that are not in the mask."""
    settings = settings.for_rows(len(mask))
    stop = EarlyStopping("val_loss", patience=settings.patience, restore_best_weights=True)
    batches = math.ceil((len(mask) - np.count_nonzero(mask)) / (settings.batch_size or 1))
    return Member(settings, network(examples, settings, settings.epochs * batches, seed), mask, stop, in_time)


def fit(examples: Examples, members: Sequence[Member], verbose: int = 0, seconds: float | None = None) -> None:
    """Train networks at once; each has its best weights afterwards, also where time or Ctrl-C has ended it."""
    known = {id(one.mask): (validation(examples, one.mask), np.flatnonzero(~one.mask)) for one in members}
    try:
        fit_many(
            [one.model for one in members],
            examples.rows(slice(None)),
            examples.y,
            [one.settings.batch_size for one in members],
            [one.settings.epochs for one in members],
            verbose,
            callbacks=[[one.stop, *([one.in_time] if one.in_time else []), *kept(examples)] for one in members],
            validation_data=[known[id(one.mask)][0] for one in members],
            sample_weight=examples.weight,
            rows=[known[id(one.mask)][1] for one in members],
            seconds=seconds,
        )
    finally:
        for one in members:
            if one.stop.best_weights is not None:
                one.model.set_weights(one.stop.best_weights)


def validation(examples: Examples, mask: NDArray[np.bool_]) -> tuple[Any, ...]:
    """Return the held-out rows as `validation_data` takes them."""
    found = (examples.rows(mask), examples.y[mask])
    return found if examples.weight is None else (*found, examples.weight[mask])


def network(examples: Examples, settings: Settings, steps: int, seed: int) -> Model:
    """Return a compiled network from numbers, and vectors by their places, to classes or a number."""
    inputs: list[Any] = [Input((each.shape[1],)) for each in examples.inputs]
    parts = list(inputs)
    if examples.codes:
        parts[-1] = Flatten()(Embedding(sum(examples.codes), settings.vector)(parts[-1]))
    x = Concatenate()(parts) if len(parts) > 1 else parts[0]
    for units in settings.hidden or ():
        x = Dense(units, settings.activation)(x)
        if settings.dropout:
            x = Dropout(settings.dropout)(x)
    output = Dense(examples.classes, "softmax") if examples.classes else Dense(1)
    model = Model(inputs, output(x), seed=seed, dtype="float32")
    loss = "sparse_categorical_crossentropy" if examples.classes else "mean_squared_error"
    rate = CosineDecay(settings.learning_rate, steps)
    model.compile(AdamW(rate, settings.weight_decay, beta_2=0.95), loss)
    return model


def held_out(examples: Examples, share: float, random: np.random.Generator) -> NDArray[np.bool_]:
    """Return which rows are held out: at least one, never all, 20,000 at most; of each class about the same share."""
    rows, order = len(examples.y), mixed(examples, random)
    count = min(max(round(share * rows), 1), rows - 1, HELD_OUT)
    mask = np.zeros(rows, bool)
    mask[order[((np.arange(count) + random.random()) * rows / count).astype(np.intp)] if count else order[:0]] = True
    return mask


def mixed(examples: Examples, random: np.random.Generator) -> NDArray[np.intp]:
    """Return the places of the rows in a random order, class by class, so that equal steps have a share of each."""
    order = random.permutation(len(examples.y))
    return order[np.argsort(examples.y[order], kind="stable")] if examples.classes else order
