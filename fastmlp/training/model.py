"""A model without its loops: layers in a row, optimizer, loss and metrics, and the engine's network made from them."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

import numpy as np

from fastmlp.config import float_type, floatx, seeds
from fastmlp.config.threads import threads_for
from fastmlp.data.arrays import Shape, weight_arrays
from fastmlp.kernels import Network
from fastmlp.layers import LAYERS, Input, Layer, row_shape
from fastmlp.layers.stack import Stack
from fastmlp.layers.variable import Variable
from fastmlp.losses import Loss
from fastmlp.losses import get as get_loss
from fastmlp.metrics import Metric, get_list
from fastmlp.metrics.compiled import CompiledMetrics, in_engine
from fastmlp.optimizers import Optimizer
from fastmlp.optimizers import get as get_optimizer
from fastmlp.settings import integer, lookup, only, optional_name, refuse_freezing, refuse_methods, to_plain

M = TypeVar("M", bound="Model")
STEPS = ("call", "train_step", "test_step", "predict_step", "compute_loss")  # of Keras' models, to be overridden there

# Attributes that networks and files are made from, and what gives them another value.
FIXED = {
    **dict.fromkeys(("name", "dtype", "seed"), "new model"),
    **dict.fromkeys(("optimizer", "loss", "metrics", "weighted_metrics"), "call of compile"),
}


class Model:
    """Base of `Sequential`: what it is made of, without fit, evaluate and predict."""

    def __init__(
        self,
        layers: Iterable[Layer] | None = None,
        *,
        name: str | None = None,
        dtype: Any = None,
        seed: int | None = None,
    ):
        if layers is not None and not isinstance(layers, Iterable):
            raise TypeError(f"layers: got {type(layers).__name__}, needs a list of layers")
        self.name = optional_name(name) or "sequential"
        self.dtype = float_type(floatx() if dtype is None else dtype)
        self.seed = seeds.choose_seed(seed)
        self.optimizer: Optimizer | None = None
        self.loss: Loss | None = None
        self.compiled_metrics = CompiledMetrics()
        self.stop_training = False
        self.epochs_trained = 0  # over all calls of fit: numbers the shuffles
        self.epochs_resumed = 0  # of the run that goes on, when a callback has restored its state
        self._stack = Stack()
        self._lock = threading.RLock()
        self._network: Network | None = None
        self._changes = 0  # calls of add, pop and compile
        self._kept: dict[str, np.ndarray] = {}  # weights for the network that is to be made anew
        try:
            for layer in layers or ():
                self.add(layer)
        except BaseException:
            while self._stack.layers:  # so that the layers can be used again
                self._stack.pop()
            raise

    def __init_subclass__(cls) -> None:
        needs = "steps are the engine's; compile takes a loss of your own, gradients and apply_gradients make a loop"
        refuse_methods(cls, STEPS, needs)

    def __setattr__(self, name: str, value: Any) -> None:
        refuse_freezing(name, value)
        if name in FIXED and hasattr(self, name):
            raise AttributeError(f"{name}: got a new value, needs a {FIXED[name]}")
        super().__setattr__(name, value)

    @property
    def layers(self) -> list[Layer]:
        """The layers, without Input."""
        return list(self._stack.layers)

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

    def build(self, input_shape: Any = None) -> None:
        """Fix the shape of the input rows; a first None stands for the batch, as in Keras."""
        if isinstance(input_shape, (tuple, list)) and len(input_shape) > 1 and input_shape[0] is None:
            input_shape = input_shape[1:]
        with self._lock:
            self.fix_input_shape(None if input_shape is None else row_shape("input_shape", input_shape))

    @property
    def built(self) -> bool:
        """Whether the shapes of all weights are known."""
        return self._stack.built

    @property
    def input_shape(self) -> Shape | None:
        """Shape of one input row, or None when not known yet."""
        return self._stack.input_shape

    def count_params(self) -> int:
        """Return the number of weights."""
        return sum(math.prod(shape) for shape in self.weight_names.values())

    def get_config(self) -> dict[str, Any]:
        """Return the architecture as JSON values."""
        return {
            "name": self.name,
            "dtype": self.dtype,
            "seed": self.seed,
            "input_shape": to_plain(self.input_shape),
            "layers": to_plain(self.layers),
        }

    def add(self, layer: Layer) -> None:
        """Append a layer. The layers before it keep their weights, the optimizer starts anew.

        Raises
        ------
        TypeError, ValueError
            When it is no layer, is in a model already, has a name that is taken, or does not fit the layer before it.
        """
        with self._lock:
            self._stack.add(layer, self)
            self._discard_network()

    def pop(self) -> Layer:
        """Remove the last layer and return it. The other layers keep their weights, the optimizer starts anew."""
        with self._lock:
            self._discard_network()
            layer = self._stack.pop()
            self._kept = {name: array for name, array in self._kept.items() if not name.startswith(f"{layer.name}/")}
            return layer

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
            mean over the rows with respect to y_pred.
        metrics : list of str, Metric, class, or functions `metric(y_true, y_pred)`, optional
            The function returns a value for each row, or their mean. The first accuracy of the list costs nothing, as
            the engine computes it; the others are computed from the predictions of each epoch.
        weighted_metrics : list, optional
            Likewise; these weigh the rows by `sample_weight` or `class_weight`, which `metrics` do not regard.

        The other arguments are those of Keras that choose how it computes; here they may have the values that change
        nothing: their defaults, and any `jit_compile`, as everything is compiled already.

        Raises
        ------
        ValueError, TypeError
            For an unknown name (the message lists the known ones), or a metric that does not fit the loss.
        """
        only("loss_weights", loss_weights, (None,), "there is one loss")
        only("run_eagerly", run_eagerly, (False,), "there is no graph to leave")
        only("steps_per_execution", steps_per_execution, (1, "auto"), "an epoch is one call of the engine already")
        only("jit_compile", jit_compile, ("auto", True, False, None), "everything is compiled already")
        only("auto_scale_loss", auto_scale_loss, (True,), "losses are not scaled")
        found, goal = get_optimizer(optimizer), None if loss is None else get_loss(loss)
        lists = get_list(metrics, "metrics"), get_list(weighted_metrics, "weighted_metrics")
        compiled = CompiledMetrics(*lists, goal)
        with self._lock:
            vars(self).update(optimizer=found, loss=goal, compiled_metrics=compiled)
            self._discard_network()

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
        """Return "up" or "down" for a name in the logs whose metric says which way is better, else None."""
        return self.compiled_metrics.direction_of(name)

    @property
    def weights(self) -> list[Variable]:
        """The weights by name, in the order of `get_weights`."""
        fixed = self._stack.statistics()
        return [Variable(self, name, shape, name not in fixed) for name, shape in self.weight_names.items()]

    @property
    def trainable_weights(self) -> list[Variable]:
        """Those of the weights that training changes by gradients: what `gradients` and `apply_gradients` are about."""
        return [variable for variable in self.weights if variable.trainable]

    @property
    def non_trainable_weights(self) -> list[Variable]:
        """The other weights: statistics of the data."""
        return [variable for variable in self.weights if not variable.trainable]

    variables, trainable_variables = weights, trainable_weights  # Keras has both spellings
    non_trainable_variables = non_trainable_weights

    def get_weights(self) -> list[np.ndarray]:
        """Return copies of the weights: for each dense layer the kernel [inputs, units], then the bias [units].

        Normalizations have gamma, beta, and the mean and variance that training does not change by gradients.
        """
        with self._lock:
            return list(self.network.get_weights())

    def set_weights(self, weights: Any) -> None:
        """Set the weights from arrays in the order of `get_weights`; ValueError or TypeError when one does not fit."""
        with self._lock:
            arrays = weight_arrays("weights", weights, list(self.weight_names.values()), self.dtype)
            if self._network is None:
                self._kept = dict(zip(self.weight_names, arrays, strict=True))
            else:
                self._network.set_weights(arrays)

    @classmethod
    def from_config(cls: type[M], config: Mapping[str, Any]) -> M:
        """Make a model, with weights not trained, from what `get_config` returned."""
        settings = dict(config)
        input_shape, items = settings.pop("input_shape"), settings.pop("layers")
        first = [] if input_shape is None else [Input(input_shape)]
        model = cls.__new__(cls)  # a subclass may take other arguments
        Model.__init__(model, [*first, *(lookup("layers", item, LAYERS) for item in items)], **settings)
        return model

    # For the loops, the callbacks and the files

    @property
    def weight_names(self) -> dict[str, Shape]:
        """Shape of each weight by name ("dense/kernel"), in the order of get_weights."""
        return self._stack.layout().weight_shapes

    @property
    def units(self) -> int:
        """The number of outputs of a row."""
        return self._stack.layout().units

    @property
    def stack(self) -> Stack:
        """The layers and the shapes between them."""
        return self._stack

    def input_shape_of(self, layer: Layer) -> Shape:
        """Return the shape of a row that one of the layers takes."""
        return self._stack.layout().shapes[self._stack.layers.index(layer)]

    def fix_input_shape(self, input_shape: Shape | None) -> None:
        """Build for input rows of that shape; ValueError when they have another one already."""
        self._stack.fix_input_shape(input_shape)

    @property
    def network(self) -> Network:
        """The engine's network, made on first use: ValueError while the input's shape is not known."""
        with self._lock:
            if self._network is None:
                self._network = self._make_network()
            return self._network

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

    @property
    def engine_metric(self) -> str | None:
        """The engine's name of the metric that it computes."""
        assert self.loss is not None
        return in_engine(self.compiled_metrics.metrics, self.loss, self.units)[1]

    def network_for_rows(self, rows: int, passes: int = 1) -> Network:
        """Return the network, set for that many passes of the forward's size over that many rows."""
        network = self.network
        network.threads = threads_for(passes * rows * network.multiply_adds)
        return network

    def _make_network(self) -> Network:
        weights = self._kept
        if weights.keys() != self.weight_names.keys():
            weights = self._stack.initial_weights(self.seed, self.dtype) | weights
        loss = optimizer = None
        if self.loss is not None and self.optimizer is not None:
            loss, optimizer = self.loss.spec, self.optimizer.spec
        inputs = math.prod(self._stack.layout().shapes[0])
        network = Network(inputs, self._stack.specs(self.seed), loss=loss, optimizer=optimizer, dtype=self.dtype)
        network.set_weights(list(weights.values()))
        self._kept = {}
        if self.optimizer is not None:
            self.optimizer.bind(network)
        return network

    def use_average(self) -> None:
        """Let the moving averages of the weights become the weights, where the optimizer keeps them."""
        if self.optimizer is not None and self.optimizer.use_ema and self.network.step > 0:
            state = self.network.get_optimizer_state()
            trained = iter(state[-len(self.trainable_weights) :])
            weights = zip(self.weights, self.network.get_weights(), strict=True)
            self.network.set_weights([next(trained) if v.trainable else array for v, array in weights])

    def learning_rates(self, steps: int) -> np.ndarray | None:
        """Return the rates of the next `steps` updates, or None where they are all that of the network."""
        assert self.optimizer is not None
        return self.optimizer.rates(self.network.step, steps)

    def take_over(self, other: Model) -> None:
        """Become what `other`, of the same configuration, is: weights, optimizer, seed, epochs; it ends with that."""
        assert self.optimizer is not None and other.optimizer is not None
        network = other.network
        self.optimizer.take_rate(other.optimizer)
        self.optimizer.bind(network)
        vars(self).update(seed=other.seed, epochs_trained=other.epochs_trained, _network=network)
        other._network = None

    def _discard_network(self) -> None:
        self._changes += 1
        if self.optimizer is not None:
            self.optimizer.bind(None)
        if self._network is not None:
            # A layer that was just added has no weights yet.
            self._kept = dict(zip(self.weight_names, self._network.get_weights(), strict=False))
            self._network = None

    def require_loss(self, method: str) -> None:
        """Raise ValueError unless the model was compiled with a loss."""
        if self.optimizer is None or self.loss is None:
            raise ValueError(f"{method}: got a model without a loss, needs compile(optimizer=..., loss=...) first")
