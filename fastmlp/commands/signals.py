"""Signals that end a command: SIGTERM and SIGHUP as Ctrl-C does, with what is to be kept kept."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

WORDS = {"SIGINT": "interrupted", "SIGTERM": "terminated", "SIGHUP": "hung up"}  # what a command says of its end
DEFAULTS = (signal.SIG_DFL, signal.default_int_handler)


class Ended(KeyboardInterrupt):
    """A signal wants the command to end.

    Attributes
    ----------
    status : int
        128 and the signal's number, as a shell has it.
    word : str
    """

    def __init__(self, number: int = signal.SIGINT):
        super().__init__()
        self.status, self.word = 128 + number, WORDS[signal.Signals(number).name]


@contextmanager
def answered() -> Iterator[None]:
    """Have signals that come meanwhile raise Ended, and what they lead to with it.

    One that the parent has had ignored, as `nohup` does, stays so; and only the main thread is told of any.
    """
    before, seen = {}, []

    def answer(number: int, frame: FrameType | None) -> None:
        seen.append(number)
        raise Ended(number)

    if threading.current_thread() is threading.main_thread():
        found = [getattr(signal, name) for name in WORDS if hasattr(signal, name)]
        before = {number: signal.getsignal(number) for number in found}
        before = {number: handler for number, handler in before.items() if handler in DEFAULTS}
    try:
        for number in before:
            signal.signal(number, answer)
        yield
        if seen and seen[-1] != signal.SIGINT:  # which may end a search alone, whose result is told
            raise Ended(seen[-1])
    except Exception:
        if seen:  # it has come on the way out: a terminal that is gone takes no last line
            raise Ended(seen[-1]) from None
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
