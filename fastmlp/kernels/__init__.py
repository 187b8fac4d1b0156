"""The compiled kernels, each the twin of the function of the same name in the pure-Python oracle.

Every function takes arrays of one float type (float32 or float64; any strides) and returns a new C-contiguous array,
or fills `out`. `threads` is the number of OpenMP threads, 1 by default; the result has the same bits for any number.
The optimizers update their arrays in place. `FASTMLP_ISA` in the environment, read at import, names the instruction
set to use instead of the best one.
"""

import math
import os

import numpy as np

from fastmlp.kernels.spinning import short_spins

try:
    with short_spins():
        import fastmlp.kernels.dropout as masks  # the module: here its name becomes the function's
        from fastmlp.kernels import (
            activations,
            crossentropies,
            curves,
            dense,
            isa,
            losses,
            ops,
            optimizers,
            pieces,
            rectifiers,
            similarities,
        )
        from fastmlp.kernels.contract import Array, Scalar, kernel
        from fastmlp.kernels.engine import Network
except ModuleNotFoundError as error:
    raise ImportError(
        f"fastmlp is not built in {os.path.dirname(__file__)} (no {error.name}): if that is a source folder, build it "
        "with `pip install -e .`, or use an installed fastmlp from another folder"
    ) from error

isa.select(isa.choose(os.environ.get("FASTMLP_ISA"), isa.supported()))

__all__ = ["Network"]  # and all that is published below; __init__.pyi has the signatures


def publish(module, names, **contract):
    """Make the public kernels of functions of a compiled module that share a contract."""
    for name in names.split():
        globals()[name] = kernel(getattr(module, name), **contract)
        __all__.append(name)


def gradients(names):
    """Return the names of the gradients of these functions."""
    return " ".join(name + "_gradient" for name in names.split())


publish(ops, "relu", x="m n", out="m n")
publish(ops, "add", x="m n", y="m n", out="m n")
publish(ops, "add_matrix_and_vector", x="m n", y="n", out="m n")
publish(ops, "vector_dot", x="n", y="n")
publish(ops, "matrix_vector_dot", x="m n", y="n", out="m")
publish(ops, "matrix_dot", x="m k", y="k n", out="m n")
publish(ops, "transpose", x="m n", out="n m")
publish(
    ops,
    "reshape",
    x="m n",
    rows=int,
    columns=int,
    out="rows columns",
    requires=(
        "rows * columns elements in x",
        lambda size: size["m"] * size["n"] == size["rows"] * size["columns"],
    ),
)


def publish_activations(module, names, gradient_takes, **settings):
    """Activations with their gradients, which take the output y or the input x."""
    publish(module, names, x="m n", **settings, out="m n")
    publish(module, gradients(names), **{gradient_takes: "m n"}, dy="m n", **settings, out="m n")


publish_activations(activations, "linear sigmoid tanh softmax log_softmax exponential softsign hard_sigmoid", "y")
publish_activations(rectifiers, "leaky_relu relu6 elu selu softplus", "y")
publish_activations(rectifiers, "silu gelu mish hard_silu", "x")
publish_activations(pieces, "hard_tanh sparse_sigmoid", "y")
publish_activations(pieces, "sparse_plus", "x")
at_least_0 = Scalar(float, 0)
corners = {"negative_slope": float, "threshold": at_least_0, "max_value": at_least_0}
publish_activations(pieces, "rectifier", "x", **corners)
publish_activations(pieces, "threshold", "x", threshold=float, default_value=float)
publish_activations(pieces, "hard_shrink soft_shrink", "x", threshold=at_least_0)
publish_activations(curves, "log_sigmoid sparsemax", "y")
publish_activations(curves, "tanh_shrink gelu_tanh", "x")
publish_activations(curves, "scaled_elu", "x", alpha=float, width=float)
publish_activations(curves, "squareplus", "x", b=at_least_0)
publish(activations, "relu_gradient", y="m n", dy="m n", out="m n")


def publish_losses(module, names, **contract):
    """Losses of rows, with the gradients of their mean, which take the same arguments."""
    publish(module, names, **contract, out="b")
    publish(module, gradients(names), **contract, out="b n")


labels = Array("b", np.intc, below="n")
values = {"y_true": "b n", "y_pred": "b n"}
publish_losses(losses, "mean_squared_error mean_absolute_error mean_absolute_percentage_error", **values)
publish_losses(losses, "mean_squared_logarithmic_error log_cosh poisson", **values)
publish_losses(losses, "poisson_from_logits", y_true="b n", logits="b n")
publish_losses(similarities, "kl_divergence_from_logits", y_true="b n", logits="b n")
publish_losses(losses, "huber", **values, delta=Scalar(float, 0))
publish_losses(losses, "quantile", **values, quantiles="n")
publish_losses(similarities, "hinge squared_hinge categorical_hinge kl_divergence cosine_similarity", **values)
for name in ("categorical_crossentropy", "binary_crossentropy"):
    publish_losses(crossentropies, name, **values)
    publish_losses(crossentropies, name + "_from_logits", y_true="b n", logits="b n")
focal = {"alpha": Scalar(float, 0), "gamma": Scalar(float, 0)}
publish_losses(crossentropies, "categorical_focal_crossentropy", **values, **focal)
binary_focal = {"alpha": float, "beta": float, "gamma": Scalar(float, 0)}
publish_losses(crossentropies, "binary_focal_crossentropy", **values, **binary_focal)
publish_losses(crossentropies, "binary_focal_crossentropy_from_logits", y_true="b n", logits="b n", **binary_focal)
publish_losses(crossentropies, "categorical_focal_crossentropy_from_logits", y_true="b n", logits="b n", **focal)
publish_losses(crossentropies, "sparse_categorical_crossentropy", y_true=labels, y_pred="b n")
publish_losses(crossentropies, "sparse_categorical_crossentropy_from_logits", y_true=labels, logits="b n")
publish(
    crossentropies,
    "smooth_labels",
    y_true="b n",
    label_smoothing=Scalar(float, 0, 1),
    classes=Scalar(int, 1, 2**31 - 1),
    out="b n",
)

weights, step = Array("...", updated=True), Scalar(int, 1, 2**63 - 1)


def publish_rules(names, slots, scalars, **contract):
    """Rules of optimizers: arrays of one shape, then numbers, of which the learning rate is the first."""
    remembered, numbers = dict.fromkeys(slots.split(), weights), dict.fromkeys(scalars.split(), float)
    publish(optimizers, names, w=weights, g="...", **remembered, learning_rate=float, **numbers, **contract)


publish_rules("sgd", "", "")
publish_rules("momentum nesterov", "m", "momentum")
publish_rules("rmsprop", "v", "rho epsilon")
publish_rules("rmsprop_momentum", "v m", "rho momentum epsilon")
publish_rules("rmsprop_centered", "v a m", "rho momentum epsilon")
publish_rules("adagrad", "a", "epsilon")
publish_rules("adadelta", "a d", "rho epsilon")
publish_rules("adam nadam", "m v", "beta_1 beta_2 epsilon", step=step)
publish_rules("amsgrad", "m v a", "beta_1 beta_2 epsilon", step=step)
publish_rules("adamax", "m u", "beta_1 beta_2 epsilon", step=step)
publish_rules("lion", "m", "beta_1 beta_2")
publish_rules("ftrl", "a z", "learning_rate_power l1 l2 l2_shrinkage beta")
publish_rules("schedule_free_adamw", "z v", "beta_1 beta_2 epsilon warmup_steps", step=step)
publish(optimizers, "clip_by_value", g=weights, clipvalue=Scalar(float, 0))
publish(optimizers, "decay_weights", w=weights, weight_decay=float, learning_rate=float)
publish(optimizers, "average_weights", average=weights, w="...", ema_momentum=float, step=step)

words, word, long_word = np.uint32, Scalar(int, 0, 2**32 - 1), Scalar(int, 0, 2**64 - 1)
key = {"seed": long_word, "step": long_word, "layer": word}
publish(masks, "philox4x32", counter=Array("4", words), key=Array("2", words), out=Array("4", words))
publish(masks, "dropout", x="m n", rate=Scalar(float, 0, 1), **key, out="m n")
publish(masks, "gaussian_noise gaussian_dropout", x="m n", stddev=Scalar(float, 0), **key, out="m n")
below_1 = Scalar(float, 0, math.nextafter(1, 0))
publish(masks, "alpha_dropout", x="m n", rate=below_1, **key, out="m n")
publish(masks, "alpha_dropout_gradient", dy="m n", rate=below_1, **key, out="m n")

publish(dense, "dense_forward", x="b n", kernel="n m", bias="m", out="b m")
publish(dense, "dense_kernel_gradient", x="b n", dz="b m", out="n m")
publish(dense, "dense_bias_gradient", dz="b m", out="m")
publish(dense, "dense_input_gradient", dz="b m", kernel="n m", out="b n")
