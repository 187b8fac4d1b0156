from cython cimport floating

from fastmlp.kernels.engine.plan cimport Matrix, element


cdef void copy_row(const Matrix *matrix, Py_ssize_t row, int width, floating *out) noexcept nogil
cdef void put_row(const Matrix *matrix, Py_ssize_t row, int width, const floating *values) noexcept nogil


cdef inline floating *place_of_row(const Matrix *matrix, Py_ssize_t row, int width, floating *memory) noexcept nogil:
    """Where a row can be side by side: where it lies when it has one panel, else in `memory`."""
    return element(matrix, row, 0, width, memory) if matrix.columns <= width else memory


cdef inline floating *take_row(const Matrix *matrix, Py_ssize_t row, int width, floating *memory) noexcept nogil:
    """A row side by side, copied to `memory` unless it lies so."""
    if matrix.columns > width:
        copy_row(matrix, row, width, memory)
    return place_of_row(matrix, row, width, memory)
