"""Global settings by Keras' names, and what this build of fastmlp is and how it runs here."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np

from fastmlp.elsewhere import getter
from fastmlp.errors import told
from fastmlp.settings import is_among

EPSILON = 1e-7  # probabilities are clipped to [EPSILON, 1 - EPSILON]; a constant of the kernels

_floatx = "float32"


def floatx() -> str:
    """Return the dtype of models that are made without one: "float32", unless `set_floatx` has changed it."""
    return _floatx


def set_floatx(value: Any) -> None:
    """Set the dtype of models that are made from now on without one; ValueError unless "float32" or "float64"."""
    global _floatx
    _floatx = float_type(value)


def float_type(dtype: Any) -> str:
    """Return a model's dtype by name, or raise ValueError."""
    for name in ("float32", "float64"):
        if is_among(dtype, (name, np.dtype(name), np.dtype(name).type)):
            return name
    raise ValueError(f"dtype: got {told(dtype)}, needs 'float32' or 'float64'")


def epsilon() -> float:
    """Return the distance from 0 and 1 to which probabilities are clipped before a logarithm: 1e-7, as in Keras."""
    return EPSILON


def backend() -> str:
    """Return what computes: "fastmlp", the compiled engine."""
    return "fastmlp"


def image_data_format() -> str:
    """Return the order of a picture's axes, which is the caller's own here: "channels_last", Keras' default."""
    return "channels_last"


def show_config() -> None:
    """Print the version, and the Pythons, instruction sets and threads that fastmlp was built for and uses."""
    from fastmlp.config.threads import get_num_threads
    from fastmlp.kernels import isa

    print(f"fastmlp {version('fastmlp')}")
    print(f"built for: {'Python 3.11 and newer' if isa.has_limited_api() else 'this version of Python'}")
    print(f"instruction sets: {', '.join(isa.supported())} (in use: {isa.name()})")
    print(f"OpenMP: {'yes' if isa.has_openmp() else 'no, one thread'}")
    print(f"threads: at most {get_num_threads()}")


if not TYPE_CHECKING:  # type checkers report other names by themselves
    __getattr__ = getter("config")
