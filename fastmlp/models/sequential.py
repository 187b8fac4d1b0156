"""Sequential: layers in a row."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Sequence
from typing import Any

from fastmlp.data.arrays import Shape
from fastmlp.errors import told
from fastmlp.layers import InputLayer, Layer
from fastmlp.layers.graph import Graph
from fastmlp.layers.symbol import Symbol
from fastmlp.models.config import CLASSES
from fastmlp.models.model import Model
from fastmlp.settings import boolean
from fastmlp.training.architecture import Roll


class Sequential(Model):
    """A network of layers in a row.

    Parameters
    ----------
    layers : iterable of Layer, optional
        May start with `Input(shape)`; without it the input's shape is taken from the first data. A model is a layer.
    name : str, optional
        Default "sequential".
    dtype : {"float32", "float64"}, optional
        Type of the weights and of the arithmetic; default `config.floatx()`. float64 gives the same bits as the
        reference implementation.
    seed : int, optional
        Everything random (initial weights, order of the rows, dropout) follows from it. None draws one, kept in `seed`.
    trainable : bool
        Whether training changes the weights; default True.
    """

    refused = (*Model.refused, "call")
    _has_call = False
    _layers: list[Layer]
    _first: Symbol | None  # the input, where its shape is known
    _roll: Roll | None = None  # of the layers, after one was added

    def __init__(
        self,
        layers: Iterable[Any] | None = None,
        *,
        name: str | None = None,
        dtype: Any = None,
        seed: int | None = None,
        trainable: bool = True,
    ):
        if layers is not None and not isinstance(layers, Iterable):
            raise TypeError(f"layers: got {type(layers).__name__}, needs a list of layers")
        super().__init__(name=name, dtype=dtype, seed=seed)
        self.overwrite(_layers=[], _first=None)
        try:
            for layer in () if layers is None else layers:
                self._add(layer, is_new=True)
        except BaseException:
            while self._layers:  # so that the layers can be used again
                self.pop()
            raise
        if not boolean("trainable", trainable):
            self.trainable = trainable

    @classmethod
    def _unshared(cls) -> dict[str, Any]:
        return {**super()._unshared(), "_roll": None}

    @property
    def layers(self) -> list[Layer]:
        """The layers, without Input."""
        return list(self._layers)

    def add(self, layer: Layer | Symbol) -> None:
        """Append a layer. The layers before it keep their weights, the optimizer starts anew.

        Raises
        ------
        TypeError, ValueError
            When it is no layer, has a name that is taken, or does not fit the layer before it.
        """
        self._add(layer, is_new=False)

    def _add(self, layer: Any, is_new: bool) -> None:
        """Append a layer; a new model's roll is called once."""
        if isinstance(layer, Symbol) and not layer.call.inputs:
            layer = layer.call.layer
        if not isinstance(layer, Layer):
            raise TypeError(f"layer: got {told(layer)}, needs a layer such as Dense(10)")
        with self._lock:
            if isinstance(layer, InputLayer):
                if self._layers or self._first is not None:
                    raise ValueError("layer: got an Input after other layers, needs it to be the first")
                self.overwrite(_first=layer.symbol)
                return
            self._require_to_stand_alone("add")
            first = self._begin_with(layer) if self._first is None else self._first
            roll = self._roll
            self.overwrite(_roll=None)
            if roll is None or not (is_new or roll.goes_on(layer, self.dtype)):
                roll = Roll(self._layers)
            self._append(layer, first, roll)
            self.overwrite(_first=first, _roll=roll)
            self.overwrite(_compiled=None)
            self.discard_network()

    def _require_to_stand_alone(self, method: str) -> None:
        """Raise ValueError where other models, or symbols, come from a call of this one as it is."""
        if self.is_called:
            gc.collect()  # models and their layers refer to each other
        if self.is_called:
            got = f"model {self.name!r}, which was called as a layer"
            raise ValueError(f"{method}: got {got}, needs one that no other is made from, such as its clone_model")

    def _begin_with(self, layer: Layer) -> Symbol | None:
        """Return a symbol for what the first layer takes, where it says that."""
        shapes = [] if self._layers else getattr(layer, "input_row_shapes", None) or [layer._given_shape]
        return InputLayer(shapes[0]).symbol if len(shapes) == 1 and shapes[0] is not None else None

    def _append(self, layer: Layer, first: Symbol | None, roll: Roll) -> None:
        """Make a layer the last one; on an error nothing has changed."""
        call, present = None, self._layers
        if first is not None:
            end = self._graph.outputs[0] if self._graph is not None else first
            call = layer.call_on([end])
            if len(call.outputs) > 1:
                layer.unregister(call)
                raise ValueError(f"layer: got {layer.name!r} with {len(call.outputs)} outputs, needs one")
        try:
            if layer not in present:
                self.take_layers([layer], roll)
        except BaseException:
            if call is not None:
                layer.unregister(call)
            raise
        present.append(layer)
        if call is not None:
            assert first is not None
            self.overwrite(
                _graph=Graph([first], call.outputs) if self._graph is None else self._graph.followed_by(call)
            )

    def pop(self) -> Layer:
        """Remove the last layer and return it. The other layers keep their weights, the optimizer starts anew."""
        with self._lock:
            if not self._layers:
                raise ValueError("pop: got a model without layers, needs at least one")
            self._require_to_stand_alone("pop")
            layer = self._layers.pop()
            self.overwrite(_roll=None)
            if layer not in self._layers:
                layer.leave_model(self)
            if self._graph is not None:
                call = self._graph.outputs[0].call
                layer.unregister(call)
                self.overwrite(_graph=Graph(self._graph.inputs, call.inputs) if self._layers else None)
            self.overwrite(_compiled=None)
            self.discard_network()
            return layer

    @property
    def input_names(self) -> list[str]:
        return ["input_layer"] if self._first is None else [self._first.name]

    @property
    def output_names(self) -> list[str]:
        return [layer.name for layer in self._layers[-1:]] or ["output"]

    @property
    def names_are_known(self) -> bool:
        return True

    def output_row_shapes(self, input_shapes: Sequence[Shape] | None = None) -> list[Shape]:
        if self._graph is not None or not self._layers or input_shapes is None:
            if self._graph is None and self._layers:
                needs = "Input(shape) as its first layer, or a call of build or fit"
                raise ValueError(f"model: got no input shape, needs {needs}")
            return super().output_row_shapes(input_shapes)
        shapes = list(input_shapes)
        for layer in self._layers:
            shapes = layer.output_row_shapes(shapes)
        return shapes

    def build_for(self, input_shapes: Sequence[Shape] | None) -> None:
        if self._graph is None and self._layers and input_shapes is not None:
            self.output_row_shapes(input_shapes)  # for its error
            first = InputLayer(input_shapes[0]).symbol
            end, calls = first, []
            try:
                for layer in self._layers:
                    calls.append(layer.call_on([end]))
                    (end,) = calls[-1].outputs
            except BaseException:
                for call in calls:
                    call.layer.unregister(call)
                raise
            self.overwrite(_graph=Graph([first], [end]), _first=first)
        super().build_for(input_shapes)


CLASSES["row"] = Sequential
