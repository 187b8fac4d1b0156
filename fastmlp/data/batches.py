"""Where the rows of a run come from: arrays, batches by number, or batches of an iterable.

Each kind of source gives the chunks of an epoch: rows that the engine takes in one call. Arrays give an epoch in one
chunk, sparse ones that the network cannot read as they are in chunks of a few batches, the others a chunk for each
batch.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastmlp.config import seeds
from fastmlp.data import sparse
from fastmlp.data.rows import Data
from fastmlp.kernels import Network
from fastmlp.settings import integer

DEFAULT_BATCH_SIZE = 32

# Checks a batch and returns its arrays; the first argument says in errors which one it is.
Check = Callable[[str, Any], Data]


@dataclass(frozen=True)
class Chunk:
    """Rows of `data` in the order of a visit, and how many of them make a batch."""

    data: Data
    order: np.ndarray
    batch_size: int

    @property
    def steps(self) -> int:
        return math.ceil(len(self.order) / self.batch_size)

    def batches(self) -> Iterator[Chunk]:
        """Return the same visit, a chunk for each batch."""
        for start in range(0, len(self.order), self.batch_size):
            yield Chunk(self.data, self.order[start : start + self.batch_size], self.batch_size)


@dataclass(frozen=True)
class Visit:
    """What decides the order of an epoch: the model's seed, its epochs before this run, the epoch's number in it."""

    seed: int = 0
    before: int = 0
    number: int = 0


class Source:
    """Base of the sources.

    Attributes
    ----------
    steps : int or None
        The number of batches of an epoch, None when only its end tells.
    batch_size : int or None
        Rows of a batch, None where each of the `parts` is one.
    """

    steps: int | None
    batch_size: int | None = None

    def epoch(self, visit: Visit) -> Iterator[Chunk]:
        """Return the chunks of an epoch."""
        raise NotImplementedError

    def make_ready(self, network: Network) -> None:
        """Have the rows as a network reads them best."""

    def parts(self, batches: bool) -> Iterator[Data]:
        """Return the rows of an epoch in their own order, for evaluation: by `batches`, or in few parts."""
        return (chunk.data for chunk in self.epoch(Visit()))


class Arrays(Source):
    """Rows in memory. With `steps`, the passes over them go on through the epochs, `steps` batches an epoch.

    With `rows`, int64 [count], an epoch visits those, as if the arrays were `array[rows]`; nothing is copied.
    """

    def __init__(
        self,
        data: Data,
        batch_size: int | None,
        steps: int | None = None,
        shuffle: bool = False,
        rows: np.ndarray | None = None,
    ):
        self.data, self.shuffle, self.rows = data, shuffle, rows
        self.count = data.rows if rows is None else len(rows)
        self.batch_size: int = min(batch_rows(batch_size), self.count)
        self.steps_of_pass = math.ceil(self.count / self.batch_size)
        self.steps: int = steps or self.steps_of_pass

    def make_ready(self, network: Network) -> None:
        self.data = self.data.for_network(network)

    @property
    def at_once(self) -> int | None:
        """Rows of a chunk, where some are to be made dense."""
        widths = self.data.sparse_widths
        return sparse.rows_at_once(self.batch_size, *widths) if widths else None

    def epoch(self, visit: Visit) -> Iterator[Chunk]:
        for number, first, last in stretches(visit.number * self.steps, self.steps, self.steps_of_pass):
            order = self.orders(visit, number, 1)[0][first * self.batch_size : last * self.batch_size]
            at_once = self.at_once
            if at_once is None:
                yield Chunk(self.data, order, self.batch_size)
                continue
            for part in sparse.parts(len(order), at_once):
                yield whole(self.data.taken(order[part]), self.batch_size)

    @property
    def has_whole_passes(self) -> bool:
        """Whether each epoch is a pass over the rows, in one chunk."""
        return self.steps == self.steps_of_pass and self.at_once is None

    def orders(self, visit: Visit, first: int, passes: int) -> np.ndarray:
        """Return the orders of some passes over the rows from number `first` on, int64 [passes, rows]."""
        if self.shuffle:
            orders = seeds.row_orders(visit.seed, visit.before + first, passes, self.count)
        else:
            orders = np.tile(np.arange(self.count, dtype=np.int64), (passes, 1))
        return orders if self.rows is None else self.rows[orders]

    def gathered(self) -> Arrays:
        """Return the same source, whose arrays are copies of its rows."""
        rows = self.rows
        if rows is None:
            return self
        return Arrays(self.data.taken(rows), self.batch_size, self.steps, self.shuffle)

    def parts(self, batches: bool) -> Iterator[Data]:
        rows = min(self.steps * self.batch_size, self.data.rows)
        size = self.batch_size if batches else self.at_once or rows
        return (self.data.part(start, min(start + size, rows)).dense() for start in range(0, rows, size))


class Numbered(Source):
    """Batches of an object with `__len__` and `__getitem__`, in a new order each pass with `shuffle`."""

    def __init__(self, batches: Any, check: Check, steps: int | None = None, shuffle: bool = False):
        self.batches, self.check, self.shuffle = batches, check, shuffle
        self.steps: int = steps or len(batches)

    def epoch(self, visit: Visit) -> Iterator[Chunk]:
        self.tell("on_epoch_begin")
        count = len(self.batches)
        if count < 1:  # it had some when it was checked
            raise ValueError(
                f"x: got {type(self.batches).__name__} without a batch in a later epoch, needs at least one"
            )
        for number, first, last in stretches(visit.number * self.steps, self.steps, count):
            order = seeds.row_order(visit.seed, visit.before + number, count) if self.shuffle else range(count)
            for index in order[first:last]:
                yield whole(self.check(f"batch {index}", self.batches[int(index)]))
        self.tell("on_epoch_end")

    def tell(self, hook: str) -> None:
        """Call a hook of Keras' PyDataset, if there is one."""
        getattr(self.batches, hook, lambda: None)()


class Iterated(Source):
    """Batches of an iterable or iterator in its own order.

    Without `steps` an epoch is one pass; with it the passes go on through the epochs.
    """

    def __init__(self, batches: Any, check: Check, first: Iterator[Any], steps: int | None = None):
        self.batches, self.check = batches, check
        self.current: Iterator[Any] | None = first  # None where the next pass has not begun
        self.endless = steps is not None
        self.steps = steps or length_of(batches)

    def epoch(self, visit: Visit) -> Iterator[Chunk]:
        batches: Iterator[Any]
        if self.endless:
            batches = itertools.islice(self.through_passes(), self.steps)
        else:
            batches, self.current = self.begun(), None
        for number, batch in enumerate(batches):
            yield whole(self.check(f"batch {number}", batch))

    def begun(self) -> Iterator[Any]:
        """Return the current pass, begun where it is not."""
        return iter(self.batches) if self.current is None else self.current

    def through_passes(self) -> Iterator[Any]:
        """Go on in the current pass, of which nothing may be left, then begin new ones, until one is empty."""
        ended = 0
        while ended < 2:
            self.current = self.begun()
            for batch in self.current:
                ended = 0
                yield batch
            ended += 1
            self.current = iter(self.batches)
            if self.current is self.batches:
                return


def source_of_batches(
    argument: str, batches: Any, check: Check, steps: int | None, epochs: int, shuffle: bool
) -> tuple[Source, Any]:
    """Return the source of a caller's batches, and its first batch as it is.

    Raises
    ------
    ValueError
        When it has no batch; when it is to validate on and ends after one pass while `epochs` ask for more.
    """
    nothing = f"{argument}: got {type(batches).__name__} without a batch, needs at least one"
    if hasattr(batches, "__getitem__") and hasattr(batches, "__len__"):
        if not len(batches):
            raise ValueError(nothing)
        return Numbered(batches, check, steps, shuffle), batches[0]
    iterator = iter(batches)
    if iterator is batches and steps is None and epochs > 1 and argument == "validation_data":
        got = f"{type(batches).__name__}, which ends after one of {epochs} epochs"
        raise ValueError(f"{argument}: got {got}, needs validation_steps too, or what can be iterated over again")
    for batch in iterator:
        return Iterated(batches, check, itertools.chain([batch], iterator), steps), batch
    raise ValueError(nothing)


def gives_batches(value: Any) -> bool:
    """Return whether a caller's data are batches, made as they are used, and no array."""
    if hasattr(value, "__next__"):
        return True
    if sparse.is_sparse(value) or callable(getattr(value, "numpy", None)):
        return False
    if type(value).__module__ == "builtins" or isinstance(value, (list, tuple, Mapping)) or hasattr(value, "__array__"):
        return False
    try:
        memoryview(value)
    except TypeError:
        return hasattr(value, "__iter__") or (hasattr(value, "__getitem__") and hasattr(value, "__len__"))
    return False


def length_of(batches: Any) -> int | None:
    """Return how many batches there are, None where that is not known: some loaders have a `__len__` that raises."""
    try:
        return len(batches)
    except TypeError:
        return None


def one_pass(batches: Any) -> Iterator[Any]:
    """Return the batches that a caller's object gives, once: by number where it says how many there are."""
    if hasattr(batches, "__getitem__") and hasattr(batches, "__len__"):
        return (batches[number] for number in range(len(batches)))
    return iter(batches)


def stretches(first: int, count: int, length: int) -> Iterator[tuple[int, int, int]]:
    """Cut `count` batches from number `first` on into (pass, first, last) within passes of `length` batches."""
    while count:
        number, start = divmod(first, length)
        taken = min(count, length - start)
        yield number, start, start + taken
        first, count = first + taken, count - taken


def whole(data: Data, batch_size: int | None = None) -> Chunk:
    """Return all the rows in their order, as one batch or as several."""
    return Chunk(data.dense(), np.arange(data.rows, dtype=np.int64), batch_size or data.rows)


def batch_rows(batch_size: Any, argument: str = "batch_size") -> int:
    """Return a checked batch size; None is Keras' 32."""
    return DEFAULT_BATCH_SIZE if batch_size is None else integer(argument, batch_size, at_least=1)


def step_count(argument: str, steps: Any) -> int | None:
    """Return a checked number of batches an epoch; None stays None."""
    return None if steps is None else integer(argument, steps, at_least=1)


def refuse(argument: str, given: Mapping[str, Any]) -> None:
    """Raise ValueError when an argument that only goes with arrays is given beside batches."""
    for name, value in given.items():
        if value is not None:
            got = repr(value) if isinstance(value, (int, float)) else type(value).__name__
            raise ValueError(f"{name}: got {got}, needs None where {argument} gives whole batches")
