"""A custom loss: a function of truth and prediction that returns values and their gradient."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from fastmlp.errors import told
from fastmlp.losses.base import Loss
from fastmlp.losses.targets import rows_of

ValueAndGradient = tuple[Any, np.ndarray]


class Custom(Loss):
    """A loss `fn(y_true, y_pred) -> (value, gradient)`, called once for each batch.

    Parameters
    ----------
    fn : callable
        y_true are the batch's rows of y as they were given, but that numbers [rows] become [rows, 1] for one output, as
        in Keras; y_pred the outputs [rows, units] in the model's dtype.
        `value` is the loss of each row, [rows], or their mean as a number; `gradient` [rows, units] is that of the mean
        over the rows with respect to y_pred.
    """

    custom = True

    def __init__(self, fn: Callable[[Any, np.ndarray], ValueAndGradient]):
        if not callable(fn):
            raise TypeError(f"loss: got {told(fn)}, needs a function of y_true and y_pred")
        self.fn = fn
        self.engine_name = getattr(fn, "__name__", type(fn).__name__)  # type: ignore[misc]
        super().__init__()

    @property
    def spec(self) -> Any:
        """What the engine calls."""
        return self.checked

    def targets(self, argument: str, y: Any, rows: int, units: int, dtype: str) -> np.ndarray:
        rows_of_y = rows_of(argument, y, rows)
        return rows_of_y.reshape(-1, 1) if rows_of_y.ndim == units == 1 else rows_of_y

    def get_config(self) -> dict[str, Any]:
        return {"fn": self.engine_name}

    def checked(self, y_true: Any, y_pred: np.ndarray) -> ValueAndGradient:
        """Call the function and return what it returned, as numbers of the dtype of y_pred.

        Raises
        ------
        TypeError, ValueError
            When that is not (value, gradient), or has another shape.
        """
        returned, name = self.fn(y_true, y_pred), f"loss {self.engine_name!r}"
        if not isinstance(returned, (tuple, list)) or len(returned) != 2:
            got = f"{len(returned)} items" if isinstance(returned, (tuple, list)) else type(returned).__name__
            raise TypeError(f"{name}: got {got}, needs (value, gradient)")
        value, gradient = (numbers(name, item, y_pred) for item in returned)
        if value.shape not in ((), y_pred.shape[:1]):
            raise ValueError(f"{name}: got a value of shape {value.shape}, needs {y_pred.shape[:1]} or one number")
        if gradient.shape != y_pred.shape:
            raise ValueError(f"{name}: got a gradient of shape {gradient.shape}, needs {y_pred.shape} as y_pred")
        return value if value.ndim else value[()], gradient


def numbers(name: str, values: Any, like: np.ndarray) -> np.ndarray:
    """Return values as a C-contiguous array of the dtype of `like`, or raise TypeError."""
    array = np.asarray(values)
    if array.dtype.kind not in "iuf":
        raise TypeError(f"{name}: got numbers of dtype {array.dtype}, needs real ones")
    return np.asarray(array, like.dtype, order="C")


def revived(config: Mapping[str, Any], custom_objects: Mapping[str, Any]) -> Custom:
    """Return the loss of a saved model, by the caller's function of that name; ValueError without one."""
    name = config["fn"]
    if name not in custom_objects:
        needs = f"custom_objects={{{name!r}: ...}} with the function that the model was compiled with, or compile=False"
        raise ValueError(f"loss: got {told(name)}, which is not fastmlp's own, needs {needs}")
    return Custom(custom_objects[name])
