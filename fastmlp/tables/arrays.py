"""Arrays of NumPy as tables: .npy, and .npz with x and y, or with x_train, y_train, x_test and y_test."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from fastmlp.data.numpy_files import START, names_in, read_npy, read_npz

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
            is_array = file.read(len(START)) == START
        arrays = {"x": read_npy(path)} if is_array else read_part(path, part)
        return table_of(arrays)
    except (ValueError, TypeError, pl.exceptions.PolarsError) as error:  # the latter of values that are no columns
        raise ValueError(f"{called}: {str(error).removeprefix(f'{path}: ')}") from error


def read_part(path: Path, part: str) -> dict[str, np.ndarray]:
    """Return the arrays of a part by the name of their columns: x, and y where there is one."""
    there = names_in(path)
    if not there:
        read_npz(path, ("x",))  # for its error
    for x, y in (("x", "y"), ("X", "y"), ("data", "target")):
        for suffix in (f"_{part}", ""):
            if x + suffix in there and (suffix or part == "train"):
                names = tuple(name + suffix for name in (x, y) if name + suffix in there)
                return dict(zip(("x", "y"), read_npz(path, names), strict=False))
    needs = "x and y, or x_train and y_train" if part == "train" else "x_test and y_test"
    raise ValueError(f"it has {', '.join(there) or 'nothing'}, needs {needs}")


def table_of(arrays: dict[str, np.ndarray]) -> pl.DataFrame:
    """Return arrays [rows, ...] beside each other as one table."""
    lengths = {name: len(array) if array.ndim else 0 for name, array in arrays.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"got {lengths['x']} rows of x and {lengths['y']} of y, needs as many")
    columns: dict[str, np.ndarray] = {}
    for name, array in arrays.items():
        if array.dtype.names:  # a table already
            columns |= {field: array[field] for field in array.dtype.names}
        else:
            columns |= columns_of(name, array)
    return pl.DataFrame(columns)


def columns_of(name: str, array: np.ndarray) -> dict[str, np.ndarray]:
    """Return the columns of an array: "y", "x0" and "x1", or "pixel_0_0" and so on by their places in a row."""
    if array.ndim == 0 or 0 in array.shape:
        raise ValueError(f"got shape {array.shape} of {name}, needs rows of values")
    if array.ndim == 1 or (array.ndim == 2 and array.shape[1] == 1 and name == "y"):
        return {name: array.reshape(len(array))}
    flat = np.ascontiguousarray(array.reshape(len(array), -1).T)
    if array.ndim == 2:
        return {f"{name}{place}": column for place, column in enumerate(flat)}
    places = np.ndindex(array.shape[1:])
    return {"_".join(["pixel", *map(str, place)]): column for place, column in zip(places, flat, strict=True)}
