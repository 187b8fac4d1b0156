"""Threads that advance many models at once: each takes the next model, for an epoch or a few short ones.

A thread has the model with the most work left, by the time that it took until now, so that all of them end together.
Where models are fewer than threads, each has a share of the threads.
"""

from __future__ import annotations

import _thread
import contextlib
import math
import queue
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from fastmlp.config.threads import get_num_threads, share_threads
from fastmlp.kernels.engine.exceptions import look_with
from fastmlp.training.model import Model

PAUSE = 0.1  # seconds from one look of a thread that waits to the next


@dataclass
class Member:
    """A model, and its epochs, which are done as they are taken; each says how many are left."""

    model: Model
    epochs: Iterator[int]
    left: int
    seconds: float = math.inf  # that an epoch takes
    error: BaseException | None = None

    def advance(self) -> bool:
        """Take the next epochs; return whether some are left."""
        before, started = self.left, time.perf_counter()
        left = next(self.epochs, None)
        if left is None:
            return False
        self.seconds = (time.perf_counter() - started) / max(1, before - left)
        self.left = left
        return True


@dataclass
class Pool:
    """Advances members in threads until none has anything left.

    Attributes
    ----------
    members : list of Member
        One whose epochs raise ends alone, with its error.
    total : int
        Threads in all.
    seconds : float
        When all are stopped that have not ended; default never.
    """

    members: Sequence[Member]
    total: int = field(default_factory=get_num_threads)
    seconds: float = math.inf

    def __post_init__(self) -> None:
        self.lock = _thread.allocate_lock()
        self.ready, self.running = list(self.members), 0
        self.threads = list(range(min(self.total, len(self.members))))
        self.stopped = False
        self.left: queue.SimpleQueue[None] = queue.SimpleQueue()  # by a thread, for the one that waits

    def run(self) -> None:
        """Return when all members have ended, or the seconds.

        These, or an exception while it waits, such as that of Ctrl-C, stop them: each keeps what it has learnt.
        """
        end = time.perf_counter() + self.seconds
        try:
            # Not begun by `threading`, whose locks an interrupt may leave held.
            for thread in list(self.threads):
                _thread.start_new_thread(self.work, (thread,))
            self.wait(lambda: bool(self.threads) and time.perf_counter() < end)
        finally:
            with self.lock:
                self.stopped = True
            self.wait(lambda: self.running > 0)
        for member in self.members:
            if member.error is not None and not isinstance(member.error, Exception):
                raise member.error  # a callback wants the program to end

    def wait(self, goes_on: Callable[[], bool]) -> None:
        """Wait as long as it goes on; answer signals, if this is the main thread, and stop where a caller stops it."""
        while goes_on():
            with contextlib.suppress(queue.Empty):
                self.left.get(timeout=PAUSE)

    def work(self, thread: int) -> None:
        """Advance members in one of the threads, as long as they are not fewer than the threads."""
        look_with(self.require_going)
        share_threads(lambda: self.share(thread))
        while (member := self.take(thread)) is not None:
            goes_on = False
            try:
                goes_on = member.advance()
            except BaseException as error:
                if not self.stopped or isinstance(error, Exception):
                    member.error = error
                if not isinstance(error, Exception):
                    self.stopped = True
            with self.lock:
                self.running -= 1
                if goes_on:
                    self.ready.append(member)
            del member  # what it holds is not kept by a thread that waits
        self.left.put(None)

    def take(self, thread: int) -> Member | None:
        """Return the member to advance next; None for a thread that is not needed any more."""
        with self.lock:
            if self.stopped or len(self.ready) + self.running < len(self.threads):
                self.threads.remove(thread)
                return None
            member = max(self.ready, key=lambda one: one.left * one.seconds)
            self.ready.remove(member)
            self.running += 1
            return member

    def share(self, thread: int) -> int:
        """Return how many threads of the engine belong to a thread of the pool."""
        with self.lock:
            count, place = len(self.threads), self.threads.index(thread)
            return self.total // count + (place < self.total % count)

    def require_going(self) -> None:
        """Raise KeyboardInterrupt where the pool is stopped; called by the engine within its runs."""
        if self.stopped:
            raise KeyboardInterrupt
