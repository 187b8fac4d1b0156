"""A dataset of one's own: a folder of four IDX files, named like those of MNIST."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from fastmlp.datasets.idx import read_idx

Pair: TypeAlias = "tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]"
Dataset: TypeAlias = "tuple[Pair, Pair]"


def load_folder(path: str | os.PathLike[str]) -> Dataset:
    """Load a dataset from a folder of IDX files.

    Each of the four files is found by its name: it starts with ``train-`` (training part) or with ``t10k-`` or
    ``test-`` (test part), contains ``images`` or ``labels``, and may be compressed and end in ``.gz``. Where a file is
    there both ways, the uncompressed one is read. Other files are ignored.

    Parameters
    ----------
    path : str or path
        The folder.

    Returns
    -------
    (x_train, y_train), (x_test, y_test)
        Features of any IDX type, [rows, ...], of rank 2 or more; labels of an integer type, [rows], none negative.

    Raises
    ------
    ValueError
        No such folder, a file missing or there twice, a damaged file, or arrays that do not go together.
    """
    folder = Path(path)
    if not folder.is_dir():
        raise ValueError(f"path: got {os.fspath(path)!r}, needs a folder that exists")
    train = load_pair(_find(folder, ("train-",), "images"), _find(folder, ("train-",), "labels"))
    test = load_pair(_find(folder, ("t10k-", "test-"), "images"), _find(folder, ("t10k-", "test-"), "labels"))
    if train[0].shape[1:] != test[0].shape[1:] or train[0].dtype != test[0].dtype:
        rows = [f"{x.dtype} of shape {x.shape[1:]}" for x, _ in (train, test)]
        raise ValueError(f"{folder}: a training row is {rows[0]}, a test row {rows[1]}; they need to be the same")
    return train, test


def _find(folder: Path, prefixes: tuple[str, ...], kind: str) -> Path:
    """Return the one file of ``folder`` whose name starts with one of ``prefixes`` and contains ``kind``."""
    names = {entry.name for entry in folder.iterdir() if entry.name.startswith(prefixes) and kind in entry.name}
    found = sorted(name for name in names if name.removesuffix(".gz") == name or name.removesuffix(".gz") not in names)
    if len(found) != 1:
        patterns = " or ".join(f"{prefix}*{kind}*" for prefix in prefixes)
        raise ValueError(f"{folder}: got {', '.join(found) or 'no file'} named {patterns}, needs exactly one")
    return folder / found[0]


def load_pair(images: Path, labels: Path) -> Pair:
    """Features and labels from two IDX files, checked to go together.

    Returns
    -------
    (x, y)
        Features [rows, ...] of rank 2 or more, labels [rows] of an integer type, none negative.

    Raises
    ------
    ValueError
        A file is damaged, or the arrays are not such a pair.
    """
    x, y = read_idx(images), read_idx(labels)
    if x.ndim < 2:
        raise ValueError(f"{images}: got shape {x.shape}; features need 2 dimensions or more, [rows, ...]")
    if y.ndim != 1 or y.dtype.kind not in "iu":
        raise ValueError(f"{labels}: got {y.dtype} of shape {y.shape}; labels need integers of shape [rows]")
    if y.min() < 0:
        raise ValueError(f"{labels}: got label {y.min()}; labels need to be 0 or more")
    if len(x) != len(y):
        raise ValueError(f"{labels}: got {len(y)} labels for {len(x)} rows in {images.name}, needs one for each row")
    return x, y
