"""The layers of a model in a row: their names, the shapes between them, their weights' names and first values."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from fastmlp.config import seeds
from fastmlp.data.arrays import Shape
from fastmlp.layers import InputLayer, Layer
from fastmlp.settings import snake_case

if TYPE_CHECKING:
    from fastmlp.training.model import Model


class Stack:
    """Layers and, once known, the shape of an input row."""

    def __init__(self) -> None:
        self.layers: list[Layer] = []
        self.input_shape: Shape | None = None

    def add(self, layer: Layer, model: Model) -> None:
        """Append a layer; an Input only sets the shape. On an error nothing has changed."""
        if not isinstance(layer, Layer):
            raise TypeError(f"layer: got {layer!r}, needs a layer such as Dense(10)")
        if isinstance(layer, InputLayer):
            if self.layers or self.input_shape:
                raise ValueError("layer: got an Input after other layers, needs it to be the first")
            self.input_shape = layer.shape
            return
        if layer.model is not None:
            raise ValueError(f"layer: got {layer.name!r} of another place or model, needs a new one; none are shared")
        taken = {other.name for other in self.layers}
        if layer.name in taken:
            raise ValueError(f"layer: got the name {layer.name!r} a second time, needs a name for each layer")
        input_shape = self.input_shape or (None if self.layers else layer.input_shape)
        if input_shape is not None:
            shapes_between([*self.layers, layer], input_shape)
        layer.enter_model(layer.name or free_name(snake_case(type(layer).__name__), taken), model)
        self.layers.append(layer)
        self.input_shape = input_shape

    def pop(self) -> Layer:
        """Remove the last layer and return it."""
        if not self.layers:
            raise ValueError("pop: got a model without layers, needs at least one")
        layer = self.layers.pop()
        layer.leave_model()
        return layer

    def shapes(self, input_shape: Shape | None = None) -> list[Shape]:
        """Return the shape of the input row and of each layer's output row, for a model that can be built.

        Raises
        ------
        ValueError
            When there are no layers, no input shape is known, layers do not fit, or the output row is not flat.
        """
        input_shape = input_shape or self.input_shape
        if not self.layers:
            raise ValueError("model: got no layers, needs at least one, such as Dense(10)")
        if input_shape is None:
            raise ValueError(
                "model: got no input shape, needs Input(shape) as its first layer, or a call of build or fit"
            )
        shapes = shapes_between(self.layers, input_shape)
        if len(shapes[-1]) != 1:
            raise ValueError(f"model: got output rows of shape {shapes[-1]}, needs one dimension; add Flatten()")
        return shapes

    def weight_shapes(self) -> dict[str, Shape]:
        """Return the shape of each weight by name ("dense/kernel"), in the order of get_weights."""
        return {
            f"{layer.name}/{weight}": shape
            for layer, before in zip(self.layers, self.shapes(), strict=False)
            for weight, shape in layer.weight_shapes(before).items()
        }

    def statistics(self) -> set[str]:
        """Return the names of the weights that the data and not the gradients change."""
        return {f"{layer.name}/{weight}" for layer in self.layers for weight in layer.statistics}

    def initial_weights(self, seed: int, dtype: str) -> dict[str, np.ndarray]:
        """Return first values by name; they are drawn in float64, so that models of either dtype start alike.

        Raises
        ------
        MemoryError, ValueError
            When a layer's weights do not fit into memory, or into any: the latter is NumPy's for a size beyond 2**63.
        """
        weights = {}
        for index, (layer, before) in enumerate(zip(self.layers, self.shapes(), strict=False)):
            stream = seeds.weight_stream(seed, index)
            for weight, shape in layer.weight_shapes(before).items():
                try:
                    values = layer.weight_initializer(weight).draw(shape, stream).astype(dtype)
                except (MemoryError, ValueError) as error:
                    kind = MemoryError if isinstance(error, MemoryError) else ValueError
                    raise kind(f"layer {layer.name!r}: cannot make its {weight} of shape {shape}: {error}") from error
                weights[f"{layer.name}/{weight}"] = values
        return weights

    def specs(self, seed: int) -> list[dict[str, Any]]:
        """Return the engine's description of the layers."""
        return [spec for layer in self.layers for spec in layer.specs(seeds.dropout_seed(seed))]

    def multiply_adds(self) -> int:
        """Return the multiplications and additions to predict one row."""
        return sum(math.prod(shape) for shape in self.weight_shapes().values())


def shapes_between(layers: list[Layer], input_shape: Shape) -> list[Shape]:
    """Return the shape of the input row and of each layer's output row, or raise ValueError where they do not fit."""
    shapes = [input_shape]
    for layer in layers:
        if layer.input_shape not in (None, shapes[-1]):
            raise ValueError(f"input_shape: got {layer.input_shape} in {layer!r}, needs {shapes[-1]}")
        shapes.append(layer.compute_output_shape(shapes[-1]))
    return shapes


def free_name(base: str, taken: set[str | None]) -> str:
    """Return "dense", or with the first free number "dense_1"."""
    name, number = base, 0
    while name in taken:
        number += 1
        name = f"{base}_{number}"
    return name
