"""Cross-entropies and their gradients; twin of reference/crossentropies.py, where each has its equation.

What a row is worth stands in row_losses.pyx.
"""

from cython cimport floating
from cython.parallel cimport prange

from fastmlp.kernels.row_losses cimport BINARY_CROSSENTROPY, BINARY_CROSSENTROPY_FROM_LOGITS, CATEGORICAL_CROSSENTROPY
from fastmlp.kernels.row_losses cimport CATEGORICAL_CROSSENTROPY_FROM_LOGITS, CATEGORICAL_FOCAL_CROSSENTROPY
from fastmlp.kernels.row_losses cimport CATEGORICAL_FOCAL_CROSSENTROPY_FROM_LOGITS
from fastmlp.kernels.row_losses cimport SPARSE_CATEGORICAL_CROSSENTROPY, SPARSE_CATEGORICAL_CROSSENTROPY_FROM_LOGITS
from fastmlp.kernels.row_losses cimport BINARY_FOCAL_CROSSENTROPY, BINARY_FOCAL_CROSSENTROPY_FROM_LOGITS
from fastmlp.kernels.row_losses cimport focal, gradients, losses, plain, smooth_row


def smooth_labels(const floating[:, ::1] y_true, double label_smoothing, Py_ssize_t classes, floating[:, ::1] out,
                  int threads):
    """out[i, j] = y_true[i, j] * (1 - label_smoothing) + label_smoothing / classes."""
    cdef Py_ssize_t i
    for i in prange(y_true.shape[0], nogil=True, schedule="static", num_threads=threads):
        smooth_row(label_smoothing, classes, y_true.shape[1], &y_true[i, 0], &out[i, 0])


def categorical_crossentropy(const floating[:, ::1] y_true, const floating[:, ::1] y_pred, floating[::1] out,
                             int threads):
    """out[i] = -sum over j of y_true[i, j] * log(clip(y_pred[i, j] / sum_i))."""
    losses[floating](plain(CATEGORICAL_CROSSENTROPY), &y_true[0, 0], NULL, y_pred, out, threads)


def categorical_crossentropy_gradient(const floating[:, ::1] y_true, const floating[:, ::1] y_pred,
                                      floating[:, ::1] out, int threads):
    """The gradient of the mean loss with respect to y_pred, through its division by the row's sum."""
    gradients[floating](plain(CATEGORICAL_CROSSENTROPY), &y_true[0, 0], NULL, y_pred, out, threads)


def categorical_focal_crossentropy(const floating[:, ::1] y_true, const floating[:, ::1] y_pred, double alpha,
                                   double gamma, floating[::1] out, int threads):
    """out[i] = -sum over j of y_true[i, j] alpha clip(1 - q)^gamma log(clip(q)), q = y_pred[i, j] / sum_i."""
    losses[floating](focal(CATEGORICAL_FOCAL_CROSSENTROPY, alpha, 0, gamma), &y_true[0, 0], NULL, y_pred, out,
                     threads)


def categorical_focal_crossentropy_gradient(const floating[:, ::1] y_true, const floating[:, ::1] y_pred, double alpha,
                                            double gamma, floating[:, ::1] out, int threads):
    """The gradient of the mean loss with respect to y_pred, through its division by the row's sum."""
    gradients[floating](focal(CATEGORICAL_FOCAL_CROSSENTROPY, alpha, 0, gamma), &y_true[0, 0], NULL, y_pred,
                        out, threads)


def sparse_categorical_crossentropy(const int[::1] y_true, const floating[:, ::1] y_pred, floating[::1] out,
                                    int threads):
    """out[i] = -log(clip(y_pred[i, y_true[i]] / sum_i))."""
    losses[floating](plain(SPARSE_CATEGORICAL_CROSSENTROPY), <const floating *> NULL, &y_true[0], y_pred, out, threads)


def sparse_categorical_crossentropy_gradient(const int[::1] y_true, const floating[:, ::1] y_pred,
                                             floating[:, ::1] out, int threads):
    """The gradient of the mean loss with respect to y_pred, through its division by the row's sum."""
    gradients[floating](plain(SPARSE_CATEGORICAL_CROSSENTROPY), <const floating *> NULL, &y_true[0], y_pred, out,
                        threads)


def binary_crossentropy(const floating[:, ::1] y_true, const floating[:, ::1] y_pred, floating[::1] out, int threads):
    """out[i] = -mean over j of y_true log(clip(y_pred)) + (1 - y_true) log(1 - clip(y_pred))."""
    losses[floating](plain(BINARY_CROSSENTROPY), &y_true[0, 0], NULL, y_pred, out, threads)


def binary_crossentropy_gradient(const floating[:, ::1] y_true, const floating[:, ::1] y_pred,
                                 floating[:, ::1] out, int threads):
    """out[i, j] = ((1 - y_true) / (1 - y_pred) - y_true / y_pred) / (n b), and 0 where y_pred is clipped."""
    gradients[floating](plain(BINARY_CROSSENTROPY), &y_true[0, 0], NULL, y_pred, out, threads)


def categorical_crossentropy_from_logits(const floating[:, ::1] y_true, const floating[:, ::1] logits,
                                         floating[::1] out, int threads):
    """out[i] = sum over j of y_true[i, j] * (log sum_k exp(logits[i, k]) - logits[i, j])."""
    losses[floating](plain(CATEGORICAL_CROSSENTROPY_FROM_LOGITS), &y_true[0, 0], NULL, logits, out, threads)


def categorical_crossentropy_from_logits_gradient(const floating[:, ::1] y_true, const floating[:, ::1] logits,
                                                  floating[:, ::1] out, int threads):
    """out[i, j] = (softmax(logits)[i, j] * sum_k y_true[i, k] - y_true[i, j]) / b."""
    gradients[floating](plain(CATEGORICAL_CROSSENTROPY_FROM_LOGITS), &y_true[0, 0], NULL, logits, out, threads)


def categorical_focal_crossentropy_from_logits(const floating[:, ::1] y_true, const floating[:, ::1] logits,
                                               double alpha, double gamma, floating[::1] out, int threads):
    """out[i] = -sum over j of y_true[i, j] alpha (1 - q)^gamma log(q), q = softmax(logits)[i, j]."""
    losses[floating](focal(CATEGORICAL_FOCAL_CROSSENTROPY_FROM_LOGITS, alpha, 0, gamma), &y_true[0, 0], NULL,
                     logits, out, threads)


def categorical_focal_crossentropy_from_logits_gradient(const floating[:, ::1] y_true, const floating[:, ::1] logits,
                                                        double alpha, double gamma, floating[:, ::1] out, int threads):
    """out[i, j] = (q sum_k y_true[i, k] g[i, k] - y_true[i, j] g[i, j]) / b, g the derivative of the rest in log(q)."""
    gradients[floating](focal(CATEGORICAL_FOCAL_CROSSENTROPY_FROM_LOGITS, alpha, 0, gamma), &y_true[0, 0],
                        NULL, logits, out, threads)


def sparse_categorical_crossentropy_from_logits(const int[::1] y_true, const floating[:, ::1] logits,
                                                floating[::1] out, int threads):
    """out[i] = log sum_k exp(logits[i, k]) - logits[i, y_true[i]]."""
    losses[floating](plain(SPARSE_CATEGORICAL_CROSSENTROPY_FROM_LOGITS), <const floating *> NULL, &y_true[0], logits,
                     out, threads)


def sparse_categorical_crossentropy_from_logits_gradient(const int[::1] y_true, const floating[:, ::1] logits,
                                                         floating[:, ::1] out, int threads):
    """out[i, j] = (softmax(logits)[i, j] - (j == y_true[i])) / b."""
    gradients[floating](plain(SPARSE_CATEGORICAL_CROSSENTROPY_FROM_LOGITS), <const floating *> NULL, &y_true[0], logits,
                        out, threads)


def binary_crossentropy_from_logits(const floating[:, ::1] y_true, const floating[:, ::1] logits,
                                    floating[::1] out, int threads):
    """out[i] = mean over j of max(z, 0) - z * y_true + log(1 + exp(-|z|)), z = logits[i, j]."""
    losses[floating](plain(BINARY_CROSSENTROPY_FROM_LOGITS), &y_true[0, 0], NULL, logits, out, threads)


def binary_crossentropy_from_logits_gradient(const floating[:, ::1] y_true, const floating[:, ::1] logits,
                                             floating[:, ::1] out, int threads):
    """out[i, j] = (sigmoid(logits[i, j]) - y_true[i, j]) / (n b)."""
    gradients[floating](plain(BINARY_CROSSENTROPY_FROM_LOGITS), &y_true[0, 0], NULL, logits, out, threads)


def binary_focal_crossentropy(const floating[:, ::1] y_true, const floating[:, ::1] y_pred, double alpha, double beta,
                              double gamma, floating[::1] out, int threads):
    """out[i] = mean over j of w r^gamma c, w = t alpha + (1 - t) beta, r = 1 - t p - (1 - t)(1 - p), c as in
    binary_crossentropy."""
    losses[floating](focal(BINARY_FOCAL_CROSSENTROPY, alpha, beta, gamma), &y_true[0, 0], NULL, y_pred, out, threads)


def binary_focal_crossentropy_gradient(const floating[:, ::1] y_true, const floating[:, ::1] y_pred, double alpha,
                                       double beta, double gamma, floating[:, ::1] out, int threads):
    """out[i, j] = w (r^gamma c' + gamma r^(gamma - 1) (1 - 2 t) c) / (n b), where c' is 0 if y_pred is clipped."""
    gradients[floating](focal(BINARY_FOCAL_CROSSENTROPY, alpha, beta, gamma), &y_true[0, 0], NULL, y_pred, out,
                        threads)


def binary_focal_crossentropy_from_logits(const floating[:, ::1] y_true, const floating[:, ::1] logits, double alpha,
                                          double beta, double gamma, floating[::1] out, int threads):
    """The same of the sigmoid of the logits."""
    losses[floating](focal(BINARY_FOCAL_CROSSENTROPY_FROM_LOGITS, alpha, beta, gamma), &y_true[0, 0], NULL, logits,
                     out, threads)


def binary_focal_crossentropy_from_logits_gradient(const floating[:, ::1] y_true, const floating[:, ::1] logits,
                                                   double alpha, double beta, double gamma, floating[:, ::1] out,
                                                   int threads):
    """The gradient by p = sigmoid(logits), times p (1 - p)."""
    gradients[floating](focal(BINARY_FOCAL_CROSSENTROPY_FROM_LOGITS, alpha, beta, gamma), &y_true[0, 0], NULL, logits,
                        out, threads)
