"""Callbacks of a few lines: LambdaCallback, TerminateOnNaN, LearningRateScheduler, CSVLogger, SwapEMAWeights."""

from __future__ import annotations

import inspect
import math
import os
from collections.abc import Callable
from typing import IO, Any

import numpy as np

from fastmlp.callbacks.base import Callback, CallbackModel, Logs
from fastmlp.callbacks.states import weights_of
from fastmlp.errors import told
from fastmlp.settings import boolean, file_path, integer

HOOKS = tuple(name for name in vars(Callback) if name.startswith("on_"))
OF_STATE = ("get_state", "set_state")


class LambdaCallback(Callback):
    """Calls functions: `LambdaCallback(on_epoch_end=lambda epoch, logs: ...)`; any hook's name may be used.

    So may `get_state` and `set_state`, for what the functions remember.

    Raises
    ------
    TypeError
        For a name that is no hook, and for what is no function.
    """

    def __init__(self, **functions: Callable[..., Any] | None):
        super().__init__()
        for name, function in functions.items():
            if name not in HOOKS + OF_STATE:
                raise TypeError(f"LambdaCallback: got {told(name)}, needs names of hooks: {', '.join(HOOKS)}")
            if function is not None and not callable(function):
                raise TypeError(f"{name}: got {told(function)}, needs a function")
        vars(self).update((name, function) for name, function in functions.items() if function is not None)


class TerminateOnNaN(Callback):
    """Stops training after an epoch whose loss is NaN or infinite (Keras looks after each batch).

    Parameters
    ----------
    raise_error : bool
        Whether to raise a RuntimeError, so that `on_train_end` of no callback is called; default False.
    """

    def __init__(self, raise_error: bool = False):
        super().__init__()
        self.raise_error = boolean("raise_error", raise_error)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        loss = (logs or {}).get("loss")
        if loss is not None and not math.isfinite(loss):
            if self.raise_error:
                raise RuntimeError(f"TerminateOnNaN: got a loss of {loss} in epoch {epoch + 1}, needs a finite one")
            print(f"Epoch {epoch + 1}: Invalid loss, terminating training")
            self.trained_model.stop_training = True


class LearningRateScheduler(Callback):
    """Sets the learning rate before each epoch.

    Parameters
    ----------
    schedule : function
        `schedule(epoch, learning_rate)`, or `schedule(epoch)`, returns the new learning rate; epochs count from 0.
    verbose : {0, 1}
        1 prints each new rate.
    """

    def __init__(self, schedule: Callable[..., Any], verbose: int = 0):
        super().__init__()
        if not callable(schedule):
            raise TypeError(f"schedule: got {told(schedule)}, needs a function of the epoch and the learning rate")
        self.schedule, self.verbose = schedule, integer("verbose", verbose, at_least=0, below=2)
        self.takes_rate = takes_two(schedule)

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        optimizer = self.trained_model.optimizer
        assert optimizer is not None  # fit has required it
        arguments = (epoch, optimizer.learning_rate) if self.takes_rate else (epoch,)
        optimizer.learning_rate = self.schedule(*arguments)
        if self.verbose:
            rate = optimizer.learning_rate
            print(f"\nEpoch {epoch + 1}: LearningRateScheduler setting learning rate to {rate}.")

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        optimizer = self.trained_model.optimizer
        if logs is not None and optimizer is not None:
            logs["learning_rate"] = optimizer.learning_rate


def takes_two(function: Callable[..., Any]) -> bool:
    """Whether a function can be called with two arguments; of one that does not tell, as Keras assumes, it can."""
    try:
        inspect.signature(function).bind(0, 0.0)
    except TypeError:
        return False
    except ValueError:
        return True
    return True


class CSVLogger(Callback):
    """Writes a line of results for each epoch, which is in the file when the epoch has ended.

    Parameters
    ----------
    filename : path
    separator : str
        Default ",".
    append : bool
        Whether to go on in a file that is there (its header stays), instead of writing a new one.
    """

    def __init__(self, filename: str | os.PathLike[str], separator: str = ",", append: bool = False):
        super().__init__()
        self.filename, self.append = file_path("filename", filename), boolean("append", append)
        # Half of a pair of UTF-16 is a character of Python's that no file holds.
        if not isinstance(separator, str) or len(separator) != 1 or "\ud800" <= separator <= "\udfff":
            raise ValueError(f"separator: got {told(separator)}, needs one character")
        self.separator = separator
        self.keys: list[str] = []
        self.file: IO[str] | None = None
        self.start: int | None = None  # length of what stays in the file, where the rest is still to go

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self.keys = []
        self.close()
        is_kept = self.append or os.path.isfile(self.filename)  # until it is known whether a run goes on
        self.file = open(self.filename, "a+" if is_kept else "w", newline="", encoding="utf-8")  # noqa: SIM115
        self.start = None if self.append else 0
        self.keys_in_file()  # for its error

    def get_state(self) -> dict[str, Any]:
        """Return the columns, and how long the file is; what follows is written again by a run that goes on."""
        assert self.file is not None
        self.begin()
        if os.path.isfile(self.filename):
            os.fsync(self.file.fileno())
        return {"keys": self.keys, "size": os.fstat(self.file.fileno()).st_size}

    def set_state(self, state: Any) -> None:
        keys, start = state["keys"], integer("size", state["size"], at_least=0)
        if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
            raise TypeError(f"keys: got {keys!r:.100}, needs a list of names")
        self.keys, self.start = keys, start

    def begin(self) -> None:
        """Leave in the file what is to stay: nothing of a run before, or what the run that goes on has written."""
        assert self.file is not None
        if self.start is not None and os.path.isfile(self.filename):
            self.file.truncate(min(self.start, os.fstat(self.file.fileno()).st_size))
            self.file.seek(0, os.SEEK_END)
        self.start = None

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self.begin()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        import csv

        assert self.file is not None  # opened at the start
        logs = logs or {}
        writer = csv.writer(self.file, delimiter=self.separator)
        if not self.keys:
            self.keys = self.keys_in_file() or self.keys_of(logs)
            if self.file.tell() == 0:
                writer.writerow(["epoch", *self.keys])
        writer.writerow([epoch, *(cell(logs.get(key, "NA")) for key in self.keys)])
        self.file.flush()

    def keys_of(self, logs: Logs) -> list[str]:
        """Return the columns: what the first epoch has, and what a later validation may bring, as in Keras."""
        keys = sorted(logs)
        if not any(key.startswith("val_") for key in keys):
            keys += [f"val_{key}" for key in keys]
        return keys

    def keys_in_file(self) -> list[str]:
        """Return the columns of the file to append to, empty for a new one."""
        import csv

        if not self.append or self.file is None:
            return []
        self.file.seek(0)
        try:
            header = next(csv.reader(self.file, delimiter=self.separator), ["epoch"])
        except (UnicodeDecodeError, csv.Error) as error:
            raise ValueError(f"filename: got {self.filename!r}, needs a log to append to: {error}") from error
        self.file.seek(0, os.SEEK_END)
        return header[1:]

    def on_train_end(self, logs: Logs | None = None) -> None:
        self.begin()
        self.close()

    def close(self) -> None:
        if self.file is not None:
            self.file.close()
            self.file = None


def cell(value: Any) -> Any:
    """Return a value of the logs as it is written: an array as a list of its numbers, as in Keras."""
    return f'"{list(map(float, value.ravel()))}"' if isinstance(value, np.ndarray) and value.ndim else value


class SwapEMAWeights(Callback):
    """Evaluates and predicts with the optimizer's moving averages in place of the weights, then puts the weights back.

    (Keras leaves the averages in the model after predict.)

    Parameters
    ----------
    swap_on_epoch : bool
        Whether the averages also are in the model from the end of an epoch to the start of the next one, for the
        callbacks that follow in the list, such as ModelCheckpoint.

    Raises
    ------
    ValueError
        In fit, evaluate and predict, for a model whose optimizer keeps no averages.
    """

    needs_sequential = True

    def __init__(self, swap_on_epoch: bool = False):
        super().__init__()
        self.swap_on_epoch = boolean("swap_on_epoch", swap_on_epoch)
        self.weights: list[Any] | None = None  # of the model that has the averages now

    def set_model(self, model: CallbackModel) -> None:
        if model.optimizer is None or not model.optimizer.use_ema:
            raise ValueError(f"SwapEMAWeights: got {model.optimizer!r}, needs an optimizer with use_ema=True")
        if model is not self.model:
            self.weights = None
        super().set_model(model)

    def get_state(self) -> dict[str, Any]:
        return {"weights": self.weights}

    def set_state(self, state: Any) -> None:
        self.weights = weights_of(state, "weights", self.trained_model)

    def swap(self) -> None:
        """Let the averages be the weights, where they are not yet."""
        if self.weights is None:
            self.weights = self.trained_model.get_weights()
            self.trained_model.use_average()

    def swap_back(self) -> None:
        """Put the weights back, where the averages are in their place."""
        if self.weights is not None:
            self.trained_model.set_weights(self.weights)
            self.weights = None

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self.swap_back()  # after a call that an error or Ctrl-C has ended

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self.swap_back()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if self.swap_on_epoch:
            self.swap()

    def on_train_end(self, logs: Logs | None = None) -> None:
        self.weights = None  # fit ends with the averages

    def on_test_begin(self, logs: Logs | None = None) -> None:
        self.swap()

    def on_test_end(self, logs: Logs | None = None) -> None:
        self.swap_back()

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        self.swap()

    def on_predict_end(self, logs: Logs | None = None) -> None:
        self.swap_back()
