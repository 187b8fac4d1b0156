"""A model in the words of Keras' files: its layers, the calls between them, and what it was compiled with.

Each object is {"module", "class_name", "config", "registered_name"}; a layer of a graph also has its "inbound_nodes".
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from fastmlp.activations import Activated
from fastmlp.export.keras_weights import class_name, is_row
from fastmlp.layers import InputLayer, Layer, Normalization
from fastmlp.layers.graph import STAGE_LIMIT
from fastmlp.layers.symbol import Call, Symbol
from fastmlp.losses.custom import Custom
from fastmlp.metrics import MeanMetricWrapper, Metric
from fastmlp.metrics.accuracy import AnyAccuracy
from fastmlp.settings import Settings
from fastmlp.training.model import Model

SHARED = "fastmlp_shared"  # what such numbers are called
OWN = ("OneCycle", "Quantile", "Activated")  # classes that Keras has not

Json = dict[str, Any]


def described(model: Model, legacy: bool = False) -> Json:
    """Return the description of a model.

    Parameters
    ----------
    model : Model
        A subclass is described as the graph, or the row, that it is.
    legacy : bool
        As in HDF5 files: without modules.

    Raises
    ------
    ValueError
        For models in models that double with each.
    """
    return Writer(model, legacy).layer(model)


class Writer:
    """Describes the layers of a model.

    One that stands in several models of it is described in each, and has the same number there. Keras passes over that:
    in its files, no layer is shared by models; it makes one for each.
    """

    def __init__(self, model: Model, legacy: bool):
        self.dtype, self.legacy, self.count = model.dtype, legacy, 0
        self.numbers = shared_layers(model)

    def layer(self, layer: Layer) -> Json:
        """Return the description of a layer, or of a model as one."""
        self.count += 1
        if self.count > STAGE_LIMIT:
            raise ValueError(f"model: got more than {STAGE_LIMIT} layers in models in models, needs fewer")
        if isinstance(layer, Model):
            config = self.row(layer) if is_row(layer) else self.graph(layer)
            module = "keras" if is_row(layer) else "keras.src.models.functional"
            registered = None if is_row(layer) else "Functional"
        else:
            config, module, registered = self.settings(layer), module_of(layer), None
        item: Json = {"class_name": class_name(layer), "config": config}
        if not self.legacy:
            item = {"module": module, **item, "registered_name": registered}
        return {**item, SHARED: self.numbers[layer]} if layer in self.numbers else item

    def row(self, model: Model) -> Json:
        """Return the settings of a model that is layers in a row."""
        first = vars(model)["_first"]
        layers = [*([] if first is None else [first.call.layer]), *model.layers]
        return {**self.common(model), "dtype": self.policy, "layers": [self.layer(one) for one in layers]}

    def graph(self, model: Model) -> Json:
        """Return the settings of a model that is a graph."""
        nodes: dict[Layer, list[Call]] = {}
        for call in sorted(model.graph.calls, key=lambda one: one.number):
            nodes.setdefault(call.layer, []).append(call)
        numbers = {call: number for calls in nodes.values() for number, call in enumerate(calls)}
        layers = []
        for layer in model.graph.layers:
            inbound = [self.node(call, numbers) for call in nodes.get(layer, [])]
            layers.append({**self.layer(layer), "name": layer.name, "inbound_nodes": inbound})

        def place(symbol: Symbol) -> list[Any]:
            call = symbol.call  # a graph's own outputs count as its first node here, though not among the inbound ones
            later = isinstance(call.layer, Model) and not is_row(call.layer)
            return [call.layer.name, numbers.get(call, 0) + later, symbol.place]

        inputs, outputs = ([place(symbol) for symbol in end] for end in (model.inputs, model.outputs))
        ends = {"input_layers": model.in_container(inputs, 0), "output_layers": model.in_container(outputs, 1)}
        return {**self.common(model), "layers": layers, **ends}

    def node(self, call: Call, numbers: dict[Call, int]) -> Json:
        """Return the description of a call."""
        tensors = [self.tensor(symbol, numbers.get(symbol.call, 0)) for symbol in call.inputs]
        given: Any = tensors if call.layer.many_inputs else tensors[0]
        if isinstance(call.layer, Model):
            given = call.layer.in_container(tensors, 0)
        return {"args": [given], "kwargs": {} if call.training is None else {"training": call.training}}

    def tensor(self, symbol: Symbol, node: int) -> Json:
        """Return the description of a symbol."""
        config = {"shape": list(symbol.shape), "dtype": symbol.own_dtype or self.dtype}
        history = [symbol.call.layer.name, node, symbol.place]
        return {"class_name": "__keras_tensor__", "config": {**config, "keras_history": history}}

    @property
    def policy(self) -> Json:
        """The description of the type that all layers compute in."""
        config = {"name": self.dtype}
        return {"module": "keras", "class_name": "DTypePolicy", "config": config, "registered_name": None}

    def common(self, model: Model) -> Json:
        return {"name": model.name, "trainable": model.trainable}

    def settings(self, layer: Layer) -> Json:
        """Return the settings of a layer."""
        if isinstance(layer, InputLayer):
            dtype = layer.symbol.own_dtype or self.dtype
            return {"batch_shape": list(layer.symbol.shape), "dtype": dtype, "name": layer.name}
        config = {**settings_of(layer), "name": layer.name, "trainable": layer.trainable, "dtype": self.policy}
        config.pop("input_shape", None)
        if isinstance(layer, Normalization):  # they are among the weights
            config.update(axis=None if layer.axis is None else np.atleast_1d(layer.axis).tolist())
            config = {name: value for name, value in config.items() if name not in ("mean", "variance")}
        return config


def shared_layers(model: Model) -> dict[Layer, int]:
    """Return numbers for the layers that stand in several of the models in a model, or several times in a row."""
    counts: dict[Layer, int] = {}
    waiting, seen = [model], {model}
    while waiting:
        one = waiting.pop()
        for layer in one.layers if is_row(one) else one.graph.layers:
            counts[layer] = counts.get(layer, 0) + 1
            if isinstance(layer, Model) and layer not in seen:
                seen.add(layer)
                waiting.append(layer)
    return {layer: number for number, layer in enumerate((one for one in counts if counts[one] > 1), 1)}


def settings_of(thing: Settings) -> Json:
    """Return settings as JSON values; None, which is what Keras takes too where nothing is given, is left out."""
    own = type(thing).get_config is not Settings.get_config and not isinstance(thing, Layer)
    values = thing.get_config() if own else thing.arguments()
    if "learning_rate" in values:
        values = {**values, "learning_rate": thing._rate}  # type: ignore[attr-defined]
    return {name: plain(value) for name, value in values.items() if value is not None}


def plain(value: Any) -> Any:
    """Return a value of a setting in terms of JSON."""
    if isinstance(value, Settings):
        return described_object(value)
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    if isinstance(value, dict):
        return {name: plain(one) for name, one in value.items()}
    return value.__name__ if callable(value) else value


def described_object(thing: Settings) -> Any:
    """Return the description of an object; of a function of the user's own, and of what fits the loss, the name."""
    if isinstance(thing, AnyAccuracy):
        return thing.name
    if isinstance(thing, Activated):
        return activation(thing)
    if isinstance(thing, (Custom, MeanMetricWrapper)):
        return function(thing.fn)
    if type(thing).__name__ == "Called":
        return function(thing.function)  # type: ignore[attr-defined]
    kind = type(thing).__name__
    own = kind in OWN or not type(thing).__module__.startswith("fastmlp.")
    registered = kind if own and isinstance(thing, Metric) else None
    item = {"module": module_of(thing), "class_name": kind, "config": settings_of(thing)}
    return {**item, "registered_name": registered}


def activation(thing: Activated) -> Json:
    """Return the description of an activation with settings: of a layer, as Keras has no others in files."""
    found, layer = thing.settings, None
    if thing.kernel == "rectifier":
        highest = None if found["max_value"] == math.inf else found["max_value"]
        layer = ("ReLU", {**found, "max_value": highest})
    elif thing.kernel == "scaled_elu" and found["width"] == 1.0:
        layer = ("ELU", {"alpha": found["alpha"]})
    if layer is None:
        return {"module": module_of(thing), "class_name": "Activated", "config": thing.get_config()}
    return {"module": "keras.layers", "class_name": layer[0], "config": layer[1], "registered_name": None}


def function(fn: Any) -> Json:
    """Return the description of a function: its name."""
    name = str(getattr(fn, "__name__", fn))
    return {"module": "builtins", "class_name": "function", "config": name, "registered_name": name}


def module_of(thing: Any) -> str:
    """Return the module of Keras that has the class of an object; of a class that Keras has not, its own."""
    kind = type(thing)
    first, *parts = kind.__module__.split(".")
    if first != "fastmlp" or kind.__name__ in OWN:
        return str(kind.__module__)
    return ".".join(["keras", parts[0], *(part for part in parts[1:] if part == "schedules")])


def compiled(model: Model) -> Json | None:
    """Return what a model was compiled with, or None."""
    if model.optimizer is None:
        return None
    found, names = model.compiled_metrics, model.output_names
    by_name = isinstance(model._structures[1], dict)

    def metrics(is_weighted: bool) -> Any:
        of_outputs = plain(found.by_output(is_weighted, len(names)))
        return dict(zip(names, of_outputs, strict=True)) if by_name and len(names) > 1 else of_outputs

    return {
        "optimizer": described_object(model.optimizer),
        "loss": each(model.loss, described_object),
        "loss_weights": model.loss_weights,
        "metrics": metrics(False) if found.metrics else None,
        "weighted_metrics": metrics(True) if found.weighted else None,
    }


def each(given: Any, described_one: Callable[[Any], Any]) -> Any:
    """Return what is made of an object, or of those in a list or dict; None stays."""
    if isinstance(given, dict):
        return {name: each(one, described_one) for name, one in given.items()}
    if isinstance(given, list):
        return [each(one, described_one) for one in given]
    return None if given is None else described_one(given)
