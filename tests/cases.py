"""Random arguments that any kernel accepts, made from its contract, so that a new kernel needs nothing new here."""

from fnmatch import fnmatchcase

import numpy as np

import reference
from fastmlp import kernels
from fastmlp.kernels.contract import Array

KERNELS = tuple(name for name in reference.__all__ if name != "Network")

SCALARS = {
    "learning_rate": 0.1,
    "momentum": 0.9,
    "stddev": 0.4,
    "rho": 0.9,
    "beta_1": 0.9,
    "beta_2": 0.999,
    "epsilon": 1e-7,
    "clipvalue": 0.5,
    "weight_decay": 0.04,
    "ema_momentum": 0.9,
    "rate": 0.25,
    "seed": 2**40 + 12345,  # more than one word of 32 bits
    "step": 3,
    "layer": 2,
    "negative_slope": 0.15,
    "threshold": 0.4,
    "max_value": 1.3,
    "default_value": -0.3,
    "width": 0.7,
    "b": 2.5,
    "delta": 0.7,
    "label_smoothing": 0.1,
    "alpha": 0.3,
    "gamma": 1.7,
    "classes": 3,
    "learning_rate_power": -0.4,
    "l1": 0.3,
    "l2": 0.2,
    "l2_shrinkage": 0.05,
    "beta": 0.1,
    "warmup_steps": 5.0,
}


def dimensions(name):
    """Names of the sizes a kernel's arguments are made of, in order of appearance: ("m", "k", "n") for matrix_dot.

    "..." stands for any shape. Fixed sizes, and those that scalars give, are left out.
    """
    contract = inputs(name)
    names = [size for what in contract.values() if isinstance(what, Array) for size in what.dimensions.split()]
    return tuple(dict.fromkeys(size for size in names if not size.isdigit() and size not in contract))


def arguments(name, sizes, dtype, rng):
    """Make random arguments for a kernel, and for its twin in the oracle.

    Parameters
    ----------
    name : str
        One of KERNELS.
    sizes : dict of str to int
        The number that each of `dimensions(name)` stands for. For `reshape` also rows and columns, by default those of
        the transpose.
    dtype : dtype
        float32 or float64.
    rng : numpy.random.Generator

    Returns
    -------
    dict
        By name, in order: new C-contiguous arrays, and scalars.
    """
    sizes = {"rows": sizes.get("n"), "columns": sizes.get("m"), **sizes}
    contract = inputs(name)
    return {argument: value(name, argument, what, sizes, dtype, rng) for argument, what in contract.items()}


def to_lists(arguments):
    """The same arguments for the oracle: arrays become (nested) lists of Python floats or ints."""
    return {name: given.tolist() if isinstance(given, np.ndarray) else given for name, given in arguments.items()}


def inputs(name):
    """What each argument of a kernel is, without `out`."""
    return {argument: what for argument, what in getattr(kernels, name).contract.items() if argument != "out"}


def value(name, argument, what, sizes, dtype, rng):
    """One argument, of one kernel."""
    if not isinstance(what, Array):
        return sizes[argument] if argument in sizes else SCALARS[argument]
    shape = tuple(int(size) if size.isdigit() else sizes[size] for size in what.dimensions.split())
    if what.dtype is not None:
        limit = sizes[what.below] if what.below else np.iinfo(what.dtype).max + 1
        return rng.integers(0, limit, shape).astype(what.dtype)
    return maker(name, argument)(rng, shape).astype(dtype)


def maker(name, argument):
    """The function that makes the values of one float array: that of the first line of VALUES that fits."""
    for kernel, pattern, make in VALUES:
        if fnmatchcase(name, kernel) and fnmatchcase(argument, pattern):
            return make
    raise LookupError(f"VALUES has no line for {argument} of {name}")


# Values of float arrays. Every maker takes a Generator and a shape.


def signed(rng, shape):
    """Numbers of both signs, and some zeros: kernels may skip those."""
    return rng.standard_normal(shape) * (rng.random(shape) > 0.125)


def wide(rng, shape):
    """Numbers on which functions with a ceiling reach it."""
    return 6 * rng.standard_normal(shape)


def positive_parts(rng, shape):
    """What relu gives: about half of it is zero."""
    return np.maximum(rng.standard_normal(shape), 0.0)


def squares(rng, shape):
    """What optimizers remember of squared gradients."""
    return rng.standard_normal(shape) ** 2


def negative(rng, shape):
    """Numbers below 0."""
    return -squares(rng, shape)


def above_one(rng, shape):
    """Squares and 1."""
    return 1.0 + squares(rng, shape)


def fractions(rng, shape):
    """Numbers inside (0, 1)."""
    return rng.uniform(0.01, 0.99, shape)


def signed_fractions(rng, shape):
    """Numbers inside (-1, 1)."""
    return rng.uniform(-0.99, 0.99, shape)


def above_minus_one(rng, shape):
    """What elu and selu give: numbers of both signs above -1."""
    return np.maximum(np.expm1(signed(rng, shape)), -0.99)


def up_to_six(rng, shape):
    """What relu6 gives, both ends included."""
    return np.clip(rng.uniform(-3, 9, shape), 0.0, 6.0)


def from_minus_one_to_one(rng, shape):
    """What hard_tanh gives, both ends included."""
    return np.clip(rng.uniform(-2, 2, shape), -1.0, 1.0)


def sparse_distributions(rng, shape):
    """Rows of numbers of at least 0 that add up to 1."""
    weights = distributions(rng, shape) * (rng.random(shape) > 0.5)
    weights[:, 0] += 0.1
    return weights / weights.sum(axis=-1, keepdims=True)


def up_to_one(rng, shape):
    """What hard_sigmoid gives, both ends included."""
    return up_to_six(rng, shape) / 6.0


def logarithms(rng, shape):
    """Logarithms of distributions."""
    return np.log(distributions(rng, shape))


def answers(rng, shape):
    """Yes (1), no (0), or something between in every second row."""
    hard, soft = rng.integers(0, 2, shape).astype(float), rng.random(shape)
    return every_second_row(hard, soft)


def sides(rng, shape):
    """-1 or 1."""
    return 2.0 * rng.integers(0, 2, shape) - 1.0


def distributions(rng, shape):
    """Rows of positive numbers that add up to 1."""
    weights = np.exp(rng.standard_normal(shape))
    return weights / weights.sum(axis=-1, keepdims=True)


def shares(rng, shape):
    """One-hot rows, and in every second row a distribution."""
    hard = np.eye(shape[1])[rng.integers(0, shape[1], shape[0])]
    return every_second_row(hard, distributions(rng, shape))


def every_second_row(even, odd):
    """The even rows of one matrix and the odd rows of the other."""
    return np.where(np.arange(len(even))[:, np.newaxis] % 2 == 0, even, odd)


VALUES = (  # kernel, argument, maker: the first line that fits
    ("relu_gradient", "y", positive_parts),
    ("sigmoid_gradient", "y", fractions),
    ("tanh_gradient", "y", signed_fractions),
    ("softmax_gradient", "y", distributions),
    ("log_softmax_gradient", "y", logarithms),
    ("exponential_gradient", "y", squares),
    ("softsign_gradient", "y", signed_fractions),
    ("hard_sigmoid_gradient", "y", up_to_one),
    ("hard_tanh_gradient", "y", from_minus_one_to_one),
    ("sparse_sigmoid_gradient", "y", up_to_one),
    ("log_sigmoid_gradient", "y", negative),
    ("sparsemax_gradient", "y", sparse_distributions),
    ("relu6_gradient", "y", up_to_six),
    ("*elu_gradient", "y", above_minus_one),
    ("softplus_gradient", "y", squares),
    ("relu6", "x", wide),
    ("hard_*", "x", wide),
    ("smooth_labels", "y_true", shares),
    ("mean_squared_logarithmic_error*", "*", positive_parts),
    ("quantile*", "quantiles", fractions),
    ("poisson*", "y_true", positive_parts),
    ("poisson*", "y_pred", fractions),
    ("kl_divergence*", "y_true", shares),
    ("kl_divergence*", "y_pred", distributions),
    ("categorical_hinge*", "y_true", shares),
    ("*hinge*", "y_true", sides),
    ("categorical_crossentropy*", "y_true", shares),
    ("categorical_focal_crossentropy*", "y_true", shares),
    ("categorical_focal_crossentropy*", "y_pred", distributions),
    ("binary_crossentropy*", "y_true", answers),
    ("*categorical_crossentropy*", "y_pred", distributions),
    ("binary_crossentropy*", "y_pred", fractions),
    ("binary_focal*", "y_true", answers),
    ("binary_focal*", "y_pred", fractions),
    ("adagrad", "a", squares),
    ("rmsprop", "v", squares),
    ("rmsprop_momentum", "v", squares),
    ("rmsprop_centered", "v", above_one),  # at least a^2
    ("rmsprop_centered", "a", signed_fractions),
    ("ftrl", "a", squares),
    ("adadelta", "[ad]", squares),
    ("adam", "v", squares),
    ("amsgrad", "[va]", squares),
    ("adamax", "u", squares),
    ("nadam", "v", squares),
    ("schedule_free_adamw", "v", squares),
    ("*", "*", signed),
)
