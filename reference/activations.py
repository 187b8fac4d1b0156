"""Activation functions and their gradients (relu itself is in ops).

Here x is the input of the activation, y its output and dy the gradient of the loss with respect to y. A gradient
function returns dx = dy * dy/dx, written in terms of y, so that a network need not keep x. The formulas are in
I. Goodfellow, Y. Bengio and A. Courville, Deep Learning, sections 3.10, 6.2.2 and 6.3.
"""

import math

from reference.ops import pairs, vector_dot, vector_sum


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


# Helpers on one number or one row, shared with the losses.


def exponential(v):
    """exp(v), infinite where it overflows as in C; math.exp raises there."""
    try:
        return math.exp(v)
    except OverflowError:
        return math.inf


def logistic(v):
    """1 / (1 + exp(-v)) of one number."""
    return 1.0 / (1.0 + exponential(-v))


def subtract_maximum(row):
    """x_j - max_k x_k. Softmax does not change by it, and exp of the result cannot overflow."""
    maximum = max(row)  # the first element unless a later one is greater, so a NaN counts only in first place
    return [v - maximum for v in row]


def softmax_row(row):
    """Softmax of one row of inputs, [units]."""
    exponentials = [math.exp(v) for v in subtract_maximum(row)]
    total = vector_sum(exponentials)
    return [e / total for e in exponentials]
