"""A dataset in one .npz file of NumPy: x and y, or as Keras keeps MNIST x_train, y_train, x_test and y_test."""

from __future__ import annotations

import os
import zipfile
import zlib
from zipfile import BadZipFile

import numpy as np

from fastmlp.data.whole_files import require_regular
from fastmlp.datasets.rows import Array, Dataset, checked_pair, hold_out, require_same_rows

ARRAYS = ("x_train", "y_train", "x_test", "y_test")
DAMAGES = (ValueError, OSError, EOFError, BadZipFile, zlib.error, NotImplementedError, RuntimeError)
HELD_OUT = 0.2  # to test on, of x and y alone


def read_npz(path: str | os.PathLike[str], names: tuple[str, ...]) -> list[Array]:
    """Return the arrays of those names in an .npz file, which is never unpickled.

    Raises
    ------
    ValueError
        The file is no .npz, is damaged, or has no such arrays.
    OSError
        The file cannot be opened.
    """
    require_regular(path, "path")
    with open(path, "rb"):  # for Python's errors when it is missing, a folder or not readable
        pass
    try:
        loaded = np.load(path, allow_pickle=False)
        if not isinstance(loaded, np.lib.npyio.NpzFile):
            raise ValueError("it has one array alone")
        with loaded as arrays:
            missing = [name for name in names if name not in arrays]
            if missing:
                raise ValueError(f"it has {', '.join(arrays.files) or 'nothing'}, and no {', '.join(missing)}")
            return [arrays[name] for name in names]
    except DAMAGES as error:
        raise ValueError(f"{path}: needs an .npz file with {', '.join(names)}: {error}") from error
    except MemoryError as error:
        raise ValueError(f"{path}: its values do not fit into memory") from error


def load_npz(path: str | os.PathLike[str], label_column: int | None = None, test_split: float | None = None) -> Dataset:
    """Load a dataset from an .npz file; results and errors are those of `fastmlp.datasets.folder.load_folder`.

    Of x and y alone, `test_split` (default 0.2) of each class is held out to test on.
    """
    if {"x", "y"} <= set(names_in(path)) and not set(ARRAYS) & set(names_in(path)):
        x, y = read_npz(path, ("x", "y"))
        return hold_out(checked_pair(x, y, f"{path}, x", f"{path}, y", label_column), test_split or HELD_OUT)
    if test_split is not None:
        raise ValueError(f"test_split: got {test_split} for {path}, needs None: it has x_test")
    x_train, y_train, x_test, y_test = read_npz(path, ARRAYS)
    train = checked_pair(x_train, y_train, f"{path}, x_train", f"{path}, y_train", label_column)
    test = checked_pair(x_test, y_test, f"{path}, x_test", f"{path}, y_test", label_column)
    require_same_rows(path, train, test)
    return train, test


def names_in(path: str | os.PathLike[str]) -> list[str]:
    """Return the names of the arrays in an .npz file; none of what is no such file."""
    try:
        with zipfile.ZipFile(path) as file:
            return [name.removesuffix(".npy") for name in file.namelist()]
    except DAMAGES:
        return []


def axes_of(path: str | os.PathLike[str], name: str) -> int:
    """Return the number of axes of an array in an .npz file, from its header alone; 0 where it is damaged."""
    try:
        with zipfile.ZipFile(path) as file, file.open(f"{name}.npy") as array:
            version = np.lib.format.read_magic(array)
            read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            return len(read(array)[0])
    except (KeyError, *DAMAGES):
        return 0
