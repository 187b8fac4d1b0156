"""Layers that make one of several inputs: element by element, or side by side."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from fastmlp.data.arrays import Shape
from fastmlp.layers.base import SIZE_LIMIT, Common, Layer, one_row
from fastmlp.settings import integer

if TYPE_CHECKING:
    from typing_extensions import Unpack

Shapes = Sequence[Shape]
REPEATED_LIMIT = 4096  # how often an axis may be repeated


class Merging(Layer):
    """Base of the layers that merge element by element.

    The shapes of the inputs' rows are broadcast, as NumPy's are: aligned at their ends, an axis of one is repeated
    where the others have more.
    """

    many_inputs = True
    most_inputs: ClassVar[int | None] = None
    kind: ClassVar[str]

    def compute_output_shape(self, input_shape: Any) -> Shape:
        shapes = checked(self, input_shape)
        if self.most_inputs is not None and len(shapes) != self.most_inputs:
            raise ValueError(f"{what(self)}: got {len(shapes)} inputs, needs {self.most_inputs}")
        try:
            output = np.broadcast_shapes(*shapes)
        except ValueError:
            got, needs = ", ".join(map(str, shapes)), "equal ones, or 1 where an axis is to be repeated"
            raise ValueError(f"{what(self)}: got rows of shapes {got}, needs {needs}") from None
        if math.prod(output) >= SIZE_LIMIT or any(output != shape and max(output) > REPEATED_LIMIT for shape in shapes):
            got = f"rows of shapes {', '.join(map(str, shapes))}"
            raise ValueError(f"{what(self)}: got {got}, needs at most {REPEATED_LIMIT} repetitions")
        return output

    def specs(self, seed: int, input_shape: Any = None) -> list[dict[str, Any]]:
        output = self.compute_output_shape(input_shape)
        if len(input_shape) == 1:
            return []
        stages: list[dict[str, Any]] = []
        ends: dict[int, int] = {}  # of the stages that repeat an input, the number of the last
        for place, shape in enumerate(input_shape):
            repeating = repetitions(place, shape, output)
            stages += repeating
            if repeating:
                ends[place] = len(stages) - 1
        reads = [ends[place] - len(stages) if place in ends else place for place in range(len(input_shape))]
        return [*stages, {"kind": self.kind, **({"inputs": reads} if stages else {})}]


class Add(Merging):
    """The sum of the inputs, in their order."""

    kind = "add"


class Subtract(Merging):
    """The first of two inputs less the second."""

    kind = "subtract"
    most_inputs = 2


class Multiply(Merging):
    """The product of the inputs, in their order."""

    kind = "multiply"


class Average(Merging):
    """The sum of the inputs divided by their number."""

    kind = "average"


class Maximum(Merging):
    """The largest of the inputs; the gradient goes to that one, and in halves to two that are equal."""

    kind = "maximum"


class Minimum(Merging):
    """The smallest of the inputs; the gradient goes to that one, and in halves to two that are equal."""

    kind = "minimum"


class Concatenate(Layer):
    """The inputs side by side.

    Parameters
    ----------
    axis : int
        The axis along which they are joined, counted with that of the batch, which is 0: default -1, the last one. The
        inputs have equal shapes but for this axis.
    """

    many_inputs = True

    def __init__(self, axis: int = -1, **common: Unpack[Common]):
        super().__init__(**common)
        self.axis = integer("axis", axis, at_least=-64)
        if self.axis == 0:
            raise ValueError("axis: got 0, the rows of a batch, needs an axis of each row: -1, or 1 and more")

    def compute_output_shape(self, input_shape: Any) -> Shape:
        shapes = checked(self, input_shape)
        place = self._place(shapes[0])
        for shape in shapes:
            if len(shape) != len(shapes[0]) or any(
                one != other for n, (one, other) in enumerate(zip(shape, shapes[0], strict=False)) if n != place
            ):
                got = ", ".join(map(str, shapes))
                raise ValueError(f"{what(self)}: got rows of shapes {got}, needs equal ones but for axis {self.axis}")
        joined = sum(shape[place] for shape in shapes)
        return (*shapes[0][:place], joined, *shapes[0][place + 1 :])

    def _place(self, shape: Shape) -> int:
        """Return the axis among those of a row."""
        place = self.axis - 1 if self.axis > 0 else self.axis + len(shape)
        if not 0 <= place < len(shape):
            raise ValueError(f"{what(self)}: got axis {self.axis} for rows of shape {shape}, needs one of a row")
        return place

    def specs(self, seed: int, input_shape: Any = None) -> list[dict[str, Any]]:
        if len(input_shape) == 1:
            return []
        groups = math.prod(input_shape[0][: self._place(input_shape[0])])
        if groups == 1:
            return [{"kind": "concatenate"}]
        count = len(input_shape)
        split = [{"kind": "split", "groups": groups, "inputs": [place]} for place in range(count)]
        joined = {"kind": "concatenate", "inputs": list(range(-count, 0))}
        return [*split, joined, {"kind": "join", "groups": groups}]


def repetitions(place: int, shape: Shape, output: Shape) -> list[dict[str, Any]]:
    """Return the stages that broadcast an input's rows to another shape, axis by axis; none where they have it."""
    stages: list[dict[str, Any]] = []
    sizes = [1] * (len(output) - len(shape)) + list(shape)
    for axis, size in enumerate(output):
        if sizes[axis] == size:
            continue
        groups, reads = math.prod(sizes[:axis]), [-1 if stages else place]
        if groups > 1:
            stages.append({"kind": "split", "groups": groups, "inputs": reads})
            reads = [-1]
        stages.append({"kind": "concatenate", "inputs": reads * size})
        if groups > 1:
            stages.append({"kind": "join", "groups": groups})
        sizes[axis] = size
    return stages


def checked(layer: Layer, shapes: Any) -> list[Shape]:
    """Return the shapes of a layer's inputs; ValueError where it was not called on a list."""
    is_list = isinstance(shapes, (tuple, list)) and bool(shapes)
    if not is_list or not all(isinstance(shape, (tuple, list)) for shape in shapes):
        raise ValueError(f"{what(layer)}: got one input, needs a list of them")
    return [one_row(tuple(shape)) for shape in shapes]


def what(layer: Layer) -> str:
    return f"layer {layer.name!r}"


def add(inputs: Any, **common: Unpack[Common]) -> Any:
    """Return the sum of symbols or arrays, as `Add` does."""
    return Add(**common)(inputs)


def subtract(inputs: Any, **common: Unpack[Common]) -> Any:
    """Return the first of two symbols or arrays less the second, as `Subtract` does."""
    return Subtract(**common)(inputs)


def multiply(inputs: Any, **common: Unpack[Common]) -> Any:
    """Return the product of symbols or arrays, as `Multiply` does."""
    return Multiply(**common)(inputs)


def average(inputs: Any, **common: Unpack[Common]) -> Any:
    """Return the average of symbols or arrays, as `Average` does."""
    return Average(**common)(inputs)


def maximum(inputs: Any, **common: Unpack[Common]) -> Any:
    """Return the largest of symbols or arrays, element by element, as `Maximum` does."""
    return Maximum(**common)(inputs)


def minimum(inputs: Any, **common: Unpack[Common]) -> Any:
    """Return the smallest of symbols or arrays, element by element, as `Minimum` does."""
    return Minimum(**common)(inputs)


def concatenate(inputs: Any, axis: int = -1, **common: Unpack[Common]) -> Any:
    """Return symbols or arrays side by side, as `Concatenate` does."""
    return Concatenate(axis, **common)(inputs)
