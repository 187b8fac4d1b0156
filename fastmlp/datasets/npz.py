"""A dataset in one .npz file of NumPy: x and y, or as Keras keeps MNIST x_train, y_train, x_test and y_test."""

from __future__ import annotations

import os

from fastmlp.data.numpy_files import names_in, read_npz
from fastmlp.datasets.rows import Dataset, checked_pair, hold_out, require_same_rows

ARRAYS = ("x_train", "y_train", "x_test", "y_test")
HELD_OUT = 0.2  # to test on, of x and y alone


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
