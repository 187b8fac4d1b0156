"""Checkpoints of fastmlp-train: after some epochs and where a signal ends it; from the last good one a run goes on.

A file is written beside its name, synced and renamed, and the one before it stays, so that there always is a good one.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from fastmlp.callbacks import Logs
from fastmlp.callbacks.states import Keeper
from fastmlp.data.files import Kind, Tensors, damage_named, read, write
from fastmlp.data.whole_files import remove_unfinished
from fastmlp.settings import integer

CHECKPOINT = Kind("model", "resume", "a checkpoint of fastmlp-train")  # and so a model file too
NAME = re.compile(r"checkpoint-(\d{6,})\.safetensors")
KEPT = 2  # files
BYTES_AT_ONCE = 1 << 24


class Checkpoints(Keeper):
    """Writes checkpoints of a run into a folder, after having gone on from the last good one.

    Parameters
    ----------
    folder : Path
        Of this run alone; made if needed.
    source : Path, optional
        The folder to go on from, which may be the same.
    every : int
        Epochs from one checkpoint to the next. There is also one at the start and one at the end.
    run : dict of JSON values
        What must be the same where the run goes on, by name: settings, and what data there are.
    """

    def __init__(self, folder: Path, source: Path | None, every: int, run: Mapping[str, Any]):
        super().__init__()
        self.folder, self.every, self.run, self.source = folder, every, dict(run), source
        self.latest: tuple[int, dict[str, Any], Tensors] | None = None  # epochs done, where that is not written yet

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        remove_unfinished(self.folder)
        if self.source is not None and checkpoints_in(self.source):
            self.go_on_from(self.source)
        else:
            self.remember(0)
            self.write_latest()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        self.remember(epoch + 1)
        if (epoch + 1) % self.every == 0 or self.trained_model.stop_training:
            self.write_latest()

    def on_train_end(self, logs: Logs | None = None) -> None:
        self.write_latest()

    def remember(self, epochs: int) -> None:
        """Take what a checkpoint after so many epochs holds."""
        header, tensors = self.backup(epochs)
        history = self.trained_model.history
        header |= {"history": {"epoch": history.epoch, "values": history.history}, "run": self.run}
        header = json.loads(json.dumps(header))  # a copy, as it is when it is read
        self.latest = epochs, header, tensors

    def write_latest(self) -> None:
        """Write what was taken last, unless it is written; remove all files but the last ones."""
        if self.latest is None:
            return
        epochs, header, tensors = self.latest
        path = self.folder / f"checkpoint-{epochs:06d}.safetensors"
        write(path, CHECKPOINT, header, tensors)
        self.latest = None
        for old in checkpoints_in(self.folder)[:-KEPT]:
            old.unlink(missing_ok=True)

    def go_on_from(self, folder: Path) -> None:
        """Go on from the last good checkpoint of a folder; ValueError where none is good, or it is of another run."""
        for path in reversed(checkpoints_in(folder)):
            try:
                header, tensors = read(path, CHECKPOINT, content)
            except ValueError as error:
                print(f"passed over a damaged checkpoint: {error}", file=sys.stderr)
                continue
            with damage_named("resume", path, "a checkpoint of this run", (OSError, MemoryError)):
                run, epochs, values = header["run"], header["history"]["epoch"], header["history"]["values"]
                if not isinstance(run, dict):
                    raise ValueError(f"run: got {run!r:.100}, needs settings by name")
                require_history(epochs, values)
            require_run(run, self.run, path)
            with damage_named("resume", path, "a checkpoint of this run", (OSError, MemoryError)):
                self.take_over(header, tensors)
            history = self.trained_model.history
            history.epoch, history.history = epochs, values
            most = self.params.get("epochs", len(history.epoch))
            if len(history.epoch) > most:
                raise ValueError(f"epochs: got {most}, needs at least the {len(history.epoch)} of {str(path)!r}")
            return
        raise ValueError(f"resume: got {str(folder)!r}, where all checkpoints are damaged, needs a good one")


def folders(options: argparse.Namespace) -> tuple[Path, Path | None] | None:
    """Return the folders to write checkpoints to and to go on from, or None; ValueError where they do not fit."""
    folder, source = options.checkpoint, options.resume
    if folder is None and source is None:
        if options.checkpoint_every is not None:
            raise ValueError("checkpoint_every: got it alone, needs --checkpoint or --resume too")
        return None
    is_same = folder is not None and source is not None and folder.resolve() == source.resolve()
    if folder is not None and not is_same and has_checkpoints(folder):
        raise ValueError(f"checkpoint: got {str(folder)!r}, which has checkpoints, needs an empty folder, or --resume")
    if source is not None and not is_same and not has_checkpoints(source):
        raise ValueError(f"resume: got {str(source)!r}, needs a folder with checkpoints of fastmlp-train")
    return folder or source, source


@contextmanager
def kept(keepers: Iterable[Checkpoints]) -> Iterator[None]:
    """Write, where a signal ends what is done meanwhile, checkpoints of the last whole epochs."""
    try:
        yield
    except KeyboardInterrupt:
        for keeper in keepers:
            keeper.write_latest()
        raise


def checkpoints_in(folder: Path) -> list[Path]:
    """Return the checkpoints of a network in its folder, the last ones last."""
    found = [path for path in folder.iterdir() if NAME.fullmatch(path.name)] if folder.is_dir() else []
    return sorted(found, key=lambda path: int(path.stem.rpartition("-")[2]))


def has_checkpoints(folder: Path) -> bool:
    """Whether there are checkpoints in a folder, of one network or of several."""
    return any(NAME.fullmatch(path.name) for path in [*folder.glob("*"), *folder.glob("network-*/*")])


def require_history(epochs: Any, values: Any) -> None:
    """Raise an error for what is no history: the numbers of epochs, and by name a value for each."""
    for place, epoch in enumerate(epochs):
        integer(f"history.epoch[{place}]", epoch, at_least=0)
    for name, found in values.items():
        if not isinstance(found, list) or len(found) != len(epochs):
            raise ValueError(f"history: got {found!r:.100} of {name!r}, needs a list of {len(epochs)}")


def require_run(saved: Mapping[str, Any], run: Mapping[str, Any], path: Path) -> None:
    """Raise ValueError, naming what differs, for a checkpoint of another run."""
    for name, value in run.items():
        if saved.get(name) != value:
            raise ValueError(f"{name}: got {value}, needs {saved.get(name)}, as in {str(path)!r}")


def content(header: dict[str, Any], tensors: Tensors) -> tuple[dict[str, Any], Tensors]:
    """Return what a checkpoint holds, but for what kind of file it is."""
    return {name: value for name, value in header.items() if name != "kind"}, tensors


def fingerprint(array: np.ndarray) -> str:
    """Return shape, type and digest of an array."""
    shape, digest = " x ".join(map(str, array.shape)), hashlib.blake2b(digest_size=8)
    if array.size:
        rows = array if array.ndim else array[np.newaxis]
        at_once = max(1, BYTES_AT_ONCE * len(rows) // array.nbytes)
        for start in range(0, len(rows), at_once):  # of a map no more in memory than this
            digest.update(np.ascontiguousarray(rows[start : start + at_once]).data.cast("B"))
    return f"{shape} of {array.dtype.name}, digest {digest.hexdigest()}"
