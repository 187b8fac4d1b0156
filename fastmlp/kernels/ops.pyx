"""The elementary tensor operations; twin of reference/ops.py, where each has its equation."""

from cython cimport floating
from cython.parallel cimport prange
from libc.string cimport memcpy

from fastmlp.kernels.isa cimport RELU, Isa, activate, dot, selected
from fastmlp.kernels.product cimport product, view


def relu(const floating[:, ::1] x, floating[:, ::1] out, int threads):
    """out[i, j] = max(x[i, j], 0); NaN stays NaN."""
    cdef const Isa *isa = selected()
    cdef Py_ssize_t n = x.shape[1], i
    for i in prange(x.shape[0], nogil=True, schedule="static", num_threads=threads):
        memcpy(&out[i, 0], &x[i, 0], n * sizeof(floating))
        activate(isa, RELU, NULL, n, &out[i, 0])


def add(const floating[:, ::1] x, const floating[:, ::1] y, floating[:, ::1] out, int threads):
    """out[i, j] = x[i, j] + y[i, j]."""
    cdef Py_ssize_t i, j
    for i in prange(x.shape[0], nogil=True, schedule="static", num_threads=threads):
        for j in range(x.shape[1]):
            out[i, j] = x[i, j] + y[i, j]


def add_matrix_and_vector(const floating[:, ::1] x, const floating[::1] y, floating[:, ::1] out, int threads):
    """out[i, j] = x[i, j] + y[j]."""
    cdef Py_ssize_t i, j
    for i in prange(x.shape[0], nogil=True, schedule="static", num_threads=threads):
        for j in range(x.shape[1]):
            out[i, j] = x[i, j] + y[j]


def vector_dot(const floating[::1] x, const floating[::1] y, int threads):
    """The sum over i of x[i] * y[i]."""
    return dot(selected(), x.shape[0], &x[0], &y[0])


def matrix_vector_dot(const floating[:, ::1] x, const floating[::1] y, floating[::1] out, int threads):
    """out[i] = sum over j of x[i, j] * y[j]."""
    cdef const Isa *isa = selected()
    cdef Py_ssize_t i
    for i in prange(x.shape[0], nogil=True, schedule="static", num_threads=threads):
        out[i] = dot(isa, x.shape[1], &x[i, 0], &y[0])


def matrix_dot(const floating[:, ::1] x, const floating[:, ::1] y, floating[:, ::1] out, int threads):
    """out[i, j] = sum over k of x[i, k] * y[k, j]."""
    product[floating](selected(), x.shape[0], x.shape[1], y.shape[1], view(x), view(y), None, out, threads)


def transpose(const floating[:, ::1] x, floating[:, ::1] out, int threads):
    """out[j, i] = x[i, j]."""
    cdef Py_ssize_t i, j
    for j in prange(x.shape[1], nogil=True, schedule="static", num_threads=threads):
        for i in range(x.shape[0]):
            out[j, i] = x[i, j]


def reshape(const floating[:, ::1] x, Py_ssize_t rows, Py_ssize_t columns, floating[:, ::1] out, int threads):
    """out[rows, columns] holds the elements of x in the same order, row by row."""
    memcpy(&out[0, 0], &x[0, 0], rows * columns * sizeof(floating))
