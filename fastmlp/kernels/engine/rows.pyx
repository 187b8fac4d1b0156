"""Rows of a matrix side by side: out of its panels, and back."""

from cython cimport floating
from libc.string cimport memcpy

from fastmlp.kernels.isa cimport blocks
from fastmlp.kernels.engine.plan cimport Matrix, element


cdef void copy_row(const Matrix *matrix, Py_ssize_t row, int width, floating *out) noexcept nogil:
    cdef Py_ssize_t panel
    for panel in range(blocks(matrix.columns, width)):
        memcpy(out + panel * width, element(matrix, row, panel, width, out),
               min(width, matrix.columns - panel * width) * sizeof(floating))


cdef void put_row(const Matrix *matrix, Py_ssize_t row, int width, const floating *values) noexcept nogil:
    """Write back what take_row or place_of_row gave, or a row from elsewhere."""
    cdef Py_ssize_t panel
    cdef floating *out
    for panel in range(blocks(matrix.columns, width)):
        out = element(matrix, row, panel, width, values)
        if out != values + panel * width:
            memcpy(out, values + panel * width, min(width, matrix.columns - panel * width) * sizeof(floating))
