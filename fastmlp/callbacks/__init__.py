"""Callbacks of `fit`, `evaluate` and `predict`, with Keras' names, defaults and hooks; imported on first use."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fastmlp.callbacks.base import Callback, History, Logs
    from fastmlp.callbacks.checkpoint import BackupAndRestore, ModelCheckpoint
    from fastmlp.callbacks.monitor import EarlyStopping, ReduceLROnPlateau
    from fastmlp.callbacks.simple import CSVLogger, LambdaCallback, LearningRateScheduler, TerminateOnNaN
    from fastmlp.callbacks.tensorboard import TensorBoard

HOMES = {
    "BackupAndRestore": "checkpoint",
    "CSVLogger": "simple",
    "Callback": "base",
    "EarlyStopping": "monitor",
    "History": "base",
    "LambdaCallback": "simple",
    "LearningRateScheduler": "simple",
    "Logs": "base",
    "ModelCheckpoint": "checkpoint",
    "ReduceLROnPlateau": "monitor",
    "TensorBoard": "tensorboard",
    "TerminateOnNaN": "simple",
}

__all__ = [
    "BackupAndRestore",
    "CSVLogger",
    "Callback",
    "EarlyStopping",
    "History",
    "LambdaCallback",
    "LearningRateScheduler",
    "Logs",
    "ModelCheckpoint",
    "ReduceLROnPlateau",
    "TensorBoard",
    "TerminateOnNaN",
]


def __getattr__(name: str) -> Any:
    if name in HOMES:
        return getattr(importlib.import_module(f"fastmlp.callbacks.{HOMES[name]}"), name)
    raise AttributeError(f"module 'fastmlp.callbacks' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
