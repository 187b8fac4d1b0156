"""Cross-entropies and their gradients, with the formulas of Keras; b, n, t and p are those of reference/losses.py.

The sparse losses take labels, one int a row, where the others take a row of shares such as a one-hot row. The losses
named from_logits take z, the input of the softmax or sigmoid, instead of its output: softmax and logarithm together
stay exact where the probability alone would underflow.
"""

import math

from reference.activations import logistic, softmax_row, subtract_maximum
from reference.losses import EPSILON
from reference.ops import divide, pairs, vector_dot, vector_sum

__all__ = [
    "binary_crossentropy",
    "binary_crossentropy_from_logits",
    "binary_crossentropy_from_logits_gradient",
    "binary_crossentropy_gradient",
    "binary_focal_crossentropy",
    "binary_focal_crossentropy_from_logits",
    "binary_focal_crossentropy_from_logits_gradient",
    "binary_focal_crossentropy_gradient",
    "categorical_crossentropy",
    "categorical_crossentropy_from_logits",
    "categorical_crossentropy_from_logits_gradient",
    "categorical_crossentropy_gradient",
    "categorical_focal_crossentropy",
    "categorical_focal_crossentropy_from_logits",
    "categorical_focal_crossentropy_from_logits_gradient",
    "categorical_focal_crossentropy_gradient",
    "smooth_labels",
    "sparse_categorical_crossentropy",
    "sparse_categorical_crossentropy_from_logits",
    "sparse_categorical_crossentropy_from_logits_gradient",
    "sparse_categorical_crossentropy_gradient",
]


def smooth_labels(y_true, label_smoothing, classes):
    """Targets that share out a part of what they claim among the classes: t_j (1 - s) + s / classes.

    C. Szegedy et al., Rethinking the inception architecture for computer vision, 2016. For n yes-or-no answers there
    are 2 classes.

    Parameters
    ----------
    y_true : [b, n]
    label_smoothing : float
        s, from 0 to 1.
    classes : int

    Returns
    -------
    [b, n]
    """
    return [[t * (1.0 - label_smoothing) + label_smoothing / classes for t in row] for row in y_true]


def categorical_crossentropy(y_true, y_pred):
    """Cross-entropy of two distributions: -sum_j t_j log(clip(q_j)), where q_j = p_j / sum_k p_k.

    Parameters
    ----------
    y_true, y_pred : [b, n]

    Returns
    -------
    [b]
    """
    losses = []
    for row_t, row_p in pairs(y_true, y_pred):
        s = vector_sum(row_p)
        logarithms = [math.log(clip(divide(p, s))) for p in row_p]
        losses.append(-vector_dot(row_t, logarithms))
    return losses


def categorical_crossentropy_gradient(y_true, y_pred):
    """Gradient of the mean cross-entropy: (g_j - sum_k g_k q_k) / s / b, where s = sum_k p_k and q = p / s.

    g_j = -t_j / q_j is the slope of the loss in q_j, 0 where q_j was clipped; the rest is the slope of q in p.

    Parameters
    ----------
    y_true, y_pred : [b, n]

    Returns
    -------
    [b, n]
    """
    gradient = []
    for row_t, row_p in pairs(y_true, y_pred):
        s = vector_sum(row_p)
        shares = [divide(p, s) for p in row_p]
        slopes = [logarithm_slope(t, q) for t, q in pairs(row_t, shares)]
        dot = vector_dot(slopes, shares)
        gradient.append([divide(g - dot, s) / len(y_pred) for g in slopes])
    return gradient


def categorical_focal_crossentropy(y_true, y_pred, alpha, gamma):
    """Cross-entropy with less weight on what is predicted well: -sum_j t_j alpha clip(1 - q_j)^gamma log(clip(q_j)).

    Here q_j = p_j / sum_k p_k. T.-Y. Lin et al., Focal loss for dense object detection, 2017.

    Parameters
    ----------
    y_true, y_pred : [b, n]
    alpha : float
        Usually 0.25.
    gamma : float
        At least 0, usually 2; 0 gives alpha times categorical_crossentropy.

    Returns
    -------
    [b]
    """
    losses = []
    for row_t, row_p in pairs(y_true, y_pred):
        s = vector_sum(row_p)
        terms = [focal_logarithm(divide(p, s), alpha, gamma) for p in row_p]
        losses.append(-vector_dot(row_t, terms))
    return losses


def categorical_focal_crossentropy_gradient(y_true, y_pred, alpha, gamma):
    """Gradient of the mean focal cross-entropy: that of categorical_crossentropy, with another slope g_j.

    g_j = t_j alpha (gamma (1 - q_j)^(gamma - 1) log(q_j) - (1 - q_j)^gamma / q_j), 0 where q_j was clipped.

    Parameters
    ----------
    y_true, y_pred : [b, n]
    alpha, gamma : float

    Returns
    -------
    [b, n]
    """
    gradient = []
    for row_t, row_p in pairs(y_true, y_pred):
        s = vector_sum(row_p)
        shares = [divide(p, s) for p in row_p]
        slopes = [focal_slope(t, q, alpha, gamma) for t, q in pairs(row_t, shares)]
        dot = vector_dot(slopes, shares)
        gradient.append([divide(g - dot, s) / len(y_pred) for g in slopes])
    return gradient


def sparse_categorical_crossentropy(y_true, y_pred):
    """Cross-entropy against a label: -log(clip(q_label)), where q_j = p_j / sum_k p_k.

    Parameters
    ----------
    y_true : [b] of int
    y_pred : [b, n]

    Returns
    -------
    [b]
    """
    return [-math.log(clip(divide(row[label], vector_sum(row)))) for label, row in pairs(y_true, y_pred)]


def sparse_categorical_crossentropy_gradient(y_true, y_pred):
    """Gradient of the mean sparse cross-entropy: categorical_crossentropy_gradient with t = 1 at the label, else 0.

    Parameters
    ----------
    y_true : [b] of int
    y_pred : [b, n]

    Returns
    -------
    [b, n]
    """
    gradient = []
    for label, row_p in pairs(y_true, y_pred):
        s = vector_sum(row_p)
        q_label = divide(row_p[label], s)
        slopes = [0.0] * len(row_p)
        slopes[label] = logarithm_slope(1.0, q_label)
        dot = slopes[label] * q_label
        gradient.append([divide(g - dot, s) / len(y_pred) for g in slopes])
    return gradient


def binary_crossentropy(y_true, y_pred):
    """Cross-entropy of n yes-or-no answers: -1/n sum_j t_j log(c_j) + (1 - t_j) log(1 - c_j), where c = clip(p).

    Parameters
    ----------
    y_true, y_pred : [b, n]

    Returns
    -------
    [b]
    """
    losses = []
    for row_t, row_p in pairs(y_true, y_pred):
        total = 0.0
        for t, p in pairs(row_t, row_p):
            c = clip(p)
            total += t * math.log(c) + (1.0 - t) * math.log(1.0 - c)
        losses.append(-total / len(row_p))
    return losses


def binary_crossentropy_gradient(y_true, y_pred):
    """Gradient of the mean binary cross-entropy: ((1 - t) / (1 - p) - t / p) / (n b), 0 where p was clipped.

    Parameters
    ----------
    y_true, y_pred : [b, n]

    Returns
    -------
    [b, n]
    """
    size = len(y_pred) * len(y_pred[0])
    gradient = []
    for row_t, row_p in pairs(y_true, y_pred):
        slopes = [(1.0 - t) / (1.0 - p) - t / p if is_inside(p) else 0.0 for t, p in pairs(row_t, row_p)]
        gradient.append([slope / size for slope in slopes])
    return gradient


def categorical_crossentropy_from_logits(y_true, logits):
    """Cross-entropy of softmax(z): -sum_j t_j log(softmax(z)_j).

    Parameters
    ----------
    y_true, logits : [b, n]

    Returns
    -------
    [b]
    """
    return [vector_dot(t, surprises(z)) for t, z in pairs(y_true, logits)]


def categorical_crossentropy_from_logits_gradient(y_true, logits):
    """Gradient of the mean cross-entropy of softmax(z): (softmax(z)_j * sum_k t_k - t_j) / b.

    Parameters
    ----------
    y_true, logits : [b, n]

    Returns
    -------
    [b, n]
    """
    gradient = []
    for row_t, row_z in pairs(y_true, logits):
        total = vector_sum(row_t)
        gradient.append([(p * total - t) / len(logits) for t, p in pairs(row_t, softmax_row(row_z))])
    return gradient


def categorical_focal_crossentropy_from_logits(y_true, logits, alpha, gamma):
    """Focal cross-entropy of softmax(z): sum_j t_j alpha (1 - q_j)^gamma s_j, with s_j = -log(q_j), q = softmax(z).

    Parameters
    ----------
    y_true, logits : [b, n]
    alpha, gamma : float

    Returns
    -------
    [b]
    """
    losses = []
    for row_t, row_z in pairs(y_true, logits):
        terms = [alpha * math.pow(-math.expm1(-s), gamma) * s for s in surprises(row_z)]
        losses.append(vector_dot(row_t, terms))
    return losses


def categorical_focal_crossentropy_from_logits_gradient(y_true, logits, alpha, gamma):
    """Gradient of the mean focal cross-entropy of softmax(z): (q_j * sum_k t_k g_k - t_j g_j) / b.

    g_j = alpha ((1 - q_j)^gamma - gamma (1 - q_j)^(gamma - 1) q_j log(q_j)) is 1 for gamma = 0 and alpha = 1.

    Parameters
    ----------
    y_true, logits : [b, n]
    alpha, gamma : float

    Returns
    -------
    [b, n]
    """
    gradient = []
    for row_t, row_z in pairs(y_true, logits):
        shares = softmax_row(row_z)
        weights = [t * focal_weight(q, alpha, gamma) for t, q in pairs(row_t, shares)]
        total = vector_sum(weights)
        gradient.append([(q * total - w) / len(logits) for q, w in pairs(shares, weights)])
    return gradient


def sparse_categorical_crossentropy_from_logits(y_true, logits):
    """Cross-entropy of softmax(z) against a label: -log(softmax(z)_label).

    Parameters
    ----------
    y_true : [b] of int
    logits : [b, n]

    Returns
    -------
    [b]
    """
    return [surprises(z)[label] for label, z in pairs(y_true, logits)]


def sparse_categorical_crossentropy_from_logits_gradient(y_true, logits):
    """Gradient of the mean sparse cross-entropy of softmax(z): (softmax(z)_j - 1) / b at the label, else without the 1.

    Parameters
    ----------
    y_true : [b] of int
    logits : [b, n]

    Returns
    -------
    [b, n]
    """
    gradient = []
    for label, z in pairs(y_true, logits):
        slopes = softmax_row(z)
        slopes[label] = slopes[label] - 1.0
        gradient.append([slope / len(logits) for slope in slopes])
    return gradient


def binary_crossentropy_from_logits(y_true, logits):
    """Binary cross-entropy of sigmoid(z): 1/n sum_j max(z_j, 0) - z_j t_j + log(1 + exp(-|z_j|)).

    The form of TensorFlow's sigmoid_cross_entropy_with_logits, in which no exp overflows.

    Parameters
    ----------
    y_true, logits : [b, n]

    Returns
    -------
    [b]
    """
    losses = []
    for row_t, row_z in pairs(y_true, logits):
        total = 0.0
        for t, z in pairs(row_t, row_z):
            total += (max(0.0, z) - z * t) + math.log1p(math.exp(-abs(z)))
        losses.append(total / len(row_z))
    return losses


def binary_crossentropy_from_logits_gradient(y_true, logits):
    """Gradient of the mean binary cross-entropy of sigmoid(z): (sigmoid(z_j) - t_j) / (n b).

    Parameters
    ----------
    y_true, logits : [b, n]

    Returns
    -------
    [b, n]
    """
    size = len(logits) * len(logits[0])
    return [[(logistic(z) - t) / size for t, z in pairs(row_t, row_z)] for row_t, row_z in pairs(y_true, logits)]


def binary_focal_crossentropy(y_true, y_pred, alpha, beta, gamma):
    """Binary cross-entropy with less weight on what is predicted well: 1/n sum_j w_j r_j^gamma c_j.

    Here c_j is the binary cross-entropy of the column, r_j = 1 - t_j p_j - (1 - t_j) (1 - p_j) how wrong p_j is, and
    w_j = t_j alpha + (1 - t_j) beta. T.-Y. Lin et al., Focal loss for dense object detection, 2017.

    Parameters
    ----------
    y_true, y_pred : [b, n]
    alpha, beta : float
        Weights of yes and no; Keras has 1 and 1, or alpha and 1 - alpha.
    gamma : float
        At least 0, usually 2; 0 gives binary_crossentropy.

    Returns
    -------
    [b]
    """
    losses = []
    for row_t, row_p in pairs(y_true, y_pred):
        terms = [binary_focal(t, p, alpha, beta, gamma) for t, p in pairs(row_t, row_p)]
        losses.append(vector_sum(terms) / len(terms))
    return losses


def binary_focal_crossentropy_gradient(y_true, y_pred, alpha, beta, gamma):
    """Gradient of its mean: w_j (r_j^gamma c_j' + gamma r_j^(gamma - 1) (1 - 2 t_j) c_j) / (n b).

    c_j' is the slope of c_j, 0 where p_j was clipped.

    Parameters
    ----------
    y_true, y_pred : [b, n]
    alpha, beta, gamma : float

    Returns
    -------
    [b, n]
    """
    size = len(y_pred) * len(y_pred[0])
    gradient = []
    for row_t, row_p in pairs(y_true, y_pred):
        gradient.append([binary_focal_slope(t, p, alpha, beta, gamma) / size for t, p in pairs(row_t, row_p)])
    return gradient


def binary_focal_crossentropy_from_logits(y_true, logits, alpha, beta, gamma):
    """Binary focal cross-entropy of sigmoid(z), where nothing is clipped: c_j as in binary_crossentropy_from_logits.

    Parameters
    ----------
    y_true, logits : [b, n]
    alpha, beta, gamma : float

    Returns
    -------
    [b]
    """
    losses = []
    for row_t, row_z in pairs(y_true, logits):
        terms = [binary_focal_logit(t, z, alpha, beta, gamma) for t, z in pairs(row_t, row_z)]
        losses.append(vector_sum(terms) / len(terms))
    return losses


def binary_focal_crossentropy_from_logits_gradient(y_true, logits, alpha, beta, gamma):
    """Gradient of its mean: w_j (r_j^gamma (p_j - t_j) + gamma r_j^(gamma - 1) (1 - 2 t_j) c_j p_j (1 - p_j)) / (n b).

    Parameters
    ----------
    y_true, logits : [b, n]
    alpha, beta, gamma : float

    Returns
    -------
    [b, n]
    """
    size = len(logits) * len(logits[0])
    gradient = []
    for row_t, row_z in pairs(y_true, logits):
        slopes = [binary_focal_logit_slope(t, logistic(z), alpha, beta, gamma) for t, z in pairs(row_t, row_z)]
        gradient.append([slope / size for slope in slopes])
    return gradient


# Helpers on one number or one row.


def clip(v):
    """v moved into [EPSILON, 1 - EPSILON]; NaN stays NaN."""
    return min(max(v, EPSILON), 1.0 - EPSILON)


def is_inside(v):
    """Whether clip leaves v as it is; where it does not, the slope is 0."""
    return EPSILON <= v <= 1.0 - EPSILON


def logarithm_slope(t, q):
    """Slope of -t log(clip(q)) in q."""
    return -t / q if is_inside(q) else 0.0


def focal_logarithm(q, alpha, gamma):
    """alpha clip(1 - q)^gamma log(clip(q))."""
    return alpha * math.pow(clip(1.0 - q), gamma) * math.log(clip(q))


def focal_slope(t, q, alpha, gamma):
    """Slope of -t focal_logarithm(q) in q."""
    if not is_inside(q):
        return 0.0
    rest = 1.0 - q
    return t * alpha * (gamma * math.pow(rest, gamma - 1.0) * math.log(q) - math.pow(rest, gamma) / q)


def focal_weight(q, alpha, gamma):
    """Slope of alpha (1 - q)^gamma log(q) in log(q)."""
    rest = 1.0 - q
    growth = gamma * math.pow(rest, gamma - 1.0) * q * math.log(q) if 0.0 < q < 1.0 else 0.0
    return alpha * (math.pow(rest, gamma) - growth)


def surprises(z):
    """-log(softmax(z)_j) = log(sum_k exp(z_k - m)) - (z_j - m), where m = max_k z_k, of one row z : [n]."""
    shifted = subtract_maximum(z)
    logarithm = math.log(vector_sum([math.exp(v) for v in shifted]))
    return [logarithm - v for v in shifted]


def binary_focal(t, p, alpha, beta, gamma):
    """The binary focal cross-entropy of one column."""
    return (t * alpha + (1.0 - t) * beta) * (power_of(wrongness(t, p), gamma) * surprise(t, p))


def binary_focal_slope(t, p, alpha, beta, gamma):
    """Slope of binary_focal in p."""
    rest, slope, growth = wrongness(t, p), 0.0, 0.0
    if is_inside(p):
        slope = power_of(rest, gamma) * ((1.0 - t) / (1.0 - p) - t / p)
    if gamma != 0.0:
        growth = (gamma * power_of(rest, gamma - 1.0)) * ((1.0 - 2.0 * t) * surprise(t, p))
    return (t * alpha + (1.0 - t) * beta) * (slope + growth)


def binary_focal_logit(t, z, alpha, beta, gamma):
    """The binary focal cross-entropy of one column, of sigmoid(z)."""
    entropy = (max(0.0, z) - z * t) + math.log1p(math.exp(-abs(z)))
    return (t * alpha + (1.0 - t) * beta) * (power_of(wrongness(t, logistic(z)), gamma) * entropy)


def binary_focal_logit_slope(t, p, alpha, beta, gamma):
    """Slope of binary_focal_logit in z, where p = sigmoid(z)."""
    rest, both, growth = wrongness(t, p), p * (1.0 - p), 0.0
    if gamma != 0.0 and both > 0.0:
        growth = (gamma * power_of(rest, gamma - 1.0)) * (1.0 - 2.0 * t)
        growth = growth * (-(t * math.log(p) + (1.0 - t) * math.log(1.0 - p)) * both)
    return (t * alpha + (1.0 - t) * beta) * (power_of(rest, gamma) * (p - t) + growth)


def wrongness(t, p):
    """How far a prediction is from right: 1 - p where t is 1, p where it is 0."""
    return 1.0 - (t * p + (1.0 - t) * (1.0 - p))


def surprise(t, p):
    """The binary cross-entropy of one column."""
    c = clip(p)
    return -(t * math.log(c) + (1.0 - t) * math.log(1.0 - c))


def power_of(base, exponent):
    """As in C: infinite for 0 to a negative power, NaN for a fraction of a negative number."""
    if base == 0.0 and exponent < 0.0:
        return math.inf
    if -math.inf < base < 0.0 and exponent != math.floor(exponent):
        return math.nan
    return math.pow(base, exponent)
