"""Copies of models with layers, and first weights, of their own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastmlp.errors import told
from fastmlp.layers import InputLayer, Layer
from fastmlp.layers.symbol import Symbol
from fastmlp.models.config import row_symbols
from fastmlp.models.model import Model
from fastmlp.models.sequential import Sequential
from fastmlp.models.tracing import flat
from fastmlp.settings import boolean, only


def clone_model(
    model: Model,
    input_tensors: Any = None,
    clone_function: Callable[[Layer], Layer] | None = None,
    call_function: None = None,
    recursive: bool = False,
) -> Model:
    """Return a model of the same layers with weights of their own, drawn anew; it is not compiled.

    Parameters
    ----------
    model : Model
        A subclass gives a model of its graph, which must be known: it is built.
    input_tensors : Symbol, or a container of several, optional
        To begin with, in place of new inputs.
    clone_function : function of a layer, optional
        Returns what takes its place, and is asked for each layer but inputs; by default one of the same settings.
    call_function : None
        The layers are called as they were.
    recursive : bool
        Whether `clone_function` is asked for the layers of a model in the model; by default for that model itself.

    Raises
    ------
    TypeError, ValueError
        For anything else, and what does not fit.
    """
    if not isinstance(model, Model):
        raise TypeError(f"model: got {type(model).__name__}, needs a model")
    if clone_function is not None and not callable(clone_function):
        raise TypeError(f"clone_function: got {told(clone_function)}, needs a function of a layer")
    only("call_function", call_function, (None,), "the layers are called as they were")
    begins = None if input_tensors is None else flat("input_tensors", input_tensors)
    return Cloner(clone_function, boolean("recursive", recursive)).model(model, begins)


class Cloner:
    """Makes layers for layers, for the same one the same."""

    def __init__(self, clone_function: Callable[[Layer], Layer] | None, recursive: bool):
        self.clone_function, self.recursive = clone_function, recursive
        self.made: dict[Layer, Any] = {}

    def model(self, model: Model, begins: list[Symbol] | None = None) -> Model:
        """Return a model of the same layers, that begins with those symbols."""
        seed = model.seed if model._seed_is_given else None
        settings: dict[str, Any] = {"name": model._name, "dtype": model._given_dtype, "seed": seed}
        inputs = row_symbols(model)
        made: Model
        if inputs is not None:
            first = inputs if begins is None else begins
            made = Sequential([*first, *(self.layer(layer) for layer in model.layers)], **settings)
        else:
            made = self.graph(model, begins, settings)
        made.overwrite(_trainable=model.trainable, _name_is_given=model._name_is_given)
        return made

    def graph(self, model: Model, begins: list[Symbol] | None, settings: dict[str, Any]) -> Model:
        """Return a model of the same calls of other layers."""
        graph = model.graph
        if begins is None:
            begins = [InputLayer.from_config(one.call.layer.get_config()).symbol for one in graph.inputs]
        if len(begins) != len(graph.inputs):
            raise ValueError(f"input_tensors: got {len(begins)}, needs {len(graph.inputs)}")
        known = dict(zip(graph.inputs, begins, strict=True))
        for call in graph.calls:
            again = self.layer(call.layer).call_on([known[symbol] for symbol in call.inputs], call.training)
            known.update(zip(call.outputs, again.outputs, strict=True))
        ends = model.in_container([known[symbol] for symbol in graph.outputs], 1)
        return Model(model.in_container(begins, 0), ends, **settings)

    def layer(self, layer: Layer) -> Layer:
        """Return what takes a layer's place."""
        if layer not in self.made:
            if isinstance(layer, Model) and (self.recursive or self.clone_function is None):
                found: Any = self.model(layer)
            elif self.clone_function is None:
                found = type(layer).from_config(layer.get_config())
            else:
                found = self.clone_function(layer)
            if not isinstance(found, Layer):
                raise TypeError(f"clone_function: got {type(found).__name__} for {layer.name!r}, needs a layer")
            self.made[layer] = found
        return self.made[layer]  # type: ignore[no-any-return]
