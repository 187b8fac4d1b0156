"""Dense, and the layers that change the form or scale of their input."""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING, Any

from fastmlp import activations, constraints, initializers, regularizers
from fastmlp.data.arrays import Shape
from fastmlp.errors import told
from fastmlp.layers.base import SIZE_LIMIT, Common, Layer, one_row
from fastmlp.layers.variable import Variable
from fastmlp.settings import boolean, integer, real

if TYPE_CHECKING:
    from typing_extensions import Unpack


class Dense(Layer):
    """activation(x . kernel + bias), with a kernel of shape [inputs, units], along the last axis of a row.

    Parameters
    ----------
    units : int
        Number of outputs.
    activation : str or function, optional
        A name or function of `activations`, such a function with settings, or a layer such as LeakyReLU(0.1); None is
        "linear".
    use_bias : bool
        Default True.
    kernel_initializer, bias_initializer : str, Initializer or callable
        Default "glorot_uniform" and "zeros".
    kernel_regularizer, bias_regularizer : regularizer or str, optional
        Penalty on the weights, added to the loss.
    activity_regularizer : regularizer or str, optional
        Penalty on the outputs, divided by the rows of the batch and added to the loss.
    kernel_constraint, bias_constraint : constraint or str, optional
        What the weights must keep to after each update.
    input_dim : int, optional
        `input_dim=8` stands for `input_shape=(8,)`, as in Keras.
    """

    input_dim: None = None

    def __init__(
        self,
        units: int,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        *,
        input_dim: int | None = None,
        **common: Unpack[Common],
    ):
        if input_dim is not None:
            if common.get("input_shape") is not None:
                raise ValueError(f"input_dim: got {told(input_dim)} beside input_shape, needs one of the two")
            common["input_shape"] = (integer("input_dim", input_dim, at_least=1, below=SIZE_LIMIT),)
        super().__init__(**common)
        self.units = integer("units", units, at_least=1, below=SIZE_LIMIT)
        self.activation = activations.get(activation)
        if self.units == 1 and self.activation is activations.softmax:
            warnings.warn("units: got 1 with a softmax, which is always 1, needs a sigmoid, or more", stacklevel=2)
        self.use_bias = boolean("use_bias", use_bias)
        self.kernel_initializer = initializers.get(kernel_initializer, "kernel_initializer")
        self.bias_initializer = initializers.get(bias_initializer, "bias_initializer")
        self.kernel_regularizer = regularizers.get(kernel_regularizer, "kernel_regularizer")
        self.bias_regularizer = regularizers.get(bias_regularizer, "bias_regularizer")
        self.activity_regularizer = regularizers.get(activity_regularizer, "activity_regularizer")
        self.kernel_constraint = constraints.get(kernel_constraint, "kernel_constraint")
        self.bias_constraint = constraints.get(bias_constraint, "bias_constraint")

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (*one_row(input_shape)[:-1], self.units)

    def weight_shapes(self, input_shape: Shape) -> dict[str, Shape]:
        shapes: dict[str, Shape] = {"kernel": (input_shape[-1], self.units)}
        if self.use_bias:
            shapes["bias"] = (self.units,)
        return shapes

    @property
    def kernel(self) -> Variable:
        """The kernel; AttributeError before the layer is built."""
        return self._variable("kernel")

    @property
    def bias(self) -> Variable | None:
        """The bias, None without use_bias; AttributeError before the layer is built."""
        return self._variable("bias") if self.use_bias else None

    def weight_initializer(self, weight: str) -> initializers.Initializer:
        return self.kernel_initializer if weight == "kernel" else self.bias_initializer

    def specs(self, seed: int, input_shape: Any = None) -> list[dict[str, Any]]:
        affine = {
            "kind": "dense",
            "units": self.units,
            **activations.described(self.activation),
            "use_bias": self.use_bias,
            "kernel": weight_settings(self.kernel_regularizer, self.kernel_constraint),
            "bias": weight_settings(self.bias_regularizer, self.bias_constraint),
        }
        stages = along_last_axis([affine], input_shape)
        if self.activity_regularizer is None:
            return stages
        return [*stages, {"kind": "activity_penalty", **self.activity_regularizer.strengths}]


def along_last_axis(stages: list[dict[str, Any]], input_shape: Any) -> list[dict[str, Any]]:
    """Return stages along the last axis: rows of several dimensions are taken apart before, and joined after."""
    groups = 1 if input_shape is None else math.prod(input_shape[:-1])
    if groups == 1:
        return stages
    return [{"kind": "split", "groups": groups}, *stages, {"kind": "join", "groups": groups}]


def weight_settings(
    regularizer: regularizers.Regularizer | None, constraint: constraints.Constraint | None
) -> dict[str, Any]:
    """Return the engine's description of what is asked of an array of weights."""
    settings: dict[str, Any] = {} if regularizer is None else regularizer.strengths
    return settings if constraint is None else {**settings, **constraint.spec}


class Flatten(Layer):
    """Makes each row one-dimensional: (28, 28) becomes (784,)."""

    passes_on = True
    takes_numbers = True

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (math.prod(one_row(input_shape)),)


class Reshape(Layer):
    """Gives each row another shape of as many values.

    Parameters
    ----------
    target_shape : tuple of int
        One of the sizes may be -1: what is left.
    """

    passes_on = True
    takes_numbers = True

    def __init__(self, target_shape: Any, **common: Unpack[Common]):
        super().__init__(**common)
        sizes = target_shape if isinstance(target_shape, (tuple, list)) else (target_shape,)
        self.target_shape = tuple(integer("target_shape", size, at_least=-1) for size in sizes)
        if not sizes or self.target_shape.count(-1) > 1 or 0 in self.target_shape:
            raise ValueError(
                f"target_shape: got {told(target_shape)}, needs sizes of at least 1, of which one may be -1"
            )

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        count, given = math.prod(one_row(input_shape)), math.prod(size for size in self.target_shape if size > 0)
        if count % given or (-1 not in self.target_shape and count != given):
            got = f"rows of shape {input_shape}, {count} values"
            raise ValueError(f"layer {self.name!r}: got {got}, needs as many as {self.target_shape} has")
        return tuple(count // given if size == -1 else size for size in self.target_shape)


class Identity(Layer):
    """Gives its input."""

    passes_on = True
    takes_numbers = True


class Rescaling(Layer):
    """x * scale + offset; `Rescaling(1 / 255)` brings bytes to [0, 1]."""

    takes_numbers = True

    def __init__(self, scale: float, offset: float = 0.0, **common: Unpack[Common]):
        super().__init__(**common)
        self.scale, self.offset = real("scale", scale), real("offset", offset)

    def specs(self, seed: int, input_shape: Any = None) -> list[dict[str, Any]]:
        return [{"kind": "rescaling", "scale": self.scale, "offset": self.offset}]
