"""Losses that tell how far two rows agree, and their gradients; twin of reference/similarities.py.

What a row is worth stands in row_losses.pyx.
"""

from cython cimport floating

from fastmlp.kernels.row_losses cimport CATEGORICAL_HINGE, COSINE_SIMILARITY, HINGE, KL_DIVERGENCE, SQUARED_HINGE
from fastmlp.kernels.row_losses cimport KL_DIVERGENCE_FROM_LOGITS
from fastmlp.kernels.row_losses cimport gradients, losses, plain


def hinge(const floating[:, ::1] y_true, const floating[:, ::1] y_pred, floating[::1] out, int threads):
    """out[i] = mean over j of max(1 - y_true[i, j] * y_pred[i, j], 0)."""
    losses[floating](plain(HINGE), &y_true[0, 0], NULL, y_pred, out, threads)


def hinge_gradient(const floating[:, ::1] y_true, const floating[:, ::1] y_pred, floating[:, ::1] out, int threads):
    """out[i, j] = -y_true[i, j] / (n b) where y_true[i, j] * y_pred[i, j] < 1, else 0."""
    gradients[floating](plain(HINGE), &y_true[0, 0], NULL, y_pred, out, threads)


def squared_hinge(const floating[:, ::1] y_true, const floating[:, ::1] y_pred, floating[::1] out, int threads):
    """out[i] = mean over j of max(1 - y_true[i, j] * y_pred[i, j], 0)^2."""
    losses[floating](plain(SQUARED_HINGE), &y_true[0, 0], NULL, y_pred, out, threads)


def squared_hinge_gradient(const floating[:, ::1] y_true, const floating[:, ::1] y_pred,
                           floating[:, ::1] out, int threads):
    """out[i, j] = -2 y_true[i, j] max(1 - y_true[i, j] * y_pred[i, j], 0) / (n b)."""
    gradients[floating](plain(SQUARED_HINGE), &y_true[0, 0], NULL, y_pred, out, threads)


def categorical_hinge(const floating[:, ::1] y_true, const floating[:, ::1] y_pred, floating[::1] out, int threads):
    """out[i] = max(max over j of (1 - y_true) y_pred - sum over j of y_true y_pred + 1, 0)."""
    losses[floating](plain(CATEGORICAL_HINGE), &y_true[0, 0], NULL, y_pred, out, threads)


def categorical_hinge_gradient(const floating[:, ::1] y_true, const floating[:, ::1] y_pred,
                               floating[:, ::1] out, int threads):
    """out[i, j] = -y_true[i, j] / b, and (1 - 2 y_true[i, j]) / b at the first of the maxima; 0 where the loss is."""
    gradients[floating](plain(CATEGORICAL_HINGE), &y_true[0, 0], NULL, y_pred, out, threads)


def kl_divergence(const floating[:, ::1] y_true, const floating[:, ::1] y_pred, floating[::1] out, int threads):
    """out[i] = sum over j of y_true * log(y_true / y_pred), both moved into [1e-7, 1]."""
    losses[floating](plain(KL_DIVERGENCE), &y_true[0, 0], NULL, y_pred, out, threads)


def kl_divergence_gradient(const floating[:, ::1] y_true, const floating[:, ::1] y_pred,
                           floating[:, ::1] out, int threads):
    """out[i, j] = -y_true[i, j] / y_pred[i, j] / b, 0 where y_pred was moved."""
    gradients[floating](plain(KL_DIVERGENCE), &y_true[0, 0], NULL, y_pred, out, threads)


def kl_divergence_from_logits(const floating[:, ::1] y_true, const floating[:, ::1] logits, floating[::1] out,
                              int threads):
    """out[i] = sum over j of t (log(t) - log(softmax(logits)[i, j])), t = y_true[i, j] moved into [1e-7, 1]."""
    losses[floating](plain(KL_DIVERGENCE_FROM_LOGITS), &y_true[0, 0], NULL, logits, out, threads)


def kl_divergence_from_logits_gradient(const floating[:, ::1] y_true, const floating[:, ::1] logits,
                                       floating[:, ::1] out, int threads):
    """out[i, j] = (softmax(logits)[i, j] * sum_k t[i, k] - t[i, j]) / b."""
    gradients[floating](plain(KL_DIVERGENCE_FROM_LOGITS), &y_true[0, 0], NULL, logits, out, threads)


def cosine_similarity(const floating[:, ::1] y_true, const floating[:, ::1] y_pred, floating[::1] out, int threads):
    """out[i] = -sum over j of y_true y_pred / (|y_true[i]| |y_pred[i]|), with lengths of at least 1e-7."""
    losses[floating](plain(COSINE_SIMILARITY), &y_true[0, 0], NULL, y_pred, out, threads)


def cosine_similarity_gradient(const floating[:, ::1] y_true, const floating[:, ::1] y_pred,
                               floating[:, ::1] out, int threads):
    """The gradient of the mean loss with respect to y_pred, through its division by the row's length."""
    gradients[floating](plain(COSINE_SIMILARITY), &y_true[0, 0], NULL, y_pred, out, threads)
