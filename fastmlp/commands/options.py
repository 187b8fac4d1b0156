"""The command line: a parser whose errors are one line, and what options may say.

What NumPy would have to be imported for is not asked here, but once the usage is checked.
"""

from __future__ import annotations

import argparse
import math
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import fastmlp
from fastmlp.commands.output import deliver
from fastmlp.datasets import NAMES, reason_not_to_load

Number = TypeVar("Number", int, float)

# Named here too, since the modules that define them import NumPy.
ACTIVATIONS = (
    "linear",
    "relu",
    "sigmoid",
    "tanh",
    "softmax",
    "log_softmax",
    "exponential",
    "softsign",
    "hard_sigmoid",
    "leaky_relu",
    "relu6",
    "elu",
    "selu",
    "softplus",
    "silu",
    "gelu",
    "mish",
    "hard_silu",
    "celu",
    "hard_tanh",
    "hard_shrink",
    "soft_shrink",
    "tanh_shrink",
    "squareplus",
    "sparse_plus",
    "sparse_sigmoid",
    "sparsemax",
    "log_sigmoid",
    "swish",
    "hard_swish",
)
OPTIMIZERS = (
    "sgd",
    "rmsprop",
    "adagrad",
    "adam",
    "adadelta",
    "adamw",
    "adamax",
    "nadam",
    "lion",
    "ftrl",
    "schedulefreeadamw",
)
TASKS = ("binary", "classes", "numbers", "counts")
KINDS = ("number", "category", "boolean", "date", "text", "id")
MISSING = "what else stands for a missing value, beside NA, null, ? and the like"
MAX_THREADS = 256


class Parser(argparse.ArgumentParser):
    """An ArgumentParser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: error: {' '.join(message.splitlines())}\n")

    def print_help(self, file: Any = None) -> None:
        deliver(self.format_help().rstrip())


class Version(argparse.Action):
    """An option that prints the version, and ends the command."""

    def __init__(self, option_strings: Sequence[str], dest: str, help: str | None = None):
        super().__init__(option_strings, dest, nargs=0, help=help)

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        deliver(f"{parser.prog} {fastmlp.__version__}")
        parser.exit()


def number(kind: Callable[[str], Number], needs: str, valid: Callable[[Number], bool]) -> Callable[[str], Number]:
    """Return an argparse type: a number for which `valid` is true, `needs` in words."""

    def parse(text: str) -> Number:
        with suppress(ValueError):
            value = kind(text)
            if valid(value):  # false for NaN
                return value
        raise argparse.ArgumentTypeError(f"got {text!r}, needs {needs}")

    return parse


count = number(int, "an integer of at least 1", lambda value: value >= 1)
threads = number(int, f"an integer from 1 to {MAX_THREADS}", lambda value: 1 <= value <= MAX_THREADS)
seed = number(int, "an integer of at least 0", lambda value: value >= 0)
column = number(int, "an integer of at least 0", lambda value: value >= 0)
fraction = number(float, "a number in [0, 1)", lambda value: 0.0 <= value < 1.0)
share = number(float, "a number between 0 and 1", lambda value: 0.0 < value < 1.0)
penalty = number(float, "a finite number of at least 0", lambda value: 0.0 <= value < math.inf)
rate = number(float, "a finite number above 0", lambda value: 0.0 < value < math.inf)


def dataset(text: str) -> str:
    """Return the name of a dataset, or the path of one or of a table."""
    reason = reason_not_to_load(text)
    if reason and not is_table(text):
        raise argparse.ArgumentTypeError(f"{reason}, or the file of a table")
    return text


def is_table(path: str, target: str | None = None) -> bool:
    """Whether a path is that of a file which is read as a table.

    Of an .npz file, where a target is told, or where x and y are its arrays and x has rows of single numbers.
    """
    if path in NAMES or not os.path.isfile(path):
        return False
    if not path.lower().endswith(".npz") or target is not None:
        return True
    from fastmlp.data.numpy_files import axes_of, names_in

    return {"x", "y"} <= set(names_in(path)) and axes_of(path, "x") <= 2


def size(text: str) -> tuple[int, int]:
    """Return rows and columns of a picture, written "28", or as its width and height "32x28"."""
    width, _, height = text.partition("x")
    try:
        return count(height or width), count(width)
    except argparse.ArgumentTypeError:
        raise argparse.ArgumentTypeError(f"got {text!r}, needs N or WIDTHxHEIGHT") from None


def kind_of_column(text: str) -> tuple[str, str]:
    """Return a column and its kind, written "column=kind"."""
    name, _, kind = text.rpartition("=")
    if not name or kind not in KINDS:
        raise argparse.ArgumentTypeError(f"got {text!r}, needs COLUMN=KIND with one of {', '.join(KINDS)}")
    return name, kind


def names(text: str) -> list[str]:
    """Return names, written "a,b"."""
    return text.split(",")


def missing_markers(options: argparse.Namespace) -> tuple[str, ...]:
    """Return what stands for a missing value in a table: what always does, and what is told."""
    from fastmlp.tables.values import MISSING

    return (*MISSING, *(options.missing or ()))


def readable_rows(text: str) -> str | Path:
    """Return the path of a file or folder to read, or "-" for standard input."""
    return "-" if text == "-" else Path(text) if os.path.isdir(text) else readable_file(text)


def readable_file(text: str) -> Path:
    """Return the path of a file to read."""
    if not os.path.isfile(text):
        raise argparse.ArgumentTypeError(f"got {text!r}, needs a file that exists")
    return Path(text)


def widths(text: str) -> list[int]:
    """Return the widths of the hidden layers, written "512,256"."""
    return [count(width) for width in text.split(",")]


def folder(text: str) -> Path:
    """Return the path of a folder, which may be a new one."""
    if not text or (os.path.exists(text) and not os.path.isdir(text)):
        raise argparse.ArgumentTypeError(f"got {text!r}, needs a folder, or a new name")
    return Path(text)


def model_file(text: str) -> Path:
    """Return the path of the model to write, or raise ArgumentTypeError when there cannot be a file of that name."""
    if Path(text).suffix != ".safetensors":
        raise argparse.ArgumentTypeError(f"got {text!r}, needs a name ending in .safetensors")
    return new_file(text)


def report_file(text: str) -> Path:
    """Return the path of the report to write, or raise ArgumentTypeError when there cannot be a file of that name."""
    if Path(text).suffix not in (".html", ".htm"):
        raise argparse.ArgumentTypeError(f"got {text!r}, needs a name ending in .html")
    return new_file(text)


def new_file(text: str) -> Path:
    """Return the path of a file to write, or raise ArgumentTypeError when there cannot be one of that name."""
    path, needs = Path(text), None
    if not path.parent.is_dir():
        needs = "a name in a folder that exists"
    elif path.exists() and not (path.is_file() and os.access(path, os.W_OK)):
        needs = "a new name, or that of a file that may be overwritten"
    if needs:
        raise argparse.ArgumentTypeError(f"got {text!r}, needs {needs}")
    return path
