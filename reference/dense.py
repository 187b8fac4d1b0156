"""The dense layer: z = x . kernel + bias, forward and backward.

x is [rows, inputs], kernel [inputs, units], bias [units] and z [rows, units]; dz is the gradient of the loss with
respect to z. The gradients are the chain rule on z_ru = sum_i x_ri kernel_iu + bias_u.
"""

from reference.ops import add_matrix_and_vector, matrix_dot, transpose, vector_sum

__all__ = ["dense_bias_gradient", "dense_forward", "dense_input_gradient", "dense_kernel_gradient"]


def dense_forward(x, kernel, bias):
    """Output before the activation: z_ru = sum_i x_ri kernel_iu + bias_u, the bias added last.

    Parameters
    ----------
    x : [rows, inputs]
    kernel : [inputs, units]
    bias : [units]

    Returns
    -------
    [rows, units]
    """
    return add_matrix_and_vector(matrix_dot(x, kernel), bias)


def dense_kernel_gradient(x, dz):
    """Gradient of the kernel: sum_r x_ri dz_ru.

    Parameters
    ----------
    x : [rows, inputs]
    dz : [rows, units]

    Returns
    -------
    [inputs, units]
    """
    return matrix_dot(transpose(x), dz)


def dense_bias_gradient(dz):
    """Gradient of the bias: sum_r dz_ru.

    Parameters
    ----------
    dz : [rows, units]

    Returns
    -------
    [units]
    """
    return [vector_sum(column) for column in transpose(dz)]


def dense_input_gradient(dz, kernel):
    """Gradient of the input: sum_u dz_ru kernel_iu.

    Parameters
    ----------
    dz : [rows, units]
    kernel : [inputs, units]

    Returns
    -------
    [rows, inputs]
    """
    return matrix_dot(dz, transpose(kernel))
