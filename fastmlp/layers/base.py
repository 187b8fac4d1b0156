"""What the layers have in common: names, validated settings, shapes and weights; the arithmetic is the engine's.

A shape here is that of one row, without the batch: (784,) for a flat image of 28x28. Only `input_shape`, `output_shape`
and the `shape` of a symbol have the None in front that stands for the batch in Keras.
"""

from __future__ import annotations

import functools
import itertools
import math
import weakref
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, TypedDict

import numpy as np

from fastmlp import initializers
from fastmlp.config import float_type, floatx, seeds
from fastmlp.data.arrays import Shape, features, numeric, require_numbers_below
from fastmlp.data.values import answering
from fastmlp.errors import told
from fastmlp.kernels import Network
from fastmlp.kernels.engine.turns import Turns
from fastmlp.layers.description import numbered
from fastmlp.layers.symbol import PHASE, Call, Symbol, single_or_list, symbols_in
from fastmlp.layers.variable import Variable
from fastmlp.settings import Settings, boolean, integer, only, optional_name, refuse_methods, snake_case

SIZE_LIMIT = 2**31  # of a row, exclusive
_constructed = itertools.count()


class Common(TypedDict, total=False):
    """Arguments of every layer.

    name : str, optional
        Default: the class's name in snake case, numbered within the model ("dense", "dense_1").
    input_shape : tuple of int, optional
        Shape of one row; on a model's first layer it stands for `Input`, as in Keras 2.
    trainable : bool
        Whether training changes the weights; default True.
    dtype : {"float32", "float64"}, optional
        Default: that of the model.
    """

    name: str | None
    input_shape: Any
    trainable: bool
    dtype: Any


class Layer(Settings):
    """Base of the layers; `Common` has its arguments.

    Called on arrays, a layer computes; called on symbols, it becomes part of a graph. It may be called several times,
    and stand in several models: its weights are the same ones everywhere.
    """

    _name: str | None
    _name_is_given: bool
    _given_shape: Shape | None
    _given_dtype: str | None
    _dtype: str | None
    _trainable: bool
    _built_for: list[Shape] | None  # the input rows that the weights are made for
    _variables: list[Variable]
    _origin: tuple[int, int] | None  # seed and number to draw the first values by
    _number: int  # of the layers in the order of their construction
    _calls: list[weakref.ref[Call]]
    _homes: list[weakref.ref[Any]]
    _alone: tuple[list[Shape], Network] | None  # a network of this layer, for arrays
    _lock: Turns

    flag_changes: ClassVar[list[int]] = [0]  # how often any layer was frozen or freed, so that nobody asks them all
    renames: ClassVar[list[int]] = [0]  # how often any layer that stands in a model got another name in the next

    def __init__(self, *, name: str | None = None, input_shape: Any = None, trainable: bool = True, dtype: Any = None):
        shape = None if input_shape is None else row_shape("input_shape", input_shape)
        self._begin(optional_name(name), shape, trainable, dtype)

    def _begin(self, name: str | None, shape: Shape | None, trainable: bool, dtype: Any) -> None:
        self.overwrite(
            _name=name,
            _name_is_given=name is not None,
            _given_shape=shape,
            _trainable=boolean("trainable", trainable),
            _given_dtype=None if dtype is None else float_type(dtype),
            _dtype=None,
            _built_for=None,
            _variables=[],
            _origin=None,
            _number=next(_constructed),
            **self._unshared(),
        )

    @staticmethod
    def _unshared() -> dict[str, Any]:
        """Return what a copy of a layer begins with, whatever the layer itself has."""
        return {"_calls": [], "_homes": [], "_alone": None, "_lock": Turns()}

    def __init_subclass__(cls) -> None:
        refuse_methods(
            cls,
            ("call",),
            "layers are computed by the engine; model(x, training=True) has dropout on, and a Model may have a call",
        )

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "trainable":
            object.__setattr__(self, name, value)
        else:
            super().__setattr__(name, value)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name not in self._unshared()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update({**self._unshared(), **vars(self), **state})

    # Settings

    def arguments(self) -> dict[str, Any]:
        found = super().arguments()
        return {**found, **{name: self.argument(name) for name in Common.__annotations__ if name not in found}}

    def argument(self, name: str) -> Any:
        kept = {"name": "_name", "input_shape": "_given_shape", "trainable": "_trainable", "dtype": "_given_dtype"}
        return getattr(self, kept.get(name, name))

    def shown(self) -> dict[str, Any]:
        return {name: value for name, value in super().shown().items() if (name, value) != ("trainable", True)}

    # Names, flags and seeds

    @property
    def name(self) -> str:
        return self._name or self.default_name

    @property
    def default_name(self) -> str:
        """The class's name in snake case; a model adds a number where it stands there already."""
        return snake_case(type(self).__name__)

    @property
    def trainable(self) -> bool:
        """Whether training changes the weights. What a model was compiled with counts for its training."""
        return bool(self._trainable)

    @trainable.setter
    def trainable(self, value: Any) -> None:
        self._freeze_or_free(boolean("trainable", value))

    def _freeze_or_free(self, value: bool) -> None:
        self.overwrite(_trainable=value, _alone=None)
        self.flag_changes[0] += 1

    @property
    def dtype(self) -> str:
        """Type of the weights and of the arithmetic."""
        return self._given_dtype or self._dtype or floatx()

    @property
    def fixed_dtype(self) -> str | None:
        """The dtype, where the caller or the weights have fixed it."""
        return self._given_dtype or (self._dtype if self.has_values else None)

    def use_dtype(self, dtype: str) -> None:
        """Take a model's dtype; ValueError where another one is fixed."""
        if self.fixed_dtype not in (None, dtype):
            raise ValueError(f"dtype: got {told(dtype)} for layer {self.name!r} of {self.fixed_dtype!r}, needs that")
        self.overwrite(_dtype=dtype)

    def offer_seed(self, seed: int, number: int, is_given: bool) -> None:
        """Draw the first values by a model's seed, where none are drawn; a seed that was given goes before others."""
        if not self.has_values and (is_given or self._origin is None):
            self.overwrite(_origin=(seed, number))

    def enter_model(self, model: Any, name: str) -> None:
        """Take a place in a model, and its name there."""
        if self._name != name:
            self.renames[0] += bool(self.homes)
            self.overwrite(_name=name)
        self._homes[:] = [one for one in self._homes if one() is not None]
        self._homes.append(weakref.ref(model))  # no WeakSet: an interrupt in its callbacks would be lost

    def leave_model(self, model: Any) -> None:
        """Give up a place in a model."""
        self._homes[:] = [one for one in self._homes if one() not in (None, model)]

    @property
    def homes(self) -> list[Any]:
        """The models that the layer stands in."""
        return [model for one in self._homes if (model := one()) is not None]

    def name_by_levels(self, within: tuple[Layer, ...] = ()) -> str:
        """Return the name, in a model within a model after that model's: "encoder/dense".

        Of several models the first counts. One may have an attribute that refers to a model `within` which it stands.
        """
        home = next(iter(self.homes), None)
        if home is None or not home.homes or home in within:
            return self.name
        return f"{home.name_by_levels((*within, self))}/{self.name}"

    # Shapes

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape of an output row, or raise ValueError when the layer cannot take that input."""
        return one_row(input_shape)

    #: Whether it takes any number of inputs: it then gets a list of shapes wherever others get one.
    many_inputs: ClassVar[bool] = False

    #: What the whole numbers that it takes are below, of a layer that looks something up by them.
    number_limit: int | None = None

    #: Whether a row may be a single number, of shape ().
    takes_numbers: ClassVar[bool] = False

    #: Whether the outputs are the inputs, in another shape at most.
    passes_on: ClassVar[bool] = False

    def shapes_for(self, input_shapes: Sequence[Shape]) -> Any:
        """Return the shapes of the inputs' rows as the layer's methods take them; ValueError for too many of them."""
        if self.many_inputs:
            return list(input_shapes)
        if len(input_shapes) != 1:
            raise ValueError(f"inputs: got {len(input_shapes)} for layer {self.name!r}, needs one")
        return input_shapes[0]

    def output_row_shapes(self, input_shapes: Sequence[Shape]) -> list[Shape]:
        """Return the shapes of the output rows for those of the inputs; ValueError where they do not fit."""
        shape = self.shapes_for(input_shapes)
        if () in input_shapes and not self.takes_numbers:
            needs = "one axis at least, as Reshape((1,)) before it gives"
            raise ValueError(f"layer {self.name!r}: got rows that are single numbers, needs {needs}")
        if self._given_shape not in (None, shape):
            raise ValueError(f"input_shape: got {self._given_shape} in {self!r}, needs {shape}")
        return [self.compute_output_shape(shape)]

    @property
    def input(self) -> Any:
        """The symbol, or list of symbols, of the first call; AttributeError where there was none."""
        return single_or_list(self._first_call("input").inputs)

    @property
    def output(self) -> Any:
        """The symbol, or list of symbols, that the first call gave; AttributeError where there was none."""
        return single_or_list(self._first_call("output").outputs)

    @property
    def input_shape(self) -> Any:
        """The shape of `input`, or a list of several, each with a first None."""
        return single_or_list([symbol.shape for symbol in self._first_call("input_shape").inputs])

    @property
    def output_shape(self) -> Any:
        """The shape of `output`, or a list of several, each with a first None."""
        return single_or_list([symbol.shape for symbol in self._first_call("output_shape").outputs])

    def _first_call(self, what: str) -> Call:
        for reference in self._calls:
            call: Call | None = reference()
            if call is not None:
                return call
        raise AttributeError(f"{what}: got layer {self.name!r}, which was not called on a symbol, needs a call")

    def register(self, call: Call) -> None:
        """Take notice of a call on symbols."""
        self._calls[:] = [one for one in self._calls if one() is not None] + [weakref.ref(call)]

    def unregister(self, call: Call) -> None:
        """Forget a call."""
        self._calls[:] = [one for one in self._calls if one() not in (None, call)]

    @property
    def is_called(self) -> bool:
        """Whether it stands in a model, or a symbol that still exists comes from a call of it."""
        return bool(self.homes) or any(one() is not None for one in self._calls)

    # Weights

    def weight_shapes(self, input_shape: Shape) -> dict[str, Shape]:
        """Return the shape of each weight by name, in the order of get_weights."""
        return {}

    #: Names of weights that the data and not the gradients change.
    statistics: ClassVar[tuple[str, ...]] = ()

    def weight_initializer(self, weight: str) -> initializers.Initializer:
        """Return what draws the weight of that name."""
        raise TypeError(f"{type(self).__name__}: got weights, needs a method weight_initializer(self, weight)")

    @property
    def built(self) -> bool:
        """Whether the shapes of the weights are known."""
        return self._built_for is not None

    def build(self, input_shape: Any) -> None:
        """Make the weights for input rows of a shape; a first None stands for the batch, as in Keras."""
        shapes = row_shapes("input_shape", input_shape)
        self.output_row_shapes(shapes)
        self.build_for(shapes)

    def build_for(self, input_shapes: Sequence[Shape]) -> None:
        """Make the weights for input rows of these shapes.

        Raises
        ------
        ValueError
            When there are weights for rows of other shapes.
        """
        shape = self.shapes_for(input_shapes)
        needed = self.weight_shapes(shape)
        if needed == {variable.name: variable.shape for variable in self._variables}:
            self.overwrite(_built_for=self._built_for or list(input_shapes))
            return
        if self._variables and (self.has_values or any(one() is not None for one in self._calls)):
            needs = f"{single_or_list(self._built_for or [])}, which its weights are made for"
            raise ValueError(f"layer {self.name!r}: got rows of shape {shape}, needs {needs}")
        made = [Variable(self, name, size, name not in self.statistics) for name, size in needed.items()]
        self.overwrite(_built_for=list(input_shapes), _variables=made)

    @property
    def has_values(self) -> bool:
        """Whether any of the weights was drawn or set."""
        return any(variable.has_values for variable in self._variables)

    def draw_weights(self) -> None:
        """Draw first values where there are none, in float64, so that layers of either dtype start alike.

        Raises
        ------
        MemoryError, ValueError
            When the weights do not fit into memory, or into any: the latter is NumPy's for a size beyond 2**63.
        """
        seed, number = self._origin or (seeds.choose_seed(None), 0)
        self.overwrite(_origin=(seed, number), _dtype=self.dtype)
        generator, drawn = seeds.weight_generator(seed, number), []
        for variable in self._variables:
            try:
                values = self._first_values(variable, generator).astype(self.dtype)
            except (MemoryError, ValueError) as error:
                kind = MemoryError if isinstance(error, MemoryError) else ValueError
                what = f"cannot make its {variable.name} of shape {variable.shape}"
                raise kind(f"layer {self.name!r}: {what}: {error}") from error
            drawn.append((variable, values))
        for variable, values in drawn:
            if not variable.has_values:
                variable.write(values)

    def _first_values(self, variable: Variable, generator: np.random.Generator) -> np.ndarray:
        initializer = self.weight_initializer(variable.name)
        if isinstance(initializer, initializers.Called):
            return self.without_locks(initializer.draw, variable.shape, generator)  # type: ignore[no-any-return]
        return initializer.draw(variable.shape, generator)

    def without_locks(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Return what the user's function returns: other threads may use the layer, and its models, meanwhile."""
        call: Callable[..., Any] = functools.partial(self._lock.aside, function)
        for model in self.homes:
            call = functools.partial(model.without_locks, call)
        return call(*arguments)

    @property
    def weights(self) -> list[Variable]:
        """The weights; none before the layer is built."""
        return list(self._variables)

    def _variable(self, name: str) -> Variable:
        """Return the weight of that name, or raise AttributeError before the layer is built."""
        for variable in self._variables:
            if variable.name == name:
                return variable
        raise AttributeError(f"{name}: got layer {self.name!r} without weights, needs a call, or build(input_shape)")

    @property
    def trainable_weights(self) -> list[Variable]:
        """Those of the weights that training changes by gradients."""
        return [variable for variable in self.weights if variable.trainable]

    @property
    def non_trainable_weights(self) -> list[Variable]:
        """The other weights: statistics of the data, and all of a frozen layer."""
        return [variable for variable in self.weights if not variable.trainable]

    @property
    def variables(self) -> list[Variable]:
        return self.weights

    @property
    def trainable_variables(self) -> list[Variable]:
        return self.trainable_weights

    @property
    def non_trainable_variables(self) -> list[Variable]:
        return self.non_trainable_weights

    def get_weights(self) -> list[np.ndarray]:
        """Return copies of the layer's weights, in the order of `weights`."""
        return [variable.numpy() for variable in self.weights]

    def set_weights(self, weights: Any) -> None:
        """Set the layer's weights from arrays in the order of `get_weights`; ValueError if they do not fit."""
        variables = self.weights
        if not isinstance(weights, (list, tuple)) or len(weights) != len(variables):
            raise ValueError(f"weights: got {told(weights)}, needs a list of {len(variables)} arrays as of get_weights")
        arrays = [variable.check(value) for variable, value in zip(variables, weights, strict=True)]
        for variable, array in zip(variables, arrays, strict=True):
            variable.write(array)

    def count_params(self, input_shape: Shape | None = None) -> int:
        """Return the number of weights: of a layer that is built, or for that shape of input rows."""
        if input_shape is None:
            return sum(math.prod(variable.shape) for variable in self.weights)
        given: Any = row_shapes("input_shape", input_shape) if self.many_inputs else one_row(input_shape)
        self.compute_output_shape(given)  # which refuses what does not fit
        return sum(math.prod(shape) for shape in self.weight_shapes(given).values())

    @property
    def losses(self) -> list[float]:
        """The penalties of the trained weights' regularizers."""
        return [
            float(regularizer(variable.numpy()))
            for variable in self.trainable_weights
            if (regularizer := getattr(self, f"{variable.name}_regularizer", None)) is not None
        ]

    # Calls

    def specs(self, seed: int, input_shape: Any = None) -> list[dict[str, Any]]:
        """Return the engine's description, as one stage or several, or none.

        Parameters
        ----------
        seed : int
            For layers that draw.
        input_shape : tuple of int, or a list of them
            Shape of the rows of the input, or of each of several.
        """
        return []

    def __call__(self, inputs: Any, *, training: Any = None) -> Any:
        """Return the outputs of arrays, or the symbol of symbols.

        Parameters
        ----------
        inputs : array [rows, ...], Symbol, or a list of several, for a layer that takes several
        training : bool, optional
            Whether dropout and noise are on, and batches are normalized by their own statistics. For a symbol, None is
            what the model does at that moment; False is "as in predictions" always, and True is not there.

        Raises
        ------
        ValueError, TypeError
            When they do not fit the layer.
        """
        symbols, training = symbols_in(inputs), None if training is PHASE else training
        if self.many_inputs and (not isinstance(inputs, (list, tuple)) or not inputs):
            got = "an empty one" if isinstance(inputs, (list, tuple)) else type(inputs).__name__
            raise TypeError(f"inputs: got {got} for layer {self.name!r}, needs a list of arrays or symbols")
        if symbols is None:
            with self._lock:
                return answering(self.compute(inputs, training is not None and boolean("training", training)))
        return single_or_list(self.call_on(symbols, training).outputs)

    @property
    def called_graph(self) -> Any:
        """What a call of a model stands for; None for a layer."""
        return None

    def call_on(self, symbols: list[Symbol], training: bool | None = None) -> Call:
        """Return a call of the layer on symbols."""
        if training is not None and boolean("training", training):
            only(
                "training", training, (None, False), "model(x, training=True) computes as in training, dropout and all"
            )
        shapes = [symbol.row_shape for symbol in symbols]
        outputs = self.output_row_shapes(shapes)
        self.build_for(shapes)
        call = Call(self, tuple(symbols), tuple(outputs), self.called_graph, training)
        self.register(call)
        return call

    def compute(self, inputs: Any, training: bool) -> np.ndarray:
        """Return the outputs of arrays, by a network of this layer alone."""
        given = list(inputs) if self.many_inputs else [inputs]
        axes = [numeric("inputs", one).ndim for one in given]
        known = self._built_for if self._variables else None
        if known is None and self.takes_numbers and axes[:1] == [1]:
            known = [()]
        if known is not None and len(known) != len(given):
            raise ValueError(f"inputs: got {len(given)} arrays for layer {self.name!r}, needs {len(known)}")
        single = known[0] if known in ([(1,)], [()]) else None
        arrays = [
            features("inputs", one, single if count == 1 else None, self.dtype)
            for one, count in zip(given, axes, strict=True)
        ]
        if self.number_limit is not None:
            require_numbers_below("inputs", arrays[0], self.number_limit)
        if len({len(array) for array in arrays}) > 1:
            raise ValueError(f"inputs: got arrays of {[len(array) for array in arrays]} rows, needs as many in each")
        shapes = [array.shape[1:] for array in arrays]
        (output,) = self.output_row_shapes(shapes)
        self.build_for(shapes)
        kept = self._alone
        if kept is None or kept[0] != shapes:
            kept = (shapes, self._network_alone(shapes))
            self.overwrite(_alone=kept)
        flat = [array.reshape(len(array), -1) for array in arrays]
        outputs: np.ndarray = kept[1].predict(single_or_list(flat), training=training)
        kept[1].step += training  # so that the next masks are other ones
        return outputs.reshape(len(outputs), *output)

    def _network_alone(self, shapes: list[Shape]) -> Network:
        seed = seeds.dropout_seed(self._origin[0] if self._origin else 0)
        specs = self.specs(seed, self.shapes_for(shapes))
        if not self.trainable:  # a batch normalization keeps its statistics then
            specs = [{**spec, "trainable": False} for spec in specs]
        stages = numbered(specs, range(len(shapes)), len(shapes))
        widths = [math.prod(shape) for shape in shapes]
        inputs: Any = widths[0] if len(widths) == 1 else widths
        return Network(inputs, stages, dtype=self.dtype, blocks=[variable.block for variable in self._variables])


class InputLayer(Layer):
    """The shape of one input row; arguments as of `Input`."""

    symbol: Symbol

    def __init__(
        self,
        shape: Any = None,
        batch_size: Any = None,
        dtype: Any = None,
        sparse: bool | None = None,
        ragged: bool | None = None,
        batch_shape: Any = None,
        input_tensor: None = None,
        optional: bool = False,
        name: str | None = None,
        *,
        input_shape: Any = None,
    ):
        own_dtype = None if dtype is None else input_dtype(dtype)
        given = {"shape": shape, "batch_shape": batch_shape, "input_shape": input_shape}
        named = [name for name, value in given.items() if value is not None]
        if len(named) != 1:
            raise ValueError(f"shape: got {' and '.join(named) or 'none'}, needs one of shape and batch_shape")
        if batch_size is not None:
            integer("batch_size", batch_size, at_least=1)
        if sparse is not None:  # of either kind, whatever it says
            boolean("sparse", sparse)
        only("ragged", ragged, (None, False), "rows are of equal length")
        only("input_tensor", input_tensor, (None,), "Model(inputs, outputs) begins at any symbol")
        only("optional", optional, (False,), "every input is given")
        if batch_shape is not None and (not isinstance(batch_shape, (tuple, list)) or not batch_shape):
            raise ValueError(f"batch_shape: got {told(batch_shape)}, needs the batch's size or None first: (None, 784)")
        sizes = batch_shape[1:] if batch_shape is not None else given[named[0]]
        self.shape = () if isinstance(sizes, (tuple, list)) and not sizes else row_shape(named[0], sizes)
        super().__init__(name=name, input_shape=self.shape or None)
        call = Call(self, (), (self.shape,))
        call.outputs[0].own_dtype = own_dtype
        self.overwrite(symbol=call.outputs[0], _built_for=[self.shape])

    def arguments(self) -> dict[str, Any]:
        return {"shape": self.shape, "name": self._name}

    def _first_call(self, what: str) -> Call:
        return self.symbol.call


def Input(
    shape: Any = None,
    batch_size: int | None = None,
    dtype: Any = None,
    sparse: bool | None = None,
    ragged: bool | None = None,
    batch_shape: Any = None,
    name: str | None = None,
    tensor: None = None,
    optional: bool = False,
) -> Symbol:
    """Return a symbol for rows of a shape: the first item of a Sequential, or where a graph begins.

    Parameters
    ----------
    shape : tuple of int
        Of one row, such as (784,) or (28, 28); () where it is a single number.
    batch_size : int, optional
        Not regarded: batches of any size are taken.
    dtype : str, optional
        The type that the arrays will have, such as "int32"; any numbers are taken.
    batch_shape : tuple, optional
        In place of `shape`, with the batch's size or None first: (None, 784).
    name : str, optional
        By which an array is given, where the model takes a dict of several.

    Rows may be those of a sparse matrix, whether `sparse` says so or not. The others are Keras', with the values that
    they may have: their defaults.
    """
    return InputLayer(shape, batch_size, dtype, sparse, ragged, batch_shape, tensor, optional, name).symbol


def input_dtype(dtype: Any) -> str:
    """Return the name of a type of numbers, or raise ValueError."""
    try:
        found = np.dtype(dtype)
    except TypeError:
        found = np.dtype(object)
    if found.kind not in "buif":
        raise ValueError(f"dtype: got {told(dtype)}, needs one of numbers, such as 'float32' or 'int32'")
    return str(found.name)


def row_shape(argument: str, shape: Any) -> Shape:
    """Return a shape as a tuple of positive ints; a single int is a row of that length."""
    sizes = list(shape) if isinstance(shape, (tuple, list)) else [shape]
    if not sizes:
        raise ValueError(f"{argument}: got {told(shape)}, needs the shape of one row, such as (784,)")
    row = tuple(integer(argument, size, at_least=1, below=SIZE_LIMIT) for size in sizes)
    if math.prod(row) >= SIZE_LIMIT:
        raise ValueError(f"{argument}: got {row}, {math.prod(row)} values a row, needs below {SIZE_LIMIT}")
    return row


def one_row(input_shape: Any) -> Shape:
    """Return the argument of `compute_output_shape`, checked: the shape of a row, which may be a single number."""
    return () if isinstance(input_shape, tuple) and not input_shape else row_shape("input_shape", input_shape)


def row_shapes(argument: str, shape: Any) -> list[Shape]:
    """Return the shape of one row of each input, from one shape or a list of several, with a first None or without."""
    several = isinstance(shape, (tuple, list)) and shape and all(isinstance(one, (tuple, list)) for one in shape)
    return [row_shape(argument, without_batch(one)) for one in (shape if several else [shape])]


def without_batch(shape: Any) -> Any:
    """Return a shape without the None that stands for the batch."""
    has_batch = isinstance(shape, (tuple, list)) and len(shape) > 1 and shape[0] is None
    return shape[1:] if has_batch else shape


def require_flat(layer: Layer, input_shape: Shape) -> None:
    if len(input_shape) != 1:
        what = f"layer {layer.name!r} ({type(layer).__name__})" if layer._name else type(layer).__name__
        raise ValueError(f"{what}: got rows of shape {input_shape}, needs one dimension; put Flatten() before it")
