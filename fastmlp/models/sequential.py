"""Sequential: layers in a row, trained by the compiled engine."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from fastmlp.callbacks.base import History
from fastmlp.callbacks.hooks import Hooks, check_callbacks
from fastmlp.data.arrays import require_memory
from fastmlp.data.batches import whole
from fastmlp.data.rows import Data, unlabelled
from fastmlp.models import saving
from fastmlp.models.summary import print_summary
from fastmlp.settings import boolean
from fastmlp.training import inputs, loops
from fastmlp.training.inputs import FitArguments
from fastmlp.training.model import Model
from fastmlp.training.progress import Progress, verbosity
from fastmlp.training.results import Results


class Sequential(Model):
    """A network of layers in a row.

    Parameters
    ----------
    layers : iterable of Layer, optional
        May start with `Input(shape)`; without it the input's shape is taken from the first data.
    name : str, optional
        Default "sequential".
    dtype : {"float32", "float64"}, optional
        Type of the weights and of the arithmetic; default `config.floatx()`. float64 gives the same bits as the
        reference implementation.
    seed : int, optional
        Everything random (initial weights, order of the rows, dropout) follows from it. None draws one, kept in `seed`.
    """

    history: History | None = None  # of the last fit
    _results: Results | None = None  # of single batches

    def summary(self) -> None:
        """Print a table of the layers, their output shapes and their numbers of weights."""
        print_summary(self.name, self.stack, np.dtype(self.dtype).itemsize)

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
            uint8, float32 and float64 are read as they are, from a np.memmap too; other numbers are converted first.
            Batches (x, y) or (x, y, sample_weight) are taken from a generator or another iterable, or from an object
            with `__len__` and `__getitem__`; `y`, `sample_weight`, `batch_size` and `validation_split` are not given
            then.
        y : array [rows, units], class numbers [rows] for a sparse loss, or any numbers for a loss of your own
        batch_size : int, optional
            Rows an update, default 32; the last batch of an epoch may be smaller.
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
            or its largest column. Validation takes no notice of it. Not together with `sample_weight`.
        sample_weight : array [rows], optional
            What each row's loss is multiplied by. The mean over a batch is divided by its rows, not by the sum of its
            weights, as in Keras; `validation_split` splits the weights too.
        initial_epoch : int
            Number of the first epoch, from 0: with 3, `epochs=5` trains two.
        steps_per_epoch : int, optional
            Batches of an epoch, where that is not a pass: the passes go on through the epochs.
        validation_steps : int, optional
            Batches to validate on, at most.
        validation_batch_size : int, optional
            Default `batch_size`; the results do not depend on it.
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
            When a callback has called add, pop or compile before the end.
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
        with self._lock:
            self.require_loss("fit")
            chosen = check_callbacks(callbacks)
            run = inputs.prepare(self, given)
            self.fix_input_shape(run.input_shape)
            self.history = History()
            self.stop_training, self.epochs_resumed = False, 0
            loops.train(self, run, Hooks([*chosen, self.history], self, run.params))
            return self.history

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
        with self._lock:
            self.require_loss("evaluate")
            as_dict, level = boolean("return_dict", return_dict), verbosity(verbose)
            chosen = check_callbacks(callbacks)
            source, shape = inputs.evaluation_source(self, x, y, batch_size, steps, sample_weight)
            hooks = Hooks(chosen, self, {"verbose": verbose, "steps": source.steps})
            self.fix_input_shape(shape)
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
    ) -> np.ndarray:
        """Return the outputs [rows, units] in the model's dtype. Dropout is off.

        A row's outputs do not depend on the other rows, so that `batch_size` only counts the steps that are shown. x
        may be batches as in `fit`, with or without y; `steps` is the largest number of batches to take.
        """
        with self._lock:
            level, chosen = verbosity(verbose), check_callbacks(callbacks)
            source, shape = inputs.prediction_source(self, x, batch_size, steps)
            hooks = Hooks(chosen, self, {"verbose": verbose, "steps": source.steps})
            self.fix_input_shape(shape)
            progress = Progress(source.steps, level)
            progress.begin()
            done, outputs = loops.predict(self, source, hooks)
            progress.end()
            progress.finish({}, done)
            return outputs

    def train_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, class_weight: Any = None, return_dict: bool = False
    ) -> Any:
        """Do one update on these rows; return their loss and metric, from before it, with dropout on.

        They are this batch's own, as in Keras 2; Keras 3 returns means over the calls.
        """
        with self._lock:
            data, as_dict = self._batch("train_on_batch", x, y, sample_weight, return_dict, class_weight)
            results = self._results_of_batch()
            loops.train_chunk(self, whole(data), results)
            return by_name_or_not(results.values, as_dict)

    def test_on_batch(self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False) -> Any:
        """Return the loss and metric of these rows, with dropout off."""
        with self._lock:
            data, as_dict = self._batch("test_on_batch", x, y, sample_weight, return_dict)
            results = self._results_of_batch()
            loops.evaluate_rows(self, data, results)
            return by_name_or_not(results.values, as_dict)

    def predict_on_batch(self, x: Any) -> np.ndarray:
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
        wrt : {"weights", "input"}
            Gradients by what: by each of `trainable_weights`, as a list in their order, or by x, as an array of its
            shape in the model's dtype.

        Ctrl-C is answered when all rows are done: they are one step.
        """
        if wrt not in ("weights", "input"):
            raise ValueError(f"wrt: got {wrt!r}, needs 'weights' or 'input'")
        in_training = boolean("training", training)
        with self._lock:
            data, _ = self._batch("gradients", x, y, sample_weight, False)
            network = self.network_for_rows(data.rows, passes=3)
            by_input = np.empty(data.x.shape, self.dtype) if wrt == "input" else None
            loss, gradients = network.gradients(data.x, data.y, data.sample_weight, by_input, in_training)
            return float(loss), list(gradients) if by_input is None else by_input.reshape(-1, *self.input_shape or ())

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
        if type(x) is np.ndarray:  # a subclass may hide what its memory holds
            with self._lock:
                network = self._network
                if network is not None and x.shape[1:] == self._stack.input_shape:
                    outputs = np.empty((len(x), network.outputs), self.dtype) if out is None else out
                    if type(outputs) is np.ndarray and network.predict_small(x, outputs):
                        return outputs
        return self.predict(x, verbose=0) if out is None else self._predict_into(x, out)

    def save_weights(self, filepath: str | os.PathLike[str], overwrite: bool = True) -> None:
        """Write the weights alone to a .safetensors file that `load_weights` reads; whole, or not at all."""
        with self._lock:
            saving.save_weights(self, filepath, overwrite)

    def load_weights(self, filepath: str | os.PathLike[str]) -> None:
        """Set the weights from a file of `save_weights` or `save`; ValueError when they do not fit this model."""
        with self._lock:
            saving.load_weights(self, filepath)

    def save(self, filepath: str | os.PathLike[str], overwrite: bool = True, include_optimizer: bool = True) -> None:
        """Write the model to a .safetensors file that `fastmlp.load_model` reads; whole, or not at all."""
        with self._lock:
            saving.save_model(self, filepath, overwrite, include_optimizer)

    def __reduce__(self) -> tuple[Any, ...]:
        with self._lock:
            return saving.restore, (type(self), *saving.describe(self), saving.custom_objects_of(self)), self._extras()

    def save_backup(self, path: Path, epoch: int) -> None:
        """Write all of a model that is being trained, and the epoch to go on with."""
        saving.save_backup(self, path, epoch)

    def load_backup(self, path: Path) -> int:
        """Become what `save_backup` wrote; return the epoch to go on with, ValueError for a backup of another model."""
        return saving.load_backup(self, path)

    def _extras(self) -> dict[str, Any]:
        """Return what a subclass, or the user, keeps in the object besides."""
        known = {*vars(Model(seed=0)), "_results"}
        return {name: value for name, value in vars(self).items() if name not in known}

    def _results_of_batch(self) -> Results:
        """Return results of no batch yet; made once for the model as it was compiled."""
        if self._results is None or self._results.changes != self.changes:
            self._results = Results(self)
        else:
            self._results.reset()
        return self._results

    def _batch(
        self, method: str, x: Any, y: Any, sample_weight: Any, return_dict: Any, class_weight: Any = None
    ) -> tuple[Data, bool]:
        """Check the arguments of a method on one batch, and build the model for it."""
        self.require_loss(method)
        as_dict = boolean("return_dict", return_dict)
        shape, data = inputs.checked_data(self, x, y, sample_weight, class_weight=class_weight)
        self.fix_input_shape(shape)
        return data, as_dict

    def _predict_into(self, x: Any, out: Any) -> np.ndarray:
        """Fill `out`, which must fit exactly, with the outputs for x."""
        with self._lock:
            shape, checked = unlabelled("x", x, self.input_shape, self.dtype)
            self.fix_input_shape(shape)
            rows = checked.x
            require_memory("out", out, (len(rows), self.network.outputs), self.dtype)
            if np.may_share_memory(rows, out):
                raise ValueError("out: got memory that x uses too, needs memory of its own")
            outputs: np.ndarray = self.network_for_rows(len(rows)).predict(rows, out=out)
            return outputs


def by_name_or_not(results: dict[str, Any], as_dict: bool) -> Any:
    """Return results as a sorted dict, as a list, or the only one as it is."""
    values = list(results.values())
    return dict(sorted(results.items())) if as_dict else values if len(values) > 1 else values[0]
