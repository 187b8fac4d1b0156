"""Global settings by Keras' names, and what this build of fastmlp is and how it runs here."""

from __future__ import annotations

from typing import Any

EPSILON = 1e-7  # probabilities are clipped to [EPSILON, 1 - EPSILON]; a constant of the kernels

_floatx = "float32"


def floatx() -> str:
    """Return the dtype of models that are made without one: "float32", unless `set_floatx` has changed it."""
    return _floatx


def set_floatx(value: Any) -> None:
    """Set the dtype of models that are made from now on without one; ValueError unless "float32" or "float64"."""
    from fastmlp.data import float_type

    global _floatx
    _floatx = float_type(value)


def epsilon() -> float:
    """Return the distance from 0 and 1 to which probabilities are clipped before a logarithm: 1e-7, as in Keras."""
    return EPSILON


def show_config() -> None:
    """Print the version, and the Pythons, instruction sets and threads that fastmlp was built for and uses."""
    import fastmlp
    from fastmlp.kernels import isa
    from fastmlp.threads import get_num_threads

    print(f"fastmlp {fastmlp.__version__}")
    print(f"built for: {'Python 3.11 and newer' if isa.has_limited_api() else 'this version of Python'}")
    print(f"instruction sets: {', '.join(isa.supported())} (in use: {isa.name()})")
    print(f"OpenMP: {'yes' if isa.has_openmp() else 'no, one thread'}")
    print(f"threads: at most {get_num_threads()}")
