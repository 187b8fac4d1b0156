"""Calling callbacks, and only those hooks that somebody waits for where a call costs speed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from fastmlp.callbacks.base import Callback

if TYPE_CHECKING:
    from fastmlp.models.sequential import Sequential

STAGES = ("train", "test", "predict")
OF_BATCHES = {stage: [f"on_{stage}_batch_begin", f"on_{stage}_batch_end"] for stage in STAGES}
OF_BATCHES["train"] += ["on_batch_begin", "on_batch_end"]


class Hooks:
    """The callbacks of one run; they are told its model and parameters."""

    def __init__(self, callbacks: list[Callback], model: Sequential, params: dict[str, Any]):
        self.callbacks = callbacks
        for callback in callbacks:
            callback.set_params(params)
            callback.set_model(model)

    def call(self, hook: str, *arguments: Any) -> None:
        """Call a hook of every callback, in order."""
        self.call_each(self.callbacks, hook, *arguments)

    @staticmethod
    def call_each(callbacks: Iterable[Callback], hook: str, *arguments: Any) -> None:
        for callback in callbacks:
            getattr(callback, hook)(*arguments)

    def wants_batches(self, stage: str) -> bool:
        """Whether some callback overrides a hook of the batches of "train", "test" or "predict"."""
        return any(overrides(callback, hook) for callback in self.callbacks for hook in OF_BATCHES[stage])


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
        raise TypeError(f"callbacks: got {callbacks!r}, needs a list of Callback objects")
    for callback in found:
        if not isinstance(callback, Callback):
            raise TypeError(f"callbacks: got {callback!r}, needs objects derived from fastmlp.callbacks.Callback")
    return list(found)
