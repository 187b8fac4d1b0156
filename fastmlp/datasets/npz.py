"""A dataset in one .npz file of NumPy, as Keras keeps MNIST: the arrays x_train, y_train, x_test and y_test."""

from __future__ import annotations

import os
import zlib
from zipfile import BadZipFile

import numpy as np

from fastmlp.data.whole_files import require_regular
from fastmlp.datasets.rows import Array, Dataset, checked_pair, require_same_rows

ARRAYS = ("x_train", "y_train", "x_test", "y_test")


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
    except (ValueError, OSError, EOFError, BadZipFile, zlib.error, NotImplementedError, RuntimeError) as error:
        raise ValueError(f"{path}: needs an .npz file with {', '.join(names)}: {error}") from error
    except MemoryError as error:
        raise ValueError(f"{path}: its values do not fit into memory") from error


def load_npz(path: str | os.PathLike[str], label_column: int | None = None) -> Dataset:
    """Load a dataset from an .npz file; results and errors are those of `fastmlp.datasets.folder.load_folder`."""
    x_train, y_train, x_test, y_test = read_npz(path, ARRAYS)
    train = checked_pair(x_train, y_train, f"{path}, x_train", f"{path}, y_train", label_column)
    test = checked_pair(x_test, y_test, f"{path}, x_test", f"{path}, y_test", label_column)
    require_same_rows(path, train, test)
    return train, test
