"""Callbacks that watch a value: EarlyStopping and ReduceLROnPlateau, and what they share with ModelCheckpoint."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from fastmlp.callbacks.base import Callback, CallbackModel, Logs
from fastmlp.callbacks.states import number_of, weights_of
from fastmlp.errors import told
from fastmlp.settings import boolean, choice, integer, real

MODES = ("auto", "min", "max")


class Monitor(Callback):
    """Base of the callbacks that watch a value of the logs.

    Parameters
    ----------
    monitor : str
        Its name, such as "val_loss".
    mode : {"auto", "min", "max"}
        Whether smaller or larger is better; "auto" asks the model: of a loss smaller is, and fastmlp's metrics know.
    min_delta : float
        By how much a value must be better than the best one; the sign does not matter, as in Keras.

    Raises
    ------
    ValueError
        At the start of fit, for "auto" where the model does not know: a function, a metric of your own without a
        `direction`, or a value that only a callback puts into the logs.
    """

    needs_direction = True  # whether values are compared

    def __init__(self, monitor: str, mode: str, min_delta: float = 0.0):
        super().__init__()
        if not isinstance(monitor, str):
            raise TypeError(f"monitor: got {told(monitor)}, needs the name of a value, such as 'val_loss'")
        choice("mode", mode, MODES)
        self.monitor, self.mode = monitor, mode
        self.min_delta = abs(real("min_delta", min_delta))
        self.grows = mode == "max"
        self.best: float | None = None

    def set_model(self, model: CallbackModel) -> None:
        super().set_model(model)
        if self.mode == "auto" and self.needs_direction:
            direction = model.direction_of(self.monitor)
            if direction is None:
                got, needs = f"'auto' for {self.monitor!r}", "'max' where larger is better, 'min' where smaller is"
                needs += "".join(f", or {name!r}" for name in getattr(model, "metrics_names", []))
                raise ValueError(f"mode: got {got}, which is no loss and no metric that tells, needs {needs}")
            self.grows = direction == "up"

    def get_state(self) -> dict[str, Any]:
        return {"monitor": self.monitor, "best": self.best}

    def set_state(self, state: Any) -> None:
        if state["monitor"] != self.monitor:
            raise ValueError(f"monitor: got {self.monitor!r}, needs {state['monitor']!r}, as in the run that goes on")
        self.best = number_of(state, "best")

    def value_in(self, logs: Logs | None) -> float | None:
        """Return the watched value; warn when it is not there."""
        logs = logs or {}
        if self.monitor not in logs:
            have = ", ".join(sorted(logs))
            message = f"{type(self).__name__}: got no {self.monitor!r} to monitor, needs one of: {have}"
            warnings.warn(message, stacklevel=2)
            return None
        value = logs[self.monitor]
        if np.size(value) != 1:
            raise ValueError(f"monitor: got {self.monitor!r}, an array of shape {np.shape(value)}, needs one number")
        return float(value)

    def is_better(self, value: float, than: float | None) -> bool:
        """Whether a value is better by more than `min_delta`; the first one is, and any number is better than NaN."""
        if than is None:
            return True
        if math.isnan(than):
            return not math.isnan(value)
        return value - self.min_delta > than if self.grows else value + self.min_delta < than


class EarlyStopping(Monitor):
    """Stops training when a value has not become better for `patience` epochs.

    Parameters
    ----------
    monitor, min_delta, mode
        As of `Monitor`; default "val_loss", 0 and "auto".
    patience : int
        Default 0.
    verbose : {0, 1}
        1 prints when it stops.
    baseline : float, optional
        A value to become better than: training stops when that is not reached within `patience` epochs.
    restore_best_weights : bool
        Whether the model ends with the weights of the best epoch, instead of the last one's.
    start_from_epoch : int
        Epochs before this one, counted from 0, are not looked at.
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0,
        patience: int = 0,
        verbose: int = 0,
        mode: str = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = False,
        start_from_epoch: int = 0,
    ):
        super().__init__(monitor, mode, min_delta)
        self.patience = integer("patience", patience, at_least=0)
        self.verbose = integer("verbose", verbose, at_least=0, below=2)
        self.baseline = None if baseline is None else real("baseline", baseline)
        self.restore_best_weights = boolean("restore_best_weights", restore_best_weights)
        self.start_from_epoch = integer("start_from_epoch", start_from_epoch, at_least=0)
        self.on_train_begin()

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self.best = None
        self.wait = self.stopped_epoch = self.best_epoch = 0
        self.best_weights: list[np.ndarray] | None = None

    def get_state(self) -> dict[str, Any]:
        counts = {"wait": self.wait, "stopped_epoch": self.stopped_epoch, "best_epoch": self.best_epoch}
        return {**super().get_state(), **counts, "best_weights": self.best_weights}

    def set_state(self, state: Any) -> None:
        super().set_state(state)
        self.wait, self.stopped_epoch, self.best_epoch = (
            integer(name, state[name], at_least=0) for name in ("wait", "stopped_epoch", "best_epoch")
        )
        self.best_weights = weights_of(state, "best_weights", self.trained_model)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        value = self.value_in(logs)
        if value is None or epoch < self.start_from_epoch:
            return
        self.wait += 1
        if self.is_better(value, self.best):
            self.best, self.best_epoch = value, epoch
            if self.restore_best_weights:
                self.best_weights = self.trained_model.get_weights()
            if self.baseline is None or self.is_better(value, self.baseline):
                self.wait = 0
        elif self.wait >= self.patience and epoch > 0:
            self.stopped_epoch = epoch
            self.trained_model.stop_training = True

    def on_train_end(self, logs: Logs | None = None) -> None:
        if self.stopped_epoch and self.verbose:
            print(f"Epoch {self.stopped_epoch + 1}: early stopping")
        if self.best_weights is not None:
            if self.verbose:
                print(f"Restoring model weights from the end of the best epoch: {self.best_epoch + 1}.")
            self.trained_model.set_weights(self.best_weights)


class ReduceLROnPlateau(Monitor):
    """Multiplies the learning rate by `factor` when a value has not become better for `patience` epochs.

    Parameters
    ----------
    monitor, mode, min_delta
        As of `Monitor`; default "val_loss", "auto" and 1e-4.
    factor : float in [0, 1)
        Default 0.1.
    patience : int
        Default 10.
    verbose : {0, 1}
        1 prints each new rate.
    cooldown : int
        Epochs after a change in which none is counted; default 0.
    min_lr : float
        The rate stays at least that; default 0.
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        verbose: int = 0,
        mode: str = "auto",
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0.0,
    ):
        super().__init__(monitor, mode, min_delta)
        self.factor = real("factor", factor, low=0.0, high=1.0, open_high=True)
        self.patience = integer("patience", patience, at_least=0)
        self.verbose = integer("verbose", verbose, at_least=0, below=2)
        self.cooldown = integer("cooldown", cooldown, at_least=0)
        self.min_lr = real("min_lr", min_lr, low=0.0)
        self.on_train_begin()

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self.best = None
        self.wait = self.cooldown_counter = 0

    def get_state(self) -> dict[str, Any]:
        return {**super().get_state(), "wait": self.wait, "cooldown_counter": self.cooldown_counter}

    def set_state(self, state: Any) -> None:
        super().set_state(state)
        self.wait, self.cooldown_counter = (
            integer(name, state[name], at_least=0) for name in ("wait", "cooldown_counter")
        )

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        optimizer: Any = self.trained_model.optimizer
        if logs is not None:
            logs["learning_rate"] = optimizer.learning_rate
        value = self.value_in(logs)
        if value is None:
            return
        if self.cooldown_counter:
            self.cooldown_counter -= 1
            self.wait = 0
        if self.is_better(value, self.best):
            self.best, self.wait = value, 0
        elif not self.cooldown_counter:
            self.wait += 1
            if self.wait >= self.patience and optimizer.learning_rate > self.min_lr:
                optimizer.learning_rate = max(optimizer.learning_rate * self.factor, self.min_lr)
                self.cooldown_counter, self.wait = self.cooldown, 0
                if self.verbose:
                    rate = optimizer.learning_rate
                    print(f"\nEpoch {epoch + 1}: ReduceLROnPlateau reducing learning rate to {rate}.")
