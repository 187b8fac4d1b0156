"""Activations and their gradients from the output; twin of reference/activations.py, where each has its equation.

The loops over elements are those of c/activations.h.
"""

from cython cimport floating
from cython.parallel cimport prange
from libc.string cimport memcpy

from fastmlp.kernels.isa cimport ACTIVATION_NAMES, LOG_SOFTMAX, SILU, SOFTMAX, SPARSEMAX, Isa
from fastmlp.kernels.isa cimport activate, activate_gradient, flush_denormals, selected
from fastmlp.kernels.isa cimport log_softmax as log_softmax_row, log_softmax_gradient as log_softmax_row_gradient
from fastmlp.kernels.isa cimport softmax as softmax_row
from fastmlp.kernels.isa cimport sparsemax as sparsemax_row, sparsemax_gradient as sparsemax_row_gradient

ACTIVATIONS = {name: number for number, name in enumerate(ACTIVATION_NAMES.decode().lower().split())}


def linear(const floating[:, ::1] x, floating[:, ::1] out, int threads):
    """out = x."""
    apply("linear", x, out, threads)


def sigmoid(const floating[:, ::1] x, floating[:, ::1] out, int threads):
    """out = 1 / (1 + exp(-x))."""
    apply("sigmoid", x, out, threads)


def tanh(const floating[:, ::1] x, floating[:, ::1] out, int threads):
    """out = tanh(x)."""
    apply("tanh", x, out, threads)


def softmax(const floating[:, ::1] x, floating[:, ::1] out, int threads):
    """out[i, j] = exp(x[i, j] - max_i) / sum over k of exp(x[i, k] - max_i)."""
    apply("softmax", x, out, threads)


def log_softmax(const floating[:, ::1] x, floating[:, ::1] out, int threads):
    """out[i, j] = x[i, j] - max_i - log of the sum over k of exp(x[i, k] - max_i)."""
    apply("log_softmax", x, out, threads)


def exponential(const floating[:, ::1] x, floating[:, ::1] out, int threads):
    """out = exp(x)."""
    apply("exponential", x, out, threads)


def softsign(const floating[:, ::1] x, floating[:, ::1] out, int threads):
    """out = x / (1 + |x|)."""
    apply("softsign", x, out, threads)


def hard_sigmoid(const floating[:, ::1] x, floating[:, ::1] out, int threads):
    """out = min(max(x + 3, 0), 6) / 6."""
    apply("hard_sigmoid", x, out, threads)


def linear_gradient(const floating[:, ::1] y, const floating[:, ::1] dy, floating[:, ::1] out, int threads):
    """out = dy."""
    apply_gradient("linear", y, dy, out, threads)


def relu_gradient(const floating[:, ::1] y, const floating[:, ::1] dy, floating[:, ::1] out, int threads):
    """out = dy where y > 0, else 0."""
    apply_gradient("relu", y, dy, out, threads)


def sigmoid_gradient(const floating[:, ::1] y, const floating[:, ::1] dy, floating[:, ::1] out, int threads):
    """out = dy * (y * (1 - y))."""
    apply_gradient("sigmoid", y, dy, out, threads)


def tanh_gradient(const floating[:, ::1] y, const floating[:, ::1] dy, floating[:, ::1] out, int threads):
    """out = dy * (1 - y * y)."""
    apply_gradient("tanh", y, dy, out, threads)


def softmax_gradient(const floating[:, ::1] y, const floating[:, ::1] dy, floating[:, ::1] out, int threads):
    """out[i, j] = y[i, j] * (dy[i, j] - sum over k of dy[i, k] * y[i, k])."""
    apply_gradient("softmax", y, dy, out, threads)


def log_softmax_gradient(const floating[:, ::1] y, const floating[:, ::1] dy, floating[:, ::1] out, int threads):
    """out[i, j] = dy[i, j] - exp(y[i, j]) * sum over k of dy[i, k]."""
    apply_gradient("log_softmax", y, dy, out, threads)


def exponential_gradient(const floating[:, ::1] y, const floating[:, ::1] dy, floating[:, ::1] out, int threads):
    """out = dy * y."""
    apply_gradient("exponential", y, dy, out, threads)


def softsign_gradient(const floating[:, ::1] y, const floating[:, ::1] dy, floating[:, ::1] out, int threads):
    """out = dy * (1 - |y|)^2."""
    apply_gradient("softsign", y, dy, out, threads)


def hard_sigmoid_gradient(const floating[:, ::1] y, const floating[:, ::1] dy, floating[:, ::1] out, int threads):
    """out = dy / 6 where 0 < y < 1, else 0."""
    apply_gradient("hard_sigmoid", y, dy, out, threads)


cdef Settings settings_of(double a, double b, double c) noexcept:
    cdef Settings settings
    settings.numbers[0] = a
    settings.numbers[1] = b
    settings.numbers[2] = c
    return settings


cdef apply(str name, const floating[:, ::1] x, floating[:, ::1] out, int threads, double a=0, double b=0, double c=0):
    cdef const Isa *isa = selected()
    cdef int activation = ACTIVATIONS[name]
    cdef Settings settings = settings_of(a, b, c)
    cdef Py_ssize_t n = x.shape[1], i
    for i in prange(x.shape[0], nogil=True, schedule="static", num_threads=threads):
        memcpy(&out[i, 0], &x[i, 0], n * sizeof(floating))
        activate_row(isa, activation, settings.numbers, n, &out[i, 0])


cdef apply_gradient(str name, const floating[:, ::1] source, const floating[:, ::1] dy, floating[:, ::1] out,
                    int threads, double a=0, double b=0, double c=0):
    cdef const Isa *isa = selected()
    cdef int activation = ACTIVATIONS[name]
    cdef Settings settings = settings_of(a, b, c)
    cdef Py_ssize_t n = source.shape[1], i
    for i in prange(source.shape[0], nogil=True, schedule="static", num_threads=threads):
        memcpy(&out[i, 0], &dy[i, 0], n * sizeof(floating))
        activate_row_gradient(isa, activation, settings.numbers, n, &source[i, 0], &out[i, 0])


cdef bint is_of_rows(int activation) noexcept nogil:
    """Whether each output depends on the whole row."""
    return activation == SOFTMAX or activation == LOG_SOFTMAX or activation == SPARSEMAX


cdef bint takes_input(int activation) noexcept nogil:
    """Whether the gradient follows from the input, not from the output."""
    return activation >= SILU


cdef void activate_row(const Isa *isa, int activation, const double *settings, Py_ssize_t n,
                       floating *x) noexcept nogil:
    if activation == SOFTMAX:
        softmax_row(isa, n, x)
    elif activation == LOG_SOFTMAX:
        log_softmax_row(isa, n, x)
    elif activation == SPARSEMAX:
        sparsemax_row(isa, n, x)
    else:
        activate(isa, activation, settings, n, x)


cdef void activate_row_gradient(const Isa *isa, int activation, const double *settings, Py_ssize_t n,
                                const floating *source, floating *dy) noexcept nogil:
    if activation == SOFTMAX:
        softmax_row_gradient(n, source, dy)
        flush_denormals(isa, n, dy)
    elif activation == LOG_SOFTMAX:
        log_softmax_row_gradient(isa, n, source, dy)
        flush_denormals(isa, n, dy)
    elif activation == SPARSEMAX:
        sparsemax_row_gradient(isa, n, source, dy)
        flush_denormals(isa, n, dy)
    else:
        activate_gradient(isa, activation, settings, n, source, dy)


cdef inline void softmax_row_gradient(Py_ssize_t n, const floating *y, floating *dy) noexcept nogil:
    cdef double total = 0
    cdef floating dot
    cdef Py_ssize_t start = 0, end, j
    while start < n:
        end = start + piece_of(n, start, y)
        dot = 0
        for j in range(start, end):
            dot += dy[j] * y[j]
        total += dot
        start = end
    dot = <floating> total
    for j in range(n):
        dy[j] = y[j] * (dy[j] - dot)
