"""Operations on matrices and vectors, as nested loops.

A matrix is a list of rows, each a list of floats; a vector is a list of floats. Every sum starts at 0.0 and adds in
index order, so its rounding is fixed. The functions return new lists and leave their arguments alone. They follow the
naive versions in F. Chollet, Deep Learning with Python, 2nd edition, section 2.3.
"""

import math

__all__ = [
    "add",
    "add_matrix_and_vector",
    "matrix_dot",
    "matrix_vector_dot",
    "relu",
    "reshape",
    "transpose",
    "vector_dot",
]


def relu(x):
    """Rectified linear unit: y = max(x, 0).

    Parameters
    ----------
    x : [rows, columns]

    Returns
    -------
    [rows, columns]
        NaN stays NaN and -0.0 stays -0.0, as max keeps its first argument unless the second is greater.
    """
    return [[max(v, 0.0) for v in row] for row in x]


def add(x, y):
    """Sum of two matrices: z_ij = x_ij + y_ij.

    Parameters
    ----------
    x, y : [rows, columns]

    Returns
    -------
    [rows, columns]
    """
    return [add_vectors(row_x, row_y) for row_x, row_y in pairs(x, y)]


def add_matrix_and_vector(x, y):
    """Add a vector to every row of a matrix (broadcasting): z_ij = x_ij + y_j.

    Parameters
    ----------
    x : [rows, columns]
    y : [columns]

    Returns
    -------
    [rows, columns]
    """
    return [add_vectors(row, y) for row in x]


def vector_dot(x, y):
    """Dot product: z = sum_i x_i y_i.

    Parameters
    ----------
    x, y : [n]

    Returns
    -------
    float
    """
    total = 0.0
    for a, b in pairs(x, y):
        total += a * b
    return total


def matrix_vector_dot(x, y):
    """Matrix times vector: z_i = sum_j x_ij y_j.

    Parameters
    ----------
    x : [rows, columns]
    y : [columns]

    Returns
    -------
    [rows]
    """
    return [vector_dot(row, y) for row in x]


def matrix_dot(x, y):
    """Matrix times matrix: z_ij = sum_k x_ik y_kj.

    Parameters
    ----------
    x : [rows, n]
    y : [n, columns]

    Returns
    -------
    [rows, columns]
    """
    columns_of_y = transpose(y)
    return [[vector_dot(row, column) for column in columns_of_y] for row in x]


def transpose(x):
    """Exchange rows and columns: z_ji = x_ij.

    Parameters
    ----------
    x : [rows, columns]

    Returns
    -------
    [columns, rows]
    """
    return [[row[j] for row in x] for j in range(len(x[0]))]


def reshape(x, rows, columns):
    """Deal the elements, row after row, into another shape.

    Parameters
    ----------
    x : matrix of rows * columns elements
    rows, columns : int

    Returns
    -------
    [rows, columns]
    """
    elements = [v for row in x for v in row]
    return [elements[i * columns : (i + 1) * columns] for i in range(rows)]


# Helpers that the other modules share; not operations of their own.


def pairs(x, y):
    """The elements of x, each with that of y in the same place; ValueError where one has more."""
    return zip(x, y, strict=True)


def add_vectors(x, y):
    """z_i = x_i + y_i, for x, y : [n]."""
    return [a + b for a, b in pairs(x, y)]


def vector_sum(x):
    """sum_i x_i, for x : [n]."""
    total = 0.0
    for v in x:
        total += v
    return total


def divide(x, y):
    """x / y as IEEE 754 defines it: infinity or NaN when y is 0.0, where Python would raise."""
    if y == 0.0:
        return x * math.copysign(math.inf, y)
    return x / y
