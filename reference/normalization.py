"""Normalization of columns over a batch, of each row, to length 1, and by given mean and variance; with gradients.

x : [b, n] in all of them. mean and variance, gamma and beta are [n], one for each column. Every sum is one, in index
order. A kernel in float32 adds up pieces of 1024 numbers in double, so that a mean of a million is as good as of ten.
"""

import math

from reference import ops

LEAST_LENGTH = 1e-12  # what a row is divided by at least


def batch_statistics(x):
    """Mean and variance of each column: m_j = 1/b sum_i x_ij, v_j = 1/b sum_i (x_ij - m_j)^2."""
    columns = ops.transpose(x)
    means = [ops.vector_sum(column) / len(column) for column in columns]
    variances = []
    for column, mean in ops.pairs(columns, means):
        variances.append(ops.vector_sum([(v - mean) * (v - mean) for v in column]) / len(column))
    return means, variances


def moved(average, towards, momentum):
    """The moving average a_j * momentum + t_j * (1 - momentum)."""
    return [a * momentum + t * (1.0 - momentum) for a, t in ops.pairs(average, towards)]


def inverse_deviations(variance, epsilon):
    """1 / sqrt(v_j + epsilon)."""
    return [1.0 / math.sqrt(v + epsilon) for v in variance]


def normalize(x, mean, inverse, gamma, beta):
    """y_ij = (x_ij - m_j) * (gamma_j * inverse_j) + beta_j."""
    factors = [g * r for g, r in ops.pairs(gamma, inverse)]
    columns = list(zip(mean, factors, beta, strict=True))
    return [[(v - m) * f + b for v, (m, f, b) in ops.pairs(row, columns)] for row in x]


def gamma_gradient(dy, x, mean, inverse):
    """sum_i dy_ij * ((x_ij - m_j) * inverse_j), [n]; mean and inverse are those of the columns."""
    return products_of_columns(dy, normals_of_columns(x, mean, inverse))


def beta_gradient(dy):
    """sum_i dy_ij, [n]."""
    return [ops.vector_sum(column) for column in ops.transpose(dy)]


def given_input_gradient(dy, inverse, gamma):
    """gamma_j * inverse_j * dy_ij, where mean and variance do not depend on x."""
    return [[(g * r) * d for d, g, r in zip(row, gamma, inverse, strict=True)] for row in dy]


def batch_input_gradient(dy, x, mean, inverse, gamma):
    """gamma_j * inverse_j * (dy_ij - 1/b sum_i dy_ij - normal_ij * 1/b sum_i dy_ij * normal_ij), as x moves both.

    normal_ij is (x_ij - m_j) * inverse_j. S. Ioffe and C. Szegedy, Batch normalization, 2015.
    """
    rows = len(x)
    normals = normals_of_columns(x, mean, inverse)
    totals, along = beta_gradient(dy), products_of_columns(dy, normals)
    dx = []
    for row_dy, row_normal in ops.pairs(dy, normals):
        columns = zip(row_dy, row_normal, totals, along, gamma, inverse, strict=True)
        dx.append([(g * r) * ((d - t / rows) - normal * (a / rows)) for d, normal, t, a, g, r in columns])
    return dx


def row_statistics(row, epsilon):
    """Mean of a row, and 1 / sqrt(variance + epsilon)."""
    mean = ops.vector_sum(row) / len(row)
    squares = ops.vector_sum([(v - mean) * (v - mean) for v in row])
    return mean, 1.0 / math.sqrt(squares / len(row) + epsilon)


def row_normals(x, epsilon):
    """(x_ij - m_i) * inverse_i, with the statistics of each row."""
    normals = []
    for row in x:
        mean, inverse = row_statistics(row, epsilon)
        normals.append([(v - mean) * inverse for v in row])
    return normals


def normalize_rows(x, epsilon, gamma, beta):
    """y_ij = normal_ij * gamma_j + beta_j. J. Ba, J. Kiros and G. Hinton, Layer normalization, 2016."""
    columns = list(zip(gamma, beta, strict=True))
    return [[v * g + b for v, (g, b) in ops.pairs(row, columns)] for row in row_normals(x, epsilon)]


def rows_input_gradient(dy, x, epsilon, gamma):
    """inverse_i * (g_ij - 1/n sum_j g_ij - normal_ij * 1/n sum_j g_ij * normal_ij), with g_ij = dy_ij * gamma_j."""
    dx = []
    for row_dy, row, normals in zip(dy, x, row_normals(x, epsilon), strict=True):
        g = [d * scale for d, scale in ops.pairs(row_dy, gamma)]
        total = ops.vector_sum(g) / len(g)
        along = ops.vector_dot(g, normals) / len(g)
        _, inverse = row_statistics(row, epsilon)
        dx.append([inverse * ((v - total) - normal * along) for v, normal in ops.pairs(g, normals)])
    return dx


def unit_rows(x):
    """y_ij = x_ij / length_i, so that each row has the length 1."""
    return [[v / row_length(row) for v in row] for row in x]


def unit_rows_input_gradient(dy, x):
    """(dy_ij - y_ij * sum_k dy_ik y_ik) / length_i, where the length depends on x, else dy_ij / length_i."""
    dx = []
    for row_dy, row, row_y in zip(dy, x, unit_rows(x), strict=True):
        length = row_length(row)
        along = ops.vector_dot(row_dy, row_y) if length > LEAST_LENGTH else 0.0
        dx.append([(d - y * along) / length for d, y in ops.pairs(row_dy, row_y)])
    return dx


def row_length(row):
    """sqrt(sum_j x_j^2), at least LEAST_LENGTH."""
    return max(math.sqrt(ops.vector_dot(row, row)), LEAST_LENGTH)


def normals_of_columns(x, mean, inverse):
    """(x_ij - m_j) * inverse_j."""
    columns = list(zip(mean, inverse, strict=True))
    return [[(v - m) * r for v, (m, r) in ops.pairs(row, columns)] for row in x]


def products_of_columns(x, y):
    """sum_i x_ij * y_ij, [n]."""
    return [ops.vector_dot(a, b) for a, b in ops.pairs(ops.transpose(x), ops.transpose(y))]
