"""Activations and their gradients from the output; twin of reference/activations.py, where each has its equation."""

from cython cimport floating
from cython.parallel cimport prange
from libc.string cimport memcpy

from fastmlp.kernels.isa cimport LINEAR, RELU, SIGMOID, SOFTMAX, TANH
from fastmlp.kernels.isa cimport Isa, activate, activate_gradient, selected, softmax as softmax_row


def linear(const floating[:, ::1] x, floating[:, ::1] out, int threads):
    """out = x."""
    apply(LINEAR, x, out, threads)


def sigmoid(const floating[:, ::1] x, floating[:, ::1] out, int threads):
    """out = 1 / (1 + exp(-x))."""
    apply(SIGMOID, x, out, threads)


def tanh(const floating[:, ::1] x, floating[:, ::1] out, int threads):
    """out = tanh(x)."""
    apply(TANH, x, out, threads)


def softmax(const floating[:, ::1] x, floating[:, ::1] out, int threads):
    """out[i, j] = exp(x[i, j] - max_i) / sum over k of exp(x[i, k] - max_i)."""
    apply(SOFTMAX, x, out, threads)


def linear_gradient(const floating[:, ::1] y, const floating[:, ::1] dy, floating[:, ::1] out, int threads):
    """out = dy."""
    apply_gradient(LINEAR, y, dy, out, threads)


def relu_gradient(const floating[:, ::1] y, const floating[:, ::1] dy, floating[:, ::1] out, int threads):
    """out = dy where y > 0, else 0."""
    apply_gradient(RELU, y, dy, out, threads)


def sigmoid_gradient(const floating[:, ::1] y, const floating[:, ::1] dy, floating[:, ::1] out, int threads):
    """out = dy * (y * (1 - y))."""
    apply_gradient(SIGMOID, y, dy, out, threads)


def tanh_gradient(const floating[:, ::1] y, const floating[:, ::1] dy, floating[:, ::1] out, int threads):
    """out = dy * (1 - y * y)."""
    apply_gradient(TANH, y, dy, out, threads)


def softmax_gradient(const floating[:, ::1] y, const floating[:, ::1] dy, floating[:, ::1] out, int threads):
    """out[i, j] = y[i, j] * (dy[i, j] - sum over k of dy[i, k] * y[i, k])."""
    apply_gradient(SOFTMAX, y, dy, out, threads)


cdef apply(int activation, const floating[:, ::1] x, floating[:, ::1] out, int threads):
    cdef const Isa *isa = selected()
    cdef Py_ssize_t n = x.shape[1], i
    for i in prange(x.shape[0], nogil=True, schedule="static", num_threads=threads):
        memcpy(&out[i, 0], &x[i, 0], n * sizeof(floating))
        activate_row(isa, activation, n, &out[i, 0])


cdef apply_gradient(int activation, const floating[:, ::1] y, const floating[:, ::1] dy, floating[:, ::1] out,
                    int threads):
    cdef const Isa *isa = selected()
    cdef Py_ssize_t n = y.shape[1], i
    for i in prange(y.shape[0], nogil=True, schedule="static", num_threads=threads):
        memcpy(&out[i, 0], &dy[i, 0], n * sizeof(floating))
        activate_row_gradient(isa, activation, n, &y[i, 0], &out[i, 0])


cdef void activate_row(const Isa *isa, int activation, Py_ssize_t n, floating *x) noexcept nogil:
    if activation == SOFTMAX:
        softmax_row(isa, n, x)
    else:
        activate(isa, activation, n, x)


cdef void activate_row_gradient(const Isa *isa, int activation, Py_ssize_t n, const floating *y,
                                floating *dy) noexcept nogil:
    cdef floating dot = 0
    cdef Py_ssize_t j
    if activation != SOFTMAX:
        activate_gradient(isa, activation, n, y, dy)
        return
    for j in range(n):
        dot += dy[j] * y[j]
    for j in range(n):
        dy[j] = y[j] * (dy[j] - dot)
