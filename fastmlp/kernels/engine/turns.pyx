"""Turns that threads take with a model: a lock that serves them in their order, and that waits for no code of the user.

Whoever has the lock may put it down while other code runs, `aside`, and a run of the engine hands it to those that wait
between two steps. It is compiled, so that no interrupt leaves it held; after a fork the threads that the child does not
have hold nothing there.
"""


import _thread
import os

from fastmlp.kernels.isa cimport counter_seen, counter_set

cdef extern from "Python.h":
    PyThread_type_lock PyThread_allocate_lock()
    void PyThread_free_lock(PyThread_type_lock lock)
    int PyThread_acquire_lock(PyThread_type_lock lock, int wait) nogil
    void PyThread_release_lock(PyThread_type_lock lock)
    unsigned long PyThread_get_thread_ident()

cdef int forks = 0  # of this process and those it comes from
cdef unsigned long survivor = 0  # the thread that did the last one


cdef int forks_until_now() noexcept:
    return forks


def _note_fork():
    global forks, survivor
    forks += 1
    survivor = PyThread_get_thread_ident()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_note_fork)


cdef class Turns:
    """A lock that a thread may take again while it has it; others get it in the order in which they came."""

    def __cinit__(self):
        self.guard = PyThread_allocate_lock()
        if self.guard == NULL:
            raise MemoryError("no lock")
        self.queue = []
        self.forks = forks

    def __dealloc__(self):
        if self.guard != NULL:
            PyThread_free_lock(self.guard)

    def __enter__(self):
        self.acquire()
        return self

    def __exit__(self, *error):
        self.release()

    def aside(self, function, *arguments):
        """Return what a function returns that is called while this thread has put the lock down."""
        cdef int depth = self.let_go()
        try:
            return function(*arguments)
        finally:
            self.take_back(depth)

    def let_others(self):
        """Let those that wait go first, where this thread has the lock."""
        if counter_seen(&self.waiting) > 0:
            self.take_back(self.let_go())

    cpdef note_update(self):
        """Count, for those that have put the lock down, an update of the weights by whoever has it now."""
        self.updates += 1

    cdef bint is_own(self) noexcept:
        return self.owner == PyThread_get_thread_ident()

    cdef void open_guard(self) noexcept:
        """Have what is in here for this thread alone, for a few instructions."""
        cdef PyThread_type_lock renewed
        if self.forks != forks:
            self.forks = forks
            renewed = PyThread_allocate_lock()
            self.guard = renewed if renewed != NULL else self.guard  # the old one may be held by nobody
            self.queue = []
            counter_set(&self.waiting, 0)
            if self.owner != survivor:
                self.owner = self.depth = 0
            if self.trainer != survivor:
                self.trainer = self.trainings = 0
        if not PyThread_acquire_lock(self.guard, 0):
            with nogil:
                PyThread_acquire_lock(self.guard, 1)

    cdef void close_guard(self) noexcept:
        PyThread_release_lock(self.guard)

    cdef acquire(self):
        cdef unsigned long me = PyThread_get_thread_ident()
        cdef bint has_it = True
        self.open_guard()
        if self.owner == me:
            self.depth += 1
        elif self.owner == 0:
            self.owner, self.depth = me, 1
        else:
            has_it = False
        self.close_guard()
        if not has_it:
            self.wait(me)

    def wait(self, me):
        """Take a place in the queue, and return when the lock was handed over."""
        gate = _thread.allocate_lock()
        gate.acquire()
        place = (me, gate)
        self.open_guard()
        if self.owner == 0:
            self.owner, self.depth = me, 1
            self.close_guard()
            return
        self.queue.append(place)
        counter_set(&self.waiting, len(self.queue))
        self.close_guard()
        try:
            gate.acquire()
        except BaseException:  # a signal handler's
            self.open_guard()
            handed_over = place not in self.queue
            if not handed_over:
                self.queue.remove(place)
                counter_set(&self.waiting, len(self.queue))
            self.close_guard()
            if handed_over:
                self.release()
            raise

    cdef void release(self) noexcept:
        """Put the lock down as often as it was taken; the next one of the queue has it then."""
        gate = None
        self.open_guard()
        if self.owner == PyThread_get_thread_ident():  # it is not, in a child that has another thread than took it
            self.depth -= 1
            if self.depth == 0:
                if self.queue:
                    self.owner, gate = self.queue.pop(0)
                    self.depth = 1
                    counter_set(&self.waiting, len(self.queue))
                else:
                    self.owner = 0
        self.close_guard()
        if gate is not None:
            gate.release()

    cdef int let_go(self) noexcept:
        """Put it down whatever depth it was taken to, which is returned; 0 where this thread does not have it."""
        cdef int depth = 0
        if self.is_own():
            depth, self.depth = self.depth, 1
            self.release()
        return depth

    cdef take_back(self, int depth):
        """Take it to that depth again; what is raised meanwhile is raised then, as the caller puts the lock down."""
        kept = None
        if depth == 0:
            return
        while True:
            try:
                self.acquire()
                break
            except BaseException as error:
                kept = error
        self.depth = depth
        if kept is not None:
            raise kept

    cdef begin_training(self, method, what):
        cdef unsigned long me = PyThread_get_thread_ident()
        self.open_guard()
        is_free = self.trainings == 0 or self.trainer == me
        if is_free:
            self.trainer = me
            self.trainings += 1
        self.close_guard()
        if not is_free:
            raise RuntimeError(f"{method}: got {what} that another thread trains, needs one that nobody else does")

    cdef void end_training(self) noexcept:
        self.open_guard()
        if self.trainings > 0:
            self.trainings -= 1
        self.close_guard()


cdef class Training:
    """For a `with` around the training of models, by their locks: only one thread trains each of them.

    The error of another one says what it got.
    """
    cdef object method, what
    cdef list turns, begun

    def __init__(self, method, turns, what="a model"):
        self.method, self.turns, self.what, self.begun = method, list(turns), what, []

    def __enter__(self):
        try:
            for one in self.turns:
                (<Turns?> one).begin_training(self.method, self.what)
                self.begun.append(one)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *error):
        while self.begun:
            (<Turns> self.begun.pop()).end_training()
