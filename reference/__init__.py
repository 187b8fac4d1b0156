"""The multilayer perceptron as nested loops over lists of floats: the specification of fastmlp.kernels.

Every function here has a compiled twin of the same name and arguments, which in float64 gives the same bits. Only the
standard library is used. `python -m reference` trains a small network with it.
"""

from reference.activations import (
    linear,
    linear_gradient,
    relu_gradient,
    sigmoid,
    sigmoid_gradient,
    softmax,
    softmax_gradient,
    tanh,
    tanh_gradient,
)
from reference.dense import dense_bias_gradient, dense_forward, dense_input_gradient, dense_kernel_gradient
from reference.dropout import dropout, philox4x32
from reference.losses import (
    binary_crossentropy,
    binary_crossentropy_from_logits,
    binary_crossentropy_from_logits_gradient,
    binary_crossentropy_gradient,
    categorical_crossentropy,
    categorical_crossentropy_from_logits,
    categorical_crossentropy_from_logits_gradient,
    categorical_crossentropy_gradient,
    mean_squared_error,
    mean_squared_error_gradient,
    sparse_categorical_crossentropy,
    sparse_categorical_crossentropy_from_logits,
    sparse_categorical_crossentropy_from_logits_gradient,
    sparse_categorical_crossentropy_gradient,
)
from reference.network import Network
from reference.ops import (
    add,
    add_matrix_and_vector,
    matrix_dot,
    matrix_vector_dot,
    relu,
    reshape,
    transpose,
    vector_dot,
)
from reference.optimizers import adagrad, adam, momentum, nesterov, rmsprop, sgd

__all__ = [
    "Network",
    "adagrad",
    "adam",
    "add",
    "add_matrix_and_vector",
    "binary_crossentropy",
    "binary_crossentropy_from_logits",
    "binary_crossentropy_from_logits_gradient",
    "binary_crossentropy_gradient",
    "categorical_crossentropy",
    "categorical_crossentropy_from_logits",
    "categorical_crossentropy_from_logits_gradient",
    "categorical_crossentropy_gradient",
    "dense_bias_gradient",
    "dense_forward",
    "dense_input_gradient",
    "dense_kernel_gradient",
    "dropout",
    "linear",
    "linear_gradient",
    "matrix_dot",
    "matrix_vector_dot",
    "mean_squared_error",
    "mean_squared_error_gradient",
    "momentum",
    "nesterov",
    "philox4x32",
    "relu",
    "relu_gradient",
    "reshape",
    "rmsprop",
    "sgd",
    "sigmoid",
    "sigmoid_gradient",
    "softmax",
    "softmax_gradient",
    "sparse_categorical_crossentropy",
    "sparse_categorical_crossentropy_from_logits",
    "sparse_categorical_crossentropy_from_logits_gradient",
    "sparse_categorical_crossentropy_gradient",
    "tanh",
    "tanh_gradient",
    "transpose",
    "vector_dot",
]
