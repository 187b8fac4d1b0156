"""Graphs of calls between symbols: their order, their layers, and their description for the engine."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from fastmlp.data.arrays import Shape
from fastmlp.kernels.cached import cached_property
from fastmlp.kernels.engine.blocks import Block
from fastmlp.layers.base import InputLayer, Layer
from fastmlp.layers.description import WEIGHTED, Stage, in_predictions, numbered
from fastmlp.layers.symbol import Call, Symbol
from fastmlp.layers.variable import Variable

STAGE_LIMIT = 2**16  # a small file can describe models in models that double with each
ROW_LIMIT = 2**25  # values of a row in all stages: it can describe rows that double with each layer, too


class Graph:
    """The calls between some symbols and others, which nothing changes any more.

    Parameters
    ----------
    inputs : sequence of Symbol
        Each from an InputLayer.
    outputs : sequence of Symbol

    Attributes
    ----------
    input_row_shapes, output_row_shapes : tuple of tuple of int
    calls : list of Call
        In the order of Keras' layers: those that are farthest from the outputs first.
    is_single : bool
        Whether there is one input and one output, which is the last of what is computed.
    layers : list of Layer
        Those of the inputs and of the calls, each once.

    Raises
    ------
    ValueError
        When an output depends on an input that is not among them.
    """

    def __init__(self, inputs: Sequence[Symbol], outputs: Sequence[Symbol]):
        self.inputs, self.outputs = tuple(inputs), tuple(outputs)
        self.input_row_shapes: tuple[Shape, ...] = tuple(symbol.row_shape for symbol in inputs)
        self.output_row_shapes: tuple[Shape, ...] = tuple(symbol.row_shape for symbol in outputs)
        self.calls, self.layers = ordered(self.inputs, self.outputs)
        branches = any(len(call.outputs) > 1 or (call.graph and not call.graph.is_single) for call in self.calls)
        self.is_single: bool = len(self.inputs) == len(self.outputs) == 1 and not branches

    @cached_property
    def number_limits(self) -> list[int | None]:
        """What the numbers of each input are below, where layers take them for numbers of rows; else None."""
        limits: dict[Symbol, int] = {}
        for call in reversed(self.calls):
            if call.graph is not None:
                of_inputs = call.graph.number_limits
            elif call.layer.passes_on:
                of_inputs = [limits.get(call.outputs[0])]
            else:
                of_inputs = [call.layer.number_limit]
            for symbol, limit in zip(call.inputs, of_inputs, strict=False):
                if limit is not None:
                    limits[symbol] = min(limit, limits.get(symbol, limit))
        return [limits.get(symbol) for symbol in self.inputs]

    def followed_by(self, call: Call) -> Graph:
        """Return the graph with another call at its end, of what it ends with, and that ends with that of the call."""
        if not self.is_single or len(call.outputs) > 1 or call.graph is not None or call.layer in self.layers:
            return Graph(self.inputs, call.outputs)
        longer = object.__new__(Graph)
        vars(longer).update(inputs=self.inputs, outputs=tuple(call.outputs), is_single=True)
        vars(longer).update(input_row_shapes=self.input_row_shapes, output_row_shapes=(call.outputs[0].row_shape,))
        vars(longer).update(calls=[*self.calls, call], layers=[*self.layers, call.layer])
        return longer

    def describe(self, seed: int, frozen: Callable[[Any], bool] = lambda layer: False) -> Description:
        """Return the engine's description of the graph.

        Parameters
        ----------
        seed : int
            The key of dropout's generator.
        frozen : function of a layer
            Whether its weights are not to be trained.
        """
        widths = [math.prod(shape) for shape in self.input_row_shapes]
        found = Description(widths, seed, frozen)
        found.outputs.extend(found.expand(self, list(range(len(widths))), None))
        return found

    def __getstate__(self) -> dict[str, Any]:
        # in an order in which nothing refers to what is not there yet: deep graphs would be deep recursions
        first = {name: vars(self)[name] for name in ("inputs", "calls", "outputs")}
        return {**first, **vars(self)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        for call in self.calls:
            call.layer.register(call)


@dataclass
class Description:
    """What the engine's Network takes, and the weights that it refers to.

    Things are numbered: the inputs, then the stages.
    """

    widths: list[int]
    seed: int
    frozen: Callable[[Any], bool]
    stages: list[Stage] = field(default_factory=list)
    layers: list[Layer] = field(default_factory=list)  # of each stage
    row_size: int = 0  # values of a row in all stages together
    outputs: list[int] = field(default_factory=list)
    variables: list[Variable] = field(default_factory=list)
    blocks: list[Block] | None = None  # of the variables, once they are asked for
    order: list[int] | None = None  # of a model's trained weights among `trained`, where that is another one
    weighted: dict[Layer, list[int]] = field(default_factory=dict)  # stages with weights of a layer, at its first call

    @cached_property
    def trained(self) -> list[Variable]:
        """The weights that have gradients."""
        return [one for one in self.variables if one.has_gradients and not self.frozen(one.layer)]

    def expand(self, graph: Graph, numbers: list[int], training: bool | None) -> list[int]:
        """Add the stages of a graph that reads those numbers; return the numbers of its outputs."""
        known = dict(zip(graph.inputs, numbers, strict=True))
        for call in graph.calls:
            reads = [known[symbol] for symbol in call.inputs]
            mode = call.training if training is None else training
            found = self.place(call, reads, mode) if call.graph is None else self.expand(call.graph, reads, mode)
            known.update(zip(call.outputs, found, strict=True))
        return [known[symbol] for symbol in graph.outputs]

    def place(self, call: Call, reads: list[int], training: bool | None) -> list[int]:
        """Add the stages of a call of a layer; return the number of its output."""
        layer, first = call.layer, len(self.widths) + len(self.stages)
        shapes = [symbol.row_shape for symbol in call.inputs]
        specs = layer.specs(self.seed, layer.shapes_for(shapes))
        if training is False:
            specs = in_predictions(specs)
        stages = numbered(specs, reads, first)
        if layer.weights:
            self._refer_to_weights(layer, stages, first)
        self.stages += stages
        self.layers += [layer] * len(stages)
        if len(self.stages) > STAGE_LIMIT:
            raise ValueError(f"model: got more than {STAGE_LIMIT} stages, needs fewer")
        self.row_size += len(stages) * math.prod(call.outputs[0].row_shape)
        if self.row_size > ROW_LIMIT:
            got = f"more than {ROW_LIMIT} values a row in all layers together"
            raise ValueError(f"model: got {got} when it comes to layer {layer.name!r}, needs fewer")
        return [first + len(stages) - 1 if stages else reads[0]]

    def _refer_to_weights(self, layer: Layer, stages: list[Stage], first: int) -> None:
        own = [place for place, stage in enumerate(stages) if stage["kind"] in WEIGHTED]
        if layer not in self.weighted:
            self.variables += layer.weights
            self.weighted[layer] = [first + place for place in own]
        for place, shared in zip(own, self.weighted[layer], strict=True):
            if shared != first + place:
                stages[place]["weights_of"] = shared
            if self.frozen(layer):
                stages[place]["trainable"] = False


def ordered(inputs: tuple[Symbol, ...], outputs: tuple[Symbol, ...]) -> tuple[list[Call], list[Layer]]:
    """Return the calls between symbols, and the layers, in the order of Keras' layers.

    That is by their largest distance from the outputs, a layer by that of the farthest of its calls; of equal ones,
    the one that is met first on the way back from the outputs. Calls of one layer as far as each other run in Keras'
    order too, in which the moving statistics of a shared BatchNormalization take in what it read.
    """
    calls, ranks = found_from(inputs, outputs)
    depths: dict[Call, int] = {}
    layer_depths: dict[Layer, int] = {}
    for call in reversed(calls):  # each after all that read it
        depth = max(depths.get(call, 0), layer_depths.get(call.layer, 0))
        depths[call] = layer_depths[call.layer] = depth
        for symbol in call.inputs:
            depths[symbol.call] = max(depths.get(symbol.call, 0), depth + 1)
    for symbol in inputs:  # also those that no output depends on
        layer_depths.setdefault(symbol.call.layer, 0)
    layers = sorted(layer_depths, key=lambda layer: (-layer_depths[layer], ranks.get(layer, -1)))
    reached = {call: place for place, call in enumerate(depths)}
    calls.sort(key=lambda call: (-depths[call], ranks[call.layer], reached[call]))
    return [call for call in calls if call.inputs], layers


def found_from(inputs: tuple[Symbol, ...], outputs: tuple[Symbol, ...]) -> tuple[list[Call], dict[Layer, int]]:
    """Return the calls that outputs depend on, each after those that it reads; and the order in which layers are met.

    Raises
    ------
    ValueError
        When they begin at something else than the inputs.
    """
    calls: dict[Call, None] = {}
    ranks: dict[Layer, int] = {}
    begun: set[Call] = set()
    for output in outputs:
        stack: list[tuple[Call, Iterator[Symbol]]] = []
        reached: Symbol | None = output
        while reached is not None or stack:
            if reached is not None and reached.call not in begun:
                call = reached.call
                if not call.inputs and reached not in inputs:
                    got = f"{output.name!r}, which depends on an input of shape {reached.shape}, {reached.name!r}"
                    needs = "it among the inputs; the layers of a model in a model begin at that one's own inputs"
                    raise ValueError(f"outputs: got {got}, needs {needs}")
                begun.add(call)
                ranks.setdefault(call.layer, len(ranks))
                stack.append((call, iter(call.inputs)))
            if not stack:
                break
            reached = next(stack[-1][1], None)
            if reached is None:
                calls[stack.pop()[0]] = None
    return list(calls), ranks


def from_inputs(inputs: Sequence[Symbol], outputs: Sequence[Symbol]) -> tuple[list[Symbol], list[Symbol]]:
    """Return symbols for a graph that begins at `inputs`, of which some may have been made by layers.

    Those are taken for new inputs, and the calls after them are made once more.
    """
    if all(not symbol.call.inputs for symbol in inputs):
        return list(inputs), list(outputs)
    begins = [InputLayer(one.row_shape).symbol if one.call.inputs else one for one in inputs]
    known = dict(zip(inputs, begins, strict=True))

    def again(symbol: Symbol) -> Symbol:
        return known.get(symbol, symbol)

    for call in calls_after(inputs, outputs):
        shapes = tuple(symbol.row_shape for symbol in call.outputs)
        reads = tuple(again(symbol) for symbol in call.inputs)
        made = Call(call.layer, reads, shapes, call.graph, call.training)
        known.update(zip(call.outputs, made.outputs, strict=True))
    return begins, [again(symbol) for symbol in outputs]


def calls_after(inputs: Sequence[Symbol], outputs: Sequence[Symbol]) -> list[Call]:
    """Return the calls between symbols in the order in which they were made; those of inputs are not among them."""
    found: dict[int, Call] = {}
    waiting = [symbol for symbol in outputs if symbol not in inputs]
    while waiting:
        call = waiting.pop().call
        if call.number not in found:
            found[call.number] = call
            waiting += [symbol for symbol in call.inputs if symbol not in inputs]
    return [found[number] for number in sorted(found) if found[number].inputs]


def leaves(layers: Iterable[Layer], within: tuple[Layer, ...] = ()) -> Iterator[tuple[str, Layer, bool]]:
    """Every layer that is no model, with its name by levels ("encoder/dense"), and whether it is trained.

    A layer is not trained where it is frozen, or a model that it stands in. A model may have an attribute that refers
    to one `within` which it stands.
    """
    for layer in layers:
        if not isinstance(layer, InputLayer) and layer not in within:
            inner = getattr(layer, "layers", None) if hasattr(type(layer), "layers") else None
            if inner is None:
                yield layer.name, layer, layer.trainable
            else:
                for name, leaf, trainable in leaves(inner, (*within, layer)):
                    yield f"{layer.name}/{name}", leaf, trainable and layer.trainable


class Names:
    """Names that are taken, of which the free ones are found without going through all."""

    def __init__(self, taken: Iterable[str]) -> None:
        self.taken = set(taken)
        self.numbers: dict[str, int] = {}  # the first free one of each base

    def free(self, base: str, elsewhere: Collection[str] = ()) -> str:
        """Return "dense", or with the first free number "dense_1"; `elsewhere` are more that are taken."""
        number = self.numbers.get(base, 0)
        while numbered_name(base, number) in self.taken:
            number += 1
        self.numbers[base] = number
        while (name := numbered_name(base, number)) in self.taken or name in elsewhere:
            number += 1
        return name


def numbered_name(base: str, number: int) -> str:
    return f"{base}_{number}" if number else base


def free_name(base: str, taken: Iterable[str]) -> str:
    """Return "dense", or with the first free number "dense_1"."""
    return Names(taken).free(base)
