"""Further activations with bends, and sparsemax. Names and constants are those of Keras.

As in activations, y is the output for the input x, and dy the gradient of the loss with respect to y. A gradient takes
y where the slope follows from it, else x.
"""

import math

from reference.ops import pairs, vector_sum
from reference.rectifiers import each_pair, softplus_of

__all__ = [
    "gelu_tanh",
    "gelu_tanh_gradient",
    "log_sigmoid",
    "log_sigmoid_gradient",
    "scaled_elu",
    "scaled_elu_gradient",
    "sparsemax",
    "sparsemax_gradient",
    "squareplus",
    "squareplus_gradient",
    "tanh_shrink",
    "tanh_shrink_gradient",
]

GELU_FACTOR = math.sqrt(2.0 / math.pi)
GELU_CUBE = 0.044715


def log_sigmoid(x):
    """Logarithm of the sigmoid: y = -softplus(-x).

    Parameters
    ----------
    x : [rows, units]

    Returns
    -------
    [rows, units]
    """
    return [[-softplus_of(-v) for v in row] for row in x]


def log_sigmoid_gradient(y, dy):
    """Gradient of log_sigmoid: dx = dy * (1 - exp(y)), which is dy * sigmoid(-x).

    Parameters
    ----------
    y, dy : [rows, units]

    Returns
    -------
    [rows, units]
    """
    return each_pair(y, dy, lambda v, d: d * -math.expm1(v))


def tanh_shrink(x):
    """What the hyperbolic tangent leaves: y = x - tanh(x).

    Parameters
    ----------
    x : [rows, units]

    Returns
    -------
    [rows, units]
    """
    return [[v - math.tanh(v) for v in row] for row in x]


def tanh_shrink_gradient(x, dy):
    """Gradient of tanh_shrink: dx = dy * tanh(x)^2.

    Parameters
    ----------
    x, dy : [rows, units]

    Returns
    -------
    [rows, units]
    """
    return each_pair(x, dy, lambda v, d: d * (math.tanh(v) * math.tanh(v)))


def gelu_tanh(x):
    """Approximation of gelu: y = x * (1 + tanh(u)) / 2, where u = sqrt(2 / pi) (x + 0.044715 x^3).

    D. Hendrycks and K. Gimpel, Gaussian error linear units, 2016.

    Parameters
    ----------
    x : [rows, units]

    Returns
    -------
    [rows, units]
    """
    return [[v * (0.5 * (1.0 + math.tanh(gelu_argument(v)))) for v in row] for row in x]


def gelu_tanh_gradient(x, dy):
    """Gradient of gelu_tanh: dx = dy * ((1 + t) / 2 + x * (1 - t^2) / 2 * u'), where t = tanh(u).

    Parameters
    ----------
    x, dy : [rows, units]

    Returns
    -------
    [rows, units]
    """

    def slope(v):
        t = math.tanh(gelu_argument(v))
        inner = GELU_FACTOR * (1.0 + (3.0 * GELU_CUBE) * (v * v))
        return 0.5 * (1.0 + t) + v * ((0.5 * (1.0 - t * t)) * inner)

    return each_pair(x, dy, lambda v, d: d * slope(v))


def scaled_elu(x, alpha, width):
    """Exponential linear unit with settings: y = x where x > 0, else alpha * (exp(x / width) - 1).

    With a width of 1 it is Keras' elu; with a width of alpha it is celu (J. Barron, Continuously differentiable
    exponential linear units, 2017).

    Parameters
    ----------
    x : [rows, units]
    alpha, width : float
        Not 0.

    Returns
    -------
    [rows, units]
    """
    return [[v if v > 0.0 else alpha * math.expm1(v / width) for v in row] for row in x]


def scaled_elu_gradient(x, dy, alpha, width):
    """Gradient of scaled_elu: dx = dy where x > 0, else dy * alpha / width * exp(x / width).

    Parameters
    ----------
    x, dy : [rows, units]
    alpha, width : float

    Returns
    -------
    [rows, units]
    """
    return each_pair(x, dy, lambda v, d: d if v > 0.0 else d * ((alpha / width) * math.exp(v / width)))


def squareplus(x, b):
    """Softplus without an exponential: y = (x + sqrt(x^2 + b)) / 2.

    J. Barron, Squareplus: a softplus-like algebraic rectifier, 2021.

    Parameters
    ----------
    x : [rows, units]
    b : float
        Above 0, usually 4.

    Returns
    -------
    [rows, units]
    """
    return [[0.5 * (v + math.sqrt(v * v + b)) for v in row] for row in x]


def squareplus_gradient(x, dy, b):
    """Gradient of squareplus: dx = dy * (1 + x / sqrt(x^2 + b)) / 2.

    Parameters
    ----------
    x, dy : [rows, units]
    b : float

    Returns
    -------
    [rows, units]
    """
    return each_pair(x, dy, lambda v, d: d * (0.5 * (1.0 + v / math.sqrt(v * v + b))))


def sparsemax(x):
    """The distribution nearest to each row, many of whose shares are 0: y_j = max(x_j - t, 0), where sum_j y_j = 1.

    A. Martins and R. Astudillo, From softmax to sparsemax, 2016. The threshold t is found without sorting: it is what
    makes the sum 1 if all elements stay; as long as some are below, they are left out. C. Michelot, A finite algorithm
    for finding the projection of a point onto the canonical simplex, 1986.

    Parameters
    ----------
    x : [rows, units]

    Returns
    -------
    [rows, units]
    """
    return [sparsemax_row(row) for row in x]


def sparsemax_gradient(y, dy):
    """Gradient of sparsemax: dx_j = dy_j minus the mean of dy over the y above 0 where y_j is one of them, else 0.

    Parameters
    ----------
    y, dy : [rows, units]

    Returns
    -------
    [rows, units]
    """
    gradient = []
    for row_y, row_dy in pairs(y, dy):
        inside = [d for v, d in pairs(row_y, row_dy) if v > 0.0]
        mean = vector_sum(inside) / len(inside)
        gradient.append([d - mean if v > 0.0 else 0.0 for v, d in pairs(row_y, row_dy)])
    return gradient


# Helpers on one number, and on one row.


def gelu_argument(v):
    """Of the hyperbolic tangent in gelu_tanh."""
    return GELU_FACTOR * (v + GELU_CUBE * (v * (v * v)))


def sparsemax_row(row):
    """The nearest distribution to one row."""
    largest = max(row)
    shifted = [v - largest for v in row]
    inside = shifted
    while True:
        t = (vector_sum(inside) - 1.0) / len(inside)
        above = [v for v in shifted if v > t]
        if len(above) == len(inside):
            return [v - t if v > t else 0.0 for v in shifted]
        inside = above
