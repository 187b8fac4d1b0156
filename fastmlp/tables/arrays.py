"""Arrays of NumPy as tables: .npy, and .npz with x and y, or with x_train, y_train, x_test and y_test."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import polars as pl

PARTS = ("train", "test")


def read_arrays(path: Path, called: str, part: str) -> pl.DataFrame:
    """Return the table of an .npy or .npz file: x's columns, then y's.

    Raises
    ------
    ValueError
        For a damaged file, one with other arrays, and x and y of different lengths.
    """
    try:
        with open(path, "rb") as file:
            loaded = np.load(file, allow_pickle=False)
            arrays = chosen(loaded, part) if isinstance(loaded, np.lib.npyio.NpzFile) else {"x": loaded}
        return table_of(arrays, called)
    except (ValueError, OSError, EOFError, BadZipFile, zlib.error, NotImplementedError) as error:
        raise ValueError(str(error) if str(error).startswith(called) else f"{called}: {error}") from error


def chosen(arrays: Any, part: str) -> dict[str, np.ndarray]:
    """Return the arrays of a part by the name of their columns: x, and y where there is one."""
    for x, y in (("x", "y"), ("X", "y"), ("data", "target")):
        for suffix in (f"_{part}", ""):
            if x + suffix in arrays and (suffix or part == "train"):
                both = {"x": arrays[x + suffix]}
                return both | {"y": arrays[y + suffix]} if y + suffix in arrays else both
    needs = "x and y, or x_train and y_train" if part == "train" else "x_test and y_test"
    raise ValueError(f"it has {', '.join(arrays.files) or 'nothing'}, needs {needs}")


def table_of(arrays: dict[str, np.ndarray], called: str) -> pl.DataFrame:
    """Return arrays [rows, ...] beside each other as one table."""
    lengths = {name: len(array) if array.ndim else 0 for name, array in arrays.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"{called}: got {lengths['x']} rows of x and {lengths['y']} of y, needs as many")
    columns: dict[str, np.ndarray] = {}
    for name, array in arrays.items():
        if array.dtype.names:  # a table already
            columns |= {field: array[field] for field in array.dtype.names}
        else:
            columns |= columns_of(name, array, called)
    return pl.DataFrame(columns)


def columns_of(name: str, array: np.ndarray, called: str) -> dict[str, np.ndarray]:
    """Return the columns of an array: "y", "x0" and "x1", or "pixel_0_0" and so on by their places in a row."""
    if array.ndim == 0 or 0 in array.shape:
        raise ValueError(f"{called}: got shape {array.shape} of {name}, needs rows of values")
    if array.ndim == 1 or (array.ndim == 2 and array.shape[1] == 1 and name == "y"):
        return {name: array.reshape(len(array))}
    flat = np.ascontiguousarray(array.reshape(len(array), -1).T)
    if array.ndim == 2:
        return {f"{name}{place}": column for place, column in enumerate(flat)}
    places = np.ndindex(array.shape[1:])
    return {"_".join(["pixel", *map(str, place)]): column for place, column in zip(places, flat, strict=True)}
