from cython cimport floating

from fastmlp.kernels.plan cimport Matrix


cdef floating *take_row(const Matrix *matrix, Py_ssize_t row, int width, floating *memory) noexcept nogil
cdef void copy_row(const Matrix *matrix, Py_ssize_t row, int width, floating *out) noexcept nogil
cdef void put_row(const Matrix *matrix, Py_ssize_t row, int width, const floating *values) noexcept nogil
