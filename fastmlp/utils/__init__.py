"""`keras.utils`: labels as one-hot rows, rows of length one, the seed of everything random, batches by number,
parts of data, progress bars, pictures of models."""

from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING, Any

import numpy as np

from fastmlp.config import seeds
from fastmlp.data.arrays import extremes, numeric, require_values
from fastmlp.elsewhere import getter
from fastmlp.settings import boolean, integer, is_among, real
from fastmlp.utils.diagram import plot_model as plot_model
from fastmlp.utils.progbar import Progbar as Progbar
from fastmlp.utils.splitting import split_dataset as split_dataset


def clear_session(free_memory: bool = True) -> None:
    """Do nothing, as nothing is kept between models: names are numbered in each, and memory is freed with it."""


def to_categorical(x: Any, num_classes: int | None = None) -> np.ndarray:
    """Return class numbers as one-hot rows.

    Parameters
    ----------
    x : array of integers, of any shape; a last axis of length 1 is dropped, as in Keras
    num_classes : int, optional
        Default: the largest number + 1.

    Returns
    -------
    array [*shape of x, num_classes] of float64

    Raises
    ------
    TypeError
        When x has no real numbers.
    ValueError
        When one is not an integer from 0 to num_classes - 1.
    """
    labels = numeric("x", x)
    require_values("x", labels)
    classes = None if num_classes is None else integer("num_classes", num_classes, at_least=1)
    if labels.ndim > 1 and labels.shape[-1] == 1:
        labels = labels.reshape(labels.shape[:-1])
    low, high = extremes(labels)
    if not (low >= 0 and high < (classes or 2**63)):  # written so that NaN fails too
        needs = f"integers from 0 to {classes - 1}" if classes else "integers of at least 0"
        raise ValueError(f"x: got numbers from {low} to {high}, needs {needs}")
    numbers = labels.astype(np.int64)
    if not np.array_equal(numbers, labels):
        raise ValueError(f"x: got {labels[numbers != labels].flat[0]}, needs integers")
    classes = classes or int(high) + 1
    try:
        one_hot = np.zeros((numbers.size, classes))
    except (MemoryError, ValueError):  # more than there is, or than NumPy counts
        got = f"{numbers.size} numbers of {classes} classes"
        raise ValueError(f"x: got {got}, needs as many as fit into memory as one-hot rows") from None
    one_hot[np.arange(numbers.size), numbers.reshape(-1)] = 1.0
    return one_hot.reshape(*numbers.shape, -1)


def normalize(x: Any, axis: int = -1, order: int | float = 2) -> np.ndarray:
    """Return x divided by its norm of that order along an axis; where that is 0, x stays."""
    array = numeric("x", x)
    if not is_among(order, (math.inf, -math.inf)):
        order = real("order", order)
    axis = integer("axis", axis, at_least=-array.ndim, below=array.ndim)
    norms = np.atleast_1d(np.linalg.norm(array, order, axis, keepdims=True))
    norms[norms == 0.0] = 1.0
    return np.asarray(array / norms)


def set_random_seed(seed: int) -> None:
    """Make a program repeatable: seed Python's `random` and `numpy.random`, and the models made without a seed.

    Those draw their seeds one after the other from this one, so that they differ, and are the same in every run.
    """
    seed = integer("seed", seed, at_least=0, below=2**32)
    random.seed(seed)
    np.random.seed(seed)
    seeds.set_global_seed(seed)


class PyDataset:
    """Base of objects that give the batches of `fit` by number: (x, y) for `dataset[i]`, i from 0 to len - 1.

    A batch may have weights too, (x, y, sample_weight). Deriving from it is not needed: `fit` takes
    any object with `__len__` and `__getitem__`. The batches are made one by one as they are used, in this thread,
    whatever number of `workers` is asked for.
    """

    def __init__(self, workers: int = 1, use_multiprocessing: bool = False, max_queue_size: int = 10):
        self.workers = integer("workers", workers, at_least=0)
        self.use_multiprocessing = boolean("use_multiprocessing", use_multiprocessing)
        self.max_queue_size = integer("max_queue_size", max_queue_size, at_least=0)

    def __len__(self) -> int:
        raise NotImplementedError(f"{type(self).__name__}: needs a method __len__(), the number of batches")

    def __getitem__(self, index: int) -> Any:
        raise NotImplementedError(f"{type(self).__name__}: needs a method __getitem__(index), a batch")

    def on_epoch_begin(self) -> None:
        """Run before each epoch."""

    def on_epoch_end(self) -> None:
        """Run after each epoch."""


Sequence = PyDataset  # its name in Keras 2

if not TYPE_CHECKING:  # type checkers report other names by themselves
    __getattr__ = getter("utils")
