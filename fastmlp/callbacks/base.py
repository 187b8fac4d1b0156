"""The base of the callbacks, and History, which `fit` returns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

Logs = dict[str, Any]


class CallbackModel(Protocol):
    """What every callback may ask of the model that is trained."""

    stop_training: bool

    @property
    def optimizer(self) -> Any: ...
    def get_weights(self) -> list[Any]: ...
    def set_weights(self, weights: Any) -> None: ...
    def save(self, filepath: Any) -> None: ...
    def direction_of(self, name: str) -> str | None: ...


class Callback:
    """Base of the callbacks: `fit`, `evaluate` and `predict` set `model` and `params`, then call these hooks.

    `params` has "verbose" and "steps", in `fit` also "epochs". `logs` holds results by name. What one callback adds to
    those of an epoch, the next ones and History see. The hooks of batches are called only when some callback overrides
    one: the engine then trains batch by batch, to weights of the same bits, and more slowly. Where a hook sets
    `model.stop_training`, `model.stop_evaluating` or `model.stop_predicting` to True, no further batch is asked for.

    What a callback remembers from one epoch to the next is backed up with the run where `get_state` returns it, and
    `set_state` takes it over.
    """

    needs_sequential = False  # whether a hook asks for more than CallbackModel has
    comes_last = False  # whether its hooks run after those of all others

    def __init__(self) -> None:
        self.params: dict[str, Any] = {}
        self.model: Any = None  # a CallbackModel

    def set_params(self, params: dict[str, Any]) -> None:
        self.params = params

    def set_model(self, model: CallbackModel) -> None:
        self.model = model

    def set_companions(self, callbacks: Sequence[Callback]) -> None:
        """Be told of those whose hooks run before; asked only of one that comes last."""

    def get_state(self) -> Any:
        """Return what is to be kept where the run is backed up; default None, nothing.

        JSON values, NumPy arrays of numbers, and lists, tuples and dicts of these with strings as keys.
        """
        return None

    def set_state(self, state: Any) -> None:
        """Go on from what `get_state` returned; called after `on_train_begin` of a run that goes on."""

    @property
    def trained_model(self) -> Any:
        """The model, for hooks: RuntimeError before there is one."""
        if self.model is None:
            raise RuntimeError(f"{type(self).__name__}: got no model, needs to be given to fit, evaluate or predict")
        return self.model

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Run at the start of fit."""

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Run at the end of fit, with the last epoch's logs."""

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Run before epoch number `epoch`, counted from 0."""

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Run after an epoch and its validation."""

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Run before batch number `batch` of an epoch, counted from 0."""
        self.on_batch_begin(batch, logs)

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Run after a batch; `logs` has the means since the start of the epoch."""
        self.on_batch_end(batch, logs)

    def on_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Another name of on_train_batch_begin."""

    def on_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Another name of on_train_batch_end."""

    def on_test_begin(self, logs: Logs | None = None) -> None:
        """Run at the start of evaluate, and of the validation of fit."""

    def on_test_end(self, logs: Logs | None = None) -> None:
        """Run at their end, with the results."""

    def on_test_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Run before a batch of evaluate, or of a validation."""

    def on_test_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Run after it; `logs` has the means until there."""

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        """Run at the start of predict."""

    def on_predict_end(self, logs: Logs | None = None) -> None:
        """Run at the end of predict."""

    def on_predict_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Run before a batch of predict."""

    def on_predict_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Run after it; `logs["outputs"]` has the outputs of the batch."""


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
