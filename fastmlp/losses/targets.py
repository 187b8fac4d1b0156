"""What y must be for a loss."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastmlp.data.arrays import extremes, in_order, numeric, require_finite, require_values
from fastmlp.errors import told

ROUNDING = 8  # units in the last place by which arithmetic may miss 0 and 1, such as scaling by a minimum and maximum


def within(argument: str, y: np.ndarray, loss: str, dtype: str) -> np.ndarray:
    """Return y clipped to [0, 1] where it is beyond by rounding, in its own type or the model's; else ValueError."""
    low, high = extremes(y)
    if low >= 0 and high <= 1:
        return y
    unit = max(np.finfo(kind).eps for kind in (dtype, y.dtype) if np.dtype(kind).kind == "f")
    if not (low >= -ROUNDING * unit and high <= 1 + ROUNDING * unit):
        raise ValueError(f"{argument}: got values from {low} to {high}, needs 0 to 1 for {loss!r}")
    return np.asarray(np.clip(y, 0, 1))


def rows_of(argument: str, y: Any, rows: int) -> np.ndarray:
    """Return y as an array of numbers with a row for each row of x.

    Raises
    ------
    TypeError
        When y is not an array of real numbers.
    ValueError
        When it has another number of rows.
    """
    y = numeric(argument, y)
    if y.ndim == 0 or len(y) != rows:
        got = "a single value" if y.ndim == 0 else f"{len(y)} rows"
        raise ValueError(f"{argument}: got {got}, needs {rows}, one for each row of x")
    return np.asarray(y)


def labels(argument: str, y: Any, rows: int, units: int, loss: str) -> np.ndarray:
    """Return class numbers as int32 [rows] for the sparse loss of that name.

    Raises
    ------
    TypeError, ValueError
        As of `rows_of`, and when they are not integers in [0, units), but for what is within `ROUNDING` of one.
    """
    y = rows_of(argument, y, rows)
    if units == 1:
        raise ValueError(f"loss: got {told(loss)} for a model of one output, needs at least two outputs")
    if y.shape not in ((rows,), (rows, 1)):
        hint = "; for one-hot rows use loss 'categorical_crossentropy'" if y.shape[1:] == (units,) else ""
        raise ValueError(f"{argument}: got shape {y.shape}, needs ({rows},), class numbers for {loss!r}{hint}")
    require_values(argument, y)
    y = whole(y.reshape(-1))
    low, high = extremes(y)
    if not (low >= 0 and high < units):  # written so that NaN fails too
        raise ValueError(f"{argument}: got labels from {low} to {high}, needs integers from 0 to {units - 1}")
    as_int: np.ndarray = y.astype(np.int32)
    if y.dtype.kind == "f" and not np.array_equal(as_int, y):
        raise ValueError(f"{argument}: got label {y[as_int != y][0]}, needs integers from 0 to {units - 1}")
    return as_int


def whole(y: np.ndarray) -> np.ndarray:
    """Return class numbers without what rounding has added to them; others as they are."""
    if y.dtype.kind != "f":
        return y
    nearest = np.rint(y)
    with np.errstate(invalid="ignore"):
        noise = np.abs(nearest - y) <= ROUNDING * np.finfo(y.dtype).eps * np.maximum(1, np.abs(nearest))
    return np.asarray(nearest) if noise.all() else y


def columns(
    argument: str, y: Any, rows: int, units: int, loss: str, dtype: str, probabilities: bool = False
) -> np.ndarray:
    """Return targets as an array [rows, units] of `dtype` for the loss of that name.

    Raises
    ------
    TypeError, ValueError
        As of `rows_of`, when there is not a column for each output, one has NaN or infinity, or `probabilities` are
        farther from [0, 1] than `ROUNDING`, within which they are clipped.
    """
    y = rows_of(argument, y, rows)
    if y.ndim == 1 and units == 1:
        y = y.reshape(-1, 1)
    if y.shape != (rows, units):
        hint = ""
        if loss == "categorical_crossentropy" and y.shape in ((rows,), (rows, 1)):
            hint = "; for class numbers use loss 'sparse_categorical_crossentropy'"
        raise ValueError(f"{argument}: got shape {y.shape}, needs ({rows}, {units}), a column for each output{hint}")
    require_values(argument, y)
    require_finite(argument, y, dtype)
    if probabilities:
        y = within(argument, y, loss, dtype)
    return in_order(y, dtype)
