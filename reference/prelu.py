"""The rectifier whose slopes below 0 are weights, one for each column.

K. He et al., Delving deep into rectifiers: surpassing human-level performance on ImageNet classification, 2015.
"""

from reference.ops import pairs, transpose, vector_sum


def prelu_forward(x, alpha):
    """y_ij = x_ij where x_ij > 0, else alpha_j x_ij.

    Parameters
    ----------
    x : [rows, units]
    alpha : [units]

    Returns
    -------
    [rows, units]
    """
    return [[v if v > 0.0 else a * v for v, a in pairs(row, alpha)] for row in x]


def prelu_input_gradient(x, dy, alpha):
    """dx_ij = dy_ij where x_ij > 0, else alpha_j dy_ij.

    Parameters
    ----------
    x, dy : [rows, units]
    alpha : [units]

    Returns
    -------
    [rows, units]
    """
    gradient = []
    for row_x, row_dy in pairs(x, dy):
        gradient.append([d if v > 0.0 else a * d for (v, d), a in pairs(pairs(row_x, row_dy), alpha)])
    return gradient


def prelu_alpha_gradient(x, dy):
    """The gradient by alpha_j: the sum over the rows of dy_ij x_ij where x_ij is not above 0.

    Parameters
    ----------
    x, dy : [rows, units]

    Returns
    -------
    [units]
    """
    columns = pairs(transpose(x), transpose(dy))
    return [vector_sum([0.0 if v > 0.0 else d * v for v, d in pairs(*column)]) for column in columns]
