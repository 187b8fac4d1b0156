"""fastmlp: multilayer perceptrons on the CPU, by Keras' names.

`Sequential` builds a network from `layers`, `fit` trains it with the compiled engine of `kernels`. Everything is
imported on first use, so that `import fastmlp` costs next to nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fastmlp import (
        activations,
        callbacks,
        config,
        constraints,
        datasets,
        initializers,
        kernels,
        layers,
        losses,
        metrics,
        models,
        optimizers,
        plots,
        regularizers,
        utils,
    )
    from fastmlp.config import show_config
    from fastmlp.config.threads import get_num_threads, set_num_threads
    from fastmlp.layers import Input
    from fastmlp.models import Sequential, load_model
    from fastmlp.sklearn import MLPClassifier as MLPClassifier
    from fastmlp.sklearn import MLPRegressor as MLPRegressor

MODULES = (
    "activations",
    "callbacks",
    "config",
    "constraints",
    "datasets",
    "initializers",
    "kernels",
    "layers",
    "losses",
    "metrics",
    "models",
    "optimizers",
    "plots",
    "regularizers",
    "utils",
)
HOMES = {
    "Input": "layers",
    "Sequential": "models",
    "MLPClassifier": "sklearn",
    "MLPRegressor": "sklearn",
    "get_num_threads": "config.threads",
    "load_model": "models",
    "set_num_threads": "config.threads",
    "show_config": "config",
}
OPTIONAL = ("MLPClassifier", "MLPRegressor", "sklearn")  # need scikit-learn: no part of `import *`

__all__ = [
    "Input",
    "Sequential",
    "__version__",
    "activations",
    "callbacks",
    "config",
    "constraints",
    "datasets",
    "get_num_threads",
    "initializers",
    "kernels",
    "layers",
    "load_model",
    "losses",
    "metrics",
    "models",
    "optimizers",
    "plots",
    "regularizers",
    "set_num_threads",
    "show_config",
    "utils",
]


def __getattr__(name: str) -> Any:
    if name in MODULES or name == "sklearn":
        return importlib.import_module(f"fastmlp.{name}")
    if name in HOMES:
        return getattr(importlib.import_module(f"fastmlp.{HOMES[name]}"), name)
    if name == "__version__":
        return importlib.import_module("importlib.metadata").version("fastmlp")
    raise AttributeError(f"module 'fastmlp' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, *OPTIONAL])
