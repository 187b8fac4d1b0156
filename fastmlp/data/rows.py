"""What a caller's arrays must be, and how they are handed to the engine.

Arrays that the engine reads as they are (uint8, float32, float64; C-contiguous) are passed on without a copy.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from fastmlp.config.threads import threads_for
from fastmlp.kernels.finite import all_finite
from fastmlp.layers import Shape
from fastmlp.losses import Loss

LOADED_AS_IS = (np.uint8, np.float32, np.float64)
CHUNK_ROWS = 1024


@dataclass(frozen=True)
class Data:
    """Checked arrays as the engine takes them: x [rows, features], y [rows] or [rows, units], weights [rows].

    `y_true` is what metrics take for y where the loss takes something else.
    """

    x: np.ndarray
    y: np.ndarray
    sample_weight: np.ndarray | None = None
    y_true: np.ndarray | None = None

    @property
    def rows(self) -> int:
        return len(self.x)

    def part(self, start: int, stop: int) -> Data:
        weights, y_true = (None if one is None else one[start:stop] for one in (self.sample_weight, self.y_true))
        return Data(self.x[start:stop], self.y[start:stop], weights, y_true)


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


def targets(argument: str, y: Any, rows: int, units: int, loss: Loss, dtype: str) -> np.ndarray:
    """Return y as metrics take it: int32 [rows] for a sparse loss, else [rows, units] of `dtype`.

    A loss of the user's own takes any numbers, as they are, a row for each row of x.

    Raises
    ------
    TypeError
        When y is not an array of real numbers.
    ValueError
        When its shape does not fit the model, it has NaN or infinity, labels are not integers in [0, units), or the
        targets of another cross-entropy are not in [0, 1].
    """
    y = numeric(argument, y)
    if y.ndim == 0 or len(y) != rows:
        got = "a single value" if y.ndim == 0 else f"{len(y)} rows"
        raise ValueError(f"{argument}: got {got}, needs {rows}, one for each row of x")
    if loss.own:
        return np.asarray(y)
    return labels(argument, y, units, loss) if loss.sparse else columns(argument, y, units, loss, dtype)


def labels(argument: str, y: np.ndarray, units: int, loss: Loss) -> np.ndarray:
    if units == 1:
        raise ValueError(f"loss: got {loss.kernel!r} for a model of one output, needs at least two outputs")
    if y.shape not in ((len(y),), (len(y), 1)):
        hint = "; for one-hot rows use loss 'categorical_crossentropy'" if y.shape[1:] == (units,) else ""
        raise ValueError(f"{argument}: got shape {y.shape}, needs ({len(y)},), class numbers for {loss.kernel!r}{hint}")
    require_values(argument, y)
    y = y.reshape(-1)
    low, high = extremes(y)
    if not (low >= 0 and high < units):  # written so that NaN fails too
        raise ValueError(f"{argument}: got labels from {low} to {high}, needs integers from 0 to {units - 1}")
    as_int = y.astype(np.int32)
    if y.dtype.kind == "f" and not np.array_equal(as_int, y):
        raise ValueError(f"{argument}: got label {y[as_int != y][0]}, needs integers from 0 to {units - 1}")
    return as_int


def columns(argument: str, y: np.ndarray, units: int, loss: Loss, dtype: str) -> np.ndarray:
    if y.ndim == 1 and units == 1:
        y = y.reshape(-1, 1)
    if y.shape != (len(y), units):
        hint = ""
        if loss.kernel == "categorical_crossentropy" and y.shape in ((len(y),), (len(y), 1)):
            hint = "; for class numbers use loss 'sparse_categorical_crossentropy'"
        raise ValueError(f"{argument}: got shape {y.shape}, needs ({len(y)}, {units}), a column for each output{hint}")
    require_values(argument, y)
    require_finite(argument, y, dtype)
    low, high = extremes(y)
    if loss.probabilities and not (low >= 0 and high <= 1):
        raise ValueError(f"{argument}: got values from {low} to {high}, needs 0 to 1 for {loss.kernel!r}")
    return np.ascontiguousarray(y, dtype)


def weights(argument: str, values: Any, shapes: list[Shape], dtype: str) -> list[np.ndarray]:
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
        arrays.append(np.array(array, dtype=dtype, order="C"))
    return arrays


def unlabelled(argument: str, x: Any, shape: Shape | None, dtype: str) -> tuple[Shape, Data]:
    """Return the shape of the rows of x and the checked array, with targets of no columns; errors as in `features`."""
    array = features(argument, x, shape, dtype)
    return array.shape[1:], Data(array.reshape(len(array), -1), np.empty((len(array), 0)))


def unpack(argument: str, value: Any) -> tuple[Any, Any, Any]:
    """Return `validation_data`, or a batch, as (x, y, sample_weight), which is None where there is none."""
    if not isinstance(value, (tuple, list)):
        raise TypeError(f"{argument}: got {type(value).__name__}, needs (x, y)")
    if len(value) not in (2, 3):
        raise ValueError(f"{argument}: got {len(value)} items, needs two or three: (x, y) or (x, y, sample_weight)")
    return value[0], value[1], value[2] if len(value) == 3 else None


def float_type(dtype: Any) -> str:
    """Return a model's dtype by name, or raise ValueError."""
    for name in ("float32", "float64"):
        if dtype == name or dtype in (np.dtype(name), np.dtype(name).type):
            return name
    raise ValueError(f"dtype: got {dtype!r}, needs 'float32' or 'float64'")


def numeric(argument: str, values: Any) -> np.ndarray:
    """Return `values` as a plain array of real numbers.

    Raises
    ------
    TypeError
        For anything else.
    ValueError
        For rows of unequal lengths, and for values under a mask, which a plain array would bring to light.
    """
    if isinstance(values, np.ndarray) and np.any(getattr(values, "mask", False)):  # without importing numpy.ma
        raise ValueError(f"{argument}: got masked values, needs an array without them")
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise ValueError(f"{argument}: {error}; needs rows of equal lengths") from None
    if array.dtype.kind not in "buif":
        got = f"an array of dtype {array.dtype}" if isinstance(values, np.ndarray) else f"{type(values).__name__}"
        raise TypeError(f"{argument}: got {got}, needs an array of real numbers")
    return array


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
    with np.errstate(invalid="ignore"):
        return array.min(), array.max()


def require_finite(argument: str, array: np.ndarray, dtype: str) -> None:
    """Raise ValueError at the first row with a value that is not finite in `dtype`."""
    if array.dtype.kind != "f":
        return
    limit = np.finfo(dtype).max
    if array.dtype in LOADED_AS_IS and array.flags.forc:
        finite = all_finite(array.reshape(-1, order="A"), dtype == "float32", threads_for(array.size))
    else:
        low, high = extremes(array)
        finite = -limit <= low and high <= limit  # false for NaN
    if finite:
        return
    for start in range(0, len(array), CHUNK_ROWS):
        part = array[start : start + CHUNK_ROWS]
        bad = ~(np.abs(part) <= limit)  # true for NaN
        if bad.any():
            value, row = part[bad][0], start + int(np.argwhere(bad)[0][0])
            needs = f"numbers within the range of {dtype}" if np.isfinite(value) else "finite numbers"
            raise ValueError(f"{argument}: got {value} in row {row}, needs {needs}")
