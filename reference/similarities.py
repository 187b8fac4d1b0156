"""Losses that tell how far two rows agree, and their gradients, with the formulas of Keras; symbols as in losses.py."""

import math

from reference.activations import softmax_row
from reference.crossentropies import surprises
from reference.losses import EPSILON, row_means, slopes_of_mean
from reference.ops import pairs, vector_dot, vector_sum

__all__ = [
    "categorical_hinge",
    "categorical_hinge_gradient",
    "cosine_similarity",
    "cosine_similarity_gradient",
    "hinge",
    "hinge_gradient",
    "kl_divergence",
    "kl_divergence_from_logits",
    "kl_divergence_from_logits_gradient",
    "kl_divergence_gradient",
    "squared_hinge",
    "squared_hinge_gradient",
]


def hinge(y_true, y_pred):
    """Loss of a margin below 1: 1/n sum_j max(1 - t_j p_j, 0), where t is -1 or 1.

    C. Cortes and V. Vapnik, Support-vector networks, 1995.

    Parameters
    ----------
    y_true, y_pred : [b, n]

    Returns
    -------
    [b]
    """
    return row_means(y_true, y_pred, shortfall)


def hinge_gradient(y_true, y_pred):
    """Gradient of the mean hinge loss: -t_j / (n b) where t_j p_j < 1, else 0.

    Parameters
    ----------
    y_true, y_pred : [b, n]

    Returns
    -------
    [b, n]
    """
    return slopes_of_mean(y_true, y_pred, lambda t, p: -t if shortfall(t, p) > 0.0 else 0.0)


def squared_hinge(y_true, y_pred):
    """Squared loss of a margin below 1: 1/n sum_j max(1 - t_j p_j, 0)^2, where t is -1 or 1.

    Parameters
    ----------
    y_true, y_pred : [b, n]

    Returns
    -------
    [b]
    """
    return row_means(y_true, y_pred, lambda t, p: shortfall(t, p) * shortfall(t, p))


def squared_hinge_gradient(y_true, y_pred):
    """Gradient of the mean squared hinge loss: -2 t_j max(1 - t_j p_j, 0) / (n b).

    Parameters
    ----------
    y_true, y_pred : [b, n]

    Returns
    -------
    [b, n]
    """
    return slopes_of_mean(y_true, y_pred, lambda t, p: (-2.0 * t) * shortfall(t, p))


def categorical_hinge(y_true, y_pred):
    """Loss of a class that does not lead by 1: max(max_j((1 - t_j) p_j) - sum_j t_j p_j + 1, 0), where t is one-hot.

    Parameters
    ----------
    y_true, y_pred : [b, n]

    Returns
    -------
    [b]
    """
    return [max(lag(t, p), 0.0) for t, p in pairs(y_true, y_pred)]


def categorical_hinge_gradient(y_true, y_pred):
    """Gradient of its mean: (m_j - t_j) / b, m_j = 1 - t_j at the first maximum of (1 - t) p, else 0; 0 without a loss.

    Parameters
    ----------
    y_true, y_pred : [b, n]

    Returns
    -------
    [b, n]
    """
    gradient = []
    for row_t, row_p in pairs(y_true, y_pred):
        slopes = [0.0] * len(row_p)
        if lag(row_t, row_p) > 0.0:
            others = rivals(row_t, row_p)
            best = others.index(max(others))
            slopes = [-t for t in row_t]
            slopes[best] = (1.0 - row_t[best]) - row_t[best]
        gradient.append([slope / len(y_pred) for slope in slopes])
    return gradient


def kl_divergence(y_true, y_pred):
    """Divergence of two distributions: sum_j t'_j log(t'_j / p'_j), where v' is v moved into [EPSILON, 1].

    S. Kullback and R. Leibler, On information and sufficiency, 1951.

    Parameters
    ----------
    y_true, y_pred : [b, n]

    Returns
    -------
    [b]
    """
    losses = []
    for row_t, row_p in pairs(y_true, y_pred):
        parts = [share(t) * math.log(share(t) / share(p)) for t, p in pairs(row_t, row_p)]
        losses.append(vector_sum(parts))
    return losses


def kl_divergence_gradient(y_true, y_pred):
    """Gradient of the mean divergence: -t'_j / p_j / b, 0 where p_j was moved.

    Parameters
    ----------
    y_true, y_pred : [b, n]

    Returns
    -------
    [b, n]
    """
    gradient = []
    for row_t, row_p in pairs(y_true, y_pred):
        slopes = [-share(t) / p if EPSILON <= p <= 1.0 else 0.0 for t, p in pairs(row_t, row_p)]
        gradient.append([slope / len(y_pred) for slope in slopes])
    return gradient


def kl_divergence_from_logits(y_true, logits):
    """Divergence of softmax(z): sum_j t'_j (log(t'_j) - log(softmax(z)_j)), where t' is t moved into [EPSILON, 1].

    Parameters
    ----------
    y_true, logits : [b, n]

    Returns
    -------
    [b]
    """
    losses = []
    for row_t, row_z in pairs(y_true, logits):
        parts = [share(t) * (math.log(share(t)) + s) for t, s in pairs(row_t, surprises(row_z))]
        losses.append(vector_sum(parts))
    return losses


def kl_divergence_from_logits_gradient(y_true, logits):
    """Gradient of the mean divergence of softmax(z): (softmax(z)_j * sum_k t'_k - t'_j) / b.

    Parameters
    ----------
    y_true, logits : [b, n]

    Returns
    -------
    [b, n]
    """
    gradient = []
    for row_t, row_z in pairs(y_true, logits):
        shares = [share(t) for t in row_t]
        total = vector_sum(shares)
        gradient.append([(p * total - t) / len(logits) for t, p in pairs(shares, softmax_row(row_z))])
    return gradient


def cosine_similarity(y_true, y_pred):
    """Minus the cosine of the angle: -sum_j t_j / |t| p_j / |p|, where |v| = sqrt(sum_j v_j^2), at least EPSILON.

    Parameters
    ----------
    y_true, y_pred : [b, n]

    Returns
    -------
    [b]
    """
    return [-vector_dot(direction(t), direction(p)) for t, p in pairs(y_true, y_pred)]


def cosine_similarity_gradient(y_true, y_pred):
    """Gradient of its mean: (c p_j / |p| - t_j / |t|) / |p| / b, where c is the cosine, 0 where |p| was below EPSILON.

    Parameters
    ----------
    y_true, y_pred : [b, n]

    Returns
    -------
    [b, n]
    """
    gradient = []
    for row_t, row_p in pairs(y_true, y_pred):
        unit_t, unit_p = direction(row_t), direction(row_p)
        size = length(row_p)
        cosine = vector_dot(unit_t, unit_p) if size > EPSILON else 0.0
        slopes = [(cosine * p - t) / size for t, p in pairs(unit_t, unit_p)]
        gradient.append([slope / len(y_pred) for slope in slopes])
    return gradient


# Helpers on one number or one row.


def shortfall(t, p):
    """How far the margin t p is below 1."""
    return max(1.0 - t * p, 0.0)


def share(v):
    """v moved into [EPSILON, 1]."""
    return min(max(v, EPSILON), 1.0)


def rivals(row_t, row_p):
    """The predictions of the classes that are not the true one, which has 0."""
    return [(1.0 - t) * p for t, p in pairs(row_t, row_p)]


def lag(row_t, row_p):
    """What the true class lacks to lead all others by 1."""
    return (max(rivals(row_t, row_p)) - vector_dot(row_t, row_p)) + 1.0


def length(row):
    """sqrt(sum_j v_j^2), at least EPSILON."""
    return max(math.sqrt(vector_dot(row, row)), EPSILON)


def direction(row):
    """The row divided by its length."""
    size = length(row)
    return [v / size for v in row]
