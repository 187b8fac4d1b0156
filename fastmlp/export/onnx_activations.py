"""Activations as nodes of an ONNX graph, by the names of their kernels.

ONNX Runtime computes some operators in float32 alone; for doubles those are made of others.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Protocol

FLOAT, INT64, DOUBLE = 1, 7, 11  # numbers of types, onnx.TensorProto
SELU_SCALE, SELU_ALPHA = 1.0507009873554805, 1.6732632423543772


class Graph(Protocol):
    """A graph that is being made, of the one type that its constants have."""

    is_double: bool

    def node(self, kind: str, *inputs: str, attributes: Mapping[str, Any] | None = None) -> str:
        """Add a node; return the name of what it makes."""

    def constant(self, value: Any) -> str:
        """Add a number or an array of the graph's type; return its name."""


def standard(kind: str, **attributes: Any) -> Callable[[Graph, str], str]:
    """Return the function that adds an activation which is an operator for both types."""
    return lambda graph, z: graph.node(kind, z, attributes=attributes)


def standard_in_float32(kind: str, of_others: Callable[[Graph, str], str]) -> Callable[[Graph, str], str]:
    """Return the function that adds an operator for float32, and the same made `of_others` for float64."""
    return lambda graph, z: of_others(graph, z) if graph.is_double else graph.node(kind, z)


def scaled(graph: Graph, z: str, factor: float) -> str:
    """z * factor."""
    return graph.node("Mul", z, graph.constant(factor))


def shifted(graph: Graph, z: str, addend: float) -> str:
    """z + addend."""
    return graph.node("Add", z, graph.constant(addend))


def within(graph: Graph, z: str, low: float, high: float) -> str:
    """z within two numbers."""
    return graph.node("Min", graph.node("Max", z, graph.constant(low)), graph.constant(high))


def where_above(graph: Graph, z: str, threshold: float, then: str, other: str) -> str:
    """`then` where z > threshold, else `other`."""
    return graph.node("Where", graph.node("Greater", z, graph.constant(threshold)), then, other)


def exponential_part(graph: Graph, z: str) -> str:
    """exp(z) - 1 where z < 0, else 0."""
    return shifted(graph, graph.node("Exp", graph.node("Min", z, graph.constant(0.0))), -1.0)


def elu(graph: Graph, z: str) -> str:
    """z where z > 0, else exp(z) - 1."""
    return graph.node("Add", graph.node("Relu", z), exponential_part(graph, z))


def scaled_elu(graph: Graph, z: str, alpha: float, width: float) -> str:
    """z where z > 0, else alpha (exp(z / width) - 1)."""
    below = scaled(graph, exponential_part(graph, graph.node("Div", z, graph.constant(width))), alpha)
    return graph.node("Add", graph.node("Relu", z), below)


def selu(graph: Graph, z: str) -> str:
    """1.0507 z where z > 0, else 1.0507 * 1.6733 (exp(z) - 1)."""
    return scaled(graph, scaled_elu(graph, z, SELU_ALPHA, 1.0), SELU_SCALE)


def softplus(graph: Graph, z: str) -> str:
    """log(1 + exp(z))."""
    share = graph.node("Exp", graph.node("Neg", graph.node("Abs", z)))
    return graph.node("Add", graph.node("Relu", z), graph.node("Log", shifted(graph, share, 1.0)))


def softsign(graph: Graph, z: str) -> str:
    """z / (1 + |z|)."""
    return graph.node("Div", z, shifted(graph, graph.node("Abs", z), 1.0))


def erf(graph: Graph, z: str) -> str:
    """erf(z), for doubles too with float32's precision."""
    if not graph.is_double:
        return graph.node("Erf", z)
    single = graph.node("Erf", graph.node("Cast", z, attributes={"to": FLOAT}))
    return graph.node("Cast", single, attributes={"to": DOUBLE})


def gelu(graph: Graph, z: str) -> str:
    """z (1 + erf(z / sqrt 2)) / 2."""
    share = shifted(graph, erf(graph, scaled(graph, z, math.sqrt(0.5))), 1.0)
    return graph.node("Mul", scaled(graph, z, 0.5), share)


def gelu_tanh(graph: Graph, z: str) -> str:
    """z (1 + tanh(sqrt(2 / pi) (z + 0.044715 z^3))) / 2."""
    cube = graph.node("Mul", graph.node("Mul", z, z), scaled(graph, z, 0.044715))
    inner = scaled(graph, graph.node("Add", z, cube), math.sqrt(2 / math.pi))
    return graph.node("Mul", scaled(graph, z, 0.5), shifted(graph, graph.node("Tanh", inner), 1.0))


def hard_sigmoid(graph: Graph, z: str) -> str:
    """z / 6 + 1 / 2, within 0 and 1."""
    return within(graph, shifted(graph, scaled(graph, z, 1 / 6), 0.5), 0.0, 1.0)


def sparse_sigmoid(graph: Graph, z: str) -> str:
    """(z, within -1 and 1, + 1) / 2."""
    return scaled(graph, shifted(graph, within(graph, z, -1.0, 1.0), 1.0), 0.5)


def sparse_plus(graph: Graph, z: str) -> str:
    """sparse_sigmoid(z) squared, and what z is above 1."""
    share = sparse_sigmoid(graph, z)
    return graph.node("Add", graph.node("Mul", share, share), graph.node("Relu", shifted(graph, z, -1.0)))


def log_sigmoid(graph: Graph, z: str) -> str:
    """-softplus(-z)."""
    return graph.node("Neg", ACTIVATIONS["softplus"](graph, graph.node("Neg", z)))


def mish(graph: Graph, z: str) -> str:
    """z tanh(softplus(z))."""
    return graph.node("Mul", z, graph.node("Tanh", ACTIVATIONS["softplus"](graph, z)))


def rectifier(graph: Graph, z: str, negative_slope: float, threshold: float, max_value: float) -> str:
    """z, at most max_value, where z > threshold, else negative_slope (z - threshold)."""
    above = z if math.isinf(max_value) else graph.node("Min", z, graph.constant(max_value))
    return where_above(graph, z, threshold, above, scaled(graph, shifted(graph, z, -threshold), negative_slope))


def soft_shrink(graph: Graph, z: str, threshold: float) -> str:
    """z, nearer to 0 by the threshold, where |z| > threshold, else 0."""
    return graph.node("Sub", z, within(graph, z, -threshold, threshold))


def hard_shrink(graph: Graph, z: str, threshold: float) -> str:
    """z where |z| > threshold, else 0."""
    return where_above(graph, graph.node("Abs", z), threshold, z, graph.constant(0.0))


def squareplus(graph: Graph, z: str, b: float) -> str:
    """(z + sqrt(z^2 + b)) / 2."""
    root = graph.node("Sqrt", shifted(graph, graph.node("Mul", z, z), b))
    return scaled(graph, graph.node("Add", z, root), 0.5)


def threshold(graph: Graph, z: str, threshold: float, default_value: float) -> str:
    """z where z > threshold, else default_value."""
    return where_above(graph, z, threshold, z, graph.constant(default_value))


# what they take besides goes by the names of description.ACTIVATION_SETTINGS
ACTIVATIONS: dict[str, Callable[..., str]] = {
    "linear": standard("Identity"),
    "relu": standard("Relu"),
    "sigmoid": standard("Sigmoid"),
    "tanh": standard("Tanh"),
    "softmax": standard("Softmax", axis=1),
    "log_softmax": standard("LogSoftmax", axis=1),
    "exponential": standard("Exp"),
    "leaky_relu": lambda graph, z: graph.node("Max", z, scaled(graph, z, 0.2)),
    "softsign": standard_in_float32("Softsign", softsign),
    "elu": standard_in_float32("Elu", elu),
    "selu": standard_in_float32("Selu", selu),
    "softplus": standard_in_float32("Softplus", softplus),
    "scaled_elu": scaled_elu,
    "gelu": gelu,
    "gelu_tanh": gelu_tanh,
    "relu6": lambda graph, z: within(graph, z, 0.0, 6.0),
    "hard_tanh": lambda graph, z: within(graph, z, -1.0, 1.0),
    "hard_sigmoid": hard_sigmoid,
    "hard_silu": lambda graph, z: graph.node("Mul", z, hard_sigmoid(graph, z)),
    "silu": lambda graph, z: graph.node("Mul", z, graph.node("Sigmoid", z)),
    "mish": mish,
    "log_sigmoid": log_sigmoid,
    "tanh_shrink": lambda graph, z: graph.node("Sub", z, graph.node("Tanh", z)),
    "sparse_sigmoid": sparse_sigmoid,
    "sparse_plus": sparse_plus,
    "rectifier": rectifier,
    "hard_shrink": hard_shrink,
    "soft_shrink": soft_shrink,
    "squareplus": squareplus,
    "threshold": threshold,
}
