"""Activations by name, as functions on arrays.

Layers keep one of these functions and hand its name to the engine; called directly, they run the same compiled kernels.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from fastmlp import kernels
from fastmlp.data.arrays import numeric
from fastmlp.elsewhere import getter
from fastmlp.settings import find, listing


def linear(x: Any) -> np.ndarray:
    """Return x unchanged."""
    return _apply("linear", x)


def relu(x: Any) -> np.ndarray:
    """Return max(x, 0), element by element."""
    return _apply("relu", x)


def sigmoid(x: Any) -> np.ndarray:
    """Return 1 / (1 + exp(-x)), element by element."""
    return _apply("sigmoid", x)


def tanh(x: Any) -> np.ndarray:
    """Return the hyperbolic tangent, element by element."""
    return _apply("tanh", x)


def softmax(x: Any) -> np.ndarray:
    """Return exp(x) / sum(exp(x)) over the last axis."""
    return _apply("softmax", x)


def log_softmax(x: Any) -> np.ndarray:
    """Return log(softmax(x)) over the last axis."""
    return _apply("log_softmax", x)


def exponential(x: Any) -> np.ndarray:
    """Return exp(x), element by element."""
    return _apply("exponential", x)


def softsign(x: Any) -> np.ndarray:
    """Return x / (1 + |x|), element by element."""
    return _apply("softsign", x)


def hard_sigmoid(x: Any) -> np.ndarray:
    """Return min(max(x + 3, 0), 6) / 6, element by element."""
    return _apply("hard_sigmoid", x)


def leaky_relu(x: Any) -> np.ndarray:
    """Return x where x > 0, else 0.2 x."""
    return _apply("leaky_relu", x)


def relu6(x: Any) -> np.ndarray:
    """Return min(max(x, 0), 6), element by element."""
    return _apply("relu6", x)


def elu(x: Any) -> np.ndarray:
    """Return x where x > 0, else exp(x) - 1."""
    return _apply("elu", x)


def selu(x: Any) -> np.ndarray:
    """Return 1.0507 x where x > 0, else 1.0507 * 1.6733 (exp(x) - 1)."""
    return _apply("selu", x)


def softplus(x: Any) -> np.ndarray:
    """Return log(1 + exp(x)), element by element."""
    return _apply("softplus", x)


def silu(x: Any) -> np.ndarray:
    """Return x * sigmoid(x), element by element; also called swish."""
    return _apply("silu", x)


def gelu(x: Any) -> np.ndarray:
    """Return x times the standard normal distribution function at x: Keras' exact gelu."""
    return _apply("gelu", x)


def mish(x: Any) -> np.ndarray:
    """Return x * tanh(softplus(x)), element by element."""
    return _apply("mish", x)


def hard_silu(x: Any) -> np.ndarray:
    """Return x * min(max(x + 3, 0), 6) / 6, element by element; also called hard_swish."""
    return _apply("hard_silu", x)


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
    "swish": silu,
    "hard_swish": hard_silu,
}
ALONG_ROWS = (softmax, log_softmax)  # whose outputs depend on all of the last axis


def get(identifier: Any, argument: str = "activation") -> Callable[[Any], np.ndarray]:
    """Return the activation for a name, one of this module's functions, or None (linear).

    Raises
    ------
    ValueError, TypeError
        For an unknown name, and for anything else; the message lists the known names.
    """
    if identifier is None:
        return linear
    if isinstance(identifier, str):
        return find(argument, identifier, ACTIVATIONS)
    if any(identifier is function for function in ACTIVATIONS.values()):
        return identifier  # type: ignore[no-any-return]
    raise TypeError(f"{argument}: got {identifier!r}, needs None or one of {listing(ACTIVATIONS)}")


def _apply(name: str, x: Any) -> np.ndarray:
    x = numeric("x", x)
    if x.dtype not in (np.float32, np.float64):
        x = x.astype(np.float64)
    # Kernels take matrices: one row for each vector along the last axis.
    matrix = x.reshape(-1, x.shape[-1]) if x.ndim and x.size else x.reshape(1, -1)
    return np.asarray(getattr(kernels, name)(matrix)).reshape(x.shape)


if not TYPE_CHECKING:  # type checkers report other names by themselves
    __getattr__ = getter("activations")
