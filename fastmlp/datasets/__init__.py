"""Datasets: ``digits`` (bundled), ``mnist`` and ``fashion_mnist`` (downloaded once), folders and files.

>>> from fastmlp.datasets import digits
>>> (x_train, y_train), (x_test, y_test) = digits.load_data()
"""

from __future__ import annotations

import importlib
import os
from types import ModuleType
from typing import TYPE_CHECKING

from fastmlp.elsewhere import missing

if TYPE_CHECKING:
    from fastmlp.datasets.rows import Dataset

NAMES = ("digits", "fashion_mnist", "mnist")  # of those with classes
MODULES = ("california_housing", *NAMES)

__all__ = ["NAMES", "california_housing", "digits", "fashion_mnist", "load", "mnist"]


def __getattr__(name: str) -> ModuleType:
    """``fastmlp.datasets.mnist`` without an import of its own; loaded on first use."""
    if name in MODULES:
        return importlib.import_module(f".{name}", __name__)
    raise missing("datasets", name)


def __dir__() -> list[str]:
    return __all__


def load(
    name_or_folder: str | os.PathLike[str],
    split: str | None = None,
    test_split: float | None = None,
    label_column: int | None = None,
    size: int | tuple[int, int] | None = None,
) -> Dataset:
    """Load a dataset by its name, from a folder of IDX files or of pictures by class, or from an .npz file.

    Parameters
    ----------
    name_or_folder : str or path
        One of ``NAMES``, else a folder as `fastmlp.datasets.folder.load_folder` or
        `fastmlp.datasets.pictures.load_pictures` takes it, or an .npz file with arrays x and y, or x_train, y_train,
        x_test and y_test. A folder that is called like a dataset is reached as ``./mnist`` or as a
        ``Path``.
    split : str, optional
        Which of several datasets in a folder.
    test_split : float in (0, 1), optional
        Fraction to test on, where a folder or file has no test part; default 0.2 of pictures and .npz files.
    label_column : int, optional
        Which column of the labels in a folder or file is the class.
    size : int or (int, int), optional
        Rows and columns to which pictures are scaled.

    Returns
    -------
    (x_train, y_train), (x_test, y_test)

    Raises
    ------
    TypeError
        Neither a string nor a path.
    ValueError
        No dataset, folder or file of that name, a file of another kind, files that are not a dataset, or an argument
        that does not go with it.
    ConnectionError
        A dataset that has to be downloaded and cannot be.
    """
    if not isinstance(name_or_folder, (str, os.PathLike)):
        raise TypeError(f"name_or_folder: got {type(name_or_folder).__name__}, needs a string or a path")
    if isinstance(name_or_folder, str) and name_or_folder in NAMES:
        _only_of_files(name_or_folder, split=split, test_split=test_split, label_column=label_column, size=size)
        data: Dataset = __getattr__(name_or_folder).load_data()
        return data
    from fastmlp.settings import file_path  # here, so that names are known without NumPy

    name_or_folder = file_path("name_or_folder", name_or_folder)
    unknown = reason_not_to_load(name_or_folder)
    if unknown:
        raise ValueError(f"name_or_folder: {unknown}")
    if os.path.isdir(name_or_folder):
        from fastmlp.datasets import folder, pictures

        if not folder.has_files(name_or_folder) and pictures.has_classes(name_or_folder):
            _only_of_files(name_or_folder, "folders of IDX files", split=split, label_column=label_column)
            return pictures.load_pictures(name_or_folder, test_split, size)
        _only_of_files(name_or_folder, "folders of pictures", size=size)
        return folder.load_folder(name_or_folder, split, test_split, label_column)
    from fastmlp.datasets.npz import load_npz

    _only_of_files(name_or_folder, split=split, size=size)
    return load_npz(name_or_folder, label_column, test_split)


def reason_not_to_load(path: str) -> str | None:
    """Return why there is no dataset of that name to be tried, or None: without a look into it."""
    needs = f"needs one of {', '.join(NAMES)}, or a folder that exists"
    if path in NAMES or os.path.isdir(path):
        return None
    if not os.path.exists(path):
        return f"got {path!r}, {needs}"
    if path.lower().endswith(".npz"):
        return None
    return f"got the file {path!r}, {needs}, with IDX files in it, or an .npz file: no other kind is read"


def _only_of_files(name: str | os.PathLike[str], of: str = "folders", **given: object) -> None:
    from fastmlp.errors import told

    for argument, value in given.items():
        if value is not None:
            raise ValueError(f"{argument}: got {told(value)} for {os.fspath(name)}, needs None: it is for {of}")
