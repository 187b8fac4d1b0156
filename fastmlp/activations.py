"""Activations by name, as functions on arrays.

Layers keep one of these functions, or an `Activated` with other settings than its defaults, and hand on to the engine
what `described` says of it; called directly, they run the same compiled kernels.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from fastmlp import kernels
from fastmlp.data.arrays import numeric
from fastmlp.data.values import answering
from fastmlp.elsewhere import getter
from fastmlp.errors import told
from fastmlp.settings import Settings, boolean, find, listing, only, real

ONE_AXIS = "rows are the last axis"


def linear(x: Any) -> np.ndarray:
    """Return x unchanged."""
    return _apply("linear", x)


def relu(x: Any, negative_slope: float = 0.0, max_value: float | None = None, threshold: float = 0.0) -> np.ndarray:
    """Return max(x, 0), element by element; in general min(x, max_value) above the threshold.

    At and below the threshold it is negative_slope * (x - threshold).
    """
    slope = real("negative_slope", negative_slope)
    highest = math.inf if max_value is None else real("max_value", max_value, low=0.0)
    start = real("threshold", threshold, low=0.0)
    if slope == start == 0.0 and highest in (6.0, math.inf):
        return _apply("relu6" if highest == 6.0 else "relu", x)
    return _apply("rectifier", x, negative_slope=slope, threshold=start, max_value=highest)


def sigmoid(x: Any) -> np.ndarray:
    """Return 1 / (1 + exp(-x)), element by element."""
    return _apply("sigmoid", x)


def tanh(x: Any) -> np.ndarray:
    """Return the hyperbolic tangent, element by element."""
    return _apply("tanh", x)


def softmax(x: Any, axis: int = -1) -> np.ndarray:
    """Return exp(x) / sum(exp(x)) over the last axis."""
    only("axis", axis, (-1,), ONE_AXIS)
    return _apply("softmax", x)


def log_softmax(x: Any, axis: int = -1) -> np.ndarray:
    """Return log(softmax(x)) over the last axis."""
    only("axis", axis, (-1,), ONE_AXIS)
    return _apply("log_softmax", x)


def sparsemax(x: Any, axis: int = -1) -> np.ndarray:
    """Return the distribution nearest to x over the last axis, many of whose shares are 0."""
    only("axis", axis, (-1,), ONE_AXIS)
    return _apply("sparsemax", x)


def exponential(x: Any) -> np.ndarray:
    """Return exp(x), element by element."""
    return _apply("exponential", x)


def softsign(x: Any) -> np.ndarray:
    """Return x / (1 + |x|), element by element."""
    return _apply("softsign", x)


def hard_sigmoid(x: Any) -> np.ndarray:
    """Return min(max(x + 3, 0), 6) / 6, element by element."""
    return _apply("hard_sigmoid", x)


def leaky_relu(x: Any, negative_slope: float = 0.2) -> np.ndarray:
    """Return x where x > 0, else negative_slope * x."""
    slope = real("negative_slope", negative_slope)
    return _apply("leaky_relu", x) if slope == 0.2 else relu(x, slope)


def relu6(x: Any) -> np.ndarray:
    """Return min(max(x, 0), 6), element by element."""
    return _apply("relu6", x)


def elu(x: Any, alpha: float = 1.0) -> np.ndarray:
    """Return x where x > 0, else alpha * (exp(x) - 1)."""
    size = real("alpha", alpha)
    return _apply("elu", x) if size == 1.0 else _apply("scaled_elu", x, alpha=size, width=1.0)


def celu(x: Any, alpha: float = 1.0) -> np.ndarray:
    """Return x where x > 0, else alpha * (exp(x / alpha) - 1)."""
    size = _positive("alpha", alpha)
    return _apply("elu", x) if size == 1.0 else _apply("scaled_elu", x, alpha=size, width=size)


def selu(x: Any) -> np.ndarray:
    """Return 1.0507 x where x > 0, else 1.0507 * 1.6733 (exp(x) - 1)."""
    return _apply("selu", x)


def softplus(x: Any) -> np.ndarray:
    """Return log(1 + exp(x)), element by element."""
    return _apply("softplus", x)


def silu(x: Any) -> np.ndarray:
    """Return x * sigmoid(x), element by element; also called swish."""
    return _apply("silu", x)


def gelu(x: Any, approximate: bool = False) -> np.ndarray:
    """Return x times the standard normal distribution function at x, or `approximate` one made from tanh."""
    return _apply("gelu_tanh" if boolean("approximate", approximate) else "gelu", x)


def mish(x: Any) -> np.ndarray:
    """Return x * tanh(softplus(x)), element by element."""
    return _apply("mish", x)


def hard_silu(x: Any) -> np.ndarray:
    """Return x * min(max(x + 3, 0), 6) / 6, element by element; also called hard_swish."""
    return _apply("hard_silu", x)


def hard_tanh(x: Any) -> np.ndarray:
    """Return min(max(x, -1), 1), element by element."""
    return _apply("hard_tanh", x)


def hard_shrink(x: Any, threshold: float = 0.5) -> np.ndarray:
    """Return x where |x| > threshold, else 0."""
    return _apply("hard_shrink", x, threshold=real("threshold", threshold, low=0.0))


def soft_shrink(x: Any, threshold: float = 0.5) -> np.ndarray:
    """Return x, nearer to 0 by the threshold, where |x| > threshold, else 0."""
    return _apply("soft_shrink", x, threshold=real("threshold", threshold, low=0.0))


def tanh_shrink(x: Any) -> np.ndarray:
    """Return x - tanh(x), element by element."""
    return _apply("tanh_shrink", x)


def threshold(x: Any, threshold: float, default_value: float) -> np.ndarray:
    """Return x where x > threshold, else default_value."""
    settings = {"threshold": real("threshold", threshold), "default_value": real("default_value", default_value)}
    return _apply("threshold", x, **settings)


def squareplus(x: Any, b: float = 4.0) -> np.ndarray:
    """Return (x + sqrt(x * x + b)) / 2, element by element."""
    return _apply("squareplus", x, b=_positive("b", b))


def sparse_plus(x: Any) -> np.ndarray:
    """Return 0 where x <= -1, x where x >= 1, and (x + 1) * (x + 1) / 4 between."""
    return _apply("sparse_plus", x)


def sparse_sigmoid(x: Any) -> np.ndarray:
    """Return (min(max(x, -1), 1) + 1) / 2, element by element."""
    return _apply("sparse_sigmoid", x)


def log_sigmoid(x: Any) -> np.ndarray:
    """Return log(1 / (1 + exp(-x))), element by element."""
    return _apply("log_sigmoid", x)


swish = silu  # Keras has both names
hard_swish = hard_silu

ACTIVATIONS: dict[str, Callable[[Any], np.ndarray]] = {
    "linear": linear,
    "relu": relu,
    "sigmoid": sigmoid,
    "tanh": tanh,
    "softmax": softmax,
    "log_softmax": log_softmax,
    "exponential": exponential,
    "softsign": softsign,
    "hard_sigmoid": hard_sigmoid,
    "leaky_relu": leaky_relu,
    "relu6": relu6,
    "elu": elu,
    "selu": selu,
    "softplus": softplus,
    "silu": silu,
    "gelu": gelu,
    "mish": mish,
    "hard_silu": hard_silu,
    "celu": celu,
    "hard_tanh": hard_tanh,
    "hard_shrink": hard_shrink,
    "soft_shrink": soft_shrink,
    "tanh_shrink": tanh_shrink,
    "squareplus": squareplus,
    "sparse_plus": sparse_plus,
    "sparse_sigmoid": sparse_sigmoid,
    "sparsemax": sparsemax,
    "log_sigmoid": log_sigmoid,
    "swish": silu,
    "hard_swish": hard_silu,
}
ALONG_ROWS = ("softmax", "log_softmax", "sparsemax")  # kernels whose outputs depend on all of the last axis
NEEDS = "a function of x by those, such as lambda x: activations.relu(x, max_value=1), or one of their layers"


class Activated(Settings):
    """An activation with settings, by its kernel.

    Parameters
    ----------
    kernel : str
        A kernel that is an activation.
    settings : dict of float, optional
        What it takes besides x.
    """

    def __init__(self, kernel: str, settings: Mapping[str, float] | None = None):
        self.kernel = kernel
        self.settings = dict(settings or {})
        self(np.zeros((1, 1)))

    def __call__(self, x: Any) -> np.ndarray:
        return _apply(self.kernel, x, **self.settings)

    @property
    def __name__(self) -> str:
        return self.kernel

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Activated) and (self.kernel, self.settings) == (other.kernel, other.settings)

    def __hash__(self) -> int:
        return hash(self.kernel)


class Asked:
    """Given to a function in place of x, it gets to know the kernel that x would have gone to."""


def described(activation: Callable[[Any], Any]) -> dict[str, Any]:
    """Return the engine's description of an activation: its kernel, and what that takes besides."""
    found = activation(Asked())
    return {"activation": found.kernel, **found.settings}


def get(identifier: Any, argument: str = "activation") -> Callable[[Any], np.ndarray]:
    """Return the activation for a name, a function of this module, or None (linear).

    Functions that call one of this module with settings, such as `functools.partial(relu, max_value=1)`, and layers
    such as `layers.LeakyReLU(0.1)` give an `Activated`.

    Raises
    ------
    ValueError, TypeError
        For an unknown name, and for anything else; the message lists the known names.
    """
    if identifier is None:
        return linear
    if isinstance(identifier, str):
        return find(argument, identifier, ACTIVATIONS)
    if any(identifier is function for function in ACTIVATIONS.values()) or isinstance(identifier, Activated):
        return identifier  # type: ignore[no-any-return]
    if isinstance(identifier, Mapping) and identifier.get("class_name") == "Activated":
        return Activated.from_config(identifier["config"])
    if getattr(identifier, "is_activation", False):
        return identifier.activation  # type: ignore[no-any-return]
    try:
        found = identifier(Asked())
    except Exception:
        found = None
    if isinstance(found, Activated):
        return found if found.settings else ACTIVATIONS.get(found.kernel, found)
    raise TypeError(f"{argument}: got {told(identifier)}, needs None, one of {listing(ACTIVATIONS)}, or {NEEDS}")


def _positive(argument: str, value: Any) -> float:
    number = real(argument, value, low=0.0)
    if number == 0.0:
        raise ValueError(f"{argument}: got 0, needs a number above 0")
    return number


def _apply(name: str, x: Any, **settings: float) -> np.ndarray:
    if isinstance(x, Asked):
        return Activated(name, settings)  # type: ignore[return-value]
    if hasattr(x, "activated"):  # a symbol: another one, which `layers.Activation` gives
        return x.activated(Activated(name, settings) if settings else name)  # type: ignore[no-any-return]
    x = numeric("x", x)
    if x.dtype not in (np.float32, np.float64):
        x = x.astype(np.float64)
    # Kernels take matrices: one row for each vector along the last axis.
    matrix = x.reshape(-1, x.shape[-1]) if x.ndim and x.size else x.reshape(1, -1)
    return answering(np.asarray(getattr(kernels, name)(matrix, **settings)).reshape(x.shape))


if not TYPE_CHECKING:  # type checkers report other names by themselves
    __getattr__ = getter("activations")
