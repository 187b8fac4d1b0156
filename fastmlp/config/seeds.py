"""Seeds: everything random about a model follows from its own.

Each purpose has its own child of `numpy.random.SeedSequence(seed)`, so that another layer or epoch never shifts what
the others draw, and a run can go on at any epoch without replaying the ones before.
"""

from __future__ import annotations

import random
import secrets

import numpy as np

from fastmlp.settings import integer

WEIGHTS, SHUFFLE, DROPOUT = range(3)


_seeds: random.Random | None = None


def set_global_seed(seed: int) -> None:
    """Let the seeds that nobody chooses follow from this one, in the order in which they are drawn."""
    global _seeds
    _seeds = random.Random(seed)


def choose_seed(seed: int | None) -> int:
    """Return a checked seed; None draws one from the global seed, without that from the system's entropy."""
    if seed is not None:
        return integer("seed", seed, at_least=0)
    return secrets.randbits(32) if _seeds is None else _seeds.getrandbits(32)


def weight_generator(seed: int, layer: int) -> np.random.Generator:
    """Return the generator for the initial weights of the layer with this index."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=(WEIGHTS, layer))))


def row_order(seed: int, epoch: int, rows: int) -> np.ndarray:
    """Return the order of the rows in an epoch, int64 [rows]; epochs are counted over all the calls of fit."""
    sequence = np.random.SeedSequence(seed, spawn_key=(SHUFFLE, epoch))
    return np.random.Generator(np.random.PCG64(sequence)).permutation(rows).astype(np.int64, copy=False)


def row_orders(seed: int, first: int, epochs: int, rows: int) -> np.ndarray:
    """Return the orders of the rows in some epochs from number `first` on, int64 [epochs, rows]."""
    orders = np.empty((epochs, rows), np.int64)
    for number in range(epochs):
        orders[number] = row_order(seed, first + number, rows)
    return orders


def dropout_seed(seed: int) -> int:
    """Return the 64-bit key of dropout's counter-based generator, whose counter holds the layer and the step."""
    return int(np.random.SeedSequence(seed, spawn_key=(DROPOUT,)).generate_state(1, np.uint64)[0])
