from fastmlp.kernels.isa cimport Counter


cdef extern from "Python.h":
    ctypedef void *PyThread_type_lock


cdef class Turns:
    cdef PyThread_type_lock guard
    cdef unsigned long owner
    cdef int depth
    cdef list queue
    cdef Counter waiting
    cdef unsigned long trainer
    cdef int trainings
    cdef int forks
    cdef readonly long long updates
    cdef void open_guard(self) noexcept
    cdef void close_guard(self) noexcept
    cdef acquire(self)
    cdef void release(self) noexcept
    cdef int let_go(self) noexcept
    cdef take_back(self, int depth)
    cdef bint is_own(self) noexcept
    cpdef note_update(self)
    cdef begin_training(self, method, what)
    cdef void end_training(self) noexcept


cdef int forks_until_now() noexcept
