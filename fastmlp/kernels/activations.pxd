from cython cimport floating

from fastmlp.kernels.isa cimport Isa


cdef void activate_row(const Isa *isa, int activation, Py_ssize_t n, floating *x) noexcept nogil
cdef void activate_row_gradient(const Isa *isa, int activation, Py_ssize_t n, const floating *y,
                                floating *dy) noexcept nogil
