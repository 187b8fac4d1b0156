"""Calling callbacks, and only those hooks that somebody waits for where a call costs speed."""

from __future__ import annotations

from typing import Any

from fastmlp.callbacks.base import Callback, CallbackModel, History
from fastmlp.errors import told

STAGES = ("train", "test", "predict")
OF_BATCHES = {stage: [f"on_{stage}_batch_begin", f"on_{stage}_batch_end"] for stage in STAGES}
OF_BATCHES["train"] += ["on_batch_begin", "on_batch_end"]
OF_EPOCHS = ("on_epoch_begin", "on_epoch_end")


class Hooks:
    """The callbacks of one run; they are told its model and parameters."""

    def __init__(self, callbacks: list[Callback], model: CallbackModel, params: dict[str, Any]):
        self.callbacks = sorted(callbacks, key=lambda one: one.comes_last)
        for callback in self.callbacks:
            callback.set_params(params)
            callback.set_model(model)
            if callback.comes_last:
                callback.set_companions([one for one in callbacks if not one.comes_last])
        self.stages_by_batch = {
            stage for stage in STAGES for hook in OF_BATCHES[stage] if any(overrides(one, hook) for one in callbacks)
        }
        others = [one for one in callbacks if type(one) is not History]
        #: Whether some callback but History, which takes them later too, has a hook of the epochs.
        self.wants_epochs = any(overrides(one, hook) for one in others for hook in OF_EPOCHS)

    def call(self, hook: str, *arguments: Any) -> None:
        """Call a hook of every callback, in order."""
        for callback in self.callbacks:
            getattr(callback, hook)(*arguments)

    def wants_batches(self, stage: str) -> bool:
        """Whether some callback overrides a hook of the batches of "train", "test" or "predict"."""
        return stage in self.stages_by_batch


def overrides(callback: Callback, hook: str) -> bool:
    """Whether a callback has a hook of its own, in its class or set on the object."""
    return getattr(getattr(callback, hook), "__func__", None) is not getattr(Callback, hook)


def check_callbacks(callbacks: Any) -> list[Callback]:
    """Return the argument `callbacks` as a list.

    Raises
    ------
    TypeError
        For anything that is not a `Callback`.
    """
    if callbacks is None:
        return []
    found = [callbacks] if isinstance(callbacks, Callback) else callbacks
    if not isinstance(found, (list, tuple)):
        raise TypeError(f"callbacks: got {told(callbacks)}, needs a list of Callback objects")
    for callback in found:
        if not isinstance(callback, Callback):
            raise TypeError(f"callbacks: got {told(callback)}, needs objects derived from fastmlp.callbacks.Callback")
    return list(found)
