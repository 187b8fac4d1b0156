"""What the losses and their gradients are for one row, without Python, and for all rows of a kernel's arrays.

losses.pyx, crossentropies.pyx and similarities.pyx say which is which. Sums over a row are double, so that those of a
million columns are as good as those of ten.
"""

from cython cimport floating
from cython.parallel cimport prange
from libc.string cimport memcpy

from fastmlp.kernels.activations cimport activate_row
from fastmlp.kernels.loss_terms cimport EPSILON, at_least, binary_focal, binary_focal_logit, binary_focal_logit_slope
from fastmlp.kernels.loss_terms cimport binary_focal_slope, clip, clip_to_one, exp_, expm1_, fabs_
from fastmlp.kernels.loss_terms cimport focal_logarithm, focal_slope, focal_weight, pinball, pinball_slope
from fastmlp.kernels.loss_terms cimport huber, huber_slope, log1p_, log_, log_cosh
from fastmlp.kernels.loss_terms cimport logarithmic_error, logarithmic_slope, magnitude, pow_, shortfall, sign, slope
from fastmlp.kernels.loss_terms cimport sqrt_, tanh_
from fastmlp.kernels.isa cimport EXPONENTIAL, LINEAR, SIGMOID, SOFTMAX, Isa, selected


cdef enum:
    LANES = 16
    LONG = 2 * LANES
    PIECE = 64 * LANES


cdef Loss plain(int kind) noexcept nogil:
    return focal(kind, 0, 0, 0)


cdef Loss focal(int kind, double alpha, double beta, double gamma) noexcept nogil:
    cdef Loss loss
    loss.kind = kind
    loss.delta = loss.label_smoothing = 0
    loss.alpha = alpha
    loss.beta = beta
    loss.gamma = gamma
    loss.quantiles = NULL
    return loss


cdef losses(Loss loss, const floating *y_true, const int *labels, const floating[:, ::1] y, floating[::1] out,
            int threads):
    cdef Py_ssize_t n = y.shape[1], i
    for i in prange(y.shape[0], nogil=True, schedule="static", num_threads=threads):
        out[i] = loss_of_row(&loss, n, row_of(y_true, i, n), label_of(labels, i), &y[i, 0])


cdef gradients(Loss loss, const floating *y_true, const int *labels, const floating[:, ::1] y,
               floating[:, ::1] out, int threads):
    cdef Py_ssize_t rows = y.shape[0], n = y.shape[1], i
    cdef const Isa *isa = selected()
    for i in prange(rows, nogil=True, schedule="static", num_threads=threads):
        memcpy(&out[i, 0], &y[i, 0], n * sizeof(floating))
        activate_row(isa, link_of(loss.kind), NULL, n, &out[i, 0])
        gradient_of_row(&loss, n, rows, row_of(y_true, i, n), label_of(labels, i), &out[i, 0], &out[i, 0])


cdef inline const floating *row_of(const floating *y_true, Py_ssize_t i, Py_ssize_t n) noexcept nogil:
    return y_true + i * n if y_true != NULL else NULL


cdef inline int label_of(const int *labels, Py_ssize_t i) noexcept nogil:
    return labels[i] if labels != NULL else 0


cdef int link_of(int kind) noexcept nogil:
    """The activation that makes probabilities, or means, of what the loss takes."""
    if kind == CATEGORICAL_CROSSENTROPY_FROM_LOGITS or kind == SPARSE_CATEGORICAL_CROSSENTROPY_FROM_LOGITS:
        return SOFTMAX
    if kind == KL_DIVERGENCE_FROM_LOGITS or kind == CATEGORICAL_FOCAL_CROSSENTROPY_FROM_LOGITS:
        return SOFTMAX
    if kind == POISSON_FROM_LOGITS:
        return EXPONENTIAL
    if kind == BINARY_CROSSENTROPY_FROM_LOGITS or kind == BINARY_FOCAL_CROSSENTROPY_FROM_LOGITS:
        return SIGMOID
    return LINEAR


cdef Py_ssize_t classes_of(int kind, Py_ssize_t n) noexcept nogil:
    """Among how many classes the labels of n columns are smoothed: yes and no, or the columns."""
    if kind == BINARY_CROSSENTROPY or kind == BINARY_CROSSENTROPY_FROM_LOGITS or kind == BINARY_FOCAL_CROSSENTROPY:
        return 2
    if kind == BINARY_FOCAL_CROSSENTROPY_FROM_LOGITS:
        return 2
    return n


cdef void smooth_row(double label_smoothing, Py_ssize_t classes, Py_ssize_t n, const floating *t,
                     floating *out) noexcept nogil:
    cdef floating kept = <floating> (1 - label_smoothing), shared = <floating> (label_smoothing / classes)
    cdef Py_ssize_t j
    for j in range(n):
        out[j] = t[j] * kept + shared


cdef floating loss_of_row(const Loss *loss, Py_ssize_t n, const floating *t, int label,
                          const floating *y) noexcept nogil:
    """The loss of one row from its targets t (or its label) and its predictions y, logits where the loss says so."""
    if loss.kind <= SQUARED_HINGE:
        return mean_of_row(loss, n, t, y)
    if loss.kind <= COSINE_SIMILARITY:
        return similarity_of_row(loss.kind, n, t, y)
    return crossentropy_of_row(loss, n, t, label, y)


cdef void gradient_of_row(const Loss *loss, Py_ssize_t n, Py_ssize_t rows, const floating *t, int label,
                          const floating *y, floating *out) noexcept nogil:
    """The gradient of the mean loss of `rows` rows with respect to one row's predictions y, or to its logits; there y
    holds their probabilities already (see link_of). out may be y."""
    if loss.kind <= SQUARED_HINGE:
        mean_gradient_of_row(loss, n, rows, t, y, out)
    elif loss.kind <= COSINE_SIMILARITY:
        similarity_gradient_of_row(loss.kind, n, rows, t, y, out)
    else:
        crossentropy_gradient_of_row(loss, n, rows, t, label, y, out)


cdef floating mean_of_row(const Loss *loss, Py_ssize_t n, const floating *t, const floating *y) noexcept nogil:
    cdef double total = 0
    cdef Py_ssize_t j
    if loss.kind == MEAN_SQUARED_ERROR:
        total = squared_error(n, t, y)
    elif loss.kind == MEAN_ABSOLUTE_ERROR:
        for j in range(n):
            total += fabs_(y[j] - t[j])
    elif loss.kind == MEAN_ABSOLUTE_PERCENTAGE_ERROR:
        for j in range(n):
            total += fabs_((t[j] - y[j]) / magnitude(t[j]))
    elif loss.kind == MEAN_SQUARED_LOGARITHMIC_ERROR:
        for j in range(n):
            total += logarithmic_error(t[j], y[j]) * logarithmic_error(t[j], y[j])
    elif loss.kind == HUBER:
        for j in range(n):
            total += huber(y[j] - t[j], loss.delta)
    elif loss.kind == LOG_COSH:
        for j in range(n):
            total += log_cosh(y[j] - t[j])
    elif loss.kind == POISSON:
        for j in range(n):
            total += y[j] - t[j] * log_(y[j] + <floating> EPSILON)
    elif loss.kind == POISSON_FROM_LOGITS:
        for j in range(n):
            total += exp_(y[j]) - t[j] * y[j]
    elif loss.kind == QUANTILE:
        for j in range(n):
            total += pinball(t[j] - y[j], <floating> loss.quantiles[j])
    elif loss.kind == HINGE:
        for j in range(n):
            total += shortfall(t[j], y[j])
    else:
        for j in range(n):
            total += shortfall(t[j], y[j]) * shortfall(t[j], y[j])
    return <floating> (100 * (total / n) if loss.kind == MEAN_ABSOLUTE_PERCENTAGE_ERROR else total / n)


cdef double squared_error(Py_ssize_t n, const floating *t, const floating *y) noexcept nogil:
    """The sum of squares; of a long row of float32 in as many sums as vectors may hold, of each LANES-th of at most
    PIECE, in their order."""
    cdef floating sums[LANES]
    cdef double total = 0
    cdef Py_ssize_t j = 0, end
    cdef int lane
    if floating is float:
        while n - j >= LONG:
            for lane in range(LANES):
                sums[lane] = 0
            end = min(n, j + PIECE)
            while j <= end - LANES:
                for lane in range(LANES):
                    sums[lane] += (y[j + lane] - t[j + lane]) * (y[j + lane] - t[j + lane])
                j += LANES
            for lane in range(LANES):
                total += sums[lane]
    for j in range(j, n):
        total += (y[j] - t[j]) * (y[j] - t[j])
    return total


cdef void mean_gradient_of_row(const Loss *loss, Py_ssize_t n, Py_ssize_t rows, const floating *t, const floating *y,
                               floating *out) noexcept nogil:
    cdef floating elements = <floating> (n * rows)
    cdef Py_ssize_t j
    if loss.kind == MEAN_SQUARED_ERROR:
        for j in range(n):
            out[j] = (2 * (y[j] - t[j])) / elements
    elif loss.kind == MEAN_ABSOLUTE_ERROR:
        for j in range(n):
            out[j] = sign(y[j] - t[j]) / elements
    elif loss.kind == MEAN_ABSOLUTE_PERCENTAGE_ERROR:
        for j in range(n):
            out[j] = (100 * sign(y[j] - t[j])) / magnitude(t[j]) / elements
    elif loss.kind == MEAN_SQUARED_LOGARITHMIC_ERROR:
        for j in range(n):
            out[j] = logarithmic_slope(t[j], y[j]) / elements
    elif loss.kind == HUBER:
        for j in range(n):
            out[j] = huber_slope(y[j] - t[j], loss.delta) / elements
    elif loss.kind == LOG_COSH:
        for j in range(n):
            out[j] = tanh_(y[j] - t[j]) / elements
    elif loss.kind == POISSON:
        for j in range(n):
            out[j] = (1 - t[j] / (y[j] + <floating> EPSILON)) / elements
    elif loss.kind == POISSON_FROM_LOGITS:
        for j in range(n):
            out[j] = (y[j] - t[j]) / elements
    elif loss.kind == QUANTILE:
        for j in range(n):
            out[j] = pinball_slope(t[j] - y[j], <floating> loss.quantiles[j]) / elements
    elif loss.kind == HINGE:
        for j in range(n):
            out[j] = (-t[j] if shortfall(t[j], y[j]) > 0 else 0) / elements
    else:
        for j in range(n):
            out[j] = (-2 * t[j]) * shortfall(t[j], y[j]) / elements


cdef floating similarity_of_row(int kind, Py_ssize_t n, const floating *t, const floating *y) noexcept nogil:
    cdef floating scale, most
    cdef double total = 0
    cdef Py_ssize_t j
    if kind == CATEGORICAL_HINGE:
        return at_least(lag(n, t, y, first_rival(n, t, y)), <floating> 0)
    if kind == KL_DIVERGENCE:
        for j in range(n):
            total += clip_to_one(t[j]) * log_(clip_to_one(t[j]) / clip_to_one(y[j]))
        return <floating> total
    if kind == KL_DIVERGENCE_FROM_LOGITS:
        most = largest(n, y)
        scale = log_sum_exp(n, y, most)
        for j in range(n):
            total += clip_to_one(t[j]) * (log_(clip_to_one(t[j])) + (scale - (y[j] - most)))
        return <floating> total
    return -cosine(n, t, length(n, t), y, length(n, y))


cdef void similarity_gradient_of_row(int kind, Py_ssize_t n, Py_ssize_t rows, const floating *t, const floating *y,
                                     floating *out) noexcept nogil:
    cdef floating count = <floating> rows, along = 0, shares, t_length, y_length
    cdef double total = 0
    cdef Py_ssize_t j, rival
    cdef bint behind
    if kind == CATEGORICAL_HINGE:
        rival = first_rival(n, t, y)
        behind = lag(n, t, y, rival) > 0
        for j in range(n):
            out[j] = ((1 - t[j]) - t[j] if j == rival else -t[j]) / count if behind else 0
    elif kind == KL_DIVERGENCE:
        for j in range(n):
            out[j] = (-clip_to_one(t[j]) / y[j] if <floating> EPSILON <= y[j] <= 1 else 0) / count
    elif kind == KL_DIVERGENCE_FROM_LOGITS:
        for j in range(n):
            total += clip_to_one(t[j])
        shares = <floating> total
        for j in range(n):
            out[j] = (y[j] * shares - clip_to_one(t[j])) / count
    else:
        t_length = length(n, t)
        y_length = length(n, y)
        if y_length > <floating> EPSILON:
            along = cosine(n, t, t_length, y, y_length)
        for j in range(n):
            out[j] = ((along * (y[j] / y_length) - t[j] / t_length) / y_length) / count


cdef floating crossentropy_of_row(const Loss *loss, Py_ssize_t n, const floating *t, int label,
                                  const floating *y) noexcept nogil:
    cdef floating scale, most, surprise
    cdef double total = 0
    cdef Py_ssize_t j
    cdef int kind = loss.kind
    if kind == CATEGORICAL_CROSSENTROPY:
        scale = sum_of(n, y)
        for j in range(n):
            total += t[j] * log_(clip(y[j] / scale))
        return <floating> -total
    if kind == SPARSE_CATEGORICAL_CROSSENTROPY:
        return -log_(clip(y[label] / sum_of(n, y)))
    if kind == BINARY_CROSSENTROPY:
        for j in range(n):
            total += t[j] * log_(clip(y[j])) + (1 - t[j]) * log_(1 - clip(y[j]))
        return <floating> (-total / n)
    if kind == CATEGORICAL_CROSSENTROPY_FROM_LOGITS:
        most = largest(n, y)
        scale = log_sum_exp(n, y, most)
        for j in range(n):
            total += t[j] * (scale - (y[j] - most))
        return <floating> total
    if kind == SPARSE_CATEGORICAL_CROSSENTROPY_FROM_LOGITS:
        most = largest(n, y)
        return log_sum_exp(n, y, most) - (y[label] - most)
    if kind == CATEGORICAL_FOCAL_CROSSENTROPY:
        scale = sum_of(n, y)
        for j in range(n):
            total += t[j] * focal_logarithm(y[j] / scale, loss.alpha, loss.gamma)
        return <floating> -total
    if kind == CATEGORICAL_FOCAL_CROSSENTROPY_FROM_LOGITS:
        most = largest(n, y)
        scale = log_sum_exp(n, y, most)
        for j in range(n):
            surprise = scale - (y[j] - most)
            total += t[j] * (<floating> loss.alpha * pow_(-expm1_(-surprise), <floating> loss.gamma) * surprise)
        return <floating> total
    if kind == BINARY_FOCAL_CROSSENTROPY:
        for j in range(n):
            total += binary_focal(t[j], y[j], loss.alpha, loss.beta, loss.gamma)
        return <floating> (total / n)
    if kind == BINARY_FOCAL_CROSSENTROPY_FROM_LOGITS:
        for j in range(n):
            total += binary_focal_logit(t[j], y[j], loss.alpha, loss.beta, loss.gamma)
        return <floating> (total / n)
    for j in range(n):
        total += ((y[j] if y[j] > 0 else 0) - y[j] * t[j]) + log1p_(exp_(-fabs_(y[j])))
    return <floating> (total / n)


cdef void crossentropy_gradient_of_row(const Loss *loss, Py_ssize_t n, Py_ssize_t rows, const floating *t, int label,
                                       const floating *y, floating *out) noexcept nogil:
    cdef floating count = <floating> rows, elements = <floating> (n * rows), dot, scale, share_
    cdef double total = 0
    cdef Py_ssize_t j
    cdef int kind = loss.kind
    if kind == CATEGORICAL_CROSSENTROPY:
        scale = sum_of(n, y)
        for j in range(n):
            total += slope(t[j], y[j] / scale) * (y[j] / scale)
        dot = <floating> total
        for j in range(n):
            out[j] = ((slope(t[j], y[j] / scale) - dot) / scale) / count
    elif kind == SPARSE_CATEGORICAL_CROSSENTROPY:
        scale = sum_of(n, y)
        dot = slope(<floating> 1, y[label] / scale) * (y[label] / scale)
        for j in range(n):
            out[j] = (((slope(<floating> 1, y[j] / scale) if j == label else 0) - dot) / scale) / count
    elif kind == BINARY_CROSSENTROPY:
        for j in range(n):
            if EPSILON <= y[j] <= 1 - EPSILON:
                out[j] = ((1 - t[j]) / (1 - y[j]) - t[j] / y[j]) / elements
            else:
                out[j] = 0
    elif kind == CATEGORICAL_CROSSENTROPY_FROM_LOGITS:
        scale = sum_of(n, t)
        for j in range(n):
            out[j] = (y[j] * scale - t[j]) / count
    elif kind == SPARSE_CATEGORICAL_CROSSENTROPY_FROM_LOGITS:
        for j in range(n):
            out[j] = (y[j] - 1 if j == label else y[j]) / count
    elif kind == CATEGORICAL_FOCAL_CROSSENTROPY:
        scale = sum_of(n, y)
        for j in range(n):
            share_ = y[j] / scale
            out[j] = focal_slope(t[j], share_, loss.alpha, loss.gamma)
            total += out[j] * share_
        dot = <floating> total
        for j in range(n):
            out[j] = ((out[j] - dot) / scale) / count
    elif kind == CATEGORICAL_FOCAL_CROSSENTROPY_FROM_LOGITS:
        for j in range(n):
            total += t[j] * focal_weight(y[j], loss.alpha, loss.gamma)
        dot = <floating> total
        for j in range(n):
            out[j] = (y[j] * dot - t[j] * focal_weight(y[j], loss.alpha, loss.gamma)) / count
    elif kind == BINARY_FOCAL_CROSSENTROPY:
        for j in range(n):
            out[j] = binary_focal_slope(t[j], y[j], loss.alpha, loss.beta, loss.gamma) / elements
    elif kind == BINARY_FOCAL_CROSSENTROPY_FROM_LOGITS:
        for j in range(n):
            out[j] = binary_focal_logit_slope(t[j], y[j], loss.alpha, loss.beta, loss.gamma) / elements
    else:
        for j in range(n):
            out[j] = (y[j] - t[j]) / elements


cdef inline Py_ssize_t first_rival(Py_ssize_t n, const floating *t, const floating *y) noexcept nogil:
    """Where (1 - t) y is largest: the class that is not the true one and leads."""
    cdef Py_ssize_t j, best = 0
    for j in range(1, n):
        if (1 - t[j]) * y[j] > (1 - t[best]) * y[best]:
            best = j
    return best


cdef inline floating lag(Py_ssize_t n, const floating *t, const floating *y, Py_ssize_t rival) noexcept nogil:
    """What the true class lacks to lead the rival by 1."""
    cdef double total = 0
    cdef Py_ssize_t j
    for j in range(n):
        total += t[j] * y[j]
    return ((1 - t[rival]) * y[rival] - <floating> total) + 1


cdef inline floating length(Py_ssize_t n, const floating *x) noexcept nogil:
    """sqrt of the sum of squares, at least EPSILON."""
    cdef double total = 0
    cdef Py_ssize_t j
    for j in range(n):
        total += x[j] * x[j]
    return at_least(sqrt_(<floating> total), <floating> EPSILON)


cdef inline floating cosine(Py_ssize_t n, const floating *t, floating t_length, const floating *y,
                            floating y_length) noexcept nogil:
    cdef double total = 0
    cdef Py_ssize_t j
    for j in range(n):
        total += (t[j] / t_length) * (y[j] / y_length)
    return <floating> total


cdef inline floating sum_of(Py_ssize_t n, const floating *x) noexcept nogil:
    cdef double total = 0
    cdef Py_ssize_t j
    for j in range(n):
        total += x[j]
    return <floating> total


cdef inline floating largest(Py_ssize_t n, const floating *x) noexcept nogil:
    cdef floating most = x[0]
    cdef Py_ssize_t j
    for j in range(1, n):
        if x[j] > most:
            most = x[j]
    return most


cdef inline floating log_sum_exp(Py_ssize_t n, const floating *x, floating most) noexcept nogil:
    """log of the sum over j of exp(x[j] - most)."""
    cdef double total = 0
    cdef Py_ssize_t j
    for j in range(n):
        total += exp_(x[j] - most)
    return log_(<floating> total)
