"""What a caller's arrays must be.

Arrays that the engine reads as they are (uint8, float32, float64; C-contiguous) are passed on without a copy.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from fastmlp.config.memory import available_memory
from fastmlp.config.threads import threads_for
from fastmlp.data import sparse, tables
from fastmlp.kernels import ranges

LOADED_AS_IS = (np.uint8, np.float32, np.float64)
WHOLE = (np.int32, np.int64)
CHUNK_ROWS = 1024
LARGE = 2**30  # bytes, from which on it is asked whether memory holds a copy
MOST_ITEMS = 2**32  # of an object that has them by number

Shape = tuple[int, ...]


def features(argument: str, x: Any, shape: Shape | None, dtype: str) -> np.ndarray:
    """Return x as a checked C-contiguous array [rows, *shape] of uint8, float32 or float64.

    `shape` is that of the model's rows, or None when it is to be taken from x. A last axis of one may lack, or be one
    too many, as in Keras.

    Raises
    ------
    TypeError
        When x is not an array of real numbers.
    ValueError
        When its shape does not fit, it is empty, or it has NaN, infinity or values beyond the range of `dtype`.
    """
    given, x = x, numeric(argument, x)
    if shape is not None and x.ndim and shape in ((*x.shape[1:], 1), x.shape[1:-1] if x.shape[-1] == 1 else None):
        x = x.reshape(len(x), *shape)
    require_rows(argument, x, shape)
    require_finite(argument, x, dtype, given)
    # Types of the other byte order are not among those.
    return in_order(x if x.dtype in LOADED_AS_IS else x.astype(dtype))


def in_order(array: np.ndarray, dtype: Any = None) -> np.ndarray:
    """Return an array as the engine reads it: C-contiguous, and aligned, as those from another process may not be."""
    found = np.ascontiguousarray(array, dtype)
    return found if found.flags.aligned else found.copy()


def sparse_features(argument: str, x: Any, shape: Shape | None, dtype: str) -> Any:
    """Return x, of scipy.sparse, as a checked CSR matrix or array [rows, features] of uint8, float32 or float64.

    Parameters, values and errors are those of `features`; x itself stays as it is.
    """
    require_rows(argument, x, shape)
    rows = sparse.csr(argument, x)
    try:
        require_finite(argument, rows.data, dtype)
    except ValueError:
        first = int(np.argmax(~(np.abs(rows.data) <= np.finfo(dtype).max)))
        row = int(np.searchsorted(rows.indptr, first, side="right")) - 1
        raise not_finite(argument, rows.data[first], row, dtype) from None
    return rows if rows.dtype in LOADED_AS_IS else rows.astype(dtype)


def require_rows(argument: str, x: Any, shape: Shape | None) -> None:
    """Raise ValueError unless x has rows of that shape, or where it is None of any, and is not empty."""
    if x.ndim < (1 if shape == () else 2) or (shape is not None and x.shape[1:] != shape):
        needs = "(rows, features)" if shape is None else f"({', '.join(map(str, ('rows', *shape)))})"
        hint = f"; a single row is {argument}[None]" if x.shape == shape else ""
        raise ValueError(f"{argument}: got shape {x.shape}, needs {needs}{hint}")
    if 0 in x.shape:
        raise ValueError(f"{argument}: got an empty array of shape {x.shape}, needs at least one row and column")


def weight_arrays(argument: str, values: Any, shapes: list[Shape], dtype: str) -> list[np.ndarray]:
    """Return copies of `values` as C-contiguous arrays of `dtype`; raise TypeError or ValueError if they do not fit."""
    if isinstance(values, np.ndarray) and values.dtype == object and values.ndim == 1:
        values = list(values)  # as NumPy keeps arrays of unequal shapes in one
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


def gradient_arrays(gradients: Any, shapes: list[Shape], dtype: str) -> list[np.ndarray]:
    """Return gradients as `weight_arrays` returns arrays; ValueError also where one is not finite."""
    arrays = weight_arrays("gradients", gradients, shapes, dtype)
    for index, array in enumerate(arrays):
        require_finite(f"gradients[{index}]", array, dtype)
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
    if type(values) is np.ndarray and values.dtype.kind in "buif":
        if values.nbytes > LARGE:
            require_room(argument, values)
        return values
    columns = tables.columns_of(values)
    if columns is not None:
        return tables.array_of(argument, values, columns)
    # of numpy.ma, without importing it
    if isinstance(values, np.ndarray) and np.any(getattr(values, "mask", False)):
        raise ValueError(f"{argument}: got masked values, needs an array without them")
    if sparse.is_sparse(values):
        return np.asarray(sparse.csr(argument, values).toarray())
    elif is_counted(values):
        values = items_of(argument, values)
    array = as_array(argument, values)
    got = f"an array of dtype {array.dtype}" if isinstance(values, np.ndarray) else f"{type(values).__name__}"
    if array.dtype.kind == "O" and array.size and array.ndim:
        array = tables.objects_array(f"{argument}: got {got}", array)
    if array.dtype.kind not in "buif":
        raise TypeError(f"{argument}: got {got}, needs an array of real numbers")
    if array.nbytes > LARGE:
        require_room(argument, array)
    return array


def require_room(argument: str, array: np.ndarray) -> None:
    """Raise ValueError where numbers that are repeated without memory of their own would need more than there is."""
    if 0 in array.strides and array.nbytes > available_memory():
        raise ValueError(f"{argument}: got repeated numbers of shape {array.shape}, needs as many as memory holds")


def as_array(argument: str, values: Any) -> np.ndarray:
    """Return what NumPy makes of an array of any library, or of lists; TypeError or ValueError where it cannot."""
    if not hasattr(values, "__array__") and callable(getattr(values, "numpy", None)):
        values = values.numpy()
    try:
        return np.asarray(values)
    except ValueError as error:
        raise ValueError(f"{argument}: got {error}, needs rows of equal lengths") from None
    except MemoryError:
        raise ValueError(f"{argument}: got {type(values).__name__}, needs numbers that memory holds") from None
    except (RuntimeError, TypeError) as error:  # of a tensor that cannot be one
        raise TypeError(f"{argument}: got {type(values).__name__}, needs an array of real numbers: {error}") from None


def is_counted(values: Any) -> bool:
    """Whether an object has items by number, whose end NumPy would not find: it asks for one after another."""
    kind = type(values)
    known = any(hasattr(kind, name) for name in ("__iter__", "__array__", "__array_interface__", "__buffer__"))
    return not known and hasattr(kind, "__getitem__") and hasattr(kind, "__len__")


def items_of(argument: str, values: Any) -> list[Any]:
    """Return items by number as a list; ValueError for more than memory holds, or where the length is not theirs."""
    count = len(values)
    if count > MOST_ITEMS:
        raise ValueError(f"{argument}: got {count} items, needs at most {MOST_ITEMS}")
    try:
        return [values[number] for number in range(count)]
    except IndexError:
        raise ValueError(f"{argument}: got fewer items than its length of {count} says") from None


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


def require_finite(argument: str, array: np.ndarray, dtype: str, given: Any = None) -> None:
    """Raise ValueError at the first row with a value that is not finite in `dtype`, in a column of the table given."""
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
            place, called = np.argwhere(bad)[0], tables.labels(given)
            column = "" if called is None else f" of {called[int(place[-1]) if len(called) > 1 else 0]}"
            raise not_finite(argument, part[bad][0], start + int(place[0]), dtype, column)


def not_finite(argument: str, value: Any, row: int, dtype: str, column: str = "") -> ValueError:
    """Return the error for a value that is not finite in `dtype`."""
    needs = f"numbers within the range of {dtype}" if np.isfinite(value) else "finite numbers"
    return ValueError(f"{argument}: got {value} in row {row}{column}, needs {needs}")
