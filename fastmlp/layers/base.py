"""What the layers have in common: names, validated settings and shapes; the arithmetic is the engine's.

A shape here is that of one row, without the batch: (784,) for a flat image of 28x28.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np

from fastmlp import initializers
from fastmlp.data.arrays import Shape
from fastmlp.layers.variable import Owner, Variable
from fastmlp.settings import Settings, integer, optional_name, refuse_freezing, refuse_methods

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
        self.model: Owner | None = None  # weights are not shared: a layer is in one place of one model

    def __init_subclass__(cls) -> None:
        refuse_methods(cls, ("call",), "layers are computed by the engine; functions of your own may be losses")

    def __setattr__(self, name: str, value: Any) -> None:
        refuse_freezing(name, value)
        super().__setattr__(name, value)

    def __reduce_ex__(self, protocol: Any) -> Any:
        """Let a layer that a model or its user keeps besides become, in a copy of the model, the copy's layer."""
        if self.model is None:
            return super().__reduce_ex__(protocol)
        return layer_of, (self.model, self.name)

    def enter_model(self, name: str, model: Owner) -> None:
        """Take a place in a model, and its name there."""
        self.overwrite(name=name, model=model)

    def leave_model(self) -> None:
        """Be free for another place."""
        self.overwrite(model=None)

    @property
    def weights(self) -> list[Variable]:
        """The weights of a layer in a model, as `Variable`; ValueError for a layer outside of one."""
        if self.model is None:
            raise ValueError(f"{type(self).__name__}: got a layer of no model, needs one with a place in a model")
        return [variable for variable in self.model.weights if variable.path.rpartition("/")[0] == self.name]

    @property
    def trainable_weights(self) -> list[Variable]:
        """Those of the weights that training changes by gradients."""
        return [variable for variable in self.weights if variable.trainable]

    def get_weights(self) -> list[np.ndarray]:
        """Return copies of the layer's weights, in the order of `weights`."""
        return [variable.numpy() for variable in self.weights]

    def set_weights(self, weights: Any) -> None:
        """Set the layer's weights from arrays in the order of `get_weights`; ValueError if they do not fit."""
        variables = self.weights
        if not isinstance(weights, (list, tuple)) or len(weights) != len(variables):
            raise ValueError(f"weights: got {weights!r:.60}, needs a list of {len(variables)} arrays as of get_weights")
        for variable, value in zip(variables, weights, strict=True):
            variable.check(value)
        for variable, value in zip(variables, weights, strict=True):
            variable.assign(value)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape of an output row, or raise ValueError when the layer cannot take that input."""
        return input_shape

    def weight_shapes(self, input_shape: Shape) -> dict[str, Shape]:
        """Return the shape of each weight by name, in the order of get_weights."""
        return {}

    #: Names of weights that the data and not the gradients change.
    statistics: ClassVar[tuple[str, ...]] = ()

    def count_params(self, input_shape: Shape) -> int:
        """Return the number of weights for that input."""
        return sum(math.prod(shape) for shape in self.weight_shapes(input_shape).values())

    def count_statistics(self, input_shape: Shape) -> int:
        """Return how many of them are statistics of the data."""
        shapes = self.weight_shapes(input_shape)
        return sum(math.prod(shapes[name]) for name in self.statistics)

    def weight_initializer(self, weight: str) -> initializers.Initializer:
        """Return what draws the weight of that name."""
        raise NotImplementedError

    def specs(self, seed: int) -> list[dict[str, Any]]:
        """Return the engine's description, as one stage or several, or none; `seed` is for layers that draw."""
        return []


def layer_of(model: Any, name: str) -> Layer:
    """Return the layer of a copied model."""
    return model.get_layer(name)  # type: ignore[no-any-return]


class InputLayer(Layer):
    """The shape of one input row; see `Input`."""

    def __init__(self, shape: Any, *, name: str | None = None):
        self.shape = row_shape("shape", shape)
        super().__init__(name=name, input_shape=self.shape)


def Input(shape: Any, *, name: str | None = None) -> InputLayer:
    """Return the first item of a Sequential: the shape of one input row, such as (784,) or (28, 28)."""
    return InputLayer(shape, name=name)


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
