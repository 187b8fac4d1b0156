"""Callbacks of `fit`, `evaluate` and `predict`, with Keras' names, defaults and hooks; imported on first use."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from fastmlp.elsewhere import missing

if TYPE_CHECKING:
    from fastmlp.callbacks.base import Callback as Callback
    from fastmlp.callbacks.base import History as History
    from fastmlp.callbacks.base import Logs as Logs
    from fastmlp.callbacks.checkpoint import BackupAndRestore as BackupAndRestore
    from fastmlp.callbacks.checkpoint import ModelCheckpoint as ModelCheckpoint
    from fastmlp.callbacks.monitor import EarlyStopping as EarlyStopping
    from fastmlp.callbacks.monitor import ReduceLROnPlateau as ReduceLROnPlateau
    from fastmlp.callbacks.simple import CSVLogger as CSVLogger
    from fastmlp.callbacks.simple import LambdaCallback as LambdaCallback
    from fastmlp.callbacks.simple import LearningRateScheduler as LearningRateScheduler
    from fastmlp.callbacks.simple import SwapEMAWeights as SwapEMAWeights
    from fastmlp.callbacks.simple import TerminateOnNaN as TerminateOnNaN
    from fastmlp.callbacks.tensorboard import TensorBoard as TensorBoard

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
    "SwapEMAWeights": "simple",
    "TensorBoard": "tensorboard",
    "TerminateOnNaN": "simple",
}

if not TYPE_CHECKING:  # type checkers take the imports above, and report other names
    __all__ = list(HOMES)

    def __getattr__(name):
        if name in HOMES:
            return getattr(importlib.import_module(f"fastmlp.callbacks.{HOMES[name]}"), name)
        raise missing("callbacks", name)

    def __dir__():
        return sorted(__all__)
