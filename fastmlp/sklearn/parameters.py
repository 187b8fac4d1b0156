"""What the constructors accept, in the terms of scikit-learn's parameter validation, and names of activations."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.metrics import get_scorer_names
from sklearn.utils._param_validation import Interval, Options, StrOptions
from sklearn.utils.validation import validate_data

from fastmlp.callbacks import Callback
from fastmlp.errors import told
from fastmlp.kernels.engine.description import ACTIVATION_SETTINGS, ACTIVATIONS
from fastmlp.kernels.limits import MAX_THREADS
from fastmlp.settings import is_among

# scikit-learn's names and the engine's; the other activations have one name
HIDDEN = {"identity": "linear", "logistic": "sigmoid"}
OF_ROWS = {"softmax", "log_softmax", "sparsemax"}
HIDDEN |= {name: name for name in ACTIVATIONS if name not in {"linear", "sigmoid", *OF_ROWS, *ACTIVATION_SETTINGS}}
OUTPUT = {"identity": "linear", "logistic": "sigmoid", "softmax": "softmax", "exp": "exponential"}

STOCHASTIC = ("sgd", "adam")
SCHEDULES = ("constant", "invscaling", "adaptive")

CONSTRAINTS: dict[str, list[Any]] = {
    "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
    "activation": [StrOptions(set(HIDDEN)), "array-like"],
    "solver": [StrOptions({"lbfgs", *STOCHASTIC})],
    "alpha": [Interval(Real, 0, None, closed="left")],
    "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
    "learning_rate": [StrOptions(set(SCHEDULES)), callable],
    "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
    "power_t": [Interval(Real, 0, None, closed="left")],
    "max_iter": [Interval(Integral, 1, None, closed="left")],
    "shuffle": ["boolean"],
    "random_state": ["random_state"],
    "tol": [Interval(Real, 0, None, closed="left")],
    "verbose": ["verbose", StrOptions({"progress"})],
    "warm_start": ["boolean"],
    "momentum": [Interval(Real, 0, 1, closed="both")],
    "nesterovs_momentum": ["boolean"],
    "early_stopping": ["boolean"],
    "validation_fraction": [Interval(Real, 0, 1, closed="left")],
    "beta_1": [Interval(Real, 0, 1, closed="left")],
    "beta_2": [Interval(Real, 0, 1, closed="left")],
    "epsilon": [Interval(Real, 0, None, closed="neither")],
    "n_iter_no_change": [Interval(Integral, 1, None, closed="left"), Options(Real, {np.inf})],
    "max_fun": [Interval(Integral, 1, None, closed="left")],
    # beyond scikit-learn
    "dropout": [Interval(Real, 0, 1, closed="left"), "array-like"],
    "batch_norm": ["boolean"],
    "scoring": [None, StrOptions({"loss", *get_scorer_names()}), callable],
    "restore_best": ["boolean", StrOptions({"auto"})],
    "keep_optimizer": ["boolean"],
    "callbacks": [None, Callback, list, tuple],
    "dtype": [None, StrOptions({"float32", "float64"})],
    "n_threads": [None, Interval(Integral, 1, MAX_THREADS, closed="both")],
}


def keep(estimator: Any, arguments: Mapping[str, Any]) -> None:
    """Keep the arguments of a constructor untouched, as attributes of their names."""
    for name, value in arguments.items():
        if name not in ("self", "__class__"):
            setattr(estimator, name, value)


def validated(estimator: Any, *arrays: Any, **settings: Any) -> Any:
    """Return what scikit-learn's `validate_data` returns; its errors, and ValueError for numbers beyond every float.

    Also for more numbers than memory holds.
    """
    try:
        return validate_data(estimator, *arrays, **settings)
    except OverflowError:
        raise ValueError("X or y: got numbers beyond every float, needs finite ones") from None
    except MemoryError:
        raise ValueError("X or y: got more numbers than memory holds, needs fewer rows") from None


MOST_LAYERS = 10_000


def hidden_sizes(sizes: Any) -> list[int]:
    """Return hidden_layer_sizes as a list; ValueError for a size below 1, TypeError for one that is no integer."""
    several = hasattr(sizes, "__iter__") and not (isinstance(sizes, np.ndarray) and not sizes.ndim)
    if several and hasattr(sizes, "__len__") and len(sizes) > MOST_LAYERS:
        raise ValueError(f"hidden_layer_sizes: got {len(sizes)} sizes, needs {MOST_LAYERS} at most")
    found = []
    for size in sizes if several else [sizes]:
        try:
            found.append(operator.index(size))
        except TypeError:
            raise TypeError(f"hidden_layer_sizes: got {told(size)}, needs integers") from None
    if any(size <= 0 for size in found):
        raise ValueError(f"hidden_layer_sizes must be > 0, got {found}.")
    return found


def per_layer(name: str, value: Any, count: int) -> list[Any]:
    """Return one value, or a list of one for each hidden layer, as such a list; ValueError for another count."""
    if isinstance(value, (str, Real)):
        return [value] * count
    if not isinstance(value, (list, tuple, np.ndarray)) or (isinstance(value, np.ndarray) and not value.ndim):
        raise TypeError(f"{name}: got {told(value)}, needs one value, or a list of {count}")
    found = list(value) if len(value) == count else []
    if len(value) != count:
        raise ValueError(f"{name}: got {len(value)} values, needs one, or {count}: one for each hidden layer")
    return found


def activations(value: Any, count: int) -> list[str]:
    """Return the argument activation as names, one for each hidden layer; ValueError for an unknown one."""
    found = per_layer("activation", value, count)
    for name in found:
        if not is_among(name, HIDDEN):
            raise ValueError(f"activation: got {told(name)}, needs one of {', '.join(sorted(HIDDEN))}")
    return found


def dropout_rates(value: Any, count: int) -> list[float]:
    """Return the argument dropout as rates, one for each hidden layer; ValueError for one outside of [0, 1)."""
    found = per_layer("dropout", value, count)
    for rate in found:
        if not isinstance(rate, Real) or not 0 <= float(rate) < 1:
            raise ValueError(f"dropout: got {told(rate)}, needs rates of at least 0 and below 1")
    return [float(rate) for rate in found]
