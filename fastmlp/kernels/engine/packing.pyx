"""Matrices into panels and out of them; arena.py has the layout."""

from cython cimport floating
from libc.string cimport memcpy, memset

from fastmlp.kernels.isa cimport blocks

cdef enum:
    TOGETHER = 64  # rows of all panels, which stay in a cache


def pack(const floating[:, ::1] matrix, floating[:, :, ::1] panels):
    """Copy a matrix [rows, columns] into panels [panels, rows, width], with zeros beside its columns."""
    with nogil:
        copy(&matrix[0, 0], &panels[0, 0, 0], matrix.shape[0], matrix.shape[1], panels.shape[2], True)


def unpack(const floating[:, :, ::1] panels, floating[:, ::1] matrix):
    """Copy the columns that panels have of a matrix."""
    with nogil:
        copy(&matrix[0, 0], &panels[0, 0, 0], matrix.shape[0], matrix.shape[1], panels.shape[2], False)


cdef void copy(const floating *matrix, const floating *panels, Py_ssize_t rows, Py_ssize_t columns, Py_ssize_t width,
               bint into_panels) noexcept nogil:
    """One way or the other, a few rows at a time."""
    cdef Py_ssize_t block, first, last, panel, column, i, n
    cdef floating *a
    cdef floating *b
    for block in range(blocks(rows, TOGETHER)):
        first = block * TOGETHER
        last = min(first + TOGETHER, rows)
        for panel in range(blocks(columns, width)):
            column = panel * width
            n = min(width, columns - column)
            for i in range(first, last):
                a = <floating *> matrix + i * columns + column
                b = <floating *> panels + column * rows + i * width
                if into_panels:
                    memcpy(b, a, n * sizeof(floating))
                    memset(b + n, 0, (width - n) * sizeof(floating))
                else:
                    memcpy(a, b, n * sizeof(floating))
