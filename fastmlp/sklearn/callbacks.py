"""Callbacks around the epochs: fastmlp's, and scikit-learn's own where it has them."""

from __future__ import annotations

from typing import Any

from fastmlp.callbacks.base import Callback, Logs
from fastmlp.callbacks.hooks import OF_BATCHES, Hooks, check_callbacks, overrides
from fastmlp.sklearn import networks
from fastmlp.sklearn.held_out import as_fitted
from fastmlp.sklearn.saving import save

try:
    from sklearn.callback import CallbackSupportMixin as CallbackSupportMixin
    from sklearn.callback import with_callbacks as with_callbacks
except ImportError:  # before scikit-learn 1.9

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """In place of scikit-learn's."""

    def with_callbacks(method: Any) -> Any:
        return method


def checked(callbacks: Any) -> list[Callback]:
    """Return the argument callbacks as a list; TypeError for what is none, ValueError for one that has no use here."""
    found = check_callbacks(list(callbacks) if isinstance(callbacks, tuple) else callbacks)
    for callback in found:
        if any(overrides(callback, hook) for hook in OF_BATCHES["train"]):
            raise ValueError(f"callbacks: got {type(callback).__name__} with hooks of batches, needs hooks of epochs")
        if callback.needs_sequential:
            raise ValueError(f"callbacks: got {type(callback).__name__}, needs one that does not need a Sequential")
    return found


class Model:
    """What fastmlp's callbacks see as their model: the network that is being trained.

    Attributes
    ----------
    estimator : estimator
    stop_training : bool
    """

    def __init__(self, estimator: Any, epochs: Any) -> None:
        self.estimator, self.epochs, self.stop_training = estimator, epochs, False

    @property
    def optimizer(self) -> Any:
        """Has the learning_rate, to read and to set."""
        return self.epochs.optimizer

    def get_weights(self) -> networks.Weights:
        """Return copies of the weights: kernel and bias of each layer, then what normalizes it."""
        return list(self.epochs.network.get_weights())

    def set_weights(self, weights: networks.Weights) -> None:
        self.epochs.network.set_weights(weights)

    def direction_of(self, name: str) -> str | None:
        """Return "up" or "down", which way a value of that name in the logs is better; None where it is not known."""
        return {"loss": "down", "val_loss": "down", "val_score": "up"}.get(name)

    def save(self, filepath: Any) -> None:
        """Save the estimator as it would be if training ended now."""
        self.epochs.keep()
        save(as_fitted(self.estimator, self.epochs.network), filepath)


class Callbacks:
    """All callbacks of one fit."""

    def __init__(self, estimator: Any, epochs: Any, held_out: Any) -> None:
        self.estimator, self.epochs, self.held_out = estimator, epochs, held_out
        self.model = Model(estimator, epochs)
        params = {"verbose": 0, "epochs": estimator.max_iter, "steps": len(epochs.starts)}
        self.hooks = Hooks(checked(estimator.callbacks), self.model, params)
        self.logs: Logs = {}
        self.epoch = 0
        self.root = getattr(estimator, "_callback_fit_ctx", None) if hasattr(estimator, "_skl_callbacks") else None
        self.task: Any = None

    @property
    def any(self) -> bool:
        """Whether there are callbacks of one kind or the other."""
        return bool(self.hooks.callbacks) or self.root is not None

    def begin(self) -> None:
        self.hooks.call("on_train_begin", {})
        self.epoch_begins()

    def epoch_begins(self) -> None:
        if self.hooks.callbacks:
            self.hooks.call("on_epoch_begin", self.epoch, {})
        if self.root is not None:
            self.task = self.root.subcontext(task_name="epoch")
            self.task.call_on_fit_task_begin(estimator=self.estimator)

    def epoch_ends(self) -> bool:
        """Tell that an epoch has ended; whether somebody wants training to end."""
        stop = False
        if self.hooks.callbacks:
            self.logs = {"loss": self.estimator.loss_}
            if self.held_out is not None:
                self.logs["val_loss"] = self.estimator.validation_loss_curve_[-1]
                self.logs["val_score"] = self.estimator.validation_scores_[-1]
            self.hooks.call("on_epoch_end", self.epoch, self.logs)
            stop = self.model.stop_training
        if self.root is not None:
            stop |= self.end_task()
        self.epoch += 1
        if not stop and self.epoch < self.estimator.max_iter:
            self.epoch_begins()
        return stop

    def end_task(self) -> bool:
        task, self.task = self.task, None
        fit = self.estimator._fit_data
        return bool(task.call_on_fit_task_end(estimator=self.estimator, **fit, reconstruction_attributes=self.weights))

    def weights(self) -> dict[str, Any]:
        """Return the attributes that make the estimator a fitted one."""
        return networks.fitted(self.estimator, self.epochs.network)

    def end(self) -> None:
        self.hooks.call("on_train_end", self.logs)
        if self.task is not None:  # begun, but nothing improved any more
            self.task.call_on_fit_task_end(estimator=self.estimator)

    def let_go(self) -> None:
        """Leave nothing of the engine in the callbacks, so that the estimator can be copied with them."""
        for callback in self.hooks.callbacks:
            callback.model = None
