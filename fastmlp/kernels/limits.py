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
_openmp = threading.local()  # what is known of OpenMP's threads; each thread of Python has some for itself


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
    """Return the number of threads that the system starts when so many are asked for, right before OpenMP is.

    OpenMP keeps the threads of its last call of several, ends those that are too many, and starts what is missing. So
    whenever some are missing, twice as many others are tried. Where there is no room for them, those that end are
    waited for, and no more are tried again.
    """
    threads = min(threads, getattr(_openmp, "most", threads))
    alive = getattr(_openmp, "alive", 1)
    if threads > alive:
        missing = threads - alive
        others = started_together(2 * missing)
        if others < 2 * missing:
            time.sleep(0.01)
            threads = _openmp.most = alive + min(others, missing)
    if threads > 1:
        _openmp.alive = threads
    return threads


def _note_fork() -> None:
    global _forked
    _forked = True


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_note_fork)
