"""fastmlp: multilayer perceptrons on the CPU, by Keras' names.

`Sequential` builds a network from `layers`, `fit` trains it with the compiled engine of `kernels`. Everything is
imported on first use, so that `import fastmlp` costs next to nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fastmlp import activations as activations
    from fastmlp import backend as backend
    from fastmlp import callbacks as callbacks
    from fastmlp import config as config
    from fastmlp import constraints as constraints
    from fastmlp import datasets as datasets
    from fastmlp import initializers as initializers
    from fastmlp import kernels as kernels
    from fastmlp import layers as layers
    from fastmlp import losses as losses
    from fastmlp import metrics as metrics
    from fastmlp import models as models
    from fastmlp import optimizers as optimizers
    from fastmlp import plots as plots
    from fastmlp import regularizers as regularizers
    from fastmlp import report as report
    from fastmlp import sklearn as sklearn
    from fastmlp import utils as utils
    from fastmlp.config import show_config as show_config
    from fastmlp.config.threads import get_num_threads as get_num_threads
    from fastmlp.config.threads import set_num_threads as set_num_threads
    from fastmlp.initializers import Initializer as Initializer
    from fastmlp.layers import Input as Input
    from fastmlp.layers import Layer as Layer
    from fastmlp.losses import Loss as Loss
    from fastmlp.metrics import Metric as Metric
    from fastmlp.models import Model as Model
    from fastmlp.models import Sequential as Sequential
    from fastmlp.models import load_model as load_model
    from fastmlp.optimizers import Optimizer as Optimizer
    from fastmlp.regularizers import Regularizer as Regularizer
    from fastmlp.sklearn import MLPClassifier as MLPClassifier
    from fastmlp.sklearn import MLPEnsembleClassifier as MLPEnsembleClassifier
    from fastmlp.sklearn import MLPEnsembleRegressor as MLPEnsembleRegressor
    from fastmlp.sklearn import MLPRegressor as MLPRegressor
    from fastmlp.sklearn import TableClassifier as TableClassifier
    from fastmlp.sklearn import TableRegressor as TableRegressor
    from fastmlp.training.many import fit_many as fit_many
    from fastmlp.training.many import predict_many as predict_many

    __version__: str

MODULES = (
    "activations",
    "backend",
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
    "report",
    "utils",
)
HOMES = {
    "Input": "layers",
    "Initializer": "initializers",
    "Layer": "layers",
    "Loss": "losses",
    "Metric": "metrics",
    "Model": "models",
    "Optimizer": "optimizers",
    "Regularizer": "regularizers",
    "Sequential": "models",
    "fit_many": "training.many",
    "get_num_threads": "config.threads",
    "load_model": "models",
    "predict_many": "training.many",
    "set_num_threads": "config.threads",
    "show_config": "config",
}
ESTIMATORS = (
    "MLPClassifier",
    "MLPEnsembleClassifier",
    "MLPEnsembleRegressor",
    "MLPRegressor",
    "TableClassifier",
    "TableRegressor",
)
OPTIONAL = dict.fromkeys(ESTIMATORS, "sklearn")  # need scikit-learn: no part of `import *`

if not TYPE_CHECKING:  # type checkers take the imports above, and report other names
    __all__ = sorted(["__version__", *MODULES, *HOMES])

    def __getattr__(name):
        if name in MODULES or name == "sklearn":
            return importlib.import_module(f"fastmlp.{name}")
        if name in HOMES or name in OPTIONAL:
            return getattr(importlib.import_module(f"fastmlp.{(HOMES | OPTIONAL)[name]}"), name)
        if name == "__version__":
            metadata = importlib.import_module("importlib.metadata")
            try:
                return metadata.version("fastmlp")
            except metadata.PackageNotFoundError:  # built in place, and not installed
                return "0+unknown"
        raise importlib.import_module("fastmlp.elsewhere").missing("fastmlp", name)

    def __dir__():
        return sorted([*__all__, *OPTIONAL, "sklearn"])
