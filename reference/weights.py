"""What is done to an array of weights, or to its gradient, as a whole: penalties, norms, constraints.

An array is a matrix, [rows, columns], or a vector, which is taken as one row.
"""

import math

from reference import ops

EPSILON = 1e-7  # Keras' epsilon()


def penalty(array, l1, l2):
    """l1 * sum |w| + l2 * sum w^2: of each column from its first row on, then of the columns."""
    penalties = []
    for column in ops.transpose(rows_of(array)):
        magnitudes = ops.vector_sum([abs(w) for w in column])
        penalties.append(l1 * magnitudes + l2 * ops.vector_dot(column, column))
    return ops.vector_sum(penalties)


def add_penalty_gradient(g, array, l1, l2):
    """Add the gradient of the penalty, 2 l2 w + l1 sign(w), to g in place."""
    for row_g, row in ops.pairs(rows_of(g), rows_of(array)):
        row_g[:] = [v + ((2.0 * l2) * w + l1 * sign(w)) for v, w in ops.pairs(row_g, row)]


def sum_of_squares(array):
    """sum w^2, of each column from its first row on, then of the columns."""
    return ops.vector_sum([ops.vector_dot(column, column) for column in ops.transpose(rows_of(array))])


def clip_by_norm(g, clipnorm):
    """Scale g in place so that its norm is at most clipnorm: g * clipnorm / max(norm, clipnorm)."""
    norm = math.sqrt(sum_of_squares(g))
    divisor = clipnorm if norm <= clipnorm else norm
    for row in rows_of(g):
        row[:] = [(v * clipnorm) / divisor for v in row]


def clip_by_global_norm(gradients, clipnorm):
    """Scale all gradients in place so that their norm together is at most clipnorm; NaN if it is not finite."""
    norm = math.sqrt(ops.vector_sum([sum_of_squares(g) for g in gradients]))
    larger = clipnorm if norm <= clipnorm else norm
    factor = clipnorm * (1.0 / larger) + (norm - norm)
    for g in gradients:
        for row in rows_of(g):
            row[:] = [v * factor for v in row]


def shorten(array, max_norm):
    """Scale each column, or a vector as a whole, in place so that its norm is at most max_norm.

    w * min(norm, max_norm) / (1e-7 + norm), as Keras' MaxNorm.
    """
    if isinstance(array[0], list):
        for j, column in enumerate(ops.transpose(array)):
            factor = shortening(math.sqrt(ops.vector_dot(column, column)), max_norm)
            for row in array:
                row[j] = row[j] * factor
    else:
        factor = shortening(math.sqrt(ops.vector_dot(array, array)), max_norm)
        array[:] = [w * factor for w in array]


def shortening(norm, max_norm):
    """What a column of that norm is multiplied by."""
    return (norm if norm <= max_norm else max_norm) / (EPSILON + norm)


def sign(v):
    """1, 0 or -1."""
    return float((v > 0.0) - (v < 0.0))


def rows_of(array):
    """The rows themselves, so that changing them changes the array."""
    return array if isinstance(array[0], list) else [array]


def sum_of(array, other):
    """The elementwise sum of two arrays of the same shape, a new one."""
    return ops.add(array, other) if isinstance(array[0], list) else ops.add_vectors(array, other)


def copied(array):
    """A copy that shares nothing with the array."""
    return [list(row) for row in array] if isinstance(array[0], list) else list(array)


def filled_like(array, value):
    """An array of the same shape, filled with value."""
    return [[value] * len(row) for row in array] if isinstance(array[0], list) else [value] * len(array)
