"""The compiled kernels, each the twin of the function of the same name in the pure-Python oracle.

Every function takes arrays of one float type (float32 or float64; any strides) and returns a new C-contiguous array,
or fills `out`. `threads` is the number of OpenMP threads, 1 by default; the result has the same bits for any number.
The optimizers update their arrays in place. `FASTMLP_ISA` in the environment, read at import, names the instruction
set to use instead of the best one.
"""

import os
from typing import Any

import numpy as np

from fastmlp.kernels.contract import Array, Scalar, kernel

try:
    import fastmlp.kernels.dropout as masks  # the module: here its name becomes the function's
    from fastmlp.kernels import (
        activations,
        crossentropies,
        dense,
        isa,
        losses,
        ops,
        optimizers,
        rectifiers,
        similarities,
    )
    from fastmlp.kernels.engine import Network
except ModuleNotFoundError as error:
    raise ImportError(
        f"fastmlp is not built in {os.path.dirname(__file__)} (no {error.name}): if that is a source folder, build it "
        "with `pip install -e .`, or use an installed fastmlp from another folder"
    ) from error

__all__ = [
    "Network",
    "adadelta",
    "adagrad",
    "adam",
    "adamax",
    "add",
    "add_matrix_and_vector",
    "amsgrad",
    "average_weights",
    "binary_crossentropy",
    "binary_crossentropy_from_logits",
    "binary_crossentropy_from_logits_gradient",
    "binary_crossentropy_gradient",
    "categorical_crossentropy",
    "categorical_crossentropy_from_logits",
    "categorical_crossentropy_from_logits_gradient",
    "categorical_crossentropy_gradient",
    "categorical_hinge",
    "categorical_hinge_gradient",
    "clip_by_value",
    "cosine_similarity",
    "cosine_similarity_gradient",
    "decay_weights",
    "dense_bias_gradient",
    "dense_forward",
    "dense_input_gradient",
    "dense_kernel_gradient",
    "dropout",
    "elu",
    "elu_gradient",
    "exponential",
    "exponential_gradient",
    "gaussian_noise",
    "gelu",
    "gelu_gradient",
    "hard_sigmoid",
    "hard_sigmoid_gradient",
    "hinge",
    "hinge_gradient",
    "huber",
    "huber_gradient",
    "kl_divergence",
    "kl_divergence_gradient",
    "leaky_relu",
    "leaky_relu_gradient",
    "linear",
    "linear_gradient",
    "lion",
    "log_cosh",
    "log_cosh_gradient",
    "log_softmax",
    "log_softmax_gradient",
    "matrix_dot",
    "matrix_vector_dot",
    "mean_absolute_error",
    "mean_absolute_error_gradient",
    "mean_absolute_percentage_error",
    "mean_absolute_percentage_error_gradient",
    "mean_squared_error",
    "mean_squared_error_gradient",
    "mean_squared_logarithmic_error",
    "mean_squared_logarithmic_error_gradient",
    "mish",
    "mish_gradient",
    "momentum",
    "nadam",
    "nesterov",
    "philox4x32",
    "poisson",
    "poisson_gradient",
    "relu",
    "relu6",
    "relu6_gradient",
    "relu_gradient",
    "reshape",
    "rmsprop",
    "rmsprop_centered",
    "rmsprop_momentum",
    "selu",
    "selu_gradient",
    "sgd",
    "sigmoid",
    "sigmoid_gradient",
    "silu",
    "silu_gradient",
    "smooth_labels",
    "softmax",
    "softmax_gradient",
    "softplus",
    "softplus_gradient",
    "softsign",
    "softsign_gradient",
    "sparse_categorical_crossentropy",
    "sparse_categorical_crossentropy_from_logits",
    "sparse_categorical_crossentropy_from_logits_gradient",
    "sparse_categorical_crossentropy_gradient",
    "squared_hinge",
    "squared_hinge_gradient",
    "tanh",
    "tanh_gradient",
    "transpose",
    "vector_dot",
]

isa.select(isa.choose(os.environ.get("FASTMLP_ISA"), isa.supported()))

relu = kernel(ops.relu, x="m n", out="m n")
add = kernel(ops.add, x="m n", y="m n", out="m n")
add_matrix_and_vector = kernel(ops.add_matrix_and_vector, x="m n", y="n", out="m n")
vector_dot = kernel(ops.vector_dot, x="n", y="n")
matrix_vector_dot = kernel(ops.matrix_vector_dot, x="m n", y="n", out="m")
matrix_dot = kernel(ops.matrix_dot, x="m k", y="k n", out="m n")
transpose = kernel(ops.transpose, x="m n", out="n m")
reshape = kernel(
    ops.reshape,
    x="m n",
    rows=int,
    columns=int,
    out="rows columns",
    requires=(
        "rows * columns elements in x",
        lambda size: size["m"] * size["n"] == size["rows"] * size["columns"],
    ),
)

linear = kernel(activations.linear, x="m n", out="m n")
sigmoid = kernel(activations.sigmoid, x="m n", out="m n")
tanh = kernel(activations.tanh, x="m n", out="m n")
softmax = kernel(activations.softmax, x="m n", out="m n")
linear_gradient = kernel(activations.linear_gradient, y="m n", dy="m n", out="m n")
relu_gradient = kernel(activations.relu_gradient, y="m n", dy="m n", out="m n")
sigmoid_gradient = kernel(activations.sigmoid_gradient, y="m n", dy="m n", out="m n")
tanh_gradient = kernel(activations.tanh_gradient, y="m n", dy="m n", out="m n")
softmax_gradient = kernel(activations.softmax_gradient, y="m n", dy="m n", out="m n")
log_softmax = kernel(activations.log_softmax, x="m n", out="m n")
log_softmax_gradient = kernel(activations.log_softmax_gradient, y="m n", dy="m n", out="m n")
exponential = kernel(activations.exponential, x="m n", out="m n")
exponential_gradient = kernel(activations.exponential_gradient, y="m n", dy="m n", out="m n")
softsign = kernel(activations.softsign, x="m n", out="m n")
softsign_gradient = kernel(activations.softsign_gradient, y="m n", dy="m n", out="m n")
hard_sigmoid = kernel(activations.hard_sigmoid, x="m n", out="m n")
hard_sigmoid_gradient = kernel(activations.hard_sigmoid_gradient, y="m n", dy="m n", out="m n")

leaky_relu = kernel(rectifiers.leaky_relu, x="m n", out="m n")
leaky_relu_gradient = kernel(rectifiers.leaky_relu_gradient, y="m n", dy="m n", out="m n")
relu6 = kernel(rectifiers.relu6, x="m n", out="m n")
relu6_gradient = kernel(rectifiers.relu6_gradient, y="m n", dy="m n", out="m n")
elu = kernel(rectifiers.elu, x="m n", out="m n")
elu_gradient = kernel(rectifiers.elu_gradient, y="m n", dy="m n", out="m n")
selu = kernel(rectifiers.selu, x="m n", out="m n")
selu_gradient = kernel(rectifiers.selu_gradient, y="m n", dy="m n", out="m n")
softplus = kernel(rectifiers.softplus, x="m n", out="m n")
softplus_gradient = kernel(rectifiers.softplus_gradient, y="m n", dy="m n", out="m n")
silu = kernel(rectifiers.silu, x="m n", out="m n")
silu_gradient = kernel(rectifiers.silu_gradient, x="m n", dy="m n", out="m n")
gelu = kernel(rectifiers.gelu, x="m n", out="m n")
gelu_gradient = kernel(rectifiers.gelu_gradient, x="m n", dy="m n", out="m n")
mish = kernel(rectifiers.mish, x="m n", out="m n")
mish_gradient = kernel(rectifiers.mish_gradient, x="m n", dy="m n", out="m n")

positive = Scalar(float, 0)
mean_squared_error = kernel(losses.mean_squared_error, y_true="b n", y_pred="b n", out="b")
mean_squared_error_gradient = kernel(losses.mean_squared_error_gradient, y_true="b n", y_pred="b n", out="b n")
mean_absolute_error = kernel(losses.mean_absolute_error, y_true="b n", y_pred="b n", out="b")
mean_absolute_error_gradient = kernel(losses.mean_absolute_error_gradient, y_true="b n", y_pred="b n", out="b n")
mean_absolute_percentage_error = kernel(losses.mean_absolute_percentage_error, y_true="b n", y_pred="b n", out="b")
mean_absolute_percentage_error_gradient = kernel(
    losses.mean_absolute_percentage_error_gradient, y_true="b n", y_pred="b n", out="b n"
)
mean_squared_logarithmic_error = kernel(losses.mean_squared_logarithmic_error, y_true="b n", y_pred="b n", out="b")
mean_squared_logarithmic_error_gradient = kernel(
    losses.mean_squared_logarithmic_error_gradient, y_true="b n", y_pred="b n", out="b n"
)
huber = kernel(losses.huber, y_true="b n", y_pred="b n", delta=positive, out="b")
huber_gradient = kernel(losses.huber_gradient, y_true="b n", y_pred="b n", delta=positive, out="b n")
log_cosh = kernel(losses.log_cosh, y_true="b n", y_pred="b n", out="b")
log_cosh_gradient = kernel(losses.log_cosh_gradient, y_true="b n", y_pred="b n", out="b n")
poisson = kernel(losses.poisson, y_true="b n", y_pred="b n", out="b")
poisson_gradient = kernel(losses.poisson_gradient, y_true="b n", y_pred="b n", out="b n")

hinge = kernel(similarities.hinge, y_true="b n", y_pred="b n", out="b")
hinge_gradient = kernel(similarities.hinge_gradient, y_true="b n", y_pred="b n", out="b n")
squared_hinge = kernel(similarities.squared_hinge, y_true="b n", y_pred="b n", out="b")
squared_hinge_gradient = kernel(similarities.squared_hinge_gradient, y_true="b n", y_pred="b n", out="b n")
categorical_hinge = kernel(similarities.categorical_hinge, y_true="b n", y_pred="b n", out="b")
categorical_hinge_gradient = kernel(similarities.categorical_hinge_gradient, y_true="b n", y_pred="b n", out="b n")
kl_divergence = kernel(similarities.kl_divergence, y_true="b n", y_pred="b n", out="b")
kl_divergence_gradient = kernel(similarities.kl_divergence_gradient, y_true="b n", y_pred="b n", out="b n")
cosine_similarity = kernel(similarities.cosine_similarity, y_true="b n", y_pred="b n", out="b")
cosine_similarity_gradient = kernel(similarities.cosine_similarity_gradient, y_true="b n", y_pred="b n", out="b n")

labels = Array("b", np.intc, below="n")
smooth_labels = kernel(
    crossentropies.smooth_labels,
    y_true="b n",
    label_smoothing=Scalar(float, 0, 1),
    classes=Scalar(int, 1, 2**31 - 1),
    out="b n",
)
categorical_crossentropy = kernel(crossentropies.categorical_crossentropy, y_true="b n", y_pred="b n", out="b")
categorical_crossentropy_gradient = kernel(
    crossentropies.categorical_crossentropy_gradient, y_true="b n", y_pred="b n", out="b n"
)
sparse_categorical_crossentropy = kernel(
    crossentropies.sparse_categorical_crossentropy, y_true=labels, y_pred="b n", out="b"
)
sparse_categorical_crossentropy_gradient = kernel(
    crossentropies.sparse_categorical_crossentropy_gradient, y_true=labels, y_pred="b n", out="b n"
)
binary_crossentropy = kernel(crossentropies.binary_crossentropy, y_true="b n", y_pred="b n", out="b")
binary_crossentropy_gradient = kernel(
    crossentropies.binary_crossentropy_gradient, y_true="b n", y_pred="b n", out="b n"
)
categorical_crossentropy_from_logits = kernel(
    crossentropies.categorical_crossentropy_from_logits, y_true="b n", logits="b n", out="b"
)
categorical_crossentropy_from_logits_gradient = kernel(
    crossentropies.categorical_crossentropy_from_logits_gradient, y_true="b n", logits="b n", out="b n"
)
sparse_categorical_crossentropy_from_logits = kernel(
    crossentropies.sparse_categorical_crossentropy_from_logits, y_true=labels, logits="b n", out="b"
)
sparse_categorical_crossentropy_from_logits_gradient = kernel(
    crossentropies.sparse_categorical_crossentropy_from_logits_gradient, y_true=labels, logits="b n", out="b n"
)
binary_crossentropy_from_logits = kernel(
    crossentropies.binary_crossentropy_from_logits, y_true="b n", logits="b n", out="b"
)
binary_crossentropy_from_logits_gradient = kernel(
    crossentropies.binary_crossentropy_from_logits_gradient, y_true="b n", logits="b n", out="b n"
)

weights, step = Array("...", updated=True), Scalar(int, 1, 2**63 - 1)
sgd = kernel(optimizers.sgd, w=weights, g="...", learning_rate=float)
momentum = kernel(optimizers.momentum, w=weights, g="...", m=weights, learning_rate=float, momentum=float)
nesterov = kernel(optimizers.nesterov, w=weights, g="...", m=weights, learning_rate=float, momentum=float)
rmsprop = kernel(optimizers.rmsprop, w=weights, g="...", v=weights, learning_rate=float, rho=float, epsilon=float)
adagrad = kernel(optimizers.adagrad, w=weights, g="...", a=weights, learning_rate=float, epsilon=float)
adam = kernel(
    optimizers.adam,
    w=weights,
    g="...",
    m=weights,
    v=weights,
    learning_rate=float,
    beta_1=float,
    beta_2=float,
    epsilon=float,
    step=step,
)
betas: Any = {"beta_1": float, "beta_2": float, "epsilon": float}
rmsprop_momentum = kernel(
    optimizers.rmsprop_momentum,
    w=weights,
    g="...",
    v=weights,
    m=weights,
    learning_rate=float,
    rho=float,
    momentum=float,
    epsilon=float,
)
rmsprop_centered = kernel(
    optimizers.rmsprop_centered,
    w=weights,
    g="...",
    v=weights,
    a=weights,
    m=weights,
    learning_rate=float,
    rho=float,
    momentum=float,
    epsilon=float,
)
adadelta = kernel(
    optimizers.adadelta, w=weights, g="...", a=weights, d=weights, learning_rate=float, rho=float, epsilon=float
)
amsgrad = kernel(
    optimizers.amsgrad, w=weights, g="...", m=weights, v=weights, a=weights, learning_rate=float, **betas, step=step
)
adamax = kernel(optimizers.adamax, w=weights, g="...", m=weights, u=weights, learning_rate=float, **betas, step=step)
nadam = kernel(optimizers.nadam, w=weights, g="...", m=weights, v=weights, learning_rate=float, **betas, step=step)
lion = kernel(optimizers.lion, w=weights, g="...", m=weights, learning_rate=float, beta_1=float, beta_2=float)
clip_by_value = kernel(optimizers.clip_by_value, g=weights, clipvalue=Scalar(float, 0))
decay_weights = kernel(optimizers.decay_weights, w=weights, weight_decay=float, learning_rate=float)
average_weights = kernel(optimizers.average_weights, average=weights, w="...", ema_momentum=float, step=step)

words = np.uint32
philox4x32 = kernel(masks.philox4x32, counter=Array("4", words), key=Array("2", words), out=Array("4", words))
word, long_word = Scalar(int, 0, 2**32 - 1), Scalar(int, 0, 2**64 - 1)
dropout = kernel(
    masks.dropout, x="m n", rate=Scalar(float, 0, 1), seed=long_word, step=long_word, layer=word, out="m n"
)
gaussian_noise = kernel(
    masks.gaussian_noise,
    x="m n",
    stddev=Scalar(float, 0),
    seed=long_word,
    step=long_word,
    layer=word,
    out="m n",
)

dense_forward = kernel(dense.dense_forward, x="b n", kernel="n m", bias="m", out="b m")
dense_kernel_gradient = kernel(dense.dense_kernel_gradient, x="b n", dz="b m", out="n m")
dense_bias_gradient = kernel(dense.dense_bias_gradient, dz="b m", out="m")
dense_input_gradient = kernel(dense.dense_input_gradient, dz="b m", kernel="n m", out="b n")
