"""Models: graphs of layers, trained by the compiled engine."""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from fastmlp.callbacks.base import History
from fastmlp.callbacks.hooks import Hooks, check_callbacks
from fastmlp.data.arrays import Shape, features, require_memory
from fastmlp.data.batches import whole
from fastmlp.data.containers import contents, part_of
from fastmlp.data.files import Tensors
from fastmlp.data.rows import Data
from fastmlp.data.values import Array, answering
from fastmlp.errors import told
from fastmlp.kernels.engine.turns import Training
from fastmlp.layers import InputLayer, Layer
from fastmlp.layers.graph import Graph, from_inputs
from fastmlp.layers.symbol import PHASE
from fastmlp.layers.variable import Variable
from fastmlp.models import formats, saving
from fastmlp.models.config import CLASSES, Reader, config_of, read_as
from fastmlp.models.summary import print_summary
from fastmlp.models.tracing import Tracer, flat, shell
from fastmlp.settings import boolean, is_among, mapping
from fastmlp.training import inputs as given_inputs
from fastmlp.training import loops
from fastmlp.training import model as training_model
from fastmlp.training.inputs import FitArguments
from fastmlp.training.progress import Progress, verbosity
from fastmlp.training.results import Results

PLAIN = (np.ndarray, Array)
FIRST_DRAWN = 2**62  # beyond all steps of training: number of the first calls' masks


class Model(training_model.Model):
    """A graph of layers between some symbols and others.

    Parameters
    ----------
    inputs, outputs : Symbol, or a list, tuple or dict by name of several
        As `Input` and calls of layers return them. Without both, a subclass has a method `call(self, inputs)`, which is
        run once on symbols when the shape of the data is known: it must do nothing but call layers.
    name : str, optional
        Default "functional", of a subclass its own in snake case.
    dtype : {"float32", "float64"}, optional
        Type of the weights and of the arithmetic; default `config.floatx()`. float64 gives the same bits as the
        reference implementation.
    seed : int, optional
        Everything random (initial weights, order of the rows, dropout) follows from it. None draws one, kept in `seed`.
    trainable : bool
        Whether training changes the weights; default True.
    """

    #: What the columns of the output stand for: strings or numbers, in a list; kept in files, and not asked for here.
    classes: Any = None
    _drawn: int = 0  # calls with training=True, each of which draws masks of its own
    _results: Results | None = None  # of single batches
    _traces: Tracer | None = None  # a `call` of one's own, while the model is not built

    def __init__(
        self,
        inputs: Any = None,
        outputs: Any = None,
        name: str | None = None,
        *,
        dtype: Any = None,
        seed: int | None = None,
        trainable: bool = True,
    ):
        super().__init__(name=name, dtype=dtype, seed=seed, trainable=True)
        if (inputs is None) != (outputs is None):
            raise ValueError("outputs: got one of inputs and outputs, needs both, or a method call(self, inputs)")
        if inputs is not None:
            begins, ends = flat("inputs", inputs), flat("outputs", outputs)
            self._settle(Graph(*from_inputs(begins, ends)), (shell(inputs), shell(outputs)))
        if not boolean("trainable", trainable):
            self.trainable = False

    def _settle(self, graph: Graph, structures: tuple[Any, Any]) -> None:
        """Be the model of a graph from here on."""
        self.take_layers(graph.layers)
        self.overwrite(_graph=graph, _structures=structures)
        if self._seen_by_compile():
            self.overwrite(_flags={leaf: trainable for _, leaf, trainable in self.leaves()})

    def _seen_by_compile(self) -> bool:
        return self.optimizer is not None and not self._flags

    @classmethod
    def _unshared(cls) -> dict[str, Any]:
        return {**super()._unshared(), "_results": None, "_traces": None}

    # The graph of a subclass with a `call` of its own

    @property
    def layers(self) -> list[Layer]:
        """The layers, in the order of Keras: of a `call` of one's own, in that of the attributes which hold them."""
        if self._graph is not None and not self._has_call:
            return list(self._graph.layers)
        found = dict.fromkeys(one for one in layers_in(vars(self).values()) if one is not self)
        if self._graph is None:
            return list(found)
        called = [one for one in self._graph.layers if not isinstance(one, InputLayer)]
        return list(dict.fromkeys([*(one for one in found if one in called), *called]))

    def named_variables(self) -> dict[str, Variable]:
        if self._graph is None and self._has_call:
            return {f"{name}/{one.name}": one for name, leaf, _ in self.leaves() for one in leaf.weights}
        return super().named_variables()

    @property
    def _has_call(self) -> bool:
        return hasattr(type(self), "call")

    @property
    def _tracer(self) -> Tracer:
        if self._traces is None:
            self._traces = Tracer(self.call, f"{type(self).__name__}.call")  # type: ignore[attr-defined]
        return self._traces

    def names_for(self, x: Any) -> list[str]:
        return self._tracer.names_for(x) if self._graph is None and self._has_call else self.input_names

    def output_row_shapes(self, input_shapes: Sequence[Shape] | None = None) -> list[Shape]:
        if self._graph is None and self._has_call and input_shapes is not None:
            return list(self._tracer.trace(input_shapes)[0].output_row_shapes)
        return super().output_row_shapes(input_shapes)

    def build_for(self, input_shapes: Sequence[Shape] | None) -> None:
        if self._graph is None and self._has_call and input_shapes is not None:
            graph, structure = self._tracer.trace(input_shapes)
            self._settle(graph, (self._tracer.container_of(len(input_shapes)), structure))
            self._traces = None
        super().build_for(input_shapes)

    def build_like(self, other: training_model.Model) -> None:
        if self._graph is None and self._has_call:
            self._tracer.takes = other._structures[0]
        super().build_like(other)

    # Names and containers of inputs and outputs

    @property
    def input_names(self) -> list[str]:
        shape = self._structures[0]
        return list(shape) if isinstance(shape, dict) else super().input_names

    @property
    def output_names(self) -> list[str]:
        shape = self._structures[1]
        return list(shape) if isinstance(shape, dict) else super().output_names

    # Files and copies

    def get_config(self) -> dict[str, Any]:
        """Return the architecture as JSON values, without weights; a subclass may return its own arguments instead."""
        return config_of(self)

    @classmethod
    def from_config(cls, config: Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None) -> Any:
        """Make a model, with weights not trained, from what `get_config` returned."""
        config = mapping("config", config)
        if cls not in CLASSES.values() and "layers" not in config:
            return cls(**config)
        with read_as("config"):
            return Reader(custom_objects).model(cls, config)

    def __copy__(self) -> Any:
        """Return a model with layers of its own, and with what a subclass or the user keeps in the object besides."""
        known = vars(Model(seed=0)).keys() | {"_results", "_layers", "_first", "_roll"}
        kept = {name: value for name, value in vars(self).items() if name not in known}
        shared = [value for value in kept.values() if not layers_in([value])]
        return copy.deepcopy(self, {id(value): value for value in shared})

    def summary(
        self,
        line_length: int | None = None,
        positions: Any = None,
        print_fn: Any = None,
        expand_nested: bool = False,
        show_trainable: bool = False,
    ) -> None:
        """Print a table of the layers, their output shapes and their numbers of weights."""
        print_summary(self, line_length, positions, print_fn, expand_nested, show_trainable)

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: Any = "auto",
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool = True,
        class_weight: Any = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: Any = 1,
    ) -> History:
        """Train until epoch number `epochs`, an epoch being a pass over the rows; called again, it goes on from there.

        Parameters
        ----------
        x : array [rows, ...], or batches
            uint8, float32 and float64 are read as they are, from a np.memmap too; other numbers are converted first,
            and so are data frames and tensors of other libraries. Matrices of scipy.sparse are made dense a few batches
            at a time.
            Batches (x, y) or (x, y, sample_weight) are taken from a generator or another iterable, or from an object
            with `__len__` and `__getitem__`; `y`, `sample_weight`, `batch_size` and `validation_split` are not given
            then. Several inputs are a list or tuple of arrays, or a dict by `input_names`, also in batches.
        y : array [rows, units], class numbers [rows] for a sparse loss, or any numbers for a loss of your own
            For several outputs a list or tuple of them, or a dict by `output_names`; what is there for one without a
            loss and metrics, such as None, is not looked at.
        batch_size : int, optional
            Rows an update, default 32; the last batch of an epoch may be smaller.
        epochs : int
            Number of the last epoch, default 1. Batches that come once, from a generator, end the training with a
            warning where they end before.
        verbose : {"auto", 0, 1, 2}
            0 prints nothing, 1 ("auto") a progress bar, 2 one line an epoch.
        callbacks : list of Callback, optional
            Where none overrides a hook of the batches, an epoch of arrays is one call of the engine; the weights have
            the same bits either way.
        validation_split : float in [0, 1)
            Fraction of the rows, the last ones, to validate on instead of training on. Not used with `validation_data`.
        validation_data : (x, y), (x, y, sample_weight), or batches, optional
            Evaluated after each epoch.
        shuffle : bool
            Whether each epoch visits the rows (or the batches by number) in a new order; iterables keep their own.
        class_weight : dict from class number to weight, optional
            What the losses of the rows of a class are multiplied by, 1.0 for a class that is not there. The class is y,
            or its largest column. Validation takes no notice of it. Not together with `sample_weight`, and not with
            several outputs.
        sample_weight : array [rows], optional
            What each row's loss is multiplied by. The mean over a batch is divided by its rows, not by the sum of its
            weights, as in Keras; `validation_split` splits the weights too. One array is for all outputs; a list or
            dict has one, or None, for each.
        initial_epoch : int
            Number of the first epoch, from 0: with 3, `epochs=5` trains two.
        steps_per_epoch : int, optional
            Batches of an epoch, where that is not a pass: the passes go on through the epochs.
        validation_steps : int, optional
            Batches to validate on, at most.
        validation_batch_size : int, optional
            Default `batch_size`; the results do not depend on it, but for losses and classes of metrics of your own.
        validation_freq : int or list of int
            Validate after every so many epochs, or after those of the list, counted from 1.

        Returns
        -------
        History
            With `history["loss"]` and so on: means over the epoch while it trained, with dropout on.

        Raises
        ------
        ValueError, TypeError
            For arguments or data that do not fit; nothing has been changed then. Batches are checked as they come.
        RuntimeError
            When a callback has called add, pop or compile before the end, and while another thread trains the model.
            Other threads may use it otherwise: they see the weights between two updates.
        """
        given = FitArguments(
            x=x,
            y=y,
            batch_size=batch_size,
            epochs=epochs,
            verbose=verbose,
            validation_split=validation_split,
            validation_data=validation_data,
            shuffle=shuffle,
            class_weight=class_weight,
            sample_weight=sample_weight,
            initial_epoch=initial_epoch,
            steps_per_epoch=steps_per_epoch,
            validation_steps=validation_steps,
            validation_batch_size=validation_batch_size,
            validation_freq=validation_freq,
        )
        with Training("fit", [self._lock]):
            self.require_loss("fit")
            chosen = check_callbacks(callbacks)
            run = given_inputs.prepare(self, given)
            with self._lock:
                self.build_for(run.input_shapes)
            history, training = loops.begin(self, run, chosen)
            for _ in training:
                pass
            return history

    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: Any = "auto",
        sample_weight: Any = None,
        steps: int | None = None,
        callbacks: Any = None,
        return_dict: bool = False,
    ) -> Any:
        """Return the loss, or [loss, metrics...] when there are some; with `return_dict` a dict. Dropout is off.

        Parameters and errors are those of `fit`; `steps` is the largest number of batches to take.
        """
        self.require_loss("evaluate")
        as_dict, level = boolean("return_dict", return_dict), verbosity(verbose)
        chosen = check_callbacks(callbacks)
        source, shapes = given_inputs.evaluation_source(self, x, y, batch_size, steps, sample_weight)
        hooks = Hooks(chosen, self, {"verbose": verbose, "steps": source.steps})
        self._build_once(shapes)
        progress = Progress(source.steps, level)
        progress.begin()
        done, results = loops.evaluate(self, source, hooks, Results(self))
        progress.end()
        progress.finish(dict(sorted(results.items())), done)
        return by_name_or_not(results, as_dict)

    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: Any = "auto",
        steps: int | None = None,
        callbacks: Any = None,
    ) -> Any:
        """Return the outputs [rows, units] in the model's dtype. Dropout is off.

        A row's outputs do not depend on the other rows, so that `batch_size` only counts the steps that are shown. x
        may be batches as in `fit`, with or without y; `steps` is the largest number of batches to take.
        """
        level, chosen = verbosity(verbose), check_callbacks(callbacks)
        source, shapes = given_inputs.prediction_source(self, x, batch_size, steps)
        hooks = Hooks(chosen, self, {"verbose": verbose, "steps": source.steps})
        self._build_once(shapes)
        progress = Progress(source.steps, level)
        progress.begin()
        done, outputs = loops.predict(self, source, hooks)
        progress.end()
        progress.finish({}, done)
        return self.reshaped(outputs)

    def train_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, class_weight: Any = None, return_dict: bool = False
    ) -> Any:
        """Do one update on these rows; return their loss and metrics, from before it, with dropout on.

        They are this batch's own, as in Keras 3.15.
        """
        data, as_dict = self._batch("train_on_batch", x, y, sample_weight, return_dict, class_weight)
        results = self._results_of_batch()
        loops.train_chunk(self, whole(data), results)
        return by_name_or_not(self._final(results), as_dict)

    def test_on_batch(self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False) -> Any:
        """Return the loss and metrics of these rows alone, with dropout off."""
        data, as_dict = self._batch("test_on_batch", x, y, sample_weight, return_dict)
        results = self._results_of_batch()
        loops.evaluate_rows(self, data, results)
        return by_name_or_not(self._final(results), as_dict)

    def predict_on_batch(self, x: Any) -> Any:
        """Return the outputs for these rows; the same as `predict`, printing nothing."""
        return self(x)

    def gradients(
        self, x: Any, y: Any, sample_weight: Any = None, *, wrt: str = "weights", training: bool = False
    ) -> tuple[float, Any]:
        """Return the loss of these rows and its gradient.

        Parameters
        ----------
        x, y, sample_weight
            As of `train_on_batch`. The loss is the mean over the rows, with the penalties of regularizers.
        training : bool
            False: as in `evaluate`. True: as in the next step of training, with dropout and noise, and with the
            statistics of these rows in batch normalizations, whose moving averages move towards them.
        wrt : {"weights", "input", "both"}
            Gradients by what: by each of `trainable_weights`, as a list in their order, by x, as an array of its
            shape in the model's dtype, or a pair of both.

        Ctrl-C is answered within a second.
        """
        by_weights, by_input = wanted(wrt)
        in_training = boolean("training", training)
        data, _ = self._batch("gradients", x, y, sample_weight, False)
        with self._lock:
            of_inputs = [np.empty(x.shape, self.dtype) for x in data.xs] if by_input else None
            given, asked = self.for_engine, None if of_inputs is None else self.for_engine(of_inputs)
            arrays = given(data.xs), given(data.ys), given(data.sample_weights), asked, in_training
            loss, gradients = self.of_one_moment(data.rows, lambda network: network.gradients(*arrays))
            return float(loss), self._asked_for(self.in_own_order(gradients) if by_weights else None, of_inputs)

    def vjp(self, x: Any, output_gradients: Any, *, wrt: str = "weights", training: bool = False) -> Any:
        """Return what gradients of the outputs are for the weights, the input or both: one forward and backward pass.

        There is no loss in it: neither its mean over the rows, nor penalties of regularizers.

        Parameters
        ----------
        x : as of `predict`
        output_gradients : array of the outputs' shape, or a container of several; or a function
            Of several, None stands for no gradient. A function gets the outputs, as `predict` gives them, and returns
            that: one forward pass is enough then.
        wrt : {"weights", "input", "both"}
            By each of `trainable_weights`, as a list in their order; by x, as an array of its shape, or a list of
            several; or as a pair of both.
        training : bool
            As of `gradients`.
        """
        by_weights, by_input = wanted(wrt)
        in_training = boolean("training", training)
        shapes, arrays = self.checked_inputs("x", x)
        with self._lock:
            self.build_for(shapes)
            rows = len(arrays[0])

            def gradients_for(outputs: Any) -> Any:
                found = self._lock.aside(output_gradients, self.reshaped(outputs))
                return self.for_engine(self._output_gradients(found, rows))

            dy: Any = gradients_for
            if not callable(output_gradients):
                dy = self.for_engine(self._output_gradients(output_gradients, rows))
            of_inputs = [np.empty(array.shape, self.dtype) for array in arrays] if by_input else None
            asked = None if of_inputs is None else self.for_engine(of_inputs)
            passed = self.for_engine(arrays), dy, asked, in_training
            gradients = self.of_one_moment(rows, lambda network: network.vjp(*passed))
            return self._asked_for(self.in_own_order(gradients) if by_weights else None, of_inputs)

    def _output_gradients(self, given: Any, rows: int) -> list[np.ndarray | None]:
        """Return the gradients of the outputs, each flat and checked, or None."""
        shapes, names = self.graph.output_row_shapes, self.output_names
        items = contents("output_gradients", given, names)
        found: list[np.ndarray | None] = []
        for name, one, shape in zip(names, items, shapes, strict=True):
            if one is None and len(items) > 1:
                found.append(None)
                continue
            called = part_of("output_gradients", name, names)
            array = features(called, one, shape, self.dtype)
            if len(array) != rows:
                raise ValueError(f"{called}: got {len(array)} rows, needs {rows}")
            found.append(np.ascontiguousarray(array.reshape(rows, -1), self.dtype))
        return found

    def _asked_for(self, gradients: list[np.ndarray] | None, of_inputs: list[np.ndarray] | None) -> Any:
        """Return gradients by weights, by the inputs in their shapes, or both."""
        if of_inputs is None:
            return gradients
        shapes = self.graph.input_row_shapes
        shaped = [one.reshape(-1, *shape) for one, shape in zip(of_inputs, shapes, strict=True)]
        found = self.in_container(shaped, 0)
        return found if gradients is None else (gradients, found)

    def __call__(self, x: Any, out: np.ndarray | None = None, *, training: Any = None) -> Any:
        """Return the outputs of a few rows at once: `predict(x)` without its preparations; or the symbol of symbols.

        Parameters
        ----------
        x : array [rows, ...], Symbol, or a list, tuple or dict of several
        out : array [rows, units] of the model's dtype, optional
            C-contiguous memory for the outputs, which is returned; with it, and x of the model's dtype, a small network
            answers in a microsecond or two.
        training : bool, optional
            As of a layer. True draws other masks of dropout at each call, and moves the averages of batch
            normalizations.

        Raises
        ------
        ValueError, TypeError
            As predict does, and when `out` does not fit.
        """
        if type(x) in PLAIN and training is None:  # another subclass may hide what its memory holds
            with self._lock:
                network = self._network
                if network is not None and x.shape[1:] == self._fast_shape:
                    outputs = Array((len(x), network.outputs), network.dtype) if out is None else out
                    if type(outputs) in PLAIN and network.predict_small(x, outputs):
                        return outputs
        symbols = self.symbols_of(x)
        if symbols is not None:
            call = self.call_on(symbols, None if training is PHASE else training)
            return self.in_container(call.outputs, 1)
        in_training = training is not None and boolean("training", training)
        return self._compute(x, in_training) if out is None else self._predict_into(x, out)

    def save_weights(self, filepath: str | os.PathLike[str], overwrite: bool = True) -> None:
        """Write the weights alone to a file that `load_weights` reads; whole, or not at all.

        Parameters
        ----------
        filepath : path ending in .safetensors or .weights.h5
            The latter are Keras' files, with the optimizer's state; they need h5py.
        overwrite : bool
            Whether to replace a file of that name; ValueError where there is one otherwise.
        """
        with self._lock:
            formats.save_weights(self, filepath, overwrite)

    def load_weights(
        self, filepath: str | os.PathLike[str], skip_mismatch: bool = False, *, by_name: bool = False
    ) -> None:
        """Set the weights from a file of `save_weights` or `save`, here or in Keras 3.

        Parameters
        ----------
        filepath : path
            Ending in .keras or .h5 for files of Keras, for which h5py is needed; else a .safetensors file.
        skip_mismatch : bool
            Whether to warn of layers that do not fit, and leave them as they are.
        by_name : bool
            Whether to set just the layers whose names are in the file: a .safetensors file, or an older .h5 one.

        Raises
        ------
        OSError, ImportError, ValueError
            As of `load_model`, and when the weights do not fit this model; nothing has been changed then.
        """
        with self._lock:
            formats.load_weights(self, filepath, skip_mismatch, by_name)
            self._lock.note_update()

    def save(self, filepath: str | os.PathLike[str], overwrite: bool = True, include_optimizer: bool = True) -> None:
        """Write the model to a .safetensors, .keras or .h5 file that `fastmlp.load_model` reads; whole, or not at all.

        Arguments and errors are those of `models.save_model`.
        """
        with self._lock:
            formats.save_model(self, filepath, overwrite, include_optimizer)

    def export(self, filepath: str | os.PathLike[str], format: str | None = None, verbose: bool | None = None) -> None:
        """Write the model's predictions to a file that other programs run; see docs/export.md.

        Parameters
        ----------
        filepath : path ending in .onnx or .h
            An ONNX file (operator set 17; needs onnx), for any number of rows: its results are those of `predict` to
            1e-5. Or a C99 header without dependencies, whose function `NAME_predict` predicts one row, with the bits of
            `predict`; NAME is the file's, without .h.
        format : {"onnx", "c"}, optional
            What the name says already, as Keras has it.
        verbose : bool, optional
            Whether to print the file's name.

        Raises
        ------
        ValueError
            For another name, and a model that is not built.
        ImportError
            Without onnx, where it is needed.
        """
        with self._lock:
            formats.export_model(self, filepath, format)
        if verbose is not None and boolean("verbose", verbose):
            print(f"{self.name} exported to {os.fspath(filepath)}")

    def to_json(self, **settings: Any) -> str:
        """Return the architecture, and what the model was compiled with, as JSON that Keras 3 reads too.

        `settings` are those of json.dumps, such as indent=2.
        """
        from fastmlp.export.keras_config import compiled, described

        with self._lock:
            return json.dumps({**described(self), "compile_config": compiled(self)}, **settings)

    def get_backup(self, epoch: int) -> tuple[dict[str, Any], Tensors]:
        """Return all of a model that is being trained, and the epoch to go on with, as JSON values and arrays."""
        with self._lock:  # all of it is of one moment
            return saving.get_backup(self, epoch)

    def set_backup(self, header: Mapping[str, Any], tensors: Tensors) -> int:
        """Become what `get_backup` returned; return the epoch to go on with, ValueError for that of another model."""
        with self._lock:
            return saving.set_backup(self, header, tensors)

    def _results_of_batch(self) -> Results:
        """Return results of no batch yet; made once for the model as it was compiled, and for one call at a time."""
        results, self._results = self._results, None
        if results is None or results.changes != self.changes:
            return Results(self)
        results.reset()
        return results

    def _final(self, results: Results) -> dict[str, Any]:
        """Return the values by name, and keep the object for the next batch."""
        found, self._results = results.final(), results
        return found

    def _build_once(self, shapes: Sequence[Shape] | None) -> None:
        if self._graph is None:
            with self._lock:
                self.build_for(shapes)

    def _batch(
        self, method: str, x: Any, y: Any, sample_weight: Any, return_dict: Any, class_weight: Any = None
    ) -> tuple[Data, bool]:
        """Check the arguments of a method on one batch, and build the model for it."""
        self.require_loss(method)
        as_dict = boolean("return_dict", return_dict)
        shapes, data = given_inputs.checked_data(self, x, y, sample_weight, class_weight=class_weight)
        self._build_once(shapes)
        return data.dense(), as_dict

    def _compute(self, x: Any, training: bool) -> Any:
        """Return the outputs for x."""
        shapes, arrays = self.checked_inputs("x", x)
        with self._lock:
            self.build_for(shapes)
            network = self.network_for_rows(len(arrays[0]))
            if not training:
                return self.reshaped(network.predict(self.for_engine(arrays)), answering)
            step, self._drawn = network.step, self._drawn + 1
            network.step = FIRST_DRAWN + self._drawn
            try:
                return self.reshaped(network.predict(self.for_engine(arrays), training=True), answering)
            finally:
                network.step = step

    def _predict_into(self, x: Any, out: Any) -> np.ndarray:
        """Fill `out`, which must fit exactly, with the outputs for x."""
        shapes, arrays = self.checked_inputs("x", x)
        with self._lock:
            self.build_for(shapes)
            if not self.is_single:
                got = f"memory for a model of {len(self.inputs)} inputs and {len(self.outputs)} outputs"
                raise ValueError(f"out: got {got}, needs one of each")
            (row,), rows = self.graph.output_row_shapes, len(arrays[0])
            require_memory("out", out, (rows, *row), self.dtype)
            if np.may_share_memory(arrays[0], out):
                raise ValueError("out: got memory that x uses too, needs memory of its own")
            self.network_for_rows(rows).predict(arrays[0], out=out.reshape(rows, -1))
            return out  # type: ignore[no-any-return]


def by_name_or_not(results: dict[str, Any], as_dict: bool) -> Any:
    """Return results as a sorted dict, as a list, or the only one as it is."""
    values = list(results.values())
    return dict(sorted(results.items())) if as_dict else values if len(values) > 1 else values[0]


def wanted(wrt: Any) -> tuple[bool, bool]:
    """Return whether gradients are asked for by the weights, and by the input."""
    if not is_among(wrt, ("weights", "input", "both")):
        raise ValueError(f"wrt: got {told(wrt)}, needs 'weights', 'input' or 'both'")
    return wrt != "input", wrt != "weights"


CLASSES["graph"] = Model


def layers_in(values: Any) -> list[Layer]:
    """Return the layers among values and in their lists, tuples and dicts."""
    found = []
    for value in values:
        if isinstance(value, Layer):
            found.append(value)
        elif isinstance(value, (list, tuple, dict)):
            found += layers_in(value.values() if isinstance(value, dict) else value)
    return found
