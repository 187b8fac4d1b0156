"""A model without its loops: an architecture, optimizer, loss and metrics, and the engine's network made from them."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import numpy as np

from fastmlp.callbacks.base import History
from fastmlp.config import seeds
from fastmlp.config.threads import threads_for
from fastmlp.data.arrays import Shape, gradient_arrays
from fastmlp.kernels import Network
from fastmlp.kernels.engine.blocks import Block, blend
from fastmlp.layers import Layer
from fastmlp.layers.graph import Description
from fastmlp.layers.variable import Variable
from fastmlp.losses import Loss
from fastmlp.losses.compiled import CompiledLosses
from fastmlp.metrics import Metric
from fastmlp.metrics.compiled import CompiledMetrics
from fastmlp.optimizers import Optimizer
from fastmlp.optimizers import get as get_optimizer
from fastmlp.settings import boolean, integer, is_among, only, real, refuse_methods
from fastmlp.training.architecture import Architecture

T = TypeVar("T")

# Attributes that networks and files are made from, and what gives them another value.
FIXED = {
    **dict.fromkeys(("name", "dtype", "seed"), "new model"),
    **dict.fromkeys(("optimizer", "loss", "metrics", "weighted_metrics"), "call of compile"),
}


class Model(Architecture):
    """Base of the models: what they are made of, without fit, evaluate and predict.

    name, dtype, seed, trainable : as of Architecture
    """

    #: Methods of Keras' models that a subclass would override there, and nothing would call here.
    refused: ClassVar[tuple[str, ...]] = ("train_step", "test_step", "predict_step", "compute_loss")

    def __init__(self, *, name: str | None = None, dtype: Any = None, seed: int | None = None, trainable: bool = True):
        super().__init__(name=name, dtype=dtype, seed=seed, trainable=trainable)
        self.overwrite(
            optimizer=None,
            compiled_losses=CompiledLosses(),
            _metrics=(None, None),
            _compiled=None,
            stop_training=False,
            stop_evaluating=False,
            stop_predicting=False,
            epochs_trained=0,  # over all calls of fit: numbers the shuffles
            epochs_resumed=0,  # of the run that goes on, when a callback has restored its state
            _changes=0,
            _flags=None,
            _state=None,
            **self._no_network(),
        )

    _changes: int  # calls of add, pop and compile
    _flags: dict[Layer, bool] | None  # what compile has seen of the layers' `trainable`
    _state: tuple[int, list[np.ndarray]] | None  # step and slots for the optimizer of the network that is to be made
    _description: Description | None  # of the network
    _other: Network | None  # with the gradients by the flags of now, where they are not those that compile has seen
    _other_description: Description | None
    _spare: list[tuple[Description, Network]]  # for others, while a function of the user is called within a step
    _fast_shape: Shape | None  # of the rows that the network takes and gives as they are
    _flags_seen: int
    _flags_differ: bool
    optimizer: Optimizer | None
    compiled_losses: CompiledLosses
    _metrics: tuple[Any, Any]  # as compile was given them
    _compiled: tuple[list[Loss | None], CompiledMetrics] | None  # for the outputs, once their names are known
    stop_training: bool
    stop_evaluating: bool  # what callbacks, and batches as they are made, may set: no further batch is asked for
    stop_predicting: bool
    epochs_trained: int
    epochs_resumed: int
    history: History | None = None  # of the last fit
    _network: Network | None

    @classmethod
    def _unshared(cls) -> dict[str, Any]:
        return {**super()._unshared(), **cls._no_network()}

    @staticmethod
    def _no_network() -> dict[str, Any]:
        """Return what there is of networks at first, and after a change."""
        nothing = ("_network", "_description", "_other", "_other_description", "_fast_shape")
        return {**dict.fromkeys(nothing), "_flags_seen": -1, "_spare": []}

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

    # Optimizer, loss and metrics

    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        metrics: Any = None,
        *,
        weighted_metrics: Any = None,
        loss_weights: Any = None,
        run_eagerly: bool = False,
        steps_per_execution: int | str = 1,
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

        The other arguments are those of Keras that choose how it computes. They are checked, and change nothing: an
        epoch is one call of compiled code already, unless a callback looks at its batches.

        Raises
        ------
        ValueError, TypeError
            For an unknown name (the message lists the known ones), or a metric that does not fit the loss.
        """
        if not is_among(steps_per_execution, ("auto",)):
            integer("steps_per_execution", steps_per_execution, at_least=1)
        for name, value in (("run_eagerly", run_eagerly), ("auto_scale_loss", auto_scale_loss)):
            boolean(name, value)
        only("jit_compile", jit_compile, ("auto", True, False, None), "everything is compiled already")
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

    # What models.Model has, and files ask for

    def get_config(self) -> dict[str, Any]:
        """Return what a model of its class can be made from again."""
        raise NotImplementedError

    def build_like(self, other: Model) -> None:
        """Build for rows of the shapes that another model takes."""
        self.build_for(other.input_row_shapes)

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

    def network_for_training(self, batch_size: int, rates: np.ndarray | None) -> Network:
        """Return the network, set for the next updates; `rates` are those of `learning_rates`."""
        assert self.optimizer is not None
        network = self.network
        # Three products of the forward's size: outputs, and the gradients of weights and inputs.
        network.threads = threads_for(3 * batch_size * network.multiply_adds)
        if rates is None:
            network.set_learning_rate(self.optimizer.current_rate())
        return network

    def network_for_rows(self, rows: int) -> Network:
        """Return a network that is free, set for a pass over that many rows."""
        network = self.network
        if network.is_running or self._has_own_losses:
            assert self._description is not None
            network = self._free_network(self._description)
        network.threads = threads_for(rows * network.multiply_adds)
        return network

    def _free_network(self, description: Description) -> Network:
        """Return one with the same weights, while a pass waits for a function of the user.

        That may last, and the network itself is to be free for training.
        """
        for known, network in self._spare:
            if known is description and not network.is_running:
                return network
        network, present = self._network_of(description, None), (self._description, self._other_description)
        self._spare[:] = [(one, spare) for one, spare in self._spare if one in present]
        self._spare.append((description, network))
        return network

    @property
    def _has_own_losses(self) -> bool:
        """Whether a pass calls functions of the user."""
        return self.optimizer is not None and any(goal is not None and goal.custom for goal in self.goals)

    def of_one_moment(self, rows: int, differentiate: Callable[[Network], T]) -> T:
        """Return what a function finds by one pass of a network with the weights of now, for so many rows.

        While the pass waits for a function of the user, others may change the weights. Where they did, it is done
        again, by copies of them that are nobody else's.
        """
        network, before = self.network_for_gradients(rows), self._lock.updates
        description = self._other_description if self.flags_have_changed() else self._description
        assert description is not None  # of that network: another thread may freeze layers meanwhile
        found = differentiate(network)
        if self._lock.updates != before:
            twin = self._network_of(description, None, [variable.block.copy() for variable in description.variables])
            twin.step, twin.threads = network.step, network.threads
            found = differentiate(twin)
        return found

    def network_for_gradients(self, rows: int) -> Network:
        """Return a network with the gradients of `trainable_weights`, as their layers are now.

        Where layers were frozen or freed since compile, that is another one with the same weights.
        """
        network, description = self.network, self._description
        if self.flags_have_changed():
            if self._other is None:
                description = self._describe({leaf: trainable for _, leaf, trainable in self.leaves()})
                self.overwrite(_other=self._network_of(description, None), _other_description=description)
            assert self._other is not None
            network, description = self._other, self._other_description
        if network.is_running or self._has_own_losses:
            assert description is not None
            network = self._free_network(description)
        network.step = self.network.step  # the masks of dropout are those of the next step of training
        network.threads = threads_for(3 * rows * network.multiply_adds)
        return network

    def flags_have_changed(self) -> bool:
        """Whether other weights are trainable now than the network trains."""
        if self._flags_seen != self.flag_changes[0]:
            compiled, trained = set(self.trained), set(self.trainable_weights)
            if self._other_description is not None and trained != set(self._other_description.trained):
                self.overwrite(_other=None, _other_description=None)
            self.overwrite(_flags_seen=self.flag_changes[0], _flags_differ=trained != compiled)
        return self._flags_differ

    def in_own_order(self, gradients: Sequence[T]) -> list[T]:
        """Return gradients of `network_for_gradients` in the order of `trainable_weights`."""
        order = None if self._description is None else self._description.order
        if self.flags_have_changed() and self._other_description is not None:
            order = self._other_description.order
        return list(gradients) if order is None else [gradients[place] for place in order]

    def _describe(self, flags: dict[Layer, bool]) -> Description:
        seed = seeds.dropout_seed(self.seed)
        found = self.graph.describe(seed, lambda layer: not flags.get(layer, layer.trainable))
        places = {variable: place for place, variable in enumerate(found.trained)}
        order = [places[variable] for variable in self.weights if variable in places]
        found.order = None if order == sorted(order) else order
        return found

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

    def _network_of(
        self, description: Description, optimizer: Optimizer | None, blocks: list[Block] | None = None
    ) -> Network:
        """Return a network of the weights' blocks, or of others."""
        known = []
        for variable in description.variables:
            if variable.dtype != self.dtype:
                got = f"weights of {variable.dtype!r} in layer {variable.layer.name!r}"
                raise ValueError(f"dtype: got {got}, needs {self.dtype!r}, that of model {self.name!r}")
            known.append(variable.block)
        inputs: Any = description.widths[0] if self.is_single else description.widths
        settings: dict[str, Any] = {} if self.is_single else {"outputs": description.outputs}
        goals = [None] * len(description.outputs) if self.optimizer is None else self.goals
        specs = [self._spec_of(loss) for loss in goals]
        factors = self.compiled_losses.weights(self.output_names)
        if factors is not None:
            settings["loss_weights"] = factors[0] if self.is_single else factors
        rule = None if optimizer is None else optimizer.spec_for(description.trained)
        loss = specs[0] if self.is_single else specs
        network = Network(
            inputs, description.stages, loss=loss, optimizer=rule, dtype=self.dtype, blocks=blocks or known, **settings
        )
        network.turns = self._lock
        return network

    def _spec_of(self, loss: Loss | None) -> Any:
        """Return the engine's description of a loss; where it is the user's, the lock is not held while it runs."""
        spec = None if loss is None else loss.spec
        return functools.partial(self._lock.aside, spec) if callable(spec) else spec

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
        optimizer = self.optimizer
        rate = None if optimizer is None else optimizer.next_rate(self.network.step)  # by a function of the user
        with self._lock:
            if optimizer is None or optimizer is not self.optimizer:
                raise ValueError("apply_gradients: got a model without an optimizer, needs a call of compile first")
            if self.flags_have_changed():
                needs = "a call of compile, which begins anew with the layers as they are"
                raise ValueError(f"apply_gradients: got layers frozen or freed since compile, needs {needs}")
            shapes = self.in_own_order([variable.shape for variable in self.trained])
            arrays = gradient_arrays(gradients, shapes, self.dtype)
            assert self._description is not None
            order = self._description.order
            if order is not None:
                arrays = [arrays[place] for place in np.argsort(order)]
            self._lock.note_update()
            return optimizer.update(self.network, arrays, rate)

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
            self._lock.note_update()

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
