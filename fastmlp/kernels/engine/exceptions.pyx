"""Exceptions while the threads compute: kept in the plan, and raised when all threads have come back.

Signal handlers raise them, and losses in Python. They are caught in compiled code, which is not interrupted itself: in
Python an interrupt may come before any `try`.
"""

import threading

from cpython.ref cimport Py_DECREF, Py_INCREF

from fastmlp.kernels.engine.plan cimport Plan
from fastmlp.kernels.isa cimport milliseconds

cdef extern from "Python.h":
    int PyErr_CheckSignals() except -1

cdef enum:
    PAUSE = 250  # milliseconds from one look for signals to the next, which takes the GIL


looking = threading.local()  # a thread's own `function`, where it has one


def look_with(function):
    """Let the runs of this thread call a function wherever they look for signals, a few times a second.

    What it raises ends the run, as Ctrl-C does, which comes to the main thread alone. None: nothing is called any more.
    """
    looking.function = function


cdef bint interrupted(Plan *plan) noexcept nogil:
    """Whether a signal handler has raised; asked by the first thread, which may be the one that signals come to."""
    cdef long long now
    if plan.exception == NULL:
        now = milliseconds()
        if now - plan.looked >= PAUSE:
            plan.looked = now
            with gil:
                try:
                    PyErr_CheckSignals()
                    function = getattr(looking, "function", None)
                    if function is not None:
                        function()
                except BaseException as error:
                    keep(plan, error)
    return plan.exception != NULL


cdef bint call(Plan *plan, void *function, Py_ssize_t start, Py_ssize_t rows) noexcept nogil:
    """Call a Python object unless an exception waits already; whether it returned."""
    if plan.exception == NULL:
        with gil:
            try:
                (<object> function)(start, rows)
            except BaseException as error:
                keep(plan, error)
    return plan.exception == NULL


cdef void keep(Plan *plan, error) noexcept:
    Py_INCREF(error)
    plan.exception = <void *> error


cdef int raise_kept(Plan *plan) except -1:
    """Raise the exception that was kept, if there is one."""
    if plan.exception == NULL:
        return 0
    error = <object> plan.exception
    plan.exception = NULL
    Py_DECREF(error)
    raise error
