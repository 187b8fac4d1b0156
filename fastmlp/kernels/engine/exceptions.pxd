from fastmlp.kernels.engine.plan cimport Plan


cdef bint interrupted(Plan *plan) noexcept nogil
cdef bint call(Plan *plan, void *function, Py_ssize_t start, Py_ssize_t rows) noexcept nogil
cdef int raise_kept(Plan *plan) except -1
