"""What fastmlp-predict is given: a file or a pipe; for models of images IDX, arrays, pictures, a table of pixels."""

from __future__ import annotations

import math
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np


def piped() -> Any:
    """Return standard input as bytes; ValueError where it is closed."""
    if sys.stdin is None:
        raise ValueError("rows: got a closed standard input, needs a file")
    return sys.stdin.buffer


def called(path: str | Path) -> str:
    """Return what errors call the rows."""
    return "standard input" if path == "-" else str(path)


@contextmanager
def on_disk(path: str | Path) -> Iterator[Path]:
    """Give a path in the context: that of a copy of standard input for "-"."""
    if path != "-":
        yield Path(path)
        return
    with TemporaryDirectory(prefix="fastmlp-") as folder:
        copy = Path(folder, "standard input")
        with open(copy, "wb") as file:
            shutil.copyfileobj(piped(), file)
        yield copy


def read(path: Path, called: str, shape: tuple[int, ...]) -> tuple[np.ndarray, list[Path]]:
    """Return rows [rows, *shape], and the files of pictures.

    Raises
    ------
    ValueError
        For damaged files, tables of words, and rows of another shape.
    """
    from fastmlp.data.whole_files import require_regular
    from fastmlp.datasets import pictures
    from fastmlp.datasets.idx import other_kind, read_idx

    if path.is_dir() or path.suffix.lower() in pictures.SUFFIXES:
        files = pictures.pictures_in(path) if path.is_dir() else [path]
        if not files:
            raise ValueError(f"{called}: got a folder without pictures, needs one with {', '.join(pictures.SUFFIXES)}")
        try:
            return pictures.read_pictures(files, shape), files
        except ImportError as error:
            raise ValueError(str(error)) from error
    require_regular(path, "rows")
    with open(path, "rb") as file:
        start = file.read(6)
    if start.startswith((b"PK\x03\x04", b"\x93NUMPY")):
        return in_shape(called, arrays(path), shape), []
    if start[:2] == b"\0\0" or other_kind(path) is None:
        return read_idx(path), []
    return in_shape(called, table(path, called, math.prod(shape)), shape), []


def arrays(path: Path) -> np.ndarray:
    """Return x_test of an .npz file, else its x, or the array of an .npy file."""
    from fastmlp.data.numpy_files import START, names_in, read_npy, read_npz

    with open(path, "rb") as file:
        if file.read(len(START)) == START:
            return read_npy(path)
    names = names_in(path)
    return read_npz(path, ("x_test",) if "x_test" in names else ("x",))[0]


def table(path: Path, called: str, columns: int) -> np.ndarray:
    """Return a table of so many columns of numbers."""
    try:
        from fastmlp.tables import read
    except ImportError as error:
        raise ValueError(str(error)) from error
    with open(path, "rb") as file:
        found = read(file if called != str(path) else path)
    if found.width != columns or not all(kind.is_numeric() for kind in found.dtypes):
        words = [name for name, kind in found.schema.items() if not kind.is_numeric()]
        of_words = f", {words[0]!r} of words among them" if words else ""
        raise ValueError(
            f"{called}: got {found.width} columns{of_words}, needs {columns} of numbers, as the model takes"
        )
    return found.to_numpy()


def in_shape(called: str, rows: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Return rows as a model takes them."""
    if math.prod(rows.shape[1:]) != math.prod(shape) or not rows.ndim:
        raise ValueError(f"{called}: got rows of shape {rows.shape[1:]}, needs {shape}, as the model takes")
    return rows.reshape(len(rows), *shape)
