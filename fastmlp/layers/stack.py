"""The layers of a model in a row: their names, the shapes between them, their weights' names and first values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from fastmlp.config import seeds
from fastmlp.data.arrays import Shape
from fastmlp.layers.base import InputLayer, Layer
from fastmlp.layers.variable import Owner
from fastmlp.settings import snake_case


@dataclass(frozen=True)
class Layout:
    """What follows from the layers and the shape of an input row."""

    shapes: list[Shape]  # of the input row and of each layer's output row
    weight_shapes: dict[str, Shape]  # by name ("dense/kernel"), in the order of get_weights

    @property
    def units(self) -> int:
        """The number of outputs of a row."""
        return self.shapes[-1][0]


class Stack:
    """Layers and, once known, the shape of an input row."""

    def __init__(self) -> None:
        self.layers: list[Layer] = []
        self.input_shape: Shape | None = None
        self._layout: Layout | None = None  # of that input shape

    def add(self, layer: Layer, model: Owner) -> None:
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
        self._layout = None

    def pop(self) -> Layer:
        """Remove the last layer and return it."""
        if not self.layers:
            raise ValueError("pop: got a model without layers, needs at least one")
        layer = self.layers.pop()
        layer.leave_model()
        self._layout = None
        return layer

    @property
    def built(self) -> bool:
        """Whether the shapes of all weights are known."""
        return self.input_shape is not None and bool(self.layers)

    def layout(self, input_shape: Shape | None = None) -> Layout:
        """Return the shapes of rows and weights for input rows of a shape, by default the one that is fixed.

        Raises
        ------
        ValueError
            When there are no layers, no input shape is known, layers do not fit, or the output row is not flat.
        """
        input_shape = input_shape or self.input_shape
        if self._layout is not None and input_shape == self.input_shape:
            return self._layout
        if not self.layers:
            raise ValueError("model: got no layers, needs at least one, such as Dense(10)")
        if input_shape is None:
            raise ValueError(
                "model: got no input shape, needs Input(shape) as its first layer, or a call of build or fit"
            )
        shapes = shapes_between(self.layers, input_shape)
        if len(shapes[-1]) != 1:
            raise ValueError(f"model: got output rows of shape {shapes[-1]}, needs one dimension; add Flatten()")
        layout = Layout(shapes, weight_shapes(self.layers, shapes))
        if input_shape == self.input_shape:
            self._layout = layout
        return layout

    def fix_input_shape(self, input_shape: Shape | None) -> None:
        """Keep the shape of the input rows; ValueError when they have another one already."""
        shape = self.layout(input_shape).shapes[0]
        if self.input_shape not in (None, shape):
            raise ValueError(f"input_shape: got {shape} for a model whose input rows have shape {self.input_shape}")
        self.input_shape = shape

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
        for index, (layer, before) in enumerate(zip(self.layers, self.layout().shapes, strict=False)):
            generator = seeds.weight_generator(seed, index)
            for weight, shape in layer.weight_shapes(before).items():
                try:
                    values = layer.weight_initializer(weight).draw(shape, generator).astype(dtype)
                except (MemoryError, ValueError) as error:
                    kind = MemoryError if isinstance(error, MemoryError) else ValueError
                    raise kind(f"layer {layer.name!r}: cannot make its {weight} of shape {shape}: {error}") from error
                weights[f"{layer.name}/{weight}"] = values
        return weights

    def specs(self, seed: int) -> list[dict[str, Any]]:
        """Return the engine's description of the layers."""
        return [spec for layer in self.layers for spec in layer.specs(seeds.dropout_seed(seed))]


def shapes_between(layers: list[Layer], input_shape: Shape) -> list[Shape]:
    """Return the shape of the input row and of each layer's output row, or raise ValueError where they do not fit."""
    shapes = [input_shape]
    for layer in layers:
        if layer.input_shape not in (None, shapes[-1]):
            raise ValueError(f"input_shape: got {layer.input_shape} in {layer!r}, needs {shapes[-1]}")
        shapes.append(layer.compute_output_shape(shapes[-1]))
    return shapes


def weight_shapes(layers: list[Layer], shapes: list[Shape]) -> dict[str, Shape]:
    """Return the shape of each weight by name."""
    return {
        f"{layer.name}/{weight}": shape
        for layer, before in zip(layers, shapes, strict=False)
        for weight, shape in layer.weight_shapes(before).items()
    }


def free_name(base: str, taken: set[str | None]) -> str:
    """Return "dense", or with the first free number "dense_1"."""
    name, number = base, 0
    while name in taken:
        number += 1
        name = f"{base}_{number}"
    return name
