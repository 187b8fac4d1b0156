"""Symbols, which stand for rows that are not there yet, and the calls of layers that make them.

`layer(symbol)` computes nothing: it gives another symbol, which remembers the call. A model is the graph of the calls
between some symbols and others.
"""

from __future__ import annotations

import itertools
import numbers
from collections.abc import Callable
from typing import Any, ClassVar

from fastmlp.data.arrays import Shape
from fastmlp.elsewhere import Advises

_numbers = itertools.count()


class Symbol(Advises):
    """Rows of a known shape that are not there yet; see `Input`.

    Symbols of equal shape may be added, subtracted and multiplied, and each of that done with a number.

    Attributes
    ----------
    shape : tuple
        With a first None for the rows, as in Keras: (None, 784).
    row_shape : tuple of int
        The shape of one row.
    dtype : str
    call : Call
        What it comes from; that of an InputLayer has no inputs.
    """

    __slots__ = ("call", "own_dtype", "place", "row_shape")
    __array_ufunc__ = None  # so that `array + symbol` is refused, and not tried number by number

    #: Layers for operators and functions, by "add", "subtract", "multiply", "rescaling" and "activation";
    #: `fastmlp.layers` gives them.
    operations: ClassVar[dict[str, Callable[..., Any]]] = {}

    def __init__(self, row_shape: Shape, call: Call, place: int = 0):
        self.row_shape, self.call, self.place = row_shape, call, place
        self.own_dtype: str | None = None  # of an input that was given one

    @property
    def dtype(self) -> str:
        return self.own_dtype or str(self.call.layer.dtype)

    @property
    def shape(self) -> tuple[int | None, ...]:
        return (None, *self.row_shape)

    @property
    def name(self) -> str:
        """The name of the layer that it comes from."""
        return str(self.call.layer.name)

    def __repr__(self) -> str:
        return f"<Symbol shape={self.shape}, dtype={self.dtype}, name={self.name}>"

    def __add__(self, other: Any) -> Any:
        return self._combined("add", other, 1.0, 1.0)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Any:
        return self._combined("subtract", other, 1.0, -1.0)

    def __rsub__(self, other: Any) -> Any:
        return self._rescaled(-1.0, other)

    def __mul__(self, other: Any) -> Any:
        return self.operations["multiply"]()([self, other]) if isinstance(other, Symbol) else self._rescaled(other, 0.0)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Any:
        return self._rescaled(1.0 / require_number(other), 0.0)

    def __neg__(self) -> Any:
        return self._rescaled(-1.0, 0.0)

    def _refused(self, other: Any = None, modulo: Any = None) -> Any:
        raise TypeError(f"{self!r}: got an operator that is not there, needs +, -, * (with / by a number), or a layer")

    __pow__ = __rpow__ = __matmul__ = __rmatmul__ = __rtruediv__ = __abs__ = _refused
    __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = _refused
    __lt__ = __le__ = __gt__ = __ge__ = _refused

    def activated(self, activation: Any) -> Any:
        """Return what an activation makes of it."""
        return self.operations["activation"](activation)(self)

    def _combined(self, operation: str, other: Any, scale: float, sign: float) -> Any:
        if isinstance(other, Symbol):
            return self.operations[operation]()([self, other])
        return self._rescaled(scale, sign * require_number(other))

    def _rescaled(self, scale: Any, offset: Any) -> Any:
        return self.operations["rescaling"](require_number(scale), require_number(offset))(self)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        raise TypeError(f"{self!r}: got a function of arrays, needs layers: a symbol has no values yet")

    def __bool__(self) -> bool:
        raise TypeError(f"{self!r}: got a question for its values, needs layers: a symbol has none yet")

    def __iter__(self) -> Any:
        raise TypeError(f"{self!r}: got a loop over its rows, needs layers: a symbol has none yet")

    def __getitem__(self, key: Any) -> Any:
        raise TypeError(f"{self!r}: got an index, needs layers: a symbol has no values yet")


class Call:
    """One call of a layer on symbols.

    Attributes
    ----------
    layer : Layer
    inputs, outputs : tuple of Symbol
    number : int
        Counts the calls as they are made.
    graph : Graph or None
        Of a model that was called: what it was then.
    training : bool or None
        False where the layer is to work as in predictions, in training too.
    """

    __slots__ = ("__weakref__", "graph", "inputs", "layer", "number", "outputs", "training")

    def __init__(
        self,
        layer: Any,
        inputs: tuple[Symbol, ...],
        row_shapes: tuple[Shape, ...],
        graph: Any = None,
        training: bool | None = None,
    ):
        self.layer, self.inputs, self.graph, self.training = layer, inputs, graph, training
        self.number = next(_numbers)
        self.outputs = tuple(Symbol(shape, self, place) for place, shape in enumerate(row_shapes))

    def __repr__(self) -> str:
        return f"<Call {self.number} of {self.layer.name}>"


class Phase:
    """Stands for `training` while a model's own `call` is traced: true, and for layers "what the model does then"."""


PHASE = Phase()


def require_number(value: Any) -> float:
    """Return an operand as a number, or raise TypeError."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(f"operand: got {type(value).__name__}, needs a number, or a symbol to add, subtract, multiply")
    return float(value)


def symbols_in(inputs: Any) -> list[Symbol] | None:
    """Return the symbols that a layer is called on, or None where it is called on arrays.

    Raises
    ------
    TypeError
        When there are both.
    """
    if isinstance(inputs, Symbol):
        return [inputs]
    if isinstance(inputs, dict):
        inputs = list(inputs.values())
    if not isinstance(inputs, (list, tuple)) or not any(isinstance(item, Symbol) for item in inputs):
        return None
    for item in inputs:
        if not isinstance(item, Symbol):
            raise TypeError(f"inputs: got {type(item).__name__} beside a symbol, needs symbols alone or arrays alone")
    return list(inputs)


def single_or_list(items: Any) -> Any:
    """Return the only item, or a list of several."""
    return items[0] if len(items) == 1 else list(items)
