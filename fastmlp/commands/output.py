"""What leaves a command: its result on stdout, its progress on stderr, and how it failed."""

from __future__ import annotations

import os
import sys
import warnings
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any


class Failed(Exception):
    """Usage and input were good, but training failed or its result could not be delivered."""


def deliver(text: str) -> None:
    """Print to stdout; Failed when it cannot be written: nobody reads the pipe, or the disk is full."""
    if sys.stdout is None:
        raise Failed("cannot print the result: stdout is closed")
    try:
        print(text, flush=True)
    except OSError as error:
        discard(1)
        raise Failed(f"cannot print the result: {error.strerror}") from error


def discard(descriptor: int) -> None:
    """Send a stream nowhere, so that what it still holds raises no second error when the interpreter ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), descriptor)


@contextmanager
def progress_on_stderr(quiet: bool) -> Iterator[None]:
    """Send what is printed meanwhile to stderr, or nowhere if `quiet`."""
    with open(os.devnull, "w") as nowhere:
        target = nowhere if quiet else sys.stderr
        with redirect_stdout(target), redirect_stderr(target):
            yield


@contextmanager
def warnings_in_a_line(program: str) -> Iterator[None]:
    """Say on stderr what this package warns of meanwhile, without the line of code that does."""

    def show(message: Warning | str, *_: Any, **__: Any) -> None:
        if sys.stderr is not None:
            print(f"{program}: {message}", file=sys.stderr)

    with warnings.catch_warnings():
        warnings.filterwarnings("always", category=UserWarning, module="fastmlp")
        warnings.showwarning = show
        yield


@contextmanager
def by_file(name: str) -> Iterator[None]:
    """Let errors about the rows name the file that they are from."""
    try:
        yield
    except ValueError as error:
        message = str(error)
        raise (ValueError(f"{name}: {message.removeprefix('X: ')}") if message.startswith("X: ") else error) from None


def rehearse_writing(write: Callable[[Path], object], path: Path, option: str = "--output") -> None:
    """Write beside `path` and remove it, so that a full or read-only disk shows before training."""
    try:
        with TemporaryDirectory(prefix=".fastmlp-", dir=Path(os.path.realpath(path)).parent) as folder:
            write(Path(folder, path.name))
    except OSError as error:
        raise ValueError(f"{option}: cannot write {str(path)!r}: {error.strerror}") from error


def write_result(write: Callable[[Path], object], path: Path) -> None:
    """Write what was trained or predicted; Failed when the disk does not take it."""
    try:
        write(path)
    except OSError as error:
        raise Failed(f"cannot write {str(path)!r}: {error.strerror}") from error


def write_report(options: Namespace, model: Any, x: Any, y: Any, **about: Any) -> None:
    """Write what there is to tell of a trained model, tested on these rows, to where --report says."""
    from fastmlp import report

    write_result(lambda path: report.write(path, model, x, y, data=options.dataset, **about), options.report)
