"""Sequential: layers in a row, trained by the compiled engine."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from fastmlp import data, report, testing, training
from fastmlp.base import Model
from fastmlp.callbacks.base import History
from fastmlp.callbacks.hooks import Hooks, check_callbacks
from fastmlp.data import Data, unpack
from fastmlp.results import Results
from fastmlp.settings import boolean
from fastmlp.sources import whole


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
        arguments = dict(locals())
        with self._lock:
            self.require_loss("fit")
            hooks = check_callbacks(callbacks)
            run = training.prepare(self, x, y, arguments)
            self.fix_input_shape(run.input_shape)
            return training.train(self, run, hooks)

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
            as_dict, level = boolean("return_dict", return_dict), report.verbosity(verbose)
            chosen = check_callbacks(callbacks)
            source, shape = testing.evaluation_source(self, x, y, batch_size, steps, sample_weight)
            hooks = Hooks(chosen, self, {"verbose": verbose, "steps": source.steps})
            self.fix_input_shape(shape)
            progress = report.Progress(source.steps, level)
            progress.begin()
            done, results = testing.evaluate(self, source, hooks, Results(self))
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
            level, chosen = report.verbosity(verbose), check_callbacks(callbacks)
            source, shape = testing.prediction_source(self, x, batch_size, steps)
            hooks = Hooks(chosen, self, {"verbose": verbose, "steps": source.steps})
            self.fix_input_shape(shape)
            progress = report.Progress(source.steps, level)
            progress.begin()
            done, outputs = testing.predict(self, source, hooks)
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
            rows, as_dict = self._batch("train_on_batch", x, y, sample_weight, return_dict, class_weight)
            results = Results(self)
            training.train_share(self, whole(rows), results)
            return by_name_or_not(results.values, as_dict)

    def test_on_batch(self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False) -> Any:
        """Return the loss and metric of these rows, with dropout off."""
        with self._lock:
            rows, as_dict = self._batch("test_on_batch", x, y, sample_weight, return_dict)
            results = Results(self)
            testing.evaluate_rows(self, rows, results)
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
        """
        if wrt not in ("weights", "input"):
            raise ValueError(f"wrt: got {wrt!r}, needs 'weights' or 'input'")
        in_training = boolean("training", training)
        with self._lock:
            rows, _ = self._batch("gradients", x, y, sample_weight, False)
            network = self.network_for_rows(rows.rows, passes=3)
            by_input = np.empty(rows.x.shape, self.dtype) if wrt == "input" else None
            loss, gradients = network.gradients(rows.x, rows.y, rows.sample_weight, by_input, in_training)
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
        from fastmlp import serialization

        with self._lock:
            serialization.save_weights(self, filepath, overwrite)

    def load_weights(self, filepath: str | os.PathLike[str]) -> None:
        """Set the weights from a file of `save_weights` or `save`; ValueError when they do not fit this model."""
        from fastmlp import serialization

        with self._lock:
            serialization.load_weights(self, filepath)

    def save(self, filepath: str | os.PathLike[str], overwrite: bool = True, include_optimizer: bool = True) -> None:
        """Write the model to a .safetensors file that `fastmlp.load_model` reads; whole, or not at all."""
        from fastmlp import serialization

        with self._lock:
            serialization.save_model(self, filepath, overwrite, include_optimizer)

    def __reduce__(self) -> tuple[Any, ...]:
        from fastmlp import serialization

        with self._lock:
            return serialization.restore, (*serialization.describe(self), serialization.own_objects(self))

    # For training.py and testing.py

    def checked_batch(self, prefix: str, batch: Any, class_weight: Any = None) -> Data:
        """Return the arrays of one of `fit`'s batches, (x, y) or (x, y, sample_weight), checked."""
        return self.checked_data(*unpack(prefix, batch), class_weight=class_weight, prefix=f"{prefix} ")[1]

    def checked_validation(self, prefix: str, batch: Any) -> Data:
        """Return the arrays of one of validation_data's batches, checked."""
        return self.checked_batch(f"validation_data {prefix}", batch)

    def _batch(
        self, method: str, x: Any, y: Any, sample_weight: Any, return_dict: Any, class_weight: Any = None
    ) -> tuple[Data, bool]:
        """Check the arguments of a method on one batch, and build the model for it."""
        self.require_loss(method)
        as_dict = boolean("return_dict", return_dict)
        shape, rows = self.checked_data(x, y, sample_weight, class_weight=class_weight)
        self.fix_input_shape(shape)
        return rows, as_dict

    def _predict_into(self, x: Any, out: Any) -> np.ndarray:
        """Fill `out`, which must fit exactly, with the outputs for x."""
        with self._lock:
            shape, checked = data.unlabelled("x", x, self.input_shape, self.dtype)
            self.fix_input_shape(shape)
            rows = checked.x
            data.require_memory("out", out, (len(rows), self.network.outputs), self.dtype)
            if np.may_share_memory(rows, out):
                raise ValueError("out: got memory that x uses too, needs memory of its own")
            outputs: np.ndarray = self.network_for_rows(len(rows)).predict(rows, out)
            return outputs


def by_name_or_not(results: dict[str, Any], as_dict: bool) -> Any:
    """Return results as a sorted dict, as a list, or the only one as it is."""
    values = list(results.values())
    return dict(sorted(results.items())) if as_dict else values if len(values) > 1 else values[0]
