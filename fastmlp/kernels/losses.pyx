"""Losses that compare column by column, and their gradients; twin of reference/losses.py, where each has its equation.

What a row is worth stands in row_losses.pyx.
"""

from cython cimport floating

import numpy as np

from fastmlp.kernels.row_losses cimport HUBER, LOG_COSH, MEAN_ABSOLUTE_ERROR, MEAN_ABSOLUTE_PERCENTAGE_ERROR
from fastmlp.kernels.row_losses cimport MEAN_SQUARED_ERROR, MEAN_SQUARED_LOGARITHMIC_ERROR, POISSON, QUANTILE
from fastmlp.kernels.row_losses cimport POISSON_FROM_LOGITS
from fastmlp.kernels.row_losses cimport Loss, gradients, losses, plain


def mean_squared_error(const floating[:, ::1] y_true, const floating[:, ::1] y_pred, floating[::1] out, int threads):
    """out[i] = mean over j of (y_pred[i, j] - y_true[i, j])^2."""
    losses[floating](plain(MEAN_SQUARED_ERROR), &y_true[0, 0], NULL, y_pred, out, threads)


def mean_squared_error_gradient(const floating[:, ::1] y_true, const floating[:, ::1] y_pred,
                                floating[:, ::1] out, int threads):
    """out[i, j] = 2 (y_pred[i, j] - y_true[i, j]) / (n b), the gradient of the mean of the b rows' losses."""
    gradients[floating](plain(MEAN_SQUARED_ERROR), &y_true[0, 0], NULL, y_pred, out, threads)


def mean_absolute_error(const floating[:, ::1] y_true, const floating[:, ::1] y_pred, floating[::1] out, int threads):
    """out[i] = mean over j of |y_pred[i, j] - y_true[i, j]|."""
    losses[floating](plain(MEAN_ABSOLUTE_ERROR), &y_true[0, 0], NULL, y_pred, out, threads)


def mean_absolute_error_gradient(const floating[:, ::1] y_true, const floating[:, ::1] y_pred,
                                 floating[:, ::1] out, int threads):
    """out[i, j] = sign(y_pred[i, j] - y_true[i, j]) / (n b)."""
    gradients[floating](plain(MEAN_ABSOLUTE_ERROR), &y_true[0, 0], NULL, y_pred, out, threads)


def mean_absolute_percentage_error(const floating[:, ::1] y_true, const floating[:, ::1] y_pred,
                                   floating[::1] out, int threads):
    """out[i] = 100 * mean over j of |y_true - y_pred| / max(|y_true|, 1e-7)."""
    losses[floating](plain(MEAN_ABSOLUTE_PERCENTAGE_ERROR), &y_true[0, 0], NULL, y_pred, out, threads)


def mean_absolute_percentage_error_gradient(const floating[:, ::1] y_true, const floating[:, ::1] y_pred,
                                            floating[:, ::1] out, int threads):
    """out[i, j] = 100 sign(y_pred - y_true) / max(|y_true|, 1e-7) / (n b)."""
    gradients[floating](plain(MEAN_ABSOLUTE_PERCENTAGE_ERROR), &y_true[0, 0], NULL, y_pred, out, threads)


def mean_squared_logarithmic_error(const floating[:, ::1] y_true, const floating[:, ::1] y_pred,
                                   floating[::1] out, int threads):
    """out[i] = mean over j of (log(y_pred[i, j] + 1) - log(y_true[i, j] + 1))^2, both at least 1e-7."""
    losses[floating](plain(MEAN_SQUARED_LOGARITHMIC_ERROR), &y_true[0, 0], NULL, y_pred, out, threads)


def mean_squared_logarithmic_error_gradient(const floating[:, ::1] y_true, const floating[:, ::1] y_pred,
                                            floating[:, ::1] out, int threads):
    """out[i, j] = 2 (log(y_pred + 1) - log(y_true + 1)) / (y_pred + 1) / (n b), 0 where y_pred <= 1e-7."""
    gradients[floating](plain(MEAN_SQUARED_LOGARITHMIC_ERROR), &y_true[0, 0], NULL, y_pred, out, threads)


def huber(const floating[:, ::1] y_true, const floating[:, ::1] y_pred, double delta, floating[::1] out, int threads):
    """out[i] = mean over j of e^2 / 2 where |e| <= delta, else delta |e| - delta^2 / 2, e = y_pred - y_true."""
    cdef Loss loss = plain(HUBER)
    loss.delta = delta
    losses[floating](loss, &y_true[0, 0], NULL, y_pred, out, threads)


def huber_gradient(const floating[:, ::1] y_true, const floating[:, ::1] y_pred, double delta,
                   floating[:, ::1] out, int threads):
    """out[i, j] = e / (n b) where |e| <= delta, else delta sign(e) / (n b), e = y_pred[i, j] - y_true[i, j]."""
    cdef Loss loss = plain(HUBER)
    loss.delta = delta
    gradients[floating](loss, &y_true[0, 0], NULL, y_pred, out, threads)


def log_cosh(const floating[:, ::1] y_true, const floating[:, ::1] y_pred, floating[::1] out, int threads):
    """out[i] = mean over j of log(cosh(y_pred[i, j] - y_true[i, j]))."""
    losses[floating](plain(LOG_COSH), &y_true[0, 0], NULL, y_pred, out, threads)


def log_cosh_gradient(const floating[:, ::1] y_true, const floating[:, ::1] y_pred, floating[:, ::1] out, int threads):
    """out[i, j] = tanh(y_pred[i, j] - y_true[i, j]) / (n b)."""
    gradients[floating](plain(LOG_COSH), &y_true[0, 0], NULL, y_pred, out, threads)


def poisson(const floating[:, ::1] y_true, const floating[:, ::1] y_pred, floating[::1] out, int threads):
    """out[i] = mean over j of y_pred[i, j] - y_true[i, j] * log(y_pred[i, j] + 1e-7)."""
    losses[floating](plain(POISSON), &y_true[0, 0], NULL, y_pred, out, threads)


def poisson_gradient(const floating[:, ::1] y_true, const floating[:, ::1] y_pred, floating[:, ::1] out, int threads):
    """out[i, j] = (1 - y_true[i, j] / (y_pred[i, j] + 1e-7)) / (n b)."""
    gradients[floating](plain(POISSON), &y_true[0, 0], NULL, y_pred, out, threads)


def poisson_from_logits(const floating[:, ::1] y_true, const floating[:, ::1] logits, floating[::1] out, int threads):
    """out[i] = mean over j of exp(z) - y_true[i, j] * z, z = logits[i, j]."""
    losses[floating](plain(POISSON_FROM_LOGITS), &y_true[0, 0], NULL, logits, out, threads)


def poisson_from_logits_gradient(const floating[:, ::1] y_true, const floating[:, ::1] logits,
                                 floating[:, ::1] out, int threads):
    """out[i, j] = (exp(logits[i, j]) - y_true[i, j]) / (n b)."""
    gradients[floating](plain(POISSON_FROM_LOGITS), &y_true[0, 0], NULL, logits, out, threads)


def quantile(const floating[:, ::1] y_true, const floating[:, ::1] y_pred, const floating[::1] quantiles,
             floating[::1] out, int threads):
    """out[i] = mean over j of q[j] e where e >= 0, else (q[j] - 1) e, e = y_true[i, j] - y_pred[i, j]."""
    cdef const double[::1] numbers = np.asarray(quantiles, np.float64)
    cdef Loss loss = plain(QUANTILE)
    loss.quantiles = &numbers[0]
    losses[floating](loss, &y_true[0, 0], NULL, y_pred, out, threads)


def quantile_gradient(const floating[:, ::1] y_true, const floating[:, ::1] y_pred, const floating[::1] quantiles,
                      floating[:, ::1] out, int threads):
    """out[i, j] = -q[j] / (n b) where e > 0, (1 - q[j]) / (n b) where e < 0, else 0."""
    cdef const double[::1] numbers = np.asarray(quantiles, np.float64)
    cdef Loss loss = plain(QUANTILE)
    loss.quantiles = &numbers[0]
    gradients[floating](loss, &y_true[0, 0], NULL, y_pred, out, threads)
