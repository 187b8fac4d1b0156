"""What a caller's arrays must be.

Arrays that the engine reads as they are (uint8, float32, float64; C-contiguous) are passed on without a copy.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from fastmlp.config.threads import threads_for
from fastmlp.kernels import ranges

LOADED_AS_IS = (np.uint8, np.float32, np.float64)
WHOLE = (np.int32, np.int64)
CHUNK_ROWS = 1024

Shape = tuple[int, ...]


def features(argument: str, x: Any, shape: Shape | None, dtype: str) -> np.ndarray:
    """Return x as a checked C-contiguous array [rows, *shape] of uint8, float32 or float64.

    `shape` is that of the model's rows, or None when it is to be taken from x; a model of one input also takes x of
    shape [rows].

    Raises
    ------
    TypeError
        When x is not an array of real numbers.
    ValueError
        When its shape does not fit, it is empty, or it has NaN, infinity or values beyond the range of `dtype`.
    """
    x = numeric(argument, x)
    if x.ndim == 1 and shape == (1,):
        x = x.reshape(-1, 1)
    if x.ndim < 2 or (shape is not None and x.shape[1:] != shape):
        needs = "(rows, features)" if shape is None else f"(rows, {', '.join(map(str, shape))})"
        hint = f"; a single row is {argument}[None]" if x.shape == shape else ""
        raise ValueError(f"{argument}: got shape {x.shape}, needs {needs}{hint}")
    require_values(argument, x)
    require_finite(argument, x, dtype)
    # Types of the other byte order are not among those.
    return np.ascontiguousarray(x if x.dtype in LOADED_AS_IS else x.astype(dtype))


def weight_arrays(argument: str, values: Any, shapes: list[Shape], dtype: str) -> list[np.ndarray]:
    """Return copies of `values` as C-contiguous arrays of `dtype`; raise TypeError or ValueError if they do not fit."""
    if not isinstance(values, (list, tuple)):
        raise TypeError(f"{argument}: got {type(values).__name__}, needs a list of arrays as get_weights returns it")
    if len(values) != len(shapes):
        raise ValueError(f"{argument}: got {len(values)} arrays, needs {len(shapes)}")
    arrays = []
    for index, (value, shape) in enumerate(zip(values, shapes, strict=True)):
        name = f"{argument}[{index}]"
        array = numeric(name, value)
        if array.shape != shape:
            raise ValueError(f"{name}: got shape {array.shape}, needs {shape}")
        with np.errstate(over="ignore"):
            arrays.append(np.array(array, dtype=dtype, order="C"))
        if array.dtype.itemsize > arrays[-1].itemsize and not np.array_equal(np.isinf(array), np.isinf(arrays[-1])):
            got = array[np.isinf(arrays[-1]) & ~np.isinf(array)][0]
            raise ValueError(f"{name}: got {got}, needs numbers within the range of {dtype}")
    return arrays


def numeric(argument: str, values: Any) -> np.ndarray:
    """Return `values` as a plain array of real numbers.

    Raises
    ------
    TypeError
        For anything else.
    ValueError
        For rows of unequal lengths, and for values under a mask, which a plain array would bring to light.
    """
    # of numpy.ma, without importing it
    if type(values) is not np.ndarray and isinstance(values, np.ndarray) and np.any(getattr(values, "mask", False)):
        raise ValueError(f"{argument}: got masked values, needs an array without them")
    if is_counted(values):
        values = [values[number] for number in range(len(values))]
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise ValueError(f"{argument}: got {error}, needs rows of equal lengths") from None
    if array.dtype.kind not in "buif":
        got = f"an array of dtype {array.dtype}" if isinstance(values, np.ndarray) else f"{type(values).__name__}"
        raise TypeError(f"{argument}: got {got}, needs an array of real numbers")
    return array


def is_counted(values: Any) -> bool:
    """Whether an object has items by number, whose end NumPy would not find: it asks for one after another."""
    kind = type(values)
    known = any(hasattr(kind, name) for name in ("__iter__", "__array__", "__array_interface__", "__buffer__"))
    return not known and hasattr(kind, "__getitem__") and hasattr(kind, "__len__")


def require_memory(argument: str, array: Any, shape: Shape, dtype: str) -> None:
    """Raise ValueError unless `array` is a writable C-contiguous array of just that shape and dtype."""
    fits = isinstance(array, np.ndarray) and array.shape == shape and array.dtype == dtype and array.flags.carray
    if not fits:
        got = f"{array.dtype} {array.shape}" if isinstance(array, np.ndarray) else type(array).__name__
        raise ValueError(f"{argument}: got {got}, needs a writable C-contiguous {dtype} array of shape {shape}")


def require_values(argument: str, array: np.ndarray) -> None:
    if array.size == 0:
        raise ValueError(f"{argument}: got an empty array of shape {array.shape}, needs at least one row and column")


def extremes(array: np.ndarray) -> tuple[Any, Any]:
    """Return the smallest and the largest value, NaN if there is one; this takes no temporary array."""
    if array.ndim == 1 and array.dtype in WHOLE and array.size and array.flags.c_contiguous and array.flags.aligned:
        return ranges.extremes(array)
    with np.errstate(invalid="ignore"):
        return array.min(), array.max()


def require_numbers_below(argument: str, array: np.ndarray, limit: int) -> None:
    """Raise ValueError unless the numbers are from 0 to below a limit."""
    low, high = extremes(array)
    if low < 0 or high >= limit:
        raise ValueError(f"{argument}: got numbers from {low} to {high}, needs 0 to {limit - 1}")


def require_finite(argument: str, array: np.ndarray, dtype: str) -> None:
    """Raise ValueError at the first row with a value that is not finite in `dtype`."""
    if array.dtype.kind != "f":
        return
    as_is = array.dtype in LOADED_AS_IS and array.flags.forc
    if as_is and ranges.all_finite(array.reshape(-1, order="A"), dtype == "float32", threads_for(array.size)):
        return
    limit = np.finfo(dtype).max
    low, high = extremes(array)
    if -limit <= low and high <= limit:  # false for NaN
        return
    for start in range(0, len(array), CHUNK_ROWS):
        part = array[start : start + CHUNK_ROWS]
        bad = ~(np.abs(part) <= limit)  # true for NaN
        if bad.any():
            value, row = part[bad][0], start + int(np.argwhere(bad)[0][0])
            needs = f"numbers within the range of {dtype}" if np.isfinite(value) else "finite numbers"
            raise ValueError(f"{argument}: got {value} in row {row}, needs {needs}")
