from fastmlp.kernels.engine.architecture cimport Architecture
from fastmlp.kernels.engine.plan cimport Lists, Matrix, SparseColumns


cdef class Workspace(Architecture):
    cdef Py_ssize_t capacity, capacity_threads, capacity_entries
    cdef Py_ssize_t size  # bytes
    cdef int small_runs  # in a row
    cdef tuple sparse  # of each input, whether its rows are
    cdef object arrays
    cdef reserve(self, Py_ssize_t n, int threads, tuple sparse, Py_ssize_t entries)
    cdef bint is_far_too_large(self, Py_ssize_t n)
    cdef make_matrix(self, Matrix *matrix, Py_ssize_t rows, Py_ssize_t columns)
    cdef make_lists(self, Lists *lists, Py_ssize_t count, Py_ssize_t capacity)
    cdef make_entries(self, SparseColumns *entries, Py_ssize_t count)
    cdef void *longs(self, Py_ssize_t size) except NULL
    cdef void *room(self, Py_ssize_t size) except NULL
