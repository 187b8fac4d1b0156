"""How many threads may be asked for, and for how much work.

OpenMP's do not survive a fork: a child that uses them hangs, so it gets one. Where the system starts no more, OpenMP
ends the process, so it is asked first.
"""

import os
import threading
import time

from fastmlp.kernels.starting import started_together

MAX_THREADS = 256
# A second thread has to earn its share of the barriers in each step: it does from some 20 microseconds of work on, this
# many multiply-adds a thread and step. With less it may still, but not where others want the CPU too.
WORK_PER_THREAD = 1_500_000

# Tests run more threads than there are CPUs; elsewhere they only wait for one another.
MORE_THAN_CPUS = os.environ.get("FASTMLP_MORE_THREADS_THAN_CPUS", "0") == "1"

_forked = False
_cpus = 1  # when last counted
_asked = threading.local()  # how many, and how many started; each thread of Python has OpenMP's for itself


def usable(threads: int) -> int:
    """Return the number of threads to use when so many are asked for."""
    return 1 if _forked else threads


def useful(threads: int) -> int:
    """Return the number of threads that may pay when so many are asked for: those that meet in each step need a CPU."""
    global _cpus
    if MORE_THAN_CPUS:
        return threads
    if threads > _cpus:
        _cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(threads, _cpus)


def startable(threads: int) -> int:
    """Return the number of threads that the system starts when so many are asked for; it is tried once for each.

    Twice as many others are tried. Where there is no room for them, those that end are waited for.
    """
    most, found = getattr(_asked, "threads", (1, 1))
    if threads > most:
        others = started_together(2 * (threads - 1))
        if others < 2 * (threads - 1):
            time.sleep(0.01)
        found = 1 + min(others, threads - 1)
        _asked.threads = (threads, found)
    return min(threads, found)


def _note_fork() -> None:
    global _forked
    _forked = True


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_note_fork)
