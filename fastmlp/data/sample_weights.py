"""Weights of rows: a number for each row, or for each class, by which its loss is multiplied."""

from __future__ import annotations

import numbers
from collections.abc import Mapping
from typing import Any

import numpy as np

from fastmlp.data.arrays import in_order, numeric, require_finite
from fastmlp.settings import real


def row_weights(argument: str, values: Any, rows: int, dtype: str) -> np.ndarray:
    """Return weights of rows as a C-contiguous array [rows] of `dtype`; they may be negative.

    Raises
    ------
    TypeError
        When they are not an array of real numbers.
    ValueError
        When there is not one for each row, or one that is not finite in `dtype`.
    """
    array = numeric(argument, values)
    if array.shape not in ((rows,), (rows, 1)):
        raise ValueError(f"{argument}: got shape {array.shape}, needs ({rows},), one for each row of x")
    require_finite(argument, array, dtype)
    return in_order(array.reshape(-1), dtype)


def class_weights(class_weight: Any, y: np.ndarray, units: int, dtype: str) -> np.ndarray:
    """Return the weight [rows] of each row's class, 1.0 for a class without one.

    Parameters
    ----------
    class_weight : mapping from int to float
    y : array
        Class numbers [rows] or [rows, 1], which are rounded, or rows of several columns, where the largest counts.
    units : int
        Outputs of the model: where there are several, they are the classes.

    Raises
    ------
    TypeError, ValueError
        When it is not such a mapping, or has a class that the model has not.
    """
    if not isinstance(class_weight, Mapping):
        raise TypeError(f"class_weight: got {type(class_weight).__name__}, needs a dict from class number to weight")
    weights = {}
    for number, weight in class_weight.items():
        if isinstance(number, bool) or not isinstance(number, numbers.Integral):
            raise TypeError(f"class_weight: got the class {number!r}, needs integers")
        if units > 1 and not 0 <= int(number) < units:
            raise ValueError(f"class_weight: got the class {number}, needs classes from 0 to {units - 1}")
        weights[int(number)] = real(f"class_weight[{number}]", weight)
    if y.ndim > 2:
        raise ValueError(f"class_weight: got it for a y of shape {y.shape}, needs class numbers or rows of columns")
    labels = y.argmax(axis=1) if y.ndim > 1 and y.shape[1] > 1 else np.round(y.reshape(len(y), -1)[:, 0])
    of_rows = np.ones(len(y), dtype)
    for number, weight in weights.items():
        of_rows[labels == number] = weight
    return row_weights("class_weight", of_rows, len(y), dtype)
