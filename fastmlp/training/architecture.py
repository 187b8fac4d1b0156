"""The architecture of a model: a graph of layers with their names, shapes and weights, which is a layer itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from fastmlp.config import floatx, seeds
from fastmlp.data.arrays import Shape, features, require_numbers_below, sparse_features, weight_arrays
from fastmlp.data.containers import contents, part_of
from fastmlp.data.sparse import is_sparse
from fastmlp.errors import told
from fastmlp.layers import Layer
from fastmlp.layers.base import row_shapes
from fastmlp.layers.graph import Graph, Names, free_name, leaves
from fastmlp.layers.symbol import Symbol, single_or_list, symbols_in
from fastmlp.layers.variable import Variable
from fastmlp.settings import integer, optional_name

DEPTH_LIMIT = 50  # of models in models, which are described and copied level by level


class Roll:
    """What new layers of a model must go with: the names, the dtype and the number of those that are there."""

    def __init__(self, present: Sequence[Layer] = ()) -> None:
        self.names = Names(layer.name for layer in present)
        self.renames = Layer.renames[0]
        self.has_models = any(isinstance(layer, Architecture) for layer in present)
        self.leaves = [leaf for _, leaf, _ in leaves(present)]
        self.fixed_dtype = next((leaf.fixed_dtype for leaf in self.leaves if leaf.fixed_dtype is not None), None)
        self.dtype: str | None = None  # that all of them were given, where that is known

    def goes_on(self, layer: Layer, dtype: str) -> bool:
        """Whether it still tells what a layer that joins a model of a dtype must go with.

        It does not where layers have been renamed in other models, models among them may have new layers, or weights
        may have fixed another dtype since.
        """
        is_told = layer.fixed_dtype in (None, dtype) and self.dtype == dtype
        return is_told and not self.has_models and self.renames == Layer.renames[0]


class Architecture(Layer):
    """Base of the models: the graph of their layers; a model is a layer of others, too.

    Parameters
    ----------
    name : str, optional
        Default: the class's name in snake case, numbered within a model that it is a layer of.
    dtype : {"float32", "float64"}, optional
        Default: that of its layers where they have weights already, else `config.floatx()`.
    seed : int, optional
        None draws one, kept in `seed`.
    trainable : bool
    """

    def __init__(self, *, name: str | None = None, dtype: Any = None, seed: int | None = None, trainable: bool = True):
        self._begin(optional_name(name), None, trainable, dtype)
        self.overwrite(
            _dtype=self._given_dtype or floatx(),
            seed=seeds.choose_seed(seed),
            _seed_is_given=seed is not None,
            _graph=None,
        )

    _dtype: str
    _seed_is_given: bool
    _graph: Graph | None
    _depth: int = 1  # of models in models
    _structures: tuple[Any, Any] = (None, None)  # the containers of inputs and outputs, as they were given
    seed: int

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}, built={self.built}>"

    # Layers

    @property
    def default_name(self) -> str:
        return "functional" if type(self).__name__ == "Model" else super().default_name

    @property
    def layers(self) -> list[Layer]:
        """The layers, in the order of Keras."""
        return [] if self._graph is None else list(self._graph.layers)

    def leaves(self) -> Iterator[tuple[str, Layer, bool]]:
        """Every layer that is no model, each once, with its name by levels and whether it is trained."""
        seen = set()
        for name, leaf, trainable in leaves(self.layers, (self,)):
            if leaf not in seen:
                seen.add(leaf)
                yield name, leaf, trainable and self.trainable

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """Return the layer of that name, or of that place in `layers`; ValueError when there is none, or not one given.

        Parameters
        ----------
        name : str, optional
        index : int, optional
        """
        if (name is None) == (index is None):
            raise ValueError(f"name: got {told(name)} with index {told(index)}, needs one of the two")
        if index is not None:
            return self.layers[integer("index", index, at_least=0, below=len(self.layers))]
        for layer in self.layers:
            if isinstance(name, str) and layer.name == name:
                return layer
        raise ValueError(f"name: got {told(name)}, needs one of {', '.join(repr(layer.name) for layer in self.layers)}")

    def _freeze_or_free(self, value: bool) -> None:
        for layer in self.layers:
            layer.trainable = value
        super()._freeze_or_free(value)

    def take_layers(self, newcomers: Sequence[Layer], roll: Roll | None = None) -> None:
        """Give layers names, seeds and a dtype of this model; on an error nothing has changed.

        Parameters
        ----------
        newcomers : sequence of Layer
        roll : Roll, optional
            Of the layers that are there; it then has the newcomers too.

        Raises
        ------
        ValueError
            When a name stands twice, a dtype does not fit, the model itself is among them, or models are nested too
            deep.
        """
        waiting = list(newcomers)
        while waiting:
            layer = waiting.pop()
            if layer is self:
                raise ValueError(f"layer: got model {self.name!r} as a layer of itself, needs another one")
            waiting += layer.layers if isinstance(layer, Architecture) else []
        depth = max([self._depth, *(1 + one._depth for one in newcomers if isinstance(one, Architecture))])
        if depth > DEPTH_LIMIT:
            raise ValueError(f"layer: got models in models to a depth of {depth}, needs {DEPTH_LIMIT} at most")
        roll = Roll() if roll is None else roll
        names = self._names_for(newcomers, roll.names)
        dtype = self._common_dtype(newcomers, roll)
        self.overwrite(_depth=depth)
        for layer, name in zip(newcomers, names, strict=True):
            layer.enter_model(self, name)
        self.use_dtype(dtype)
        changed = [leaf for _, leaf, _ in leaves(newcomers)]
        for leaf in changed if roll.dtype == dtype else [*roll.leaves, *changed]:
            leaf.use_dtype(dtype)
        for number, leaf in enumerate(changed, len(roll.leaves)):
            leaf.offer_seed(self.seed, number, self._seed_is_given)
        roll.dtype = dtype
        roll.leaves += changed
        roll.has_models |= any(isinstance(one, Architecture) for one in newcomers)

    def _names_for(self, newcomers: Sequence[Layer], present: Names) -> list[str]:
        """Return the names of new layers: those that were given, and for the others free ones; they are taken then."""
        taken, names = present.taken, {}
        for layer in newcomers:
            if layer._name_is_given:
                if layer.name in taken:
                    needs = "a name for each layer"
                    raise ValueError(f"layer: got the name {layer.name!r} a second time, needs {needs}")
                taken.add(layer.name)
                names[layer] = layer.name
        for layer in sorted(newcomers, key=lambda one: one._number):
            if layer not in names:
                if layer._name and layer._name not in taken:
                    names[layer] = layer.name
                else:
                    elsewhere = {other.name for home in layer.homes for other in home.layers if other is not layer}
                    names[layer] = present.free(layer.default_name, elsewhere)
                taken.add(names[layer])
        return [names[layer] for layer in newcomers]

    def _common_dtype(self, newcomers: Sequence[Layer], roll: Roll) -> str:
        """Return the dtype for all layers: the one that was given, or that some layer has fixed."""
        fixed = self._given_dtype or roll.fixed_dtype
        for leaf in [leaf for _, leaf, _ in leaves(newcomers)]:
            dtype = leaf.fixed_dtype
            if dtype is not None and dtype != (fixed or dtype):
                raise ValueError(f"dtype: got {told(dtype)} of layer {leaf.name!r} beside {fixed!r}, needs one for all")
            fixed = fixed or dtype
        roll.fixed_dtype = fixed
        return fixed or self.dtype

    @property
    def dtype(self) -> str:
        return self._dtype

    def use_dtype(self, dtype: str) -> None:
        self.overwrite(_dtype=dtype)

    # Shapes

    @property
    def graph(self) -> Graph:
        """The graph of calls; ValueError where the input's shape is not known yet."""
        if self._graph is None:
            self.output_row_shapes()  # for its error
            needs = "Input(shape) as its first layer, or a call of build or fit"
            raise ValueError(f"model: got no input shape, needs {needs}")
        return self._graph

    @property
    def built(self) -> bool:
        """Whether the shapes of all weights are known."""
        return self._graph is not None

    def build(self, input_shape: Any = None) -> None:
        """Fix the shape of the input rows, or of each of several; a first None stands for the batch, as in Keras."""
        with self._lock:
            self.build_for(None if input_shape is None else row_shapes("input_shape", input_shape))

    def build_for(self, input_shapes: Sequence[Shape] | None) -> None:
        """Build for input rows of those shapes; ValueError when they have other ones already."""
        self.graph  # noqa: B018, for its error
        if input_shapes is not None and tuple(input_shapes) != self.input_row_shapes:
            got, has = single_or_list(input_shapes), single_or_list(self.input_row_shapes or ())
            raise ValueError(f"input_shape: got {got} for a model whose input rows have shape {has}")

    @property
    def input_row_shapes(self) -> tuple[Shape, ...] | None:
        """Shape of a row of each input, or None while the model is not built."""
        return None if self._graph is None else self._graph.input_row_shapes

    def output_row_shapes(self, input_shapes: Sequence[Shape] | None = None) -> list[Shape]:
        """Return the shapes of the rows of the outputs; where the model is not built, for those of the inputs.

        Raises
        ------
        ValueError
            When layers do not fit, or there are none.
        """
        if self._graph is None:
            raise ValueError("model: got no layers, needs at least one, such as Dense(10)")
        if input_shapes is not None and tuple(input_shapes) != self.input_row_shapes:
            got, has = single_or_list(input_shapes), single_or_list(self.input_row_shapes or ())
            raise ValueError(f"layer {self.name!r}: got rows of shape {got}, needs {has}")
        return list(self._graph.output_row_shapes)

    @property
    def output_widths(self) -> list[int]:
        """The number of columns of each output, as the engine has them."""
        return [int(np.prod(shape, dtype=np.int64)) for shape in self.graph.output_row_shapes]

    @property
    def inputs(self) -> list[Symbol]:
        """The symbols that the graph begins with."""
        return list(self.graph.inputs)

    @property
    def outputs(self) -> list[Symbol]:
        """The symbols that it ends with."""
        return list(self.graph.outputs)

    @property
    def input(self) -> Any:
        """The symbol that it begins with, or several in the container that they were given in."""
        return self.in_container(self.inputs, 0)

    @property
    def output(self) -> Any:
        """The symbol that it ends with, or several in the container that they were given in."""
        return self.in_container(self.outputs, 1)

    @property
    def input_shape(self) -> Any:
        """Shape of the input with a first None, (None, 784), or a list of several; None when not known yet."""
        return None if self._graph is None else single_or_list([one.shape for one in self._graph.inputs])

    @property
    def output_shape(self) -> Any:
        """Shape of the output with a first None, or a list of several; None when not known yet."""
        return None if self._graph is None else single_or_list([one.shape for one in self._graph.outputs])

    @property
    def input_names(self) -> list[str]:
        """Names of the inputs, for dicts of arrays."""
        return [one.name for one in self.graph.inputs]

    @property
    def output_names(self) -> list[str]:
        """Names of the layers that make the outputs, numbered where one makes several."""
        names: list[str] = []
        for symbol in self.graph.outputs:
            names.append(free_name(symbol.name, set(names)))
        return names

    @property
    def is_single(self) -> bool:
        """Whether there is one input and one output, the last of all stages: the engine then takes no lists."""
        return self._graph is None or self._graph.is_single

    # As a layer

    @property
    def called_graph(self) -> Graph:
        return self.graph

    def symbols_of(self, inputs: Any) -> list[Symbol] | None:
        """Return the symbols that the model is called on in the order of its inputs, None for arrays."""
        names = self.names_for(inputs) if isinstance(inputs, dict) or self._graph is None else []
        if isinstance(inputs, dict) and symbols_in(inputs) is not None:
            if set(inputs) != set(names):
                raise ValueError(f"inputs: got {sorted(inputs)}, needs {names}")
            return [inputs[name] for name in names]
        return symbols_in(inputs)

    @property
    def losses(self) -> list[float]:
        """The penalties of the trained weights' regularizers."""
        return [loss for _, leaf, trainable in self.leaves() if trainable for loss in leaf.losses]

    # Weights

    def named_variables(self) -> dict[str, Variable]:
        """Return the weights by their names by levels ("encoder/dense/kernel"), in the order of `get_weights`."""
        self.graph  # noqa: B018, for its error
        return {f"{name}/{variable.name}": variable for name, leaf, _ in self.leaves() for variable in leaf.weights}

    @property
    def weight_names(self) -> dict[str, Shape]:
        """Shape of each weight by name ("dense/kernel"), in the order of get_weights."""
        return {name: variable.shape for name, variable in self.named_variables().items()}

    def count_params(self, input_shape: Any = None) -> int:
        """Return the number of weights."""
        return sum(int(np.prod(shape, dtype=object)) for shape in self.weight_names.values())

    @property
    def weights(self) -> list[Variable]:
        """The weights by name, in the order of `get_weights`."""
        return list(self.named_variables().values())

    @property
    def trainable_weights(self) -> list[Variable]:
        """Those of the weights that training changes by gradients: what `gradients` and `apply_gradients` are about."""
        self.graph  # noqa: B018, for its error
        trained = (leaf for _, leaf, trainable in self.leaves() if trainable)
        return [variable for leaf in trained for variable in leaf.weights if variable.has_gradients]

    @property
    def non_trainable_weights(self) -> list[Variable]:
        """The other weights: statistics of the data, and all of frozen layers."""
        trained = set(self.trainable_weights)
        return [variable for variable in self.weights if variable not in trained]

    @property
    def has_values(self) -> bool:
        return any(leaf.has_values for _, leaf, _ in self.leaves())

    def get_weights(self) -> list[np.ndarray]:
        """Return copies of the weights: for each dense layer the kernel [inputs, units], then the bias [units].

        Normalizations have gamma, beta, and the mean and variance that training does not change by gradients.
        """
        with self._lock:
            return [variable.numpy() for variable in self.weights]

    def set_weights(self, weights: Any) -> None:
        """Set the weights from arrays in the order of `get_weights`; ValueError or TypeError when one does not fit."""
        with self._lock:
            variables = self.weights
            arrays = weight_arrays("weights", weights, [variable.shape for variable in variables], self.dtype)
            for variable, array in zip(variables, arrays, strict=True):
                variable.write(array)
            self._lock.note_update()

    # Arrays of rows

    def for_engine(self, items: Sequence[Any]) -> Any:
        """Return what there is for each input or output as the engine takes it; None where there is nothing."""
        if self.is_single:
            return items[0] if items else None
        return list(items) if items else None

    def reshaped(self, outputs: Any, kind: Callable[[np.ndarray], Any] = np.asarray) -> Any:
        """Return the engine's outputs as rows of their shapes, in a container as the model's outputs were given."""
        flat_outputs = outputs if isinstance(outputs, (list, tuple)) else [outputs]
        rows = [
            kind(one if len(shape) == 1 else one.reshape(-1, *shape))
            for one, shape in zip(flat_outputs, self.graph.output_row_shapes, strict=True)
        ]
        return self.in_container(rows, 1)

    def in_container(self, items: Sequence[Any], of_outputs: int) -> Any:
        """Return one item for each output, or input, in a container as they were given; a single one alone."""
        structure = self._structures[of_outputs]
        if isinstance(structure, dict):
            return dict(zip(structure, items, strict=True))
        return items[0] if len(items) == 1 else (list if structure is None else type(structure))(items)

    def checked_inputs(
        self, argument: str, x: Any, shapes: Sequence[Shape] | None = None, keep_sparse: bool = False
    ) -> tuple[list[Shape], list[Any]]:
        """Return the shapes of the rows of x and its checked arrays, flat, one for each input; nothing is changed.

        Parameters
        ----------
        argument : str
            What x is called in errors.
        x : array, or a list, tuple or dict of several
        shapes : list of tuple of int, optional
            Those of the rows, where the model is not built.
        keep_sparse : bool
            Whether matrices of scipy.sparse become CSR matrices, in place of arrays.

        Raises
        ------
        TypeError, ValueError
            When they do not fit the model, or each other.
        """
        known = self.input_row_shapes or shapes
        limits = None if self._graph is None else self._graph.number_limits
        is_only = isinstance(x, np.ndarray) and known is not None and len(known) == 1
        names = [argument] if is_only else self.names_for(x)
        found: list[Shape] = []
        arrays: list[Any] = []
        for place, one in enumerate(contents(argument, x, names, takes_more=True)):
            called = part_of(argument, names[place], names)
            checked = sparse_features if keep_sparse and is_sparse(one) else features
            array = checked(called, one, None if known is None else known[place], self._dtype)
            rows = array.shape[0]
            if arrays and arrays[0].shape[0] != rows:
                raise ValueError(f"{called}: got {rows} rows beside {arrays[0].shape[0]}, needs as many in each")
            limit = None if limits is None else limits[place]
            if limit is not None:
                require_numbers_below(called, array, limit)
            found.append(array.shape[1:])
            arrays.append(array if array.ndim == 2 else array.reshape(rows, -1))
        return found, arrays

    def names_for(self, x: Any) -> list[str]:
        """Return the names of the inputs that x is given for."""
        return self.input_names
