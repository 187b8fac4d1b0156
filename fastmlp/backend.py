"""`keras.backend`: what scripts ask of it that train dense networks; arrays are NumPy's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastmlp.config import backend as backend
from fastmlp.config import epsilon as epsilon
from fastmlp.config import floatx as floatx
from fastmlp.config import image_data_format as image_data_format
from fastmlp.config import set_floatx as set_floatx
from fastmlp.data.arrays import as_array
from fastmlp.elsewhere import getter
from fastmlp.utils import clear_session as clear_session


def get_value(x: Any) -> Any:
    """Return the value of a variable, or of a learning rate, as NumPy has it."""
    return x.numpy() if hasattr(x, "numpy") else as_array("x", x)[()]


def set_value(x: Any, value: Any) -> None:
    """Set a variable, or `optimizer.learning_rate`; TypeError for what cannot be set."""
    if not hasattr(x, "assign"):
        raise TypeError(f"x: got {type(x).__name__}, needs a variable, or an optimizer's learning_rate")
    x.assign(value)


if not TYPE_CHECKING:  # type checkers report other names by themselves
    __getattr__ = getter("backend")
