"""What is done to an array of weights, or to its gradient, as a whole: penalties, norms, constraints.

An array is a matrix, [rows, columns], or a vector, which is taken as one row.
"""

import math

from reference import ops

EPSILON = 1e-7  # Keras' epsilon()


def penalty(array, l1, l2):
    """l1 * sum |w| + l2 * sum w^2: of each column from its first row on, then of the columns.

    A term whose factor is 0 is none, also where its sum is not finite.
    """
    penalties = []
    for column in ops.transpose(rows_of(array)):
        magnitudes = ops.vector_sum([abs(w) for w in column])
        penalties.append((l1 and l1 * magnitudes) + (l2 and l2 * ops.vector_dot(column, column)))
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


def constrain(array, non_negative=False, min_norm=0.0, max_norm=0.0, norm_rate=1.0, norm_axis=0):
    """Do in place what Keras' constraints do after an update.

    Parameters
    ----------
    array : [rows, columns] or [columns]
    non_negative : bool
        Whether numbers below 0 become 0.
    min_norm, max_norm : float
        Norms are moved into that interval, where max_norm is not 0.
    norm_rate : float
        How far they are moved, 1 for the whole way.
    norm_axis : int or None
        Along what norms are taken: 0 columns, 1 rows, None all of the array. A vector is taken as a whole.
    """
    rows = rows_of(array)
    if non_negative:
        for row in rows:
            row[:] = [0.0 if w < 0.0 else w for w in row]
    if max_norm == 0.0:
        return
    if norm_axis == 1 or not isinstance(array[0], list):
        for row in rows:
            factor = rescaling(math.sqrt(ops.vector_dot(row, row)), min_norm, max_norm, norm_rate)
            row[:] = [w * factor for w in row]
    elif norm_axis == 0:
        for j, column in enumerate(ops.transpose(array)):
            factor = rescaling(math.sqrt(ops.vector_dot(column, column)), min_norm, max_norm, norm_rate)
            for row in array:
                row[j] = row[j] * factor
    else:
        factor = rescaling(math.sqrt(sum_of_squares(array)), min_norm, max_norm, norm_rate)
        for row in array:
            row[:] = [w * factor for w in row]


def rescaling(norm, min_norm, max_norm, norm_rate):
    """What weights of that norm are multiplied by: rate * moved + (1 - rate) * norm, over 1e-7 + norm."""
    moved = min_norm if norm < min_norm else norm if norm <= max_norm else max_norm
    if norm_rate != 1.0:
        moved = norm_rate * moved + (1.0 - norm_rate) * norm
    return moved / (EPSILON + norm)


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
