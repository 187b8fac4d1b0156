"""Layers: names, validated settings and shapes; the arithmetic is the engine's.

A shape here is that of one row, without the batch: (784,) for a flat image of 28x28.
"""

from __future__ import annotations

import math
import re
from typing import Any

from fastmlp import activations, initializers, regularizers
from fastmlp.settings import Settings, boolean, integer, optional_name, real

Shape = tuple[int, ...]
SIZE_LIMIT = 2**31  # of a row, exclusive


class Layer(Settings):
    """Base of the layers.

    Parameters
    ----------
    name : str, optional
        Default: the class's name in snake case, numbered within the model ("dense", "dense_1").
    input_shape : tuple of int, optional
        Shape of one row; on a model's first layer it stands for `Input`, as in Keras 2.
    """

    def __init__(self, *, name: str | None = None, input_shape: Any = None):
        self.name = optional_name(name)
        self.input_shape = None if input_shape is None else row_shape("input_shape", input_shape)
        self.in_model = False  # weights are not shared: a layer is in one place of one model

    def enter_model(self, name: str) -> None:
        """Take a place in a model, and its name there."""
        vars(self).update(name=name, in_model=True)

    def leave_model(self) -> None:
        """Be free for another place."""
        vars(self).update(in_model=False)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape of an output row, or raise ValueError when the layer cannot take that input."""
        return input_shape

    def weight_shapes(self, input_shape: Shape) -> dict[str, Shape]:
        """Return the shape of each weight by name, in the order of get_weights."""
        return {}

    def count_params(self, input_shape: Shape) -> int:
        """Return the number of weights for that input."""
        return sum(math.prod(shape) for shape in self.weight_shapes(input_shape).values())

    def weight_initializer(self, weight: str) -> initializers.Initializer:
        """Return what draws the weight of that name."""
        raise NotImplementedError

    def spec(self, seed: int) -> dict[str, Any] | None:
        """Return the engine's description, or None when there is nothing to compute; `seed` is for layers that draw."""
        return None


class InputLayer(Layer):
    """The shape of one input row; see `Input`."""

    def __init__(self, shape: Any, *, name: str | None = None):
        self.shape = row_shape("shape", shape)
        super().__init__(name=name, input_shape=self.shape)


def Input(shape: Any, *, name: str | None = None) -> InputLayer:
    """Return the first item of a Sequential: the shape of one input row, such as (784,) or (28, 28)."""
    return InputLayer(shape, name=name)


class Dense(Layer):
    """activation(x . kernel + bias), with a kernel of shape [inputs, units].

    Parameters
    ----------
    units : int
        Number of outputs.
    activation : str or function, optional
        "linear" (also None), "relu", "sigmoid", "tanh" or "softmax".
    use_bias : bool
        Default True.
    kernel_initializer, bias_initializer : str or Initializer
        Default "glorot_uniform" and "zeros".
    kernel_regularizer : L2 or "l2", optional
        Penalty on the kernel, added to the loss.
    """

    def __init__(
        self,
        units: int,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        *,
        name: str | None = None,
        input_shape: Any = None,
    ):
        super().__init__(name=name, input_shape=input_shape)
        self.units = integer("units", units, at_least=1, below=SIZE_LIMIT)
        self.activation = activations.get(activation)
        self.use_bias = boolean("use_bias", use_bias)
        self.kernel_initializer = initializers.get(kernel_initializer, "kernel_initializer")
        self.bias_initializer = initializers.get(bias_initializer, "bias_initializer")
        self.kernel_regularizer = regularizers.get(kernel_regularizer, "kernel_regularizer")

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        require_flat(self, input_shape)
        return (self.units,)

    def weight_shapes(self, input_shape: Shape) -> dict[str, Shape]:
        shapes: dict[str, Shape] = {"kernel": (input_shape[0], self.units)}
        if self.use_bias:
            shapes["bias"] = (self.units,)
        return shapes

    def weight_initializer(self, weight: str) -> initializers.Initializer:
        return self.kernel_initializer if weight == "kernel" else self.bias_initializer

    def spec(self, seed: int) -> dict[str, Any]:
        return {
            "kind": "dense",
            "units": self.units,
            "activation": self.activation.__name__,
            "use_bias": self.use_bias,
            "kernel": {} if self.kernel_regularizer is None else {"l2": self.kernel_regularizer.l2},
        }


class Dropout(Layer):
    """In training, sets each value to 0 with probability `rate` and scales the others by 1 / (1 - rate).

    The mask is drawn from the seed (by default the model's), the number of the step and the place of the layer alone.
    """

    def __init__(self, rate: float, *, seed: int | None = None, name: str | None = None, input_shape: Any = None):
        super().__init__(name=name, input_shape=input_shape)
        self.rate = real("rate", rate, low=0.0, high=1.0)
        self.seed = None if seed is None else integer("seed", seed, at_least=0, below=2**64)

    def spec(self, seed: int) -> dict[str, Any]:
        return {"kind": "dropout", "rate": self.rate, "seed": seed if self.seed is None else self.seed}


class Flatten(Layer):
    """Makes each row one-dimensional: (28, 28) becomes (784,)."""

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (math.prod(input_shape),)


class Rescaling(Layer):
    """x * scale + offset; `Rescaling(1 / 255)` brings bytes to [0, 1]."""

    def __init__(self, scale: float, offset: float = 0.0, *, name: str | None = None, input_shape: Any = None):
        super().__init__(name=name, input_shape=input_shape)
        self.scale, self.offset = real("scale", scale), real("offset", offset)

    def spec(self, seed: int) -> dict[str, Any]:
        return {"kind": "rescaling", "scale": self.scale, "offset": self.offset}


class Activation(Layer):
    """An activation as a layer of its own."""

    def __init__(self, activation: Any, *, name: str | None = None, input_shape: Any = None):
        super().__init__(name=name, input_shape=input_shape)
        self.activation = activations.get(activation)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        if self.activation in activations.ALONG_ROWS:
            require_flat(self, input_shape)
        return input_shape

    def spec(self, seed: int) -> dict[str, Any]:
        return {"kind": "activation", "activation": self.activation.__name__}


LAYERS: dict[str, type[Layer]] = {
    "Dense": Dense,
    "Dropout": Dropout,
    "Flatten": Flatten,
    "Rescaling": Rescaling,
    "Activation": Activation,
    "InputLayer": InputLayer,
}

# Layers of Keras that are not dense, by what their names hold, and what to do without them.
ELSEWHERE = {
    "Conv|Pool|Padding|Cropping|UpSampling": "images are taken flat, by Flatten() and Dense",
    "RNN|LSTM|GRU|Bidirectional|TimeDistributed": "it has no recurrence; give a window of steps as one row, to Dense",
    "Attention": "it has no attention; rows stand for themselves",
    "Embedding": "give classes as one-hot rows, by utils.to_categorical, to Dense",
    "Normalization": "scale the inputs beforehand, or by Rescaling",
}


def __getattr__(name: str) -> Any:
    """Say what there is for the layers of Keras that are not here."""
    if not name[:1].isupper():
        raise AttributeError(f"module 'fastmlp.layers' has no attribute {name!r}")
    reason = next((text for kinds, text in ELSEWHERE.items() if re.search(kinds, name)), "each layer follows the last")
    have = ", ".join(layer for layer in LAYERS if layer != "InputLayer")
    raise AttributeError(f"layers: got {name!r}, needs one of {have}: fastmlp trains dense networks; {reason}")


def row_shape(argument: str, shape: Any) -> Shape:
    """Return a shape as a tuple of positive ints; a single int is a row of that length."""
    sizes = list(shape) if isinstance(shape, (tuple, list)) else [shape]
    if not sizes:
        raise ValueError(f"{argument}: got {shape!r}, needs the shape of one row, such as (784,)")
    row = tuple(integer(argument, size, at_least=1, below=SIZE_LIMIT) for size in sizes)
    if math.prod(row) >= SIZE_LIMIT:
        raise ValueError(f"{argument}: got {row}, {math.prod(row)} values a row, needs below {SIZE_LIMIT}")
    return row


def require_flat(layer: Layer, input_shape: Shape) -> None:
    if len(input_shape) != 1:
        what = f"layer {layer.name!r} ({type(layer).__name__})" if layer.name else type(layer).__name__
        raise ValueError(f"{what}: got rows of shape {input_shape}, needs one dimension; put Flatten() before it")
