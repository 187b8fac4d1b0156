"""Callbacks that write models: ModelCheckpoint and BackupAndRestore. Each file is written whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from fastmlp.callbacks.base import Logs
from fastmlp.callbacks.monitor import Monitor
from fastmlp.callbacks.states import Keeper
from fastmlp.data.files import MODEL, MODELS, SUFFIX, WEIGHTS, checked_path, read, write
from fastmlp.data.whole_files import remove_unfinished
from fastmlp.settings import boolean, file_path, integer, is_among, only, real


class ModelCheckpoint(Monitor):
    """Saves the model as training goes on.

    Parameters
    ----------
    filepath : path ending in .safetensors, .keras or .h5; of weights alone in .safetensors or .weights.h5
        May have fields for `epoch` and `batch` (counted from 1 there, as in Keras) and the names of the logs:
        "model-{epoch:02d}-{val_loss:.2f}.safetensors". Folders are made.
    monitor, mode
        As of `Monitor`; default "val_loss" and "auto".
    verbose : {0, 1}
        1 prints what is saved.
    save_best_only : bool
        Whether to save only where the value is better than all before; where it is not in the logs, that is warned of
        and the model saved, as in Keras.
    save_weights_only : bool
        Whether to write what `load_weights` reads, instead of what `load_model` reads.
    save_freq : "epoch" or int
        After each epoch, or after so many batches.
    initial_value_threshold : float, optional
        With `save_best_only`, the value to become better than at first.
    """

    def __init__(
        self,
        filepath: str | os.PathLike[str],
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: str = "auto",
        save_freq: Any = "epoch",
        initial_value_threshold: float | None = None,
    ):
        super().__init__(monitor, mode)
        self.verbose = integer("verbose", verbose, at_least=0, below=2)
        self.save_best_only = boolean("save_best_only", save_best_only)
        self.save_weights_only = boolean("save_weights_only", save_weights_only)
        self.filepath = str(checked_path(filepath, endings=WEIGHTS if self.save_weights_only else MODELS))
        self.save_freq = save_freq if is_among(save_freq, ("epoch",)) else integer("save_freq", save_freq, at_least=1)
        if initial_value_threshold is not None:
            self.best = real("initial_value_threshold", initial_value_threshold)
        self.needs_direction = self.save_best_only
        self.needs_sequential = self.save_weights_only or not self.filepath.endswith(SUFFIX)  # others are of models
        self.epoch = self.batches = 0
        if self.save_freq != "epoch":  # a hook of the object: without it an epoch stays one call of the engine
            vars(self)["on_train_batch_end"] = self.count_batch

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self.epoch = epoch

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if self.save_freq == "epoch":
            self.save(epoch, None, logs or {})

    def get_state(self) -> dict[str, Any]:
        return {**super().get_state(), "batches": self.batches}

    def set_state(self, state: Any) -> None:
        super().set_state(state)
        self.batches = integer("batches", state["batches"], at_least=0)

    def count_batch(self, batch: int, logs: Logs | None = None) -> None:
        """Save after every `save_freq` batches, counted through the epochs."""
        self.batches += 1
        if self.batches % self.save_freq == 0:
            self.save(self.epoch, batch, logs or {})

    def save(self, epoch: int, batch: int | None, logs: Logs) -> None:
        """Save the model, unless only a better one is to be saved and this is not."""
        path = self.path_of(epoch, batch, logs)
        what = f"\nEpoch {epoch + 1}: "
        value = self.value_in(logs) if self.save_best_only else None
        if value is not None:
            if not self.is_better(value, self.best):
                self.tell(f"{what}{self.monitor} did not improve from {self.best:.5f}")
                return
            before = "none" if self.best is None else f"{self.best:.5f}"
            what += f"{self.monitor} improved from {before} to {value:.5f}, "
            self.best = value
        self.tell(f"{what}saving model to {path}")
        path.parent.mkdir(parents=True, exist_ok=True)
        if self.save_weights_only:
            self.trained_model.save_weights(path)
        else:
            self.trained_model.save(path)

    def path_of(self, epoch: int, batch: int | None, logs: Logs) -> Path:
        """Return the path with its fields filled in; ValueError for one that is neither known nor in the logs."""
        fields = {"epoch": epoch + 1, **logs, **({} if batch is None else {"batch": batch + 1})}
        try:
            return Path(self.filepath.format(**fields))
        except (KeyError, IndexError) as error:
            raise ValueError(f"filepath: got {self.filepath!r}, needs fields of {', '.join(fields)}") from error

    def tell(self, message: str) -> None:
        if self.verbose:
            print(message)


class BackupAndRestore(Keeper):
    """Backs the training up after each epoch, so that a killed program goes on when it is run again.

    The same call of `fit`, of a model of the same layers, then begins with the epoch after the last one that has ended,
    with its weights, optimizer, learning rate, seed and order of rows, and what the other callbacks of the list
    remember (`Callback.get_state`): it ends with the bits of a run that was not killed. The hooks of the others run
    first, wherever in the list it is. An iterator of batches is not wound forward: it is to begin with the next epoch.

    Parameters
    ----------
    backup_dir : path
        Of a folder for this run alone; made if needed.
    save_freq : "epoch"
    double_checkpoint : False
        The file is written whole or not at all: there is always a good one.
    delete_checkpoint : bool
        Whether to remove the backup when fit has ended well; default True.
    """

    def __init__(
        self,
        backup_dir: str | os.PathLike[str],
        save_freq: Any = "epoch",
        double_checkpoint: bool = False,
        delete_checkpoint: bool = True,
    ):
        super().__init__()
        only("save_freq", save_freq, ("epoch",), "a run goes on at the start of an epoch")
        only("double_checkpoint", double_checkpoint, (False,), "the file is always a whole one")
        self.delete_checkpoint = boolean("delete_checkpoint", delete_checkpoint)
        folder = file_path("backup_dir", backup_dir)
        if not folder:
            raise ValueError("backup_dir: got an empty path, needs a folder")
        self.path = Path(folder) / "backup.safetensors"

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        remove_unfinished(self.path.parent)
        if self.path.exists():
            read(self.path, MODEL, self.take_over, changes=True)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        write(self.path, MODEL, *self.backup(epoch + 1))

    def on_train_end(self, logs: Logs | None = None) -> None:
        if self.delete_checkpoint:
            self.path.unlink(missing_ok=True)
