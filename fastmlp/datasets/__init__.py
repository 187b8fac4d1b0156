"""Datasets: ``digits`` (bundled), ``mnist`` and ``fashion_mnist`` (downloaded once), or a folder of IDX files.

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
    from fastmlp.datasets.folder import Dataset

NAMES = ("digits", "fashion_mnist", "mnist")

__all__ = ["NAMES", "digits", "fashion_mnist", "load", "mnist"]


def __getattr__(name: str) -> ModuleType:
    """``fastmlp.datasets.mnist`` without an import of its own; loaded on first use."""
    if name in NAMES:
        return importlib.import_module(f".{name}", __name__)
    raise missing("datasets", name)


def __dir__() -> list[str]:
    return __all__


def load(name_or_folder: str | os.PathLike[str]) -> Dataset:
    """Load a dataset by its name, or from a folder of IDX files.

    Parameters
    ----------
    name_or_folder : str or path
        One of ``NAMES``, else a folder as `fastmlp.datasets.folder.load_folder` takes it. A folder that is called like
        a dataset is reached as ``./mnist`` or as a ``Path``.

    Returns
    -------
    (x_train, y_train), (x_test, y_test)

    Raises
    ------
    TypeError
        Neither a string nor a path.
    ValueError
        No dataset and no folder of that name, or the files in it are not a dataset.
    ConnectionError
        A dataset that has to be downloaded and cannot be.
    """
    if not isinstance(name_or_folder, (str, os.PathLike)):
        raise TypeError(f"name_or_folder: got {type(name_or_folder).__name__}, needs a string or a path")
    if isinstance(name_or_folder, str) and name_or_folder in NAMES:
        data: Dataset = __getattr__(name_or_folder).load_data()
        return data
    if os.path.isdir(name_or_folder):
        from fastmlp.datasets.folder import load_folder

        return load_folder(name_or_folder)
    known = ", ".join(NAMES)
    raise ValueError(
        f"name_or_folder: got {os.fspath(name_or_folder)!r}, needs one of {known}, or a folder that exists"
    )
