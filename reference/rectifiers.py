"""Rectifiers, straight and smooth: activations that are about 0 below and about x above (relu itself is in ops).

As in activations, y is the output for the input x, and dy the gradient of the loss with respect to y. Where the slope
follows from y a gradient takes y; those of silu, gelu, mish and hard_silu, which fall before they rise, take x instead.
Names and constants are those of Keras.
"""

import math

from reference.activations import exponential_of, logistic
from reference.ops import pairs

__all__ = [
    "elu",
    "elu_gradient",
    "gelu",
    "gelu_gradient",
    "hard_silu",
    "hard_silu_gradient",
    "leaky_relu",
    "leaky_relu_gradient",
    "mish",
    "mish_gradient",
    "relu6",
    "relu6_gradient",
    "selu",
    "selu_gradient",
    "silu",
    "silu_gradient",
    "softplus",
    "softplus_gradient",
]

NEGATIVE_SLOPE = 0.2  # of leaky_relu, as in Keras 3
SELU_SCALE = 1.0507009873554805
SELU_ALPHA = 1.6732632423543772


def leaky_relu(x):
    """Rectifier that leaks: y = x where x > 0, else 0.2 x.

    A. Maas, A. Hannun and A. Ng, Rectifier nonlinearities improve neural network acoustic models, 2013.

    Parameters
    ----------
    x : [rows, units]

    Returns
    -------
    [rows, units]
    """
    return [[v if v > 0.0 else NEGATIVE_SLOPE * v for v in row] for row in x]


def leaky_relu_gradient(y, dy):
    """Gradient of leaky_relu: dx = dy where y > 0, else 0.2 dy.

    Parameters
    ----------
    y, dy : [rows, units]

    Returns
    -------
    [rows, units]
    """
    return each_pair(y, dy, lambda v, d: d if v > 0.0 else NEGATIVE_SLOPE * d)


def relu6(x):
    """Rectifier with a ceiling: y = min(max(x, 0), 6).

    A. Krizhevsky, Convolutional deep belief networks on CIFAR-10, 2010.

    Parameters
    ----------
    x : [rows, units]

    Returns
    -------
    [rows, units]
    """
    return [[clipped_at_six(v) for v in row] for row in x]


def relu6_gradient(y, dy):
    """Gradient of relu6: dx = dy where 0 < y < 6, else 0.

    Parameters
    ----------
    y, dy : [rows, units]

    Returns
    -------
    [rows, units]
    """
    return each_pair(y, dy, lambda v, d: d if 0.0 < v < 6.0 else 0.0)


def elu(x):
    """Exponential linear unit: y = x where x > 0, else exp(x) - 1.

    D.-A. Clevert, T. Unterthiner and S. Hochreiter, Fast and accurate deep network learning by exponential linear
    units, 2016, with its alpha = 1.

    Parameters
    ----------
    x : [rows, units]

    Returns
    -------
    [rows, units]
    """
    return [[v if v > 0.0 else math.expm1(v) for v in row] for row in x]


def elu_gradient(y, dy):
    """Gradient of elu: dx = dy where y > 0, else dy * (y + 1).

    Parameters
    ----------
    y, dy : [rows, units]

    Returns
    -------
    [rows, units]
    """
    return each_pair(y, dy, lambda v, d: d if v > 0.0 else d * (v + 1.0))


def selu(x):
    """Scaled elu: y = scale * x where x > 0, else scale * alpha * (exp(x) - 1).

    G. Klambauer et al., Self-normalizing neural networks, 2017.

    Parameters
    ----------
    x : [rows, units]

    Returns
    -------
    [rows, units]
    """
    lower = SELU_SCALE * SELU_ALPHA
    return [[SELU_SCALE * v if v > 0.0 else lower * math.expm1(v) for v in row] for row in x]


def selu_gradient(y, dy):
    """Gradient of selu: dx = scale * dy where y > 0, else dy * (y + scale * alpha).

    Parameters
    ----------
    y, dy : [rows, units]

    Returns
    -------
    [rows, units]
    """
    lower = SELU_SCALE * SELU_ALPHA
    return each_pair(y, dy, lambda v, d: SELU_SCALE * d if v > 0.0 else d * (v + lower))


def softplus(x):
    """Smooth rectifier: y = log(1 + exp(x)), as max(x, 0) + log(1 + exp(-|x|)), in which no exp overflows.

    C. Dugas et al., Incorporating second-order functional knowledge for better option pricing, 2000.

    Parameters
    ----------
    x : [rows, units]

    Returns
    -------
    [rows, units]
    """
    return [[softplus_of(v) for v in row] for row in x]


def softplus_gradient(y, dy):
    """Gradient of softplus: dx = dy * (1 - exp(-y)), which is dy * sigmoid(x).

    Parameters
    ----------
    y, dy : [rows, units]

    Returns
    -------
    [rows, units]
    """
    return each_pair(y, dy, lambda v, d: d * -math.expm1(-v))


def silu(x):
    """Sigmoid-weighted linear unit, or swish: y = x * sigmoid(x).

    S. Elfwing, E. Uchibe and K. Doya, Sigmoid-weighted linear units for neural network function approximation, 2017.

    Parameters
    ----------
    x : [rows, units]

    Returns
    -------
    [rows, units]
    """
    return [[v * logistic(v) for v in row] for row in x]


def silu_gradient(x, dy):
    """Gradient of silu: dx = dy * (s * (1 + x * (1 - s))), where s = sigmoid(x).

    Parameters
    ----------
    x, dy : [rows, units]

    Returns
    -------
    [rows, units]
    """

    def slope(v):
        s = logistic(v)
        return s * (1.0 + v * (1.0 - s))

    return each_pair(x, dy, lambda v, d: d * slope(v))


def gelu(x):
    """Gaussian error linear unit: y = x * P(x), where P(x) = (1 + erf(x / sqrt(2))) / 2.

    D. Hendrycks and K. Gimpel, Gaussian error linear units, 2016; the exact form, which is Keras' default.

    Parameters
    ----------
    x : [rows, units]

    Returns
    -------
    [rows, units]
    """
    return [[v * normal_share(v) for v in row] for row in x]


def gelu_gradient(x, dy):
    """Gradient of gelu: dx = dy * (P(x) + x * p(x)), where p(x) = exp(-x^2 / 2) / sqrt(2 pi).

    Parameters
    ----------
    x, dy : [rows, units]

    Returns
    -------
    [rows, units]
    """
    height = 1.0 / math.sqrt(2.0 * math.pi)
    return each_pair(x, dy, lambda v, d: d * (normal_share(v) + v * (height * math.exp(-0.5 * (v * v)))))


def mish(x):
    """Self-regularized rectifier: y = x * tanh(softplus(x)).

    D. Misra, Mish: a self regularized non-monotonic activation function, 2019.

    Parameters
    ----------
    x : [rows, units]

    Returns
    -------
    [rows, units]
    """
    return [[v * math.tanh(softplus_of(v)) for v in row] for row in x]


def mish_gradient(x, dy):
    """Gradient of mish: dx = dy * (t + x * ((1 - t^2) * sigmoid(x))), where t = tanh(softplus(x)).

    Parameters
    ----------
    x, dy : [rows, units]

    Returns
    -------
    [rows, units]
    """

    def slope(v):
        t = math.tanh(softplus_of(v))
        return t + v * ((1.0 - t * t) * logistic(v))

    return each_pair(x, dy, lambda v, d: d * slope(v))


def hard_silu(x):
    """silu with straight pieces in place of the sigmoid, or hard_swish: y = x * hard_sigmoid(x).

    A. Howard et al., Searching for MobileNetV3, 2019.

    Parameters
    ----------
    x : [rows, units]

    Returns
    -------
    [rows, units]
    """
    return [[v * hard_logistic(v) for v in row] for row in x]


def hard_silu_gradient(x, dy):
    """Gradient of hard_silu: dx = dy * (hard_sigmoid(x) + (x / 6 where -3 < x < 3, else 0)).

    Parameters
    ----------
    x, dy : [rows, units]

    Returns
    -------
    [rows, units]
    """
    return each_pair(x, dy, lambda v, d: d * (hard_logistic(v) + (v / 6.0 if -3.0 < v < 3.0 else 0.0)))


# Helpers on one number, and on two matrices.


def each_pair(x, dy, function):
    """function(v, d) of the elements of two matrices, [rows, units]."""
    return [[function(v, d) for v, d in pairs(row_x, row_dy)] for row_x, row_dy in pairs(x, dy)]


def clipped_at_six(v):
    """min(max(v, 0), 6) of one number; NaN stays NaN."""
    return min(max(v, 0.0), 6.0)


def hard_logistic(v):
    """min(max(v + 3, 0), 6) / 6 of one number."""
    return clipped_at_six(v + 3.0) / 6.0


def softplus_of(v):
    """log(1 + exp(v)) of one number."""
    return max(v, 0.0) + math.log1p(exponential_of(-abs(v)))


def normal_share(v):
    """Share of the standard normal distribution below v: (1 + erf(v / sqrt(2))) / 2."""
    return 0.5 * (1.0 + math.erf(v * math.sqrt(0.5)))
