"""Models as JSON values, and back: the layers, and for a graph the calls between them.

Symbols are numbered in a graph's description: the inputs, then what each call gives, in the order of the calls.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from fastmlp.data.files import reason
from fastmlp.errors import told
from fastmlp.layers import LAYERS, InputLayer, Layer
from fastmlp.layers.symbol import Symbol
from fastmlp.settings import boolean, find, integer, mapping, to_plain
from fastmlp.training.architecture import DEPTH_LIMIT
from fastmlp.training.model import Model


def config_of(model: Model) -> dict[str, Any]:
    """Return the architecture of a model as JSON values."""
    return Writer(model).model(model)


class Writer:
    """Describes a model; a layer that stands in several places of it gets a number, and is described once."""

    def __init__(self, model: Model):
        counts: dict[Layer, int] = {}
        for layer in every_layer(model):
            counts[layer] = counts.get(layer, 0) + 1
        self.shared = [layer for layer, count in counts.items() if count > 1]
        self.written: set[Layer] = set()

    def model(self, model: Model) -> dict[str, Any]:
        """Return the description of a model."""
        config = {"name": model.name, "trainable": model.trainable, "dtype": model.dtype, "seed": model.seed}
        symbols = row_symbols(model)
        if symbols is not None:
            shapes = model.input_row_shapes
            shape = to_plain(shapes[0] if shapes else None if not symbols else symbols[0].row_shape)
            return {**config, "input_shape": shape, "layers": [self.layer(layer) for layer in model.layers]}
        return {**config, **self.graph(model)}

    def graph(self, model: Model) -> dict[str, Any]:
        """Return the description of the calls between layers."""
        graph, structures = model.graph, model._structures
        numbers = {symbol: number for number, symbol in enumerate(graph.inputs)}
        places = {layer: place for place, layer in enumerate(graph.layers)}
        calls = []
        for call in graph.calls:
            described: dict[str, Any] = {"layer": places[call.layer]}
            described["inputs"] = [numbers[symbol] for symbol in call.inputs]
            calls.append(described if call.training is None else {**described, "training": call.training})
            for symbol in call.outputs:
                numbers[symbol] = len(numbers)
        return {
            "layers": [self.layer(layer) for layer in graph.layers],
            "calls": calls,
            "inputs": filled(structures[0], [places[symbol.call.layer] for symbol in graph.inputs]),
            "outputs": filled(structures[1], [numbers[symbol] for symbol in graph.outputs]),
        }

    def layer(self, layer: Layer) -> dict[str, Any]:
        """Return the description of a layer, or of a model as one."""
        item: dict[str, Any] = {"class_name": type(layer).__name__}
        if layer in self.shared:
            item["shared_object_id"] = self.shared.index(layer)
            if layer in self.written:
                return item
            self.written.add(layer)
        return {**item, "config": self.model(layer) if isinstance(layer, Model) else layer.get_config()}


@contextmanager
def read_as(argument: str) -> Iterator[None]:
    """Let what a description that is none leads to be a ValueError which names the argument."""
    try:
        yield
    except (LookupError, AttributeError, TypeError, ArithmeticError, RecursionError) as error:
        if isinstance(error, TypeError) and ": got" in str(error):
            raise
        needs = f"what get_config returns: {reason(error)}"
        raise ValueError(f"{argument}: got what describes no model, needs {needs}") from error


class Reader:
    """Makes models from descriptions, with the same layers in several places where they were so."""

    def __init__(self, custom_objects: Mapping[str, Any] | None = None):
        self.custom_objects = {} if custom_objects is None else mapping("custom_objects", custom_objects)
        self.shared: dict[int, Layer] = {}
        self.depth = 0

    def layer(self, item: Any) -> Layer:
        """Return the layer of a description."""
        number = item.get("shared_object_id")
        if "config" not in item:
            return self.shared[number]
        name, config = item["class_name"], item["config"]
        made: Layer
        if "layers" in config:
            made = self.model(self.custom_objects.get(name), config)
        else:
            made = find("layers", name, LAYERS).from_config(config)
        if number is not None:
            self.shared[integer("shared_object_id", number, at_least=0)] = made
        return made

    def model(self, cls: Any, config: Mapping[str, Any]) -> Any:
        """Return the model of a description; ValueError, TypeError or KeyError where it is none.

        Parameters
        ----------
        cls : type or None
            A subclass that it is to be of. Its __init__ is not called.
        config : mapping
            With "calls" that of a graph, else that of layers in a row.
        """
        is_row = "calls" not in config
        base = CLASSES["row" if is_row else "graph"]
        if cls is None or issubclass(base, cls):
            cls = base
        if not issubclass(cls, base) or issubclass(cls, CLASSES["row"]) != is_row:
            raise TypeError(f"custom_objects: got {told(cls)}, needs a subclass of {base.__name__}")
        self.depth += 1
        if self.depth > DEPTH_LIMIT:
            raise ValueError(f"model: got models in models to a depth of {self.depth}, needs {DEPTH_LIMIT} at most")
        made = cls.__new__(cls)
        settings = {name: config[name] for name in ("name", "dtype", "seed")}
        if is_row:
            shape = config["input_shape"]
            first = [] if shape is None else [InputLayer(shape)]
            base.__init__(made, [*first, *(self.layer(item) for item in config["layers"])], **settings)
        else:
            base.__init__(made, *self.symbols(config), **settings)
        made.overwrite(_trainable=boolean("trainable", config.get("trainable", True)))  # each layer has its own
        self.depth -= 1
        return made

    def symbols(self, config: Mapping[str, Any]) -> tuple[Any, Any]:
        """Return the inputs and outputs of a described graph, its layers called anew."""
        layers = [self.layer(item) for item in config["layers"]]
        begins = structure_of(config["inputs"], lambda place: layers[place].symbol)  # type: ignore[attr-defined]
        symbols: list[Symbol] = list(contents(begins))
        for call in config["calls"]:
            layer, reads = layers[number(call["layer"])], [symbols[number(one)] for one in call["inputs"]]
            symbols += layer.call_on(reads, call.get("training")).outputs
        return begins, structure_of(config["outputs"], lambda place: symbols[place])


#: What is made of descriptions, by "graph" and "row"; models.model and models.sequential give theirs.
CLASSES: dict[str, Any] = {}


def row_symbols(model: Model) -> list[Symbol] | None:
    """Return the input symbol, or an empty list, of a model that is layers in a row; None for a graph."""
    first = vars(model).get("_first", ...)
    return None if first is ... else [] if first is None else [first]


def every_layer(model: Model) -> Iterator[Layer]:
    """Yield the layers of a model and of the models in it, as often as they stand there."""
    waiting, seen = [model], set()
    while waiting:
        for layer in waiting.pop().layers:
            yield layer
            if isinstance(layer, Model) and layer not in seen:
                seen.add(layer)
                waiting.append(layer)


def number(value: Any) -> int:
    """Return a number of a description, checked."""
    return integer("number", value, at_least=0)


def filled(structure: Any, values: list[Any]) -> Any:
    """Return values in a container like the one given, a single one where there is none."""
    if isinstance(structure, dict):
        return dict(zip(structure, values, strict=True))
    return values[0] if structure is None else values


def structure_of(described: Any, value: Any) -> Any:
    """Return a container of what `value` makes of the numbers in one, or of a single number."""
    if isinstance(described, Mapping):
        return {name: value(number(one)) for name, one in described.items()}
    if isinstance(described, list):
        return [value(number(one)) for one in described]
    return value(number(described))


def contents(structure: Any) -> list[Any]:
    """Return what is in a container, or the single thing, as a list."""
    if isinstance(structure, dict):
        return list(structure.values())
    return structure if isinstance(structure, list) else [structure]
