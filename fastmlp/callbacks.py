"""Callbacks of `fit`: the base class, History, and TerminateOnNaN."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fastmlp.model import Sequential

Logs = dict[str, Any]


class Callback:
    """Base of the callbacks: `fit` sets `model` and `params` ("verbose", "epochs", "steps"), then calls these hooks.

    `logs` holds the epoch's results by name. What one callback adds to it, the next ones and History see.
    """

    def __init__(self) -> None:
        self.params: dict[str, Any] = {}
        self.model: Sequential | None = None

    def set_params(self, params: dict[str, Any]) -> None:
        self.params = params

    def set_model(self, model: Sequential) -> None:
        self.model = model

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Called at the start of fit."""

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Called at the end of fit, with the last epoch's logs."""

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Called before epoch number `epoch`, counted from 0."""

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Called after an epoch and its validation."""


class History(Callback):
    """What `fit` returns: `history` maps each name to its values by epoch, `epoch` lists the epochs."""

    def __init__(self) -> None:
        super().__init__()
        self.history: dict[str, list[float]] = {}
        self.epoch: list[int] = []

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self.epoch = []

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)


class TerminateOnNaN(Callback):
    """Stops training after an epoch whose loss is NaN or infinite."""

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        loss = (logs or {}).get("loss")
        if loss is not None and not math.isfinite(loss):
            print(f"Epoch {epoch + 1}: Invalid loss, terminating training")
            if self.model is not None:
                self.model.stop_training = True


EDGES = ("begin", "end")
# Hooks of Keras that fit would have to call and does not; a callback that waits for one would never do its work.
NOT_CALLED = tuple(f"on_{stage}_{edge}" for stage in ("batch", "train_batch", "test_batch", "test") for edge in EDGES)


def check_callbacks(callbacks: Any) -> list[Callback]:
    """Return fit's `callbacks` as a list.

    Raises
    ------
    TypeError
        For anything that is not a `Callback`.
    ValueError
        For one with a hook that fit does not call.
    """
    if callbacks is None:
        return []
    found = [callbacks] if isinstance(callbacks, Callback) else callbacks
    if not isinstance(found, (list, tuple)):
        raise TypeError(f"callbacks: got {callbacks!r}, needs a list of Callback objects")
    for callback in found:
        if not isinstance(callback, Callback):
            raise TypeError(f"callbacks: got {callback!r}, needs objects derived from fastmlp.callbacks.Callback")
        for hook in NOT_CALLED:
            if hasattr(callback, hook):
                raise ValueError(f"callbacks: got {type(callback).__name__} with {hook}, needs hooks that fit calls")
    return list(found)
