"""A model without its loops: a graph of layers, optimizer, loss, metrics, and the engine's network made from them."""

from __future__ import annotations

import copy
import threading
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import numpy as np

from fastmlp.config import floatx, seeds
from fastmlp.config.threads import threads_for
from fastmlp.data.arrays import Shape, features, require_numbers_below, weight_arrays
from fastmlp.data.containers import contents, part_of
from fastmlp.kernels import Network
from fastmlp.kernels.engine.blocks import Block, blend
from fastmlp.layers import Layer
from fastmlp.layers.base import row_shapes
from fastmlp.layers.graph import Description, Graph, free_name, leaves
from fastmlp.layers.symbol import Call, Symbol, single_or_list, symbols_in
from fastmlp.layers.variable import Variable
from fastmlp.losses import Loss
from fastmlp.losses.compiled import CompiledLosses
from fastmlp.metrics import Metric
from fastmlp.metrics.compiled import CompiledMetrics
from fastmlp.optimizers import Optimizer
from fastmlp.optimizers import get as get_optimizer
from fastmlp.settings import boolean, integer, only, optional_name, real, refuse_methods

M = TypeVar("M", bound="Model")

# Attributes that networks and files are made from, and what gives them another value.
FIXED = {
    **dict.fromkeys(("name", "dtype", "seed"), "new model"),
    **dict.fromkeys(("optimizer", "loss", "metrics", "weighted_metrics"), "call of compile"),
}


class Model(Layer):
    """Base of the models: what they are made of, without fit, evaluate and predict. A model is a layer of others, too.

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

    #: Methods of Keras' models that a subclass would override there, and nothing would call here.
    refused: ClassVar[tuple[str, ...]] = ("train_step", "test_step", "predict_step", "compute_loss")

    def __init__(self, *, name: str | None = None, dtype: Any = None, seed: int | None = None, trainable: bool = True):
        self._begin(optional_name(name), None, trainable, dtype)
        self.overwrite(
            _dtype=self._given_dtype or floatx(),
            seed=seeds.choose_seed(seed),
            _seed_is_given=seed is not None,
            optimizer=None,
            compiled_losses=CompiledLosses(),
            _metrics=(None, None),
            _compiled=None,
            stop_training=False,
            epochs_trained=0,  # over all calls of fit: numbers the shuffles
            epochs_resumed=0,  # of the run that goes on, when a callback has restored its state
            _graph=None,
            _changes=0,
            _flags=None,
            _state=None,
            **self._no_network(),
        )

    _dtype: str
    _seed_is_given: bool
    _graph: Graph | None
    _changes: int  # calls of add, pop and compile
    _flags: dict[Layer, bool] | None  # what compile has seen of the layers' `trainable`
    _state: tuple[int, list[np.ndarray]] | None  # step and slots for the optimizer of the network that is to be made
    _structures: tuple[Any, Any] = (None, None)  # the containers of inputs and outputs, as they were given
    _description: Description | None  # of the network
    _other: Network | None  # with the gradients by the flags of now, where they are not those that compile has seen
    _other_description: Description | None
    _fast_shape: Shape | None  # of the rows that the network takes and gives as they are
    _flags_seen: int
    _flags_differ: bool
    seed: int
    optimizer: Optimizer | None
    compiled_losses: CompiledLosses
    _metrics: tuple[Any, Any]  # as compile was given them
    _compiled: tuple[list[Loss | None], CompiledMetrics] | None  # for the outputs, once their names are known
    stop_training: bool
    epochs_trained: int
    epochs_resumed: int
    _lock: threading.RLock
    _network: Network | None

    @classmethod
    def _unshared(cls) -> dict[str, Any]:
        return {**Layer._unshared(), **cls._no_network(), "_lock": threading.RLock()}

    @staticmethod
    def _no_network() -> dict[str, Any]:
        """Return what there is of networks at first, and after a change."""
        nothing = ("_network", "_description", "_other", "_other_description", "_fast_shape")
        return {**dict.fromkeys(nothing), "_flags_seen": -1}

    def __init_subclass__(cls) -> None:
        needs = "steps are the engine's; compile takes a loss of your own, gradients and apply_gradients make a loop"
        refuse_methods(cls, cls.refused, needs)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in FIXED:
            raise AttributeError(f"{name}: got a new value, needs a {FIXED[name]}")
        object.__setattr__(self, name, value)

    if not TYPE_CHECKING:  # type checkers report what is missing by themselves

        def __getattr__(self, name):
            """Say what is missing in a subclass whose __init__ does not call that of its base."""
            if name.startswith("_") and not name.startswith("__") and "_graph" not in vars(self):
                raise AttributeError(f"{type(self).__name__}: got no call of super().__init__(), needs it first")
            return super().__getattr__(name)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}, built={self.built}>"

    # Copies: the layers with their weights, and the optimizer with its state

    def __getstate__(self) -> dict[str, Any]:
        with self._lock:
            state = super().__getstate__()
            network = self._network
            if network is not None:
                state["_state"] = (network.step, network.get_optimizer_state())
            return state

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        twin = type(self).__new__(type(self))
        memo[id(self)] = twin
        with self._lock:  # all of it is of one moment
            state = copy.deepcopy(self.__getstate__(), memo)
        twin.__setstate__(state)
        return twin

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        for layer in self.layers:
            layer.enter_model(self, layer.name)
        if self.optimizer is not None:
            self.optimizer.train_for(self)
        if self._state is not None:
            self.network  # noqa: B018, so that the optimizer counts on

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
        for name, leaf, trainable in leaves(self.layers):
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
            raise ValueError(f"name: got {name!r} with index {index!r}, needs one of the two")
        if index is not None:
            return self.layers[integer("index", index, at_least=0, below=len(self.layers))]
        for layer in self.layers:
            if layer.name == name:
                return layer
        raise ValueError(f"name: got {name!r}, needs one of {', '.join(repr(layer.name) for layer in self.layers)}")

    def _freeze_or_free(self, value: bool) -> None:
        for layer in self.layers:
            layer.trainable = value
        super()._freeze_or_free(value)

    def take_layers(self, newcomers: Sequence[Layer], present: Sequence[Layer] = ()) -> None:
        """Give layers names, seeds and a dtype of this model; on an error nothing has changed.

        Raises
        ------
        ValueError
            When a name stands twice, a dtype does not fit, or the model itself is among them.
        """
        waiting = list(newcomers)
        while waiting:
            layer = waiting.pop()
            if layer is self:
                raise ValueError(f"layer: got model {self.name!r} as a layer of itself, needs another one")
            waiting += getattr(layer, "layers", [])
        names = self._names_for(newcomers, present)
        dtype = self._common_dtype(newcomers, present)
        placed = sum(1 for _ in leaves(present))
        for layer, name in zip(newcomers, names, strict=True):
            layer.enter_model(self, name)
        self.use_dtype(dtype)
        for _, leaf, _ in leaves([*present, *newcomers]):
            leaf.use_dtype(dtype)
        for number, (_, leaf, _) in enumerate(leaves(newcomers), placed):
            leaf.offer_seed(self.seed, number, self._seed_is_given)

    def _names_for(self, newcomers: Sequence[Layer], present: Sequence[Layer]) -> list[str]:
        """Return the names of new layers: those that were given, and for the others free ones."""
        taken = {layer.name for layer in present}
        names = {}
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
                    names[layer] = free_name(layer.default_name, taken | elsewhere)
                taken.add(names[layer])
        return [names[layer] for layer in newcomers]

    def _common_dtype(self, newcomers: Sequence[Layer], present: Sequence[Layer]) -> str:
        """Return the dtype for all layers: the one that was given, or that some layer has fixed."""
        fixed = self._given_dtype
        for _, leaf, _ in leaves([*present, *newcomers]):
            dtype = leaf.fixed_dtype
            if dtype is not None and dtype != (fixed or dtype):
                raise ValueError(f"dtype: got {dtype!r} of layer {leaf.name!r} beside {fixed!r}, needs one for all")
            fixed = fixed or dtype
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
    def units(self) -> int:
        """The number of columns of the only output."""
        return self.output_widths[0]

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

    def call_on(self, symbols: list[Symbol], training: bool | None = None) -> Call:
        if training is not None and boolean("training", training):
            only("training", training, (None, False), "predictions are those of no training")
        shapes = [symbol.row_shape for symbol in symbols]
        outputs = self.output_row_shapes(shapes)
        self.build_for(shapes)
        call = Call(self, tuple(symbols), tuple(outputs), graph=self.graph, training=training)
        self.register(call)
        return call

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

    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        metrics: Any = None,
        *,
        weighted_metrics: Any = None,
        loss_weights: Any = None,
        run_eagerly: bool = False,
        steps_per_execution: int = 1,
        jit_compile: Any = "auto",
        auto_scale_loss: bool = True,
    ) -> None:
        """Set the optimizer, the loss and the metrics, each by name, class or instance. Weights are kept.

        Parameters
        ----------
        optimizer : str, Optimizer or class
        loss : str, Loss, class, or a function `loss(y_true, y_pred)` that returns (value, gradient)
            The function's value is the loss of each row [rows] or their mean, its gradient [rows, units] that of the
            mean over the rows with respect to y_pred. Of several outputs a list, or a dict by `output_names`, in which
            None stands for no loss; or one for all of them.
        metrics : list of str, Metric, class, or functions `metric(y_true, y_pred)`, optional
            The function returns a value for each row, or their mean. The first accuracy of the list costs nothing, as
            the engine computes it; the others are computed from the predictions of each epoch. Of several outputs a
            list with a list for each, or a dict of lists by `output_names`.
        weighted_metrics : list, optional
            Likewise; these weigh the rows by `sample_weight` or `class_weight`, which `metrics` do not regard.
        loss_weights : list or dict of float, optional
            What the loss of each output is multiplied by in their sum, "loss"; default 1.0. The results by output, such
            as "price_loss", are without it.

        The other arguments are those of Keras that choose how it computes; here they may have the values that change
        nothing: their defaults, and any `jit_compile`, as everything is compiled already.

        Raises
        ------
        ValueError, TypeError
            For an unknown name (the message lists the known ones), or a metric that does not fit the loss.
        """
        only("run_eagerly", run_eagerly, (False,), "there is no graph to leave")
        only("steps_per_execution", steps_per_execution, (1, "auto"), "an epoch is one call of the engine already")
        only("jit_compile", jit_compile, ("auto", True, False, None), "everything is compiled already")
        only("auto_scale_loss", auto_scale_loss, (True,), "losses are not scaled")
        found, losses = get_optimizer(optimizer), CompiledLosses(loss, loss_weights)
        given, compiled = (metrics, weighted_metrics), None
        if self.names_are_known:
            compiled = self._compiled_for(self.output_names, losses, given)
        with self._lock:
            if self.optimizer is not None:
                self.optimizer.let_go(self)
            self.overwrite(optimizer=found, compiled_losses=losses, _metrics=given, _compiled=compiled)
            self.overwrite(_flags={leaf: trainable for _, leaf, trainable in self.leaves()})
            self.discard_network()
            found.train_for(self)

    @property
    def names_are_known(self) -> bool:
        """Whether the outputs have names already."""
        return self._graph is not None

    def _compiled_for(
        self, names: Sequence[str], losses: CompiledLosses, given: tuple[Any, Any]
    ) -> tuple[list[Loss | None], CompiledMetrics]:
        """Return the loss of each output, and the metrics; ValueError or TypeError where they do not fit."""
        goals = losses.of_outputs(names)
        losses.weights(names)  # for its error
        order = losses.order(names) if isinstance(self._structures[1], dict) else None
        return goals, CompiledMetrics(*given, goals, names, order)

    def _for_outputs(self) -> tuple[list[Loss | None], CompiledMetrics]:
        """Return what compile was given for each output; ValueError where the outputs are not known yet."""
        if self._compiled is None:
            names = self.output_names
            self.overwrite(_compiled=self._compiled_for(names, self.compiled_losses, self._metrics))
        assert self._compiled is not None
        return self._compiled

    @property
    def goals(self) -> list[Loss | None]:
        """The loss of each output, or None."""
        return self._for_outputs()[0]

    @property
    def compiled_metrics(self) -> CompiledMetrics:
        """The metrics, and the names of the results."""
        return self._for_outputs()[1] if self.optimizer is not None else CompiledMetrics()

    @property
    def loss(self) -> Any:
        """The loss that `compile` was given, or a list or dict of several; None before."""
        return self.compiled_losses.loss

    @property
    def loss_weights(self) -> Any:
        """What the losses are multiplied by, as `compile` was given it."""
        return self.compiled_losses.loss_weights

    def for_engine(self, items: Sequence[Any]) -> Any:
        """Return what there is for each input or output as the engine takes it; None where there is nothing."""
        if self.is_single:
            return items[0] if items else None
        return list(items) if items else None

    def reshaped(self, outputs: Any) -> Any:
        """Return the engine's outputs as rows of their shapes, in a container as the model's outputs were given."""
        flat_outputs = outputs if isinstance(outputs, (list, tuple)) else [outputs]
        rows = [
            one if len(shape) == 1 else one.reshape(-1, *shape)
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
        self, argument: str, x: Any, shapes: Sequence[Shape] | None = None
    ) -> tuple[list[Shape], list[np.ndarray]]:
        """Return the shapes of the rows of x and its checked arrays, flat, one for each input; nothing is changed.

        Parameters
        ----------
        argument : str
            What x is called in errors.
        x : array, or a list, tuple or dict of several
        shapes : list of tuple of int, optional
            Those of the rows, where the model is not built.

        Raises
        ------
        TypeError, ValueError
            When they do not fit the model, or each other.
        """
        known = self.input_row_shapes or shapes
        limits = None if self._graph is None else self._graph.number_limits
        is_only = type(x) is np.ndarray and known is not None and len(known) == 1
        names = [argument] if is_only else self.names_for(x)
        found: list[Shape] = []
        arrays: list[np.ndarray] = []
        for place, one in enumerate(contents(argument, x, names, takes_more=True)):
            called = part_of(argument, names[place], names)
            array = features(called, one, None if known is None else known[place], self._dtype)
            if arrays and len(arrays[0]) != len(array):
                raise ValueError(f"{called}: got {len(array)} rows beside {len(arrays[0])}, needs as many in each")
            limit = None if limits is None else limits[place]
            if limit is not None:
                require_numbers_below(called, array, limit)
            found.append(array.shape[1:])
            arrays.append(array if array.ndim == 2 else array.reshape(len(array), -1))
        return found, arrays

    def names_for(self, x: Any) -> list[str]:
        """Return the names of the inputs that x is given for."""
        return self.input_names

    @property
    def metrics_names(self) -> list[str]:
        """Names of what `evaluate` returns: "loss", then those of the metrics."""
        return list(self.compiled_metrics.names)

    @property
    def metrics(self) -> list[Metric]:
        """The metrics that `compile` was given."""
        return self.compiled_metrics.metrics

    @property
    def weighted_metrics(self) -> list[Metric]:
        """Those of them that weigh the rows."""
        return self.compiled_metrics.weighted

    def direction_of(self, name: str) -> str | None:
        """Return "up" or "down", which way a value of that name in the logs is better; None where it is not known."""
        return self.compiled_metrics.direction_of(name)

    # The engine's networks

    @property
    def network(self) -> Network:
        """The engine's network, made on first use: ValueError while the input's shape is not known."""
        network = self._network
        if network is None:
            with self._lock:
                network = self._network
                if network is None:
                    network = self._make_network()
        return network

    @property
    def trained(self) -> list[Variable]:
        """The weights that the network trains: those that were trainable when the model was compiled."""
        self.network  # noqa: B018, it knows
        assert self._description is not None
        return self._description.trained

    @property
    def changes(self) -> int:
        """How often add, pop or compile were called: the network is another one after each."""
        return self._changes

    def require_unchanged(self, changes: int) -> None:
        """Raise RuntimeError unless `changes` is what it was."""
        if self._changes != changes:
            got, needs = "a callback that called add, pop or compile", "the same layers, optimizer and loss to its end"
            raise RuntimeError(f"fit: got {got}, needs {needs}")

    def network_for_training(self, batch_size: int) -> Network:
        """Return the network, set for the next epoch."""
        assert self.optimizer is not None
        # Three products of the forward's size: outputs, and the gradients of weights and inputs.
        network = self.network_for_rows(batch_size, passes=3)
        network.set_learning_rate(self.optimizer.learning_rate)
        return network

    def network_for_rows(self, rows: int, passes: int = 1) -> Network:
        """Return the network, set for that many passes of the forward's size over that many rows."""
        network = self.network
        network.threads = threads_for(passes * rows * network.multiply_adds)
        return network

    def network_for_gradients(self, rows: int) -> Network:
        """Return a network with the gradients of `trainable_weights`, as their layers are now.

        Where layers were frozen or freed since compile, that is another one with the same weights.
        """
        if not self.flags_have_changed():
            return self.network_for_rows(rows, passes=3)
        network = self._other
        if network is None:
            description = self._describe({leaf: trainable for _, leaf, trainable in self.leaves()})
            network = self._network_of(description, None)
            self.overwrite(_other=network, _other_description=description)
        network.step = self.network.step  # the masks of dropout are those of the next step of training
        network.threads = threads_for(3 * rows * network.multiply_adds)
        return network

    def flags_have_changed(self) -> bool:
        """Whether other weights are trainable now than the network trains."""
        if self._flags_seen != self.flag_changes[0]:
            compiled, trained = self.trained, self.trainable_weights
            if self._other_description is not None and trained != self._other_description.trained:
                self.overwrite(_other=None, _other_description=None)
            self.overwrite(_flags_seen=self.flag_changes[0], _flags_differ=trained != compiled)
        return self._flags_differ

    def _describe(self, flags: dict[Layer, bool]) -> Description:
        seed = seeds.dropout_seed(self.seed)
        return self.graph.describe(seed, lambda layer: not flags.get(layer, layer.trainable))

    def _make_network(self) -> Network:
        description = self._describe({leaf: trainable for _, leaf, trainable in self.leaves()} | (self._flags or {}))
        network = self._network_of(description, self.optimizer)
        if self._state is not None:
            network.step = self._state[0]
            network.set_optimizer_state(self._state[1])
        graph = self.graph
        is_flat = self.is_single and len(graph.output_row_shapes[0]) == 1
        shape = graph.input_row_shapes[0] if is_flat else None
        self.overwrite(_network=network, _description=description, _fast_shape=shape, _flags_seen=-1, _state=None)
        if self.optimizer is not None:
            self.optimizer.bind(network)
        return network

    def _network_of(self, description: Description, optimizer: Optimizer | None) -> Network:
        blocks = []
        for variable in description.variables:
            if variable.dtype != self.dtype:
                got = f"weights of {variable.dtype!r} in layer {variable.layer.name!r}"
                raise ValueError(f"dtype: got {got}, needs {self.dtype!r}, that of model {self.name!r}")
            blocks.append(variable.block)
        inputs: Any = description.widths[0] if self.is_single else description.widths
        settings: dict[str, Any] = {} if self.is_single else {"outputs": description.outputs}
        goals = [None] * len(description.outputs) if self.optimizer is None else self.goals
        specs = [None if loss is None else loss.spec for loss in goals]
        factors = self.compiled_losses.weights(self.output_names)
        if factors is not None:
            settings["loss_weights"] = factors[0] if self.is_single else factors
        rule = None if optimizer is None else optimizer.spec
        loss = specs[0] if self.is_single else specs
        return Network(
            inputs, description.stages, loss=loss, optimizer=rule, dtype=self.dtype, blocks=blocks, **settings
        )

    def frozen_when_compiled(self) -> list[str]:
        """Return the names of the layers that the network does not train."""
        trained = {variable.layer for variable in self.trained}
        return [name for name, leaf, _ in self.leaves() if leaf.weights and leaf not in trained]

    def compile_frozen(self, names: Sequence[str]) -> None:
        """Let the network not train just those layers, whatever they say of themselves since."""
        self.overwrite(_flags={leaf: name not in names for name, leaf, _ in self.leaves()})

    def use_average(self) -> None:
        """Let the moving averages of the weights become the weights, where the optimizer keeps them."""
        if self.optimizer is not None and self.optimizer.use_ema and self.network.step > 0:
            averages = self.network.get_optimizer_state()[-len(self.trained) :]
            for variable, array in zip(self.trained, averages, strict=True):
                variable.write(array)

    def learning_rates(self, steps: int) -> np.ndarray | None:
        """Return the rates of the next `steps` updates, or None where they are all that of the network."""
        assert self.optimizer is not None
        return self.optimizer.rates(self.network.step, steps)

    def go_on_from(self, step: int, state: list[np.ndarray], **values: Any) -> None:
        """Take over what a run has left: updates done, the optimizer's state, and what else the model keeps of it."""
        self.overwrite(**self._no_network(), **values)
        self.overwrite(_state=(step, state))
        self.network  # noqa: B018, of the new seed

    def apply_gradients(self, gradients: Any) -> int:
        """Do one update of `trainable_weights` by their gradients, given in their order; return how many were done.

        Raises
        ------
        ValueError, TypeError
            For gradients that do not fit, for a model without an optimizer, and where layers were frozen or freed
            since compile. Nothing has been changed then.
        """
        with self._lock:
            if self.optimizer is None:
                raise ValueError("apply_gradients: got a model without an optimizer, needs a call of compile first")
            if self.flags_have_changed():
                needs = "a call of compile, which begins anew with the layers as they are"
                raise ValueError(f"apply_gradients: got layers frozen or freed since compile, needs {needs}")
            shapes = [variable.shape for variable in self.trained]
            arrays = weight_arrays("gradients", gradients, shapes, self.dtype)
            return self.optimizer.update(self.network, arrays)

    def trains(self, variables: Sequence[Any]) -> bool:
        """Whether the first of these variables is a weight of the model; for an optimizer that it was compiled with."""
        first = next((one for one in variables if isinstance(one, Variable)), None)
        if first is None or not self.built:
            return False
        known = [] if self._description is None else self._description.trained
        return any(first is variable for variable in known) or any(first is variable for variable in self.weights)

    def blend_weights(self, other: Model, tau: float) -> None:
        """Move all weights towards those of another model, in place: w += tau * (other's w - w).

        Parameters
        ----------
        other : Model
            With weights of the same shapes and dtype.
        tau : float in [0, 1]
            1.0 copies, 0.0 changes nothing.

        Raises
        ------
        ValueError, TypeError
            When the weights do not fit; nothing has been changed then.
        """
        if not isinstance(other, Model):
            raise TypeError(f"other: got {type(other).__name__}, needs a model")
        part = real("tau", tau, low=0.0, high=1.0)
        first, second = (self, other) if id(self) < id(other) else (other, self)  # so that two threads do not wait
        with first._lock, second._lock:
            targets, sources = self._blocks(), other._blocks()
            if [(block.shape, block.dtype) for block in targets] != [(block.shape, block.dtype) for block in sources]:
                got, needs = list(other.weight_names.values()), list(self.weight_names.values())
                raise ValueError(f"other: got weights of {got} in {other.dtype}, needs {needs} in {self.dtype}")
            blend(targets, sources, part)

    def _blocks(self) -> list[Block]:
        self.network  # noqa: B018, it knows
        description = self._description
        assert description is not None
        if description.blocks is None:
            description.blocks = [variable.block for variable in description.variables]
        return description.blocks

    def discard_network(self) -> None:
        """Forget the network; the weights stay, the optimizer starts anew."""
        self.overwrite(_changes=self._changes + 1, _state=None, **self._no_network())
        if self.optimizer is not None:
            self.optimizer.bind(None)

    def require_loss(self, method: str) -> None:
        """Raise ValueError unless the model was compiled with a loss."""
        if self.optimizer is None or self.loss is None:
            raise ValueError(f"{method}: got a model without a loss, needs compile(optimizer=..., loss=...) first")
