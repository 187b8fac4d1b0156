"""Losses and their gradients, with the formulas of Keras; others are in crossentropies.py and similarities.py.

There are b rows in a batch and n columns in a row; t is the truth (y_true) and p the prediction (y_pred). A loss
returns one value a row. A gradient is that of the mean over the batch, with respect to the prediction, hence its 1 / b.
"""

import math

from reference.activations import exponential_of
from reference.ops import pairs, vector_dot, vector_sum

__all__ = [
    "huber",
    "huber_gradient",
    "log_cosh",
    "log_cosh_gradient",
    "mean_absolute_error",
    "mean_absolute_error_gradient",
    "mean_absolute_percentage_error",
    "mean_absolute_percentage_error_gradient",
    "mean_squared_error",
    "mean_squared_error_gradient",
    "mean_squared_logarithmic_error",
    "mean_squared_logarithmic_error_gradient",
    "poisson",
    "poisson_from_logits",
    "poisson_from_logits_gradient",
    "poisson_gradient",
    "quantile",
    "quantile_gradient",
]

EPSILON = 1e-7  # Keras' epsilon()


def mean_squared_error(y_true, y_pred):
    """Quadratic loss: 1/n sum_j (p_j - t_j)^2.

    Parameters
    ----------
    y_true, y_pred : [b, n]

    Returns
    -------
    [b]
    """
    losses = []
    for row_t, row_p in pairs(y_true, y_pred):
        differences = [p - t for t, p in pairs(row_t, row_p)]
        losses.append(vector_dot(differences, differences) / len(row_p))
    return losses


def mean_squared_error_gradient(y_true, y_pred):
    """Gradient of the mean quadratic loss: 2 (p_j - t_j) / (n b).

    Parameters
    ----------
    y_true, y_pred : [b, n]

    Returns
    -------
    [b, n]
    """
    size = len(y_pred) * len(y_pred[0])
    return [[(2.0 * (p - t)) / size for t, p in pairs(row_t, row_p)] for row_t, row_p in pairs(y_true, y_pred)]


def mean_absolute_error(y_true, y_pred):
    """Absolute loss: 1/n sum_j |p_j - t_j|.

    Parameters
    ----------
    y_true, y_pred : [b, n]

    Returns
    -------
    [b]
    """
    return row_means(y_true, y_pred, lambda t, p: abs(p - t))


def mean_absolute_error_gradient(y_true, y_pred):
    """Gradient of the mean absolute loss: sign(p_j - t_j) / (n b), 0 where they are equal.

    Parameters
    ----------
    y_true, y_pred : [b, n]

    Returns
    -------
    [b, n]
    """
    return slopes_of_mean(y_true, y_pred, lambda t, p: sign(p - t))


def mean_absolute_percentage_error(y_true, y_pred):
    """Absolute loss in percent of the truth: 100/n sum_j |(t_j - p_j) / max(|t_j|, EPSILON)|.

    Parameters
    ----------
    y_true, y_pred : [b, n]

    Returns
    -------
    [b]
    """
    return [100.0 * loss for loss in row_means(y_true, y_pred, lambda t, p: abs((t - p) / magnitude(t)))]


def mean_absolute_percentage_error_gradient(y_true, y_pred):
    """Gradient of its mean: 100 sign(p_j - t_j) / max(|t_j|, EPSILON) / (n b).

    Parameters
    ----------
    y_true, y_pred : [b, n]

    Returns
    -------
    [b, n]
    """
    return slopes_of_mean(y_true, y_pred, lambda t, p: (100.0 * sign(p - t)) / magnitude(t))


def mean_squared_logarithmic_error(y_true, y_pred):
    """Quadratic loss of logarithms: 1/n sum_j (log(p'_j + 1) - log(t'_j + 1))^2, where v' = max(v, EPSILON).

    Parameters
    ----------
    y_true, y_pred : [b, n]

    Returns
    -------
    [b]
    """
    return row_means(y_true, y_pred, lambda t, p: logarithmic_error(t, p) * logarithmic_error(t, p))


def mean_squared_logarithmic_error_gradient(y_true, y_pred):
    """Gradient of its mean: 2 (log(p_j + 1) - log(t'_j + 1)) / (p_j + 1) / (n b), 0 where p_j <= EPSILON.

    Parameters
    ----------
    y_true, y_pred : [b, n]

    Returns
    -------
    [b, n]
    """
    return slopes_of_mean(y_true, y_pred, logarithmic_slope)


def huber(y_true, y_pred, delta):
    """Quadratic up to delta, then absolute: 1/n sum_j h(p_j - t_j), h(e) = e^2 / 2 or delta |e| - delta^2 / 2.

    P. Huber, Robust estimation of a location parameter, 1964.

    Parameters
    ----------
    y_true, y_pred : [b, n]
    delta : float

    Returns
    -------
    [b]
    """
    return row_means(y_true, y_pred, lambda t, p: huber_of(p - t, delta))


def huber_gradient(y_true, y_pred, delta):
    """Gradient of the mean Huber loss: e / (n b) where |e| <= delta, else delta sign(e) / (n b), with e = p_j - t_j.

    Parameters
    ----------
    y_true, y_pred : [b, n]
    delta : float

    Returns
    -------
    [b, n]
    """
    return slopes_of_mean(y_true, y_pred, lambda t, p: huber_slope(p - t, delta))


def log_cosh(y_true, y_pred):
    """Logarithm of the hyperbolic cosine: 1/n sum_j log(cosh(p_j - t_j)).

    As |e| + log(1 + exp(-2 |e|)) - log(2), in which no exp overflows.

    Parameters
    ----------
    y_true, y_pred : [b, n]

    Returns
    -------
    [b]
    """
    return row_means(y_true, y_pred, lambda t, p: log_cosh_of(p - t))


def log_cosh_gradient(y_true, y_pred):
    """Gradient of the mean log_cosh: tanh(p_j - t_j) / (n b).

    Parameters
    ----------
    y_true, y_pred : [b, n]

    Returns
    -------
    [b, n]
    """
    return slopes_of_mean(y_true, y_pred, lambda t, p: math.tanh(p - t))


def poisson(y_true, y_pred):
    """Loss of counts of mean p: 1/n sum_j p_j - t_j log(p_j + EPSILON).

    Parameters
    ----------
    y_true, y_pred : [b, n]

    Returns
    -------
    [b]
    """
    return row_means(y_true, y_pred, lambda t, p: p - t * math.log(p + EPSILON))


def poisson_gradient(y_true, y_pred):
    """Gradient of the mean Poisson loss: (1 - t_j / (p_j + EPSILON)) / (n b).

    Parameters
    ----------
    y_true, y_pred : [b, n]

    Returns
    -------
    [b, n]
    """
    return slopes_of_mean(y_true, y_pred, lambda t, p: 1.0 - t / (p + EPSILON))


def poisson_from_logits(y_true, logits):
    """Poisson loss of the mean exp(z): 1/n sum_j exp(z_j) - t_j z_j.

    P. McCullagh and J. Nelder, Generalized linear models, 1989: z is the logarithm of the mean, however small that is.

    Parameters
    ----------
    y_true, logits : [b, n]

    Returns
    -------
    [b]
    """
    return row_means(y_true, logits, lambda t, z: exponential_of(z) - t * z)


def poisson_from_logits_gradient(y_true, logits):
    """Gradient of the mean Poisson loss of exp(z): (exp(z_j) - t_j) / (n b).

    Parameters
    ----------
    y_true, logits : [b, n]

    Returns
    -------
    [b, n]
    """
    return slopes_of_mean(y_true, logits, lambda t, z: exponential_of(z) - t)


def quantile(y_true, y_pred, quantiles):
    """Pinball loss, least at a quantile of the truth: 1/n sum_j q_j e_j where e_j >= 0, else (q_j - 1) e_j.

    Here e = t - p, and each column has a quantile of its own. R. Koenker and G. Bassett, Regression quantiles, 1978.

    Parameters
    ----------
    y_true, y_pred : [b, n]
    quantiles : [n]
        From 0 to 1; 1/2 gives half the absolute loss.

    Returns
    -------
    [b]
    """
    losses = []
    for row_t, row_p in pairs(y_true, y_pred):
        terms = [pinball(t - p, q) for (t, p), q in pairs(pairs(row_t, row_p), quantiles)]
        losses.append(vector_sum(terms) / len(terms))
    return losses


def quantile_gradient(y_true, y_pred, quantiles):
    """Gradient of the mean pinball loss: -q_j / (n b) where t_j > p_j, (1 - q_j) / (n b) where t_j < p_j, else 0.

    Parameters
    ----------
    y_true, y_pred : [b, n]
    quantiles : [n]

    Returns
    -------
    [b, n]
    """
    size = len(y_pred) * len(y_pred[0])
    gradient = []
    for row_t, row_p in pairs(y_true, y_pred):
        gradient.append([pinball_slope(t - p, q) / size for (t, p), q in pairs(pairs(row_t, row_p), quantiles)])
    return gradient


# Helpers on matrices, then on two numbers.


def row_means(y_true, y_pred, function):
    """1/n sum_j function(t_j, p_j) of each row, [b]."""
    return [vector_sum(values) / len(values) for values in each_column(y_true, y_pred, function)]


def slopes_of_mean(y_true, y_pred, slope):
    """slope(t_j, p_j) / (n b), [b, n]."""
    size = len(y_pred) * len(y_pred[0])
    return [[v / size for v in row] for row in each_column(y_true, y_pred, slope)]


def each_column(y_true, y_pred, function):
    """function(t, p) of the elements of two matrices."""
    return [[function(t, p) for t, p in pairs(row_t, row_p)] for row_t, row_p in pairs(y_true, y_pred)]


def sign(e):
    """-1, 0 or 1; NaN stays NaN."""
    return 1.0 if e > 0.0 else -1.0 if e < 0.0 else e


def magnitude(t):
    """|t|, at least EPSILON."""
    return max(abs(t), EPSILON)


def logarithmic_error(t, p):
    """log(p' + 1) - log(t' + 1), where v' = max(v, EPSILON)."""
    return math.log(max(p, EPSILON) + 1.0) - math.log(max(t, EPSILON) + 1.0)


def logarithmic_slope(t, p):
    """Slope of logarithmic_error(t, p)^2 in p."""
    return (2.0 * logarithmic_error(t, p)) / (p + 1.0) if p > EPSILON else 0.0


def huber_of(e, delta):
    """e^2 / 2 where |e| <= delta, else delta |e| - delta^2 / 2."""
    return 0.5 * (e * e) if abs(e) <= delta else delta * abs(e) - 0.5 * (delta * delta)


def huber_slope(e, delta):
    """Slope of huber_of(e, delta) in e."""
    return e if abs(e) <= delta else delta * sign(e)


def log_cosh_of(e):
    """log(cosh(e)) of one number."""
    return (abs(e) + math.log1p(math.exp(-2.0 * abs(e)))) - math.log(2.0)


def pinball(e, q):
    """q e where e >= 0, else (q - 1) e."""
    return q * e if e >= 0.0 else (q - 1.0) * e


def pinball_slope(e, q):
    """Slope of pinball(t - p, q) in p, where e = t - p; 0 where they are equal, NaN where they are not numbers."""
    return -q if e > 0.0 else 1.0 - q if e < 0.0 else e
