"""Activations of pieces: straight ones, and one that is bent. Names and constants are those of Keras.

As in activations, y is the output for the input x, and dy the gradient of the loss with respect to y. A gradient takes
y where the slope follows from it, else x. Where two pieces meet the slope is that of the flatter one.
"""

from reference.rectifiers import each_pair

__all__ = [
    "hard_shrink",
    "hard_shrink_gradient",
    "hard_tanh",
    "hard_tanh_gradient",
    "rectifier",
    "rectifier_gradient",
    "soft_shrink",
    "soft_shrink_gradient",
    "sparse_plus",
    "sparse_plus_gradient",
    "sparse_sigmoid",
    "sparse_sigmoid_gradient",
    "threshold",
    "threshold_gradient",
]


def hard_tanh(x):
    """Hyperbolic tangent of straight pieces: y = min(max(x, -1), 1).

    R. Collobert, Large scale machine learning, 2004.

    Parameters
    ----------
    x : [rows, units]

    Returns
    -------
    [rows, units]
    """
    return [[-1.0 if v < -1.0 else 1.0 if v > 1.0 else v for v in row] for row in x]


def hard_tanh_gradient(y, dy):
    """Gradient of hard_tanh: dx = dy where -1 < y < 1, else 0.

    Parameters
    ----------
    y, dy : [rows, units]

    Returns
    -------
    [rows, units]
    """
    return each_pair(y, dy, lambda v, d: d if -1.0 < v < 1.0 else 0.0)


def sparse_sigmoid(x):
    """Sigmoid of straight pieces: y = (min(max(x, -1), 1) + 1) / 2.

    Parameters
    ----------
    x : [rows, units]

    Returns
    -------
    [rows, units]
    """
    return [[0.0 if v < -1.0 else 1.0 if v > 1.0 else 0.5 * (v + 1.0) for v in row] for row in x]


def sparse_sigmoid_gradient(y, dy):
    """Gradient of sparse_sigmoid: dx = dy / 2 where 0 < y < 1, else 0.

    Parameters
    ----------
    y, dy : [rows, units]

    Returns
    -------
    [rows, units]
    """
    return each_pair(y, dy, lambda v, d: 0.5 * d if 0.0 < v < 1.0 else 0.0)


def sparse_plus(x):
    """Softplus with an end: y = 0 where x <= -1, x where x >= 1, and (x + 1)^2 / 4 between.

    Its slope is sparse_sigmoid.

    Parameters
    ----------
    x : [rows, units]

    Returns
    -------
    [rows, units]
    """
    return [[0.0 if v <= -1.0 else 0.25 * ((v + 1.0) * (v + 1.0)) if v < 1.0 else v for v in row] for row in x]


def sparse_plus_gradient(x, dy):
    """Gradient of sparse_plus: dx = dy * sparse_sigmoid(x).

    Parameters
    ----------
    x, dy : [rows, units]

    Returns
    -------
    [rows, units]
    """
    return each_pair(x, dy, lambda v, d: 0.0 if v <= -1.0 else d * (0.5 * (v + 1.0)) if v < 1.0 else d)


def rectifier(x, negative_slope, threshold, max_value):
    """Rectifier with settings: y = min(x, max_value) where x > threshold, else negative_slope * (x - threshold).

    Parameters
    ----------
    x : [rows, units]
    negative_slope : float
    threshold, max_value : float
        At least 0; max_value may be infinite.

    Returns
    -------
    [rows, units]
    """

    def value(v):
        if v > threshold:
            return v if v < max_value else max_value
        return 0.0 if negative_slope == 0.0 and v <= threshold else negative_slope * (v - threshold)

    return [[value(v) for v in row] for row in x]


def rectifier_gradient(x, dy, negative_slope, threshold, max_value):
    """Gradient of rectifier: dx = dy where threshold < x < max_value, 0 above, negative_slope * dy below.

    Parameters
    ----------
    x, dy : [rows, units]
    negative_slope, threshold, max_value : float

    Returns
    -------
    [rows, units]
    """

    def slope(v, d):
        if v > threshold:
            return d if v < max_value else 0.0
        return negative_slope * d

    return each_pair(x, dy, slope)


def threshold(x, threshold, default_value):
    """Another value where x is not large enough: y = x where x > threshold, else default_value.

    Parameters
    ----------
    x : [rows, units]
    threshold, default_value : float

    Returns
    -------
    [rows, units]
    """
    return [[default_value if v <= threshold else v for v in row] for row in x]


def threshold_gradient(x, dy, threshold, default_value):
    """Gradient of threshold: dx = dy where x > threshold, else 0, whatever the default_value.

    Parameters
    ----------
    x, dy : [rows, units]
    threshold, default_value : float

    Returns
    -------
    [rows, units]
    """
    return each_pair(x, dy, lambda v, d: 0.0 if v <= threshold else d)


def hard_shrink(x, threshold):
    """Nothing from small numbers: y = x where |x| > threshold, else 0.

    Parameters
    ----------
    x : [rows, units]
    threshold : float
        At least 0.

    Returns
    -------
    [rows, units]
    """
    return [[0.0 if -threshold <= v <= threshold else v for v in row] for row in x]


def hard_shrink_gradient(x, dy, threshold):
    """Gradient of hard_shrink: dx = dy where |x| > threshold, else 0.

    Parameters
    ----------
    x, dy : [rows, units]
    threshold : float

    Returns
    -------
    [rows, units]
    """
    return each_pair(x, dy, lambda v, d: 0.0 if -threshold <= v <= threshold else d)


def soft_shrink(x, threshold):
    """All numbers nearer to 0: y = x - threshold where x > threshold, x + threshold where x < -threshold, else 0.

    D. Donoho, De-noising by soft-thresholding, 1995.

    Parameters
    ----------
    x : [rows, units]
    threshold : float
        At least 0.

    Returns
    -------
    [rows, units]
    """

    def value(v):
        if -threshold <= v <= threshold:
            return 0.0
        return v - threshold if v > threshold else v + threshold

    return [[value(v) for v in row] for row in x]


def soft_shrink_gradient(x, dy, threshold):
    """Gradient of soft_shrink: dx = dy where |x| > threshold, else 0.

    Parameters
    ----------
    x, dy : [rows, units]
    threshold : float

    Returns
    -------
    [rows, units]
    """
    return hard_shrink_gradient(x, dy, threshold)
