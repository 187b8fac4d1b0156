"""Losses of each row and gradients of their mean; twin of reference/losses.py, where each has its equation."""

from cython cimport floating
from cython.parallel cimport prange
from libc.math cimport exp, expf, fabs, fabsf, log, log1p, log1pf, logf
from libc.string cimport memcpy

from fastmlp.kernels.activations cimport activate_row
from fastmlp.kernels.isa cimport LINEAR, SIGMOID, SOFTMAX, Isa, selected

cdef double EPSILON = 1e-7  # Keras' epsilon(): probabilities are clipped to [EPSILON, 1 - EPSILON]


def mean_squared_error(const floating[:, ::1] y_true, const floating[:, ::1] y_pred, floating[::1] out, int threads):
    """out[i] = mean over j of (y_pred[i, j] - y_true[i, j])^2."""
    losses(MEAN_SQUARED_ERROR, &y_true[0, 0], NULL, y_pred, out, threads)


def mean_squared_error_gradient(const floating[:, ::1] y_true, const floating[:, ::1] y_pred,
                                floating[:, ::1] out, int threads):
    """out[i, j] = 2 (y_pred[i, j] - y_true[i, j]) / (n b), the gradient of the mean of the b rows' losses."""
    gradients(MEAN_SQUARED_ERROR, &y_true[0, 0], NULL, y_pred, out, threads)


def categorical_crossentropy(const floating[:, ::1] y_true, const floating[:, ::1] y_pred, floating[::1] out,
                             int threads):
    """out[i] = -sum over j of y_true[i, j] * log(clip(y_pred[i, j] / sum_i))."""
    losses(CATEGORICAL, &y_true[0, 0], NULL, y_pred, out, threads)


def categorical_crossentropy_gradient(const floating[:, ::1] y_true, const floating[:, ::1] y_pred,
                                      floating[:, ::1] out, int threads):
    """The gradient of the mean loss with respect to y_pred, through its division by the row's sum."""
    gradients(CATEGORICAL, &y_true[0, 0], NULL, y_pred, out, threads)


def sparse_categorical_crossentropy(const int[::1] y_true, const floating[:, ::1] y_pred, floating[::1] out,
                                    int threads):
    """out[i] = -log(clip(y_pred[i, y_true[i]] / sum_i))."""
    losses(SPARSE_CATEGORICAL, <const floating *> NULL, &y_true[0], y_pred, out, threads)


def sparse_categorical_crossentropy_gradient(const int[::1] y_true, const floating[:, ::1] y_pred,
                                             floating[:, ::1] out, int threads):
    """The gradient of the mean loss with respect to y_pred, through its division by the row's sum."""
    gradients(SPARSE_CATEGORICAL, <const floating *> NULL, &y_true[0], y_pred, out, threads)


def binary_crossentropy(const floating[:, ::1] y_true, const floating[:, ::1] y_pred, floating[::1] out, int threads):
    """out[i] = -mean over j of y_true log(clip(y_pred)) + (1 - y_true) log(1 - clip(y_pred))."""
    losses(BINARY, &y_true[0, 0], NULL, y_pred, out, threads)


def binary_crossentropy_gradient(const floating[:, ::1] y_true, const floating[:, ::1] y_pred,
                                 floating[:, ::1] out, int threads):
    """out[i, j] = ((1 - y_true) / (1 - y_pred) - y_true / y_pred) / (n b), and 0 where y_pred is clipped."""
    gradients(BINARY, &y_true[0, 0], NULL, y_pred, out, threads)


def categorical_crossentropy_from_logits(const floating[:, ::1] y_true, const floating[:, ::1] logits,
                                         floating[::1] out, int threads):
    """out[i] = sum over j of y_true[i, j] * (log sum_k exp(logits[i, k]) - logits[i, j])."""
    losses(CATEGORICAL_FROM_LOGITS, &y_true[0, 0], NULL, logits, out, threads)


def categorical_crossentropy_from_logits_gradient(const floating[:, ::1] y_true, const floating[:, ::1] logits,
                                                  floating[:, ::1] out, int threads):
    """out[i, j] = (softmax(logits)[i, j] * sum_k y_true[i, k] - y_true[i, j]) / b."""
    gradients(CATEGORICAL_FROM_LOGITS, &y_true[0, 0], NULL, logits, out, threads)


def sparse_categorical_crossentropy_from_logits(const int[::1] y_true, const floating[:, ::1] logits,
                                                floating[::1] out, int threads):
    """out[i] = log sum_k exp(logits[i, k]) - logits[i, y_true[i]]."""
    losses(SPARSE_CATEGORICAL_FROM_LOGITS, <const floating *> NULL, &y_true[0], logits, out, threads)


def sparse_categorical_crossentropy_from_logits_gradient(const int[::1] y_true, const floating[:, ::1] logits,
                                                         floating[:, ::1] out, int threads):
    """out[i, j] = (softmax(logits)[i, j] - (j == y_true[i])) / b."""
    gradients(SPARSE_CATEGORICAL_FROM_LOGITS, <const floating *> NULL, &y_true[0], logits, out, threads)


def binary_crossentropy_from_logits(const floating[:, ::1] y_true, const floating[:, ::1] logits,
                                    floating[::1] out, int threads):
    """out[i] = mean over j of max(z, 0) - z * y_true + log(1 + exp(-|z|)), z = logits[i, j]."""
    losses(BINARY_FROM_LOGITS, &y_true[0, 0], NULL, logits, out, threads)


def binary_crossentropy_from_logits_gradient(const floating[:, ::1] y_true, const floating[:, ::1] logits,
                                             floating[:, ::1] out, int threads):
    """out[i, j] = (sigmoid(logits[i, j]) - y_true[i, j]) / (n b)."""
    gradients(BINARY_FROM_LOGITS, &y_true[0, 0], NULL, logits, out, threads)


cdef losses(int loss, const floating *y_true, const int *labels, const floating[:, ::1] y, floating[::1] out,
            int threads):
    cdef Py_ssize_t n = y.shape[1], i
    for i in prange(y.shape[0], nogil=True, schedule="static", num_threads=threads):
        out[i] = loss_of_row(loss, n, row_of(y_true, i, n), label_of(labels, i), &y[i, 0])


cdef gradients(int loss, const floating *y_true, const int *labels, const floating[:, ::1] y,
               floating[:, ::1] out, int threads):
    cdef Py_ssize_t rows = y.shape[0], n = y.shape[1], i
    cdef const Isa *isa = selected()
    for i in prange(rows, nogil=True, schedule="static", num_threads=threads):
        memcpy(&out[i, 0], &y[i, 0], n * sizeof(floating))
        activate_row(isa, link_of(loss), n, &out[i, 0])
        gradient_of_row(loss, n, rows, row_of(y_true, i, n), label_of(labels, i), &out[i, 0], &out[i, 0])


cdef inline const floating *row_of(const floating *y_true, Py_ssize_t i, Py_ssize_t n) noexcept nogil:
    return y_true + i * n if y_true != NULL else NULL


cdef inline int label_of(const int *labels, Py_ssize_t i) noexcept nogil:
    return labels[i] if labels != NULL else 0


cdef int link_of(int loss) noexcept nogil:
    """The activation that makes probabilities of what the loss takes."""
    if loss == CATEGORICAL_FROM_LOGITS or loss == SPARSE_CATEGORICAL_FROM_LOGITS:
        return SOFTMAX
    return SIGMOID if loss == BINARY_FROM_LOGITS else LINEAR


cdef floating loss_of_row(int loss, Py_ssize_t n, const floating *t, int label, const floating *y) noexcept nogil:
    """The loss of one row from its targets t (or its label) and its predictions y, logits where the loss says so."""
    cdef floating total = 0, scale, most
    cdef Py_ssize_t j
    if loss == MEAN_SQUARED_ERROR:
        for j in range(n):
            total += (y[j] - t[j]) * (y[j] - t[j])
        return total / n
    if loss == CATEGORICAL:
        scale = sum_of(n, y)
        for j in range(n):
            total += t[j] * log_(clip(y[j] / scale))
        return -total
    if loss == SPARSE_CATEGORICAL:
        return -log_(clip(y[label] / sum_of(n, y)))
    if loss == BINARY:
        for j in range(n):
            total += t[j] * log_(clip(y[j])) + (1 - t[j]) * log_(1 - clip(y[j]))
        return -total / n
    if loss == CATEGORICAL_FROM_LOGITS:
        most = largest(n, y)
        scale = log_sum_exp(n, y, most)
        for j in range(n):
            total += t[j] * (scale - (y[j] - most))
        return total
    if loss == SPARSE_CATEGORICAL_FROM_LOGITS:
        most = largest(n, y)
        return log_sum_exp(n, y, most) - (y[label] - most)
    for j in range(n):
        total += ((y[j] if y[j] > 0 else 0) - y[j] * t[j]) + log1p_(exp_(-fabs_(y[j])))
    return total / n


cdef void gradient_of_row(int loss, Py_ssize_t n, Py_ssize_t rows, const floating *t, int label, const floating *y,
                          floating *out) noexcept nogil:
    """The gradient of the mean loss of `rows` rows with respect to one row's predictions y, or to its logits; there y
    holds their probabilities already (see link_of). out may be y."""
    cdef floating count = <floating> rows, elements = <floating> (n * rows), dot = 0, scale
    cdef Py_ssize_t j
    if loss == MEAN_SQUARED_ERROR:
        for j in range(n):
            out[j] = (2 * (y[j] - t[j])) / elements
    elif loss == CATEGORICAL:
        scale = sum_of(n, y)
        for j in range(n):
            dot += slope(t[j], y[j] / scale) * (y[j] / scale)
        for j in range(n):
            out[j] = ((slope(t[j], y[j] / scale) - dot) / scale) / count
    elif loss == SPARSE_CATEGORICAL:
        scale = sum_of(n, y)
        dot = slope(<floating> 1, y[label] / scale) * (y[label] / scale)
        for j in range(n):
            out[j] = (((slope(<floating> 1, y[j] / scale) if j == label else 0) - dot) / scale) / count
    elif loss == BINARY:
        for j in range(n):
            if EPSILON <= y[j] <= 1 - EPSILON:
                out[j] = ((1 - t[j]) / (1 - y[j]) - t[j] / y[j]) / elements
            else:
                out[j] = 0
    elif loss == CATEGORICAL_FROM_LOGITS:
        scale = sum_of(n, t)
        for j in range(n):
            out[j] = (y[j] * scale - t[j]) / count
    elif loss == SPARSE_CATEGORICAL_FROM_LOGITS:
        for j in range(n):
            out[j] = (y[j] - 1 if j == label else y[j]) / count
    else:
        for j in range(n):
            out[j] = (y[j] - t[j]) / elements


cdef inline floating slope(floating t, floating q) noexcept nogil:
    """The derivative of -t log(clip(q))."""
    return -t / q if EPSILON <= q <= 1 - EPSILON else 0


cdef inline floating clip(floating q) noexcept nogil:
    cdef floating low = <floating> EPSILON, high = <floating> (1 - EPSILON)
    return low if q < low else (high if q > high else q)


cdef inline floating sum_of(Py_ssize_t n, const floating *x) noexcept nogil:
    cdef floating total = 0
    cdef Py_ssize_t j
    for j in range(n):
        total += x[j]
    return total


cdef inline floating largest(Py_ssize_t n, const floating *x) noexcept nogil:
    cdef floating most = x[0]
    cdef Py_ssize_t j
    for j in range(1, n):
        if x[j] > most:
            most = x[j]
    return most


cdef inline floating log_sum_exp(Py_ssize_t n, const floating *x, floating most) noexcept nogil:
    """log of the sum over j of exp(x[j] - most)."""
    cdef floating total = 0
    cdef Py_ssize_t j
    for j in range(n):
        total += exp_(x[j] - most)
    return log_(total)


cdef inline floating exp_(floating x) noexcept nogil:
    return expf(x) if floating is float else exp(x)


cdef inline floating log_(floating x) noexcept nogil:
    return logf(x) if floating is float else log(x)


cdef inline floating log1p_(floating x) noexcept nogil:
    return log1pf(x) if floating is float else log1p(x)


cdef inline floating fabs_(floating x) noexcept nogil:
    return fabsf(x) if floating is float else fabs(x)
