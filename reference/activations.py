"""Activation functions and their gradients (relu itself is in ops).

Here x is the input of the activation, y its output and dy the gradient of the loss with respect to y. A gradient
function returns dx = dy * dy/dx, written in terms of y, so that a network need not keep x. Most formulas are in
I. Goodfellow, Y. Bengio and A. Courville, Deep Learning, sections 3.10, 6.2.2 and 6.3.
"""

import math

from reference.ops import pairs, vector_dot, vector_sum

__all__ = [
    "exponential",
    "exponential_gradient",
    "hard_sigmoid",
    "hard_sigmoid_gradient",
    "linear",
    "linear_gradient",
    "log_softmax",
    "log_softmax_gradient",
    "relu_gradient",
    "sigmoid",
    "sigmoid_gradient",
    "softmax",
    "softmax_gradient",
    "softsign",
    "softsign_gradient",
    "tanh",
    "tanh_gradient",
]


def linear(x):
    """Identity: y = x.

    Parameters
    ----------
    x : [rows, units]

    Returns
    -------
    [rows, units]
    """
    return [list(row) for row in x]


def sigmoid(x):
    """Logistic function: y = 1 / (1 + exp(-x)).

    Parameters
    ----------
    x : [rows, units]

    Returns
    -------
    [rows, units]
    """
    return [[logistic(v) for v in row] for row in x]


def tanh(x):
    """Hyperbolic tangent: y = tanh(x).

    Parameters
    ----------
    x : [rows, units]

    Returns
    -------
    [rows, units]
    """
    return [[math.tanh(v) for v in row] for row in x]


def softmax(x):
    """Share of each unit in its row: y_j = exp(x_j - m) / sum_k exp(x_k - m), where m = max_k x_k.

    Parameters
    ----------
    x : [rows, units]

    Returns
    -------
    [rows, units]
        Each row sums to 1.
    """
    return [softmax_row(row) for row in x]


def log_softmax(x):
    """Logarithm of softmax: y_j = (x_j - m) - log(sum_k exp(x_k - m)), where m = max_k x_k.

    Parameters
    ----------
    x : [rows, units]

    Returns
    -------
    [rows, units]
    """
    y = []
    for row in x:
        shifted = subtract_maximum(row)
        logarithm = math.log(vector_sum([math.exp(v) for v in shifted]))
        y.append([v - logarithm for v in shifted])
    return y


def exponential(x):
    """Exponential function: y = exp(x).

    Parameters
    ----------
    x : [rows, units]

    Returns
    -------
    [rows, units]
    """
    return [[exponential_of(v) for v in row] for row in x]


def softsign(x):
    """Fraction that saturates: y = x / (1 + |x|).

    J. Turian, J. Bergstra and Y. Bengio, Quadratic features and deep architectures for chunking, 2009.

    Parameters
    ----------
    x : [rows, units]

    Returns
    -------
    [rows, units]
    """
    return [[v / (1.0 + abs(v)) for v in row] for row in x]


def hard_sigmoid(x):
    """Straight lines about the logistic function: y = min(max(x + 3, 0), 6) / 6, as in Keras 3.

    Parameters
    ----------
    x : [rows, units]

    Returns
    -------
    [rows, units]
    """
    return [[min(max(v + 3.0, 0.0), 6.0) / 6.0 for v in row] for row in x]


def linear_gradient(y, dy):
    """Gradient of linear: dx = dy.

    Parameters
    ----------
    y, dy : [rows, units]

    Returns
    -------
    [rows, units]
    """
    return [list(row) for row in dy]


def relu_gradient(y, dy):
    """Gradient of relu: dx = dy where y > 0, else 0.

    Parameters
    ----------
    y, dy : [rows, units]

    Returns
    -------
    [rows, units]
    """
    return [[d if v > 0.0 else 0.0 for v, d in pairs(row_y, row_dy)] for row_y, row_dy in pairs(y, dy)]


def sigmoid_gradient(y, dy):
    """Gradient of sigmoid: dx = dy * (y * (1 - y)).

    Parameters
    ----------
    y, dy : [rows, units]

    Returns
    -------
    [rows, units]
    """
    return [[d * (v * (1.0 - v)) for v, d in pairs(row_y, row_dy)] for row_y, row_dy in pairs(y, dy)]


def tanh_gradient(y, dy):
    """Gradient of tanh: dx = dy * (1 - y^2).

    Parameters
    ----------
    y, dy : [rows, units]

    Returns
    -------
    [rows, units]
    """
    return [[d * (1.0 - v * v) for v, d in pairs(row_y, row_dy)] for row_y, row_dy in pairs(y, dy)]


def softmax_gradient(y, dy):
    """Gradient of softmax: dx_j = y_j * (dy_j - sum_k dy_k y_k).

    Every unit of a row depends on all of that row's inputs, hence the sum.

    Parameters
    ----------
    y, dy : [rows, units]

    Returns
    -------
    [rows, units]
    """
    dx = []
    for row_y, row_dy in pairs(y, dy):
        dot = vector_dot(row_dy, row_y)
        dx.append([v * (d - dot) for v, d in pairs(row_y, row_dy)])
    return dx


def log_softmax_gradient(y, dy):
    """Gradient of log_softmax: dx_j = dy_j - exp(y_j) * sum_k dy_k.

    Parameters
    ----------
    y, dy : [rows, units]

    Returns
    -------
    [rows, units]
    """
    dx = []
    for row_y, row_dy in pairs(y, dy):
        total = vector_sum(row_dy)
        dx.append([d - math.exp(v) * total for v, d in pairs(row_y, row_dy)])
    return dx


def exponential_gradient(y, dy):
    """Gradient of exponential: dx = dy * y.

    Parameters
    ----------
    y, dy : [rows, units]

    Returns
    -------
    [rows, units]
    """
    return [[d * v for v, d in pairs(row_y, row_dy)] for row_y, row_dy in pairs(y, dy)]


def softsign_gradient(y, dy):
    """Gradient of softsign: dx = dy * (1 - |y|)^2.

    Parameters
    ----------
    y, dy : [rows, units]

    Returns
    -------
    [rows, units]
    """
    dx = []
    for row_y, row_dy in pairs(y, dy):
        dx.append([d * ((1.0 - abs(v)) * (1.0 - abs(v))) for v, d in pairs(row_y, row_dy)])
    return dx


def hard_sigmoid_gradient(y, dy):
    """Gradient of hard_sigmoid: dx = dy / 6 where 0 < y < 1, else 0.

    Parameters
    ----------
    y, dy : [rows, units]

    Returns
    -------
    [rows, units]
    """
    return [[d / 6.0 if 0.0 < v < 1.0 else 0.0 for v, d in pairs(row_y, row_dy)] for row_y, row_dy in pairs(y, dy)]


# Helpers on one number or one row, shared with the losses.


def exponential_of(v):
    """exp(v), infinite where it overflows as in C; math.exp raises there."""
    try:
        return math.exp(v)
    except OverflowError:
        return math.inf


def logistic(v):
    """1 / (1 + exp(-v)) of one number."""
    return 1.0 / (1.0 + exponential_of(-v))


def subtract_maximum(row):
    """x_j - max_k x_k. Softmax does not change by it, and exp of the result cannot overflow."""
    maximum = max(row)  # the first element unless a later one is greater, so a NaN counts only in first place
    return [v - maximum for v in row]


def softmax_row(row):
    """Softmax of one row of inputs, [units]."""
    exponentials = [math.exp(v) for v in subtract_maximum(row)]
    total = vector_sum(exponentials)
    return [e / total for e in exponentials]
