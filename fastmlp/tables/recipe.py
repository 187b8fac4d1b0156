"""The network for tables, and how its members are trained: settings that were chosen by measuring on tables.

Dropout helps where the target is noise, and hurts where it is nearly a function of the columns: so a first round tries
some rates on the same held-out rows, and that of the least loss there is taken. The members differ in their seeds and
in the rows that are held out for early stopping.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmlp.callbacks.monitor import EarlyStopping, ReduceLROnPlateau
from fastmlp.layers import Concatenate, Dense, Dropout, Embedding, Flatten, Input
from fastmlp.models import Model
from fastmlp.optimizers import AdamW
from fastmlp.tables.keeping import kept
from fastmlp.training.many import fit_many

SPLITS = 4  # how many times other rows are held out to choose a dropout rate by, at most
FEW_ROWS, MANY_ROWS = 8_000, 100_000  # below and above, batches are smaller and larger


@dataclass(frozen=True)
class Settings:
    """How a network is made and trained.

    Attributes
    ----------
    hidden : sequence of int
        Units of each hidden layer.
    dropout : sequence of float
        Rates to choose from, on held-out rows; of 100,000 rows and more the first is taken.
    learning_rate, weight_decay : float
        Of AdamW. The rate is lowered to 0.3 of it after 3 epochs without gain.
    batch_size : int, optional
        Default 64, 256 or 1024, by the number of rows.
    epochs : int
        At most; a training stops after `patience` epochs without gain, and the best weights are taken.
    patience : int
    held_out : float
        Share of the rows.
    vector : int
        Length of an Embedding's vectors.
    """

    hidden: Sequence[int] = (256, 256, 256)
    dropout: Sequence[float] = (0.15, 0.0, 0.3)
    learning_rate: float = 1e-3
    weight_decay: float = 1e-2
    batch_size: int | None = None
    epochs: int = 60
    patience: int = 8
    held_out: float = 0.15
    vector: int = 2

    def batch(self, rows: int) -> int:
        """Return the size of a batch of a table of so many rows."""
        return self.batch_size or (64 if rows < FEW_ROWS else 256 if rows < MANY_ROWS else 1024)


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


def train(examples: Examples, members: int, seed: int, settings: Settings, verbose: int = 0) -> list[Model]:
    """Return so many trained networks, those of the first round first; the same for any number of threads."""
    random = np.random.default_rng(seed)
    rates = settings.dropout if len(examples.y) < MANY_ROWS else settings.dropout[:1]
    count = min(members, SPLITS) if len(rates) > 1 else members
    masks = [held_out(examples, settings.held_out, random) for _ in range(count)]
    tried = fit(examples, [*rates] * count, [mask for mask in masks for _ in rates], random, settings, verbose)
    losses = np.array([loss for _, loss in tried]).reshape(count, len(rates))
    best = int(losses.mean(axis=0).argmin())
    masks = [held_out(examples, settings.held_out, random) for _ in range(members - count)]
    others = fit(examples, [rates[best]] * len(masks), masks, random, settings, verbose) if masks else []
    return [model for model, _ in [*tried[best :: len(rates)], *others]]


def fit(
    examples: Examples,
    rates: Sequence[float],
    masks: Sequence[NDArray[np.bool_]],
    random: np.random.Generator,
    settings: Settings,
    verbose: int,
) -> list[tuple[Model, float]]:
    """Return networks with these dropout rates, trained at once, and the least loss of each on its held-out rows."""
    models = [network(examples, settings, rate, int(random.integers(2**31))) for rate in rates]
    weight = examples.weight
    known = {id(mask): validation(examples, mask) for mask in masks}  # once for all that share them
    histories = fit_many(
        models,
        examples.rows(slice(None)),
        examples.y,
        settings.batch(len(examples.y)),
        settings.epochs,
        verbose,
        callbacks=[
            [
                EarlyStopping("val_loss", patience=settings.patience, restore_best_weights=True),
                ReduceLROnPlateau("val_loss", factor=0.3, patience=3, min_delta=0.0),
                *kept(examples),
            ]
            for _ in models
        ],
        validation_data=[known[id(mask)] for mask in masks],
        sample_weight=weight,
        rows=[np.flatnonzero(~mask) for mask in masks],
    )
    losses = [min(filter(np.isfinite, history.history["val_loss"]), default=np.inf) for history in histories]
    return list(zip(models, losses, strict=True))


def validation(examples: Examples, mask: NDArray[np.bool_]) -> tuple[Any, ...]:
    """Return the held-out rows as `validation_data` takes them."""
    found = (examples.rows(mask), examples.y[mask])
    return found if examples.weight is None else (*found, examples.weight[mask])


def network(examples: Examples, settings: Settings, dropout: float, seed: int) -> Model:
    """Return a compiled network from numbers, and vectors by their places, to classes or a number."""
    inputs: list[Any] = [Input((each.shape[1],)) for each in examples.inputs]
    parts = list(inputs)
    if examples.codes:
        parts[-1] = Flatten()(Embedding(sum(examples.codes), settings.vector)(parts[-1]))
    x = Concatenate()(parts) if len(parts) > 1 else parts[0]
    for units in settings.hidden:
        x = Dense(units, "relu")(x)
        if dropout:
            x = Dropout(dropout)(x)
    output = Dense(examples.classes, "softmax") if examples.classes else Dense(1)
    model = Model(inputs, output(x), seed=seed, dtype="float32")
    loss = "sparse_categorical_crossentropy" if examples.classes else "mean_squared_error"
    model.compile(AdamW(settings.learning_rate, settings.weight_decay), loss)
    return model


def held_out(examples: Examples, share: float, random: np.random.Generator) -> NDArray[np.bool_]:
    """Return which rows are held out: at least one, never all; of each class about the same share."""
    rows = len(examples.y)
    order = random.permutation(rows)
    if examples.classes:
        order = order[np.argsort(examples.y[order], kind="stable")]
    count = min(max(round(share * rows), 1), rows - 1)
    mask = np.zeros(rows, bool)
    mask[order[((np.arange(count) + random.random()) * rows / count).astype(np.intp)] if count else order[:0]] = True
    return mask
