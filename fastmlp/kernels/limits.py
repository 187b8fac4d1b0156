"""How many threads may be asked for, and for how much work.

OpenMP's do not survive a fork: a child that uses them hangs, so it gets one.
"""

import os

MAX_THREADS = 256
# A second thread has to earn its share of the barriers in each step: it does from some 20 microseconds of work on, this
# many multiply-adds a thread and step. With less it may still, but not where others want the CPU too.
WORK_PER_THREAD = 1_500_000

_forked = False


def usable(threads: int) -> int:
    """Return the number of threads to use when so many are asked for."""
    return 1 if _forked else threads


def _note_fork() -> None:
    global _forked
    _forked = True


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_note_fork)
