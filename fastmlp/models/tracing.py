"""Subclasses of Model with a `call` of their own: the graph that it makes when it is run once, on symbols."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from fastmlp.data.arrays import Shape
from fastmlp.data.sparse import is_sparse
from fastmlp.errors import told
from fastmlp.layers import InputLayer
from fastmlp.layers.description import in_predictions
from fastmlp.layers.graph import Graph
from fastmlp.layers.symbol import PHASE, Symbol, single_or_list


class Tracer:
    """Runs `call` on symbols, and keeps the graph until the model is built from it.

    Parameters
    ----------
    call : function
        The model's method `call(inputs)` or `call(inputs, training)`, which must do nothing but call layers.
    name : str
        What it is called in errors.
    """

    def __init__(self, call: Callable[..., Any], name: str):
        self.call, self.name = call, name
        self.takes: Any = None  # the container, without its contents, of the inputs that were given last
        self.traced: tuple[Any, Graph, Any] | None = None  # for what, the graph, and the container of the results

    def names_for(self, x: Any) -> list[str]:
        """Return the names of the inputs that x is given for, and keep their container."""
        if isinstance(x, Mapping) and not is_sparse(x):
            names = sorted(x, key=str)
            self.takes = dict.fromkeys(names)
            return names
        is_several = type(x) in (list, tuple) and len(x) > 1 and all(isinstance(one, (np.ndarray, Symbol)) for one in x)
        self.takes = [None] * len(x) if is_several else None
        return [f"input_{place}" for place in range(len(x))] if is_several else ["input"]

    def container_of(self, count: int) -> Any:
        """Return the container, without its contents, of so many inputs; None for one alone."""
        if self.takes is not None and len(self.takes) == count:
            return self.takes
        return [None] * count if count > 1 else None

    def trace(self, shapes: Sequence[Shape]) -> tuple[Graph, Any]:
        """Return the graph for input rows of those shapes, and the container of its outputs.

        Raises
        ------
        ValueError
            When `call` does anything but call layers, or other things in training than dropout and noise.
        """
        asked = (self.container_of(len(shapes)), *shapes)
        if self.traced is None or self.traced[0] != asked:
            if self.traced is not None:
                for call in self.traced[1].calls:
                    call.layer.unregister(call)
            graph, structure = self.run(shapes, PHASE)
            if self.asks_for_training:
                other, _ = self.run(shapes, None)
                if in_predictions(graph.describe(0).stages) != in_predictions(other.describe(0).stages):
                    needs = "one that differs in dropout and noise at most"
                    raise ValueError(f"{self.name}: got another graph with training=False, needs {needs}")
            self.traced = (asked, graph, structure)
        return self.traced[1:]

    @property
    def asks_for_training(self) -> bool:
        """Whether `call` has an argument `training`."""
        return "training" in inspect.signature(self.call).parameters

    def run(self, shapes: Sequence[Shape], training: Any) -> tuple[Graph, Any]:
        """Run `call` once."""
        symbols = [InputLayer(shape).symbol for shape in shapes]
        needs = "nothing but calls of layers: it is run once, on symbols"
        container = self.container_of(len(symbols))
        inputs = dict(zip(container, symbols, strict=True)) if isinstance(container, dict) else single_or_list(symbols)
        try:
            result = self.call(inputs, **({"training": training} if self.asks_for_training else {}))
        except Exception as error:
            raise ValueError(f"{self.name}: got {type(error).__name__}: {error}, needs {needs}") from error
        try:
            ends = flat(self.name, result)
        except (TypeError, ValueError):
            raise ValueError(f"{self.name}: got {type(result).__name__} as its result, needs {needs}") from None
        if not any(symbol.call.inputs for symbol in ends):
            raise ValueError(f"{self.name}: got no call of a layer, needs {needs}")
        return Graph(symbols, ends), shell(result)


def flat(argument: str, symbols: Any) -> list[Symbol]:
    """Return a symbol, or several in a container, as a list; TypeError or ValueError for anything else.

    Those of a dict are in the order of its sorted names, as in Keras.
    """
    found = [symbols[name] for name in sorted(symbols, key=str)] if isinstance(symbols, dict) else symbols
    found = list(found) if isinstance(found, (list, tuple)) else [found]
    for one in found:
        if not isinstance(one, Symbol):
            needs = "symbols, as Input and calls of layers return them"
            raise TypeError(f"{argument}: got {type(one).__name__}, needs {needs}")
    if not found or (argument == "inputs" and len(set(found)) < len(found)):
        raise ValueError(f"{argument}: got {told(symbols)}, needs each symbol once")
    return found


def shell(symbols: Any) -> Any:
    """Return the container of symbols without them, None where there is none."""
    if isinstance(symbols, dict):
        return dict.fromkeys(sorted(symbols, key=str))
    return type(symbols)([None] * len(symbols)) if type(symbols) in (list, tuple) and len(symbols) > 1 else None
