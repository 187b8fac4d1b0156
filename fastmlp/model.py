"""Sequential: layers in a row, trained by the compiled engine."""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from fastmlp import data, report, streams, threads, training
from fastmlp.callbacks import History, check_callbacks
from fastmlp.data import Data
from fastmlp.kernels import Network
from fastmlp.layers import LAYERS, Input, Layer, Shape, row_shape
from fastmlp.losses import Loss
from fastmlp.losses import get as get_loss
from fastmlp.metrics import Metric, get_list
from fastmlp.optimizers import Optimizer
from fastmlp.optimizers import get as get_optimizer
from fastmlp.settings import boolean, lookup, optional_name, to_plain
from fastmlp.stack import Stack

# Attributes that networks and files are made from, and what gives them another value.
FIXED = {
    **dict.fromkeys(("name", "dtype", "seed"), "new model"),
    **dict.fromkeys(("optimizer", "loss", "metrics"), "call of compile"),
}


class Sequential:
    """A network of layers in a row.

    Parameters
    ----------
    layers : iterable of Layer, optional
        May start with `Input(shape)`; without it the input's shape is taken from the first data.
    name : str, optional
        Default "sequential".
    dtype : {"float32", "float64"}
        Type of the weights and of the arithmetic. float64 gives the same bits as the reference implementation.
    seed : int, optional
        Everything random (initial weights, order of the rows, dropout) follows from it. None draws one, kept in `seed`.
    """

    def __init__(
        self,
        layers: Iterable[Layer] | None = None,
        *,
        name: str | None = None,
        dtype: Any = "float32",
        seed: int | None = None,
    ):
        if layers is not None and not isinstance(layers, Iterable):
            raise TypeError(f"layers: got {type(layers).__name__}, needs a list of layers")
        self.name = optional_name(name) or "sequential"
        self.dtype = data.float_type(dtype)
        self.seed = streams.choose_seed(seed)
        self.optimizer: Optimizer | None = None
        self.loss: Loss | None = None
        self.metrics: list[Metric] = []
        self.history: History | None = None
        self.stop_training = False
        self.epochs_trained = 0  # over all calls of fit: numbers the shuffles
        self._stack = Stack()
        self._network: Network | None = None
        self._kept: dict[str, np.ndarray] = {}  # weights for the network that is to be made anew
        self._lock = threading.RLock()
        try:
            for layer in layers or ():
                self.add(layer)
        except BaseException:
            while self._stack.layers:  # so that the layers can be used again
                self._stack.pop()
            raise

    def __setattr__(self, name: str, value: Any) -> None:
        if name in FIXED and hasattr(self, name):
            raise AttributeError(f"{name}: got a new value, needs a {FIXED[name]}")
        super().__setattr__(name, value)

    @property
    def layers(self) -> list[Layer]:
        """The layers, without Input."""
        return list(self._stack.layers)

    def add(self, layer: Layer) -> None:
        """Append a layer. The layers before it keep their weights, the optimizer starts anew.

        Raises
        ------
        TypeError, ValueError
            When it is no layer, is in a model already, has a name that is taken, or does not fit the layer before it.
        """
        with self._lock:
            self._stack.add(layer)
            self._discard_network()

    def pop(self) -> Layer:
        """Remove the last layer and return it. The other layers keep their weights, the optimizer starts anew."""
        with self._lock:
            self._discard_network()
            layer = self._stack.pop()
            self._kept = {name: array for name, array in self._kept.items() if not name.startswith(f"{layer.name}/")}
            return layer

    def build(self, input_shape: Any = None) -> None:
        """Fix the shape of the input rows; a first None stands for the batch, as in Keras."""
        if isinstance(input_shape, (tuple, list)) and len(input_shape) > 1 and input_shape[0] is None:
            input_shape = input_shape[1:]
        with self._lock:
            self._build(None if input_shape is None else row_shape("input_shape", input_shape))

    @property
    def built(self) -> bool:
        """Whether the shapes of all weights are known."""
        return self._stack.input_shape is not None and bool(self._stack.layers)

    @property
    def input_shape(self) -> Shape | None:
        """Shape of one input row, or None when not known yet."""
        return self._stack.input_shape

    def summary(self) -> None:
        """Print a table of the layers, their output shapes and their numbers of weights."""
        report.print_summary(self.name, self._stack, np.dtype(self.dtype).itemsize)

    def compile(self, optimizer: Any = "rmsprop", loss: Any = None, metrics: Any = None) -> None:
        """Set the optimizer, the loss and the metric, each by name, class or instance. Weights are kept.

        Raises
        ------
        ValueError, TypeError
            For an unknown name (the message lists the known ones), or a metric that does not fit the loss.
        """
        new = get_optimizer(optimizer), None if loss is None else get_loss(loss), get_list(metrics)
        if new[1] is not None:
            for metric in new[2]:
                metric.resolve(new[1], units=1)
        with self._lock:
            vars(self).update(zip(("optimizer", "loss", "metrics"), new, strict=True))
            self._discard_network()

    @property
    def metrics_names(self) -> list[str]:
        """Names of what `evaluate` returns: "loss", then the metric."""
        return ["loss", *(str(metric.name) for metric in self.metrics)]

    def fit(
        self,
        x: Any,
        y: Any,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: Any = "auto",
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool = True,
    ) -> History:
        """Train for `epochs` passes over the rows; called again, it goes on from there.

        Parameters
        ----------
        x : array [rows, ...]
            uint8, float32 and float64 are read as they are; other numbers are converted first.
        y : array [rows, units], or class numbers [rows] for a sparse loss
        batch_size : int, optional
            Rows an update, default 32; the last batch of an epoch may be smaller.
        verbose : {"auto", 0, 1, 2}
            0 prints nothing, 1 ("auto") a progress bar, 2 one line an epoch.
        callbacks : list of Callback, optional
        validation_split : float in [0, 1)
            Fraction of the rows, the last ones, to validate on instead of training on. Not used with `validation_data`.
        validation_data : (x, y), optional
            Evaluated after each epoch.
        shuffle : bool
            Whether each epoch visits the rows in a new order.

        Returns
        -------
        History
            With `history["loss"]` and so on: means over the epoch while it trained, with dropout on.

        Raises
        ------
        ValueError, TypeError
            For arguments or data that do not fit; nothing has been changed then.
        RuntimeError
            When a callback has called add, pop or compile before the end.
        """
        with self._lock:
            self._require_loss("fit")
            hooks = check_callbacks(callbacks)
            run = training.prepare(self, x, y, batch_size, epochs, verbose, validation_split, validation_data, shuffle)
            self._build(run.input_shape)
            return training.train(self, run, hooks)

    def evaluate(
        self, x: Any, y: Any, batch_size: int | None = None, verbose: Any = "auto", return_dict: bool = False
    ) -> Any:
        """Return the loss, or [loss, metric] when there is a metric; with `return_dict` a dict of them. Dropout is off.

        Parameters and errors are those of `fit`; `batch_size` only counts the steps that are shown.
        """
        with self._lock:
            self._require_loss("evaluate")
            as_dict, level = boolean("return_dict", return_dict), report.verbosity(verbose)
            steps = training.batch_rows(batch_size)
            shape, rows = self.checked_data(x, y)
            self._build(shape)
            progress = report.Progress(math.ceil(rows.rows / steps), level)
            with progress.running():
                results = self.evaluate_data(rows)
            ordered = dict(sorted(results.items()))
            progress.finish(ordered)
            values = list(results.values())
            return ordered if as_dict else values if len(values) > 1 else values[0]

    def predict(self, x: Any, batch_size: int | None = None, verbose: Any = "auto") -> np.ndarray:
        """Return the outputs [rows, units] in the model's dtype. Dropout is off.

        A row's outputs do not depend on the other rows; `batch_size` only counts the steps that are shown.
        """
        with self._lock:
            level, steps = report.verbosity(verbose), training.batch_rows(batch_size)
            rows = self._prediction_rows(x)
            progress = report.Progress(math.ceil(len(rows) / steps), level)
            with progress.running():
                outputs: np.ndarray = self.network.predict(rows)
            progress.finish({})
            return outputs

    def __call__(self, x: Any, out: np.ndarray | None = None) -> np.ndarray:
        """Return the outputs of a few rows at once: `predict(x)` without its preparations, printing nothing.

        Parameters
        ----------
        x : array [rows, ...]
        out : array [rows, units] of the model's dtype, optional
            C-contiguous memory for the outputs, which is returned; with it, and x of the model's dtype, a small network
            answers in a microsecond or two.

        Raises
        ------
        ValueError, TypeError
            As predict does, and when `out` does not fit.
        """
        network = self._network
        if network is not None and isinstance(x, np.ndarray) and x.shape[1:] == self._stack.input_shape:
            outputs = np.empty((len(x), network.outputs), self.dtype) if out is None else out
            if network.predict_small(x, outputs):
                return outputs
        return self.predict(x, verbose=0) if out is None else self._predict_into(x, out)

    def get_weights(self) -> list[np.ndarray]:
        """Return copies of the weights: for each dense layer the kernel [inputs, units], then the bias [units]."""
        with self._lock:
            return list(self.network.get_weights())

    def set_weights(self, weights: Any) -> None:
        """Set the weights from arrays in the order of `get_weights`; ValueError or TypeError when one does not fit."""
        with self._lock:
            arrays = data.weights("weights", weights, list(self.weight_names.values()), self.dtype)
            if self._network is None:
                self._kept = dict(zip(self.weight_names, arrays, strict=True))
            else:
                self._network.set_weights(arrays)

    def count_params(self) -> int:
        """Return the number of weights."""
        return sum(math.prod(shape) for shape in self.weight_names.values())

    def save(self, filepath: str | os.PathLike[str], include_optimizer: bool = True) -> None:
        """Write the model to a .safetensors file that `fastmlp.load_model` reads; whole, or not at all."""
        from fastmlp import serialization

        with self._lock:
            serialization.save_model(self, filepath, include_optimizer)

    def get_config(self) -> dict[str, Any]:
        """Return the architecture as JSON values."""
        return {
            "name": self.name,
            "dtype": self.dtype,
            "seed": self.seed,
            "input_shape": to_plain(self.input_shape),
            "layers": to_plain(self.layers),
        }

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Sequential:
        """Make a model, with weights not trained, from what `get_config` returned."""
        settings = dict(config)
        input_shape, items = settings.pop("input_shape"), settings.pop("layers")
        first = [] if input_shape is None else [Input(input_shape)]
        return cls([*first, *(lookup("layers", item, LAYERS) for item in items)], **settings)

    def __reduce__(self) -> tuple[Any, ...]:
        from fastmlp import serialization

        with self._lock:
            return serialization.restore, serialization.describe(self)

    # For training.py and serialization.py

    @property
    def weight_names(self) -> dict[str, Shape]:
        """Shape of each weight by name ("dense/kernel"), in the order of get_weights."""
        return self._stack.weight_shapes()

    @property
    def network(self) -> Network:
        """The engine's network, made on first use: ValueError while the input's shape is not known."""
        with self._lock:
            if self._network is None:
                self._network = self._make_network()
            return self._network

    def require_network(self, network: Network) -> None:
        """Raise RuntimeError unless `network` is the model's one still."""
        if self._network is not network:
            got, needs = "a callback that called add, pop or compile", "the same layers, optimizer and loss to its end"
            raise RuntimeError(f"fit: got {got}, needs {needs}")

    def network_for_training(self, batch_size: int) -> Network:
        """Return the network, set for the next epoch."""
        assert self.optimizer is not None
        network = self.network
        network.set_learning_rate(self.optimizer.learning_rate)
        # Three products of the forward's size: outputs, and the gradients of weights and inputs.
        network.threads = threads.threads_for(3 * batch_size * self._stack.multiply_adds())
        return network

    @property
    def engine_metric(self) -> str | None:
        """The engine's name of the metric."""
        assert self.loss is not None
        units = self._stack.shapes()[-1][0]
        return self.metrics[0].resolve(self.loss, units) if self.metrics else None

    def checked_data(self, x: Any, y: Any, prefix: str = "", shape: Shape | None = None) -> tuple[Shape, Data]:
        """Return the shape of the input rows and the checked arrays; nothing is changed."""
        assert self.loss is not None
        array = data.features(prefix + "x", x, shape or self.input_shape, self.dtype)
        shapes = self._stack.shapes(array.shape[1:])
        labels = data.targets(prefix + "y", y, len(array), shapes[-1][0], self.loss, self.dtype)
        return shapes[0], Data(array.reshape(len(array), -1), labels)

    def evaluate_data(self, rows: Data) -> dict[str, float]:
        """Return loss and metric by name for checked arrays."""
        network = self.network
        network.threads = threads.threads_for(rows.rows * self._stack.multiply_adds())
        return self.named_results(network.evaluate(rows.x, rows.y, self.engine_metric))

    def named_results(self, values: tuple[float, float]) -> dict[str, float]:
        """Return the engine's (loss, metric value) by name."""
        return {name: float(value) for name, value in zip(self.metrics_names, values, strict=False)}

    def _prediction_rows(self, x: Any) -> np.ndarray:
        """Check x, make the network ready for it, and return its rows [rows, inputs]."""
        array = data.features("x", x, self.input_shape, self.dtype)
        self._build(array.shape[1:])
        self.network.threads = threads.threads_for(len(array) * self._stack.multiply_adds())
        return array.reshape(len(array), -1)

    def _predict_into(self, x: Any, out: Any) -> np.ndarray:
        """Fill `out`, which must fit exactly, with the outputs for x."""
        with self._lock:
            rows = self._prediction_rows(x)
            data.require_memory("out", out, (len(rows), self.network.outputs), self.dtype)
            if np.may_share_memory(rows, out):
                raise ValueError("out: got memory that x uses too, needs memory of its own")
            outputs: np.ndarray = self.network.predict(rows, out)
            return outputs

    def _make_network(self) -> Network:
        weights = self._kept
        if weights.keys() != self.weight_names.keys():
            weights = self._stack.initial_weights(self.seed, self.dtype) | weights
        loss = optimizer = None
        if self.loss is not None and self.optimizer is not None:
            loss, optimizer = self.loss.engine_name, self.optimizer.spec
        inputs = math.prod(self._stack.shapes()[0])
        network = Network(inputs, self._stack.specs(self.seed), loss=loss, optimizer=optimizer, dtype=self.dtype)
        network.set_weights(list(weights.values()))
        self._kept = {}
        return network

    def _discard_network(self) -> None:
        if self._network is not None:
            # A layer that was just added has no weights yet.
            self._kept = dict(zip(self.weight_names, self._network.get_weights(), strict=False))
            self._network = None

    def _build(self, input_shape: Shape | None) -> None:
        shape = self._stack.shapes(input_shape)[0]
        if self.input_shape not in (None, shape):
            raise ValueError(f"input_shape: got {shape} for a model whose input rows have shape {self.input_shape}")
        self._stack.input_shape = shape

    def _require_loss(self, method: str) -> None:
        if self.optimizer is None or self.loss is None:
            raise ValueError(f"{method}: got a model without a loss, needs compile(optimizer=..., loss=...) first")
