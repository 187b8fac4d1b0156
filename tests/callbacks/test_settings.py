"""The arguments of callbacks: Keras' order and defaults, and what is refused."""

import inspect

import pytest

from fastmlp import callbacks
from fastmlp.callbacks import (
    BackupAndRestore,
    CSVLogger,
    EarlyStopping,
    LearningRateScheduler,
    ModelCheckpoint,
    ReduceLROnPlateau,
)


@pytest.mark.parametrize(
    ("name", "defaults"),
    [
        (
            "EarlyStopping",
            {
                "monitor": "val_loss",
                "min_delta": 0,
                "patience": 0,
                "verbose": 0,
                "mode": "auto",
                "baseline": None,
                "restore_best_weights": False,
                "start_from_epoch": 0,
            },
        ),
        (
            "ReduceLROnPlateau",
            {
                "monitor": "val_loss",
                "factor": 0.1,
                "patience": 10,
                "verbose": 0,
                "mode": "auto",
                "min_delta": 1e-4,
                "cooldown": 0,
                "min_lr": 0.0,
            },
        ),
        (
            "ModelCheckpoint",
            {
                "monitor": "val_loss",
                "verbose": 0,
                "save_best_only": False,
                "save_weights_only": False,
                "mode": "auto",
                "save_freq": "epoch",
                "initial_value_threshold": None,
            },
        ),
        ("CSVLogger", {"separator": ",", "append": False}),
        ("LearningRateScheduler", {"verbose": 0}),
        ("TerminateOnNaN", {"raise_error": False}),
        ("SwapEMAWeights", {"swap_on_epoch": False}),
        ("BackupAndRestore", {"save_freq": "epoch", "double_checkpoint": False, "delete_checkpoint": True}),
    ],
)
def test_arguments_have_the_order_and_defaults_of_keras(name, defaults):
    parameters = list(inspect.signature(getattr(callbacks, name)).parameters.values())
    found = {one.name: one.default for one in parameters if one.default is not one.empty}
    assert list(found.items()) == list(defaults.items())


@pytest.mark.parametrize(
    ("build", "error", "message"),
    [
        (lambda: EarlyStopping(mode="up"), ValueError, "mode: got 'up', needs one of 'auto', 'min', 'max'"),
        (lambda: EarlyStopping(patience=-1), ValueError, "patience: got -1"),
        (lambda: EarlyStopping(monitor=3), TypeError, "monitor: got 3"),
        (lambda: EarlyStopping(restore_best_weights=1), TypeError, "restore_best_weights: got 1"),
        (lambda: ReduceLROnPlateau(factor=1.0), ValueError, r"factor: got 1.0, needs a finite number in \[0, 1\)"),
        (lambda: ModelCheckpoint("model.txt"), ValueError, "filepath: got 'model.txt', needs a name ending in"),
        (lambda: ModelCheckpoint("m.safetensors", save_freq=0), ValueError, "save_freq: got 0"),
        (lambda: ModelCheckpoint("m.safetensors", save_freq="batch"), TypeError, "save_freq: got 'batch'"),
        (lambda: LearningRateScheduler(0.1), TypeError, "schedule: got 0.1, needs a function"),
        (lambda: CSVLogger("log", separator=""), ValueError, "separator: got ''"),
        (lambda: BackupAndRestore("folder", save_freq=3), ValueError, "save_freq: got 3, needs 'epoch'"),
        (lambda: BackupAndRestore("folder", double_checkpoint=True), ValueError, "double_checkpoint: got True"),
        (lambda: BackupAndRestore(""), ValueError, "backup_dir: got an empty path"),
    ],
)
def test_bad_settings(build, error, message):
    with pytest.raises(error, match=message):
        build()
