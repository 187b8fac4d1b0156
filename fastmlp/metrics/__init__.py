"""Keras' metrics, by name or as objects that also work alone: `m = AUC(); m.update_state(y_true, y_pred); m.result()`.

Each counts in rows in float64, whatever the dtype of the predictions; the values of losses are those of the losses.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from fastmlp.elsewhere import getter
from fastmlp.errors import told
from fastmlp.losses.functions import (
    binary_crossentropy,
    categorical_crossentropy,
    categorical_focal_crossentropy,
    categorical_hinge,
    hinge,
    huber,
    kl_divergence,
    log_cosh,
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_squared_error,
    mean_squared_logarithmic_error,
    poisson,
    sparse_categorical_crossentropy,
    squared_hinge,
)
from fastmlp.metrics.accuracy import (
    Accuracy,
    AnyAccuracy,
    BinaryAccuracy,
    CategoricalAccuracy,
    SparseCategoricalAccuracy,
    SparseTopKCategoricalAccuracy,
    TopKCategoricalAccuracy,
)
from fastmlp.metrics.auc import AUC
from fastmlp.metrics.base import Mean, Metric, RowMetric, Sum
from fastmlp.metrics.confusion import (
    FalseNegatives,
    FalsePositives,
    Precision,
    Recall,
    TrueNegatives,
    TruePositives,
)
from fastmlp.metrics.constrained import (
    PrecisionAtRecall,
    RecallAtPrecision,
    SensitivityAtSpecificity,
    SpecificityAtSensitivity,
)
from fastmlp.metrics.f_scores import F1Score, FBetaScore
from fastmlp.metrics.functions import (
    FUNCTIONS,
    binary_accuracy,
    categorical_accuracy,
    sparse_categorical_accuracy,
    sparse_top_k_categorical_accuracy,
    top_k_categorical_accuracy,
)
from fastmlp.metrics.hinges import CategoricalHinge, Hinge, SquaredHinge
from fastmlp.metrics.probabilistic import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    KLDivergence,
    Poisson,
    SparseCategoricalCrossentropy,
)
from fastmlp.metrics.regression import (
    CosineSimilarity,
    LogCoshError,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    R2Score,
    RootMeanSquaredError,
)
from fastmlp.metrics.wrapper import MeanMetricWrapper
from fastmlp.settings import find, fold, listing, snake_case, subclasses

__all__ = [  # noqa: RUF022, in the order in which errors list them
    "AnyAccuracy",
    "BinaryAccuracy",
    "CategoricalAccuracy",
    "SparseCategoricalAccuracy",
    "TopKCategoricalAccuracy",
    "SparseTopKCategoricalAccuracy",
    "Precision",
    "Recall",
    "F1Score",
    "FBetaScore",
    "AUC",
    "SensitivityAtSpecificity",
    "SpecificityAtSensitivity",
    "PrecisionAtRecall",
    "RecallAtPrecision",
    "TruePositives",
    "FalsePositives",
    "TrueNegatives",
    "FalseNegatives",
    "MeanSquaredError",
    "RootMeanSquaredError",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanSquaredLogarithmicError",
    "LogCoshError",
    "CosineSimilarity",
    "R2Score",
    "BinaryCrossentropy",
    "CategoricalCrossentropy",
    "SparseCategoricalCrossentropy",
    "KLDivergence",
    "Poisson",
    "Hinge",
    "SquaredHinge",
    "CategoricalHinge",
    "Accuracy",
    "METRICS",
    "binary_accuracy",
    "categorical_accuracy",
    "sparse_categorical_accuracy",
    "top_k_categorical_accuracy",
    "sparse_top_k_categorical_accuracy",
    "binary_crossentropy",
    "categorical_crossentropy",
    "categorical_focal_crossentropy",
    "categorical_hinge",
    "hinge",
    "huber",
    "kl_divergence",
    "log_cosh",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_error",
    "mean_squared_logarithmic_error",
    "poisson",
    "sparse_categorical_crossentropy",
    "squared_hinge",
    "Mean",
    "MeanMetricWrapper",
    "Metric",
    "RowMetric",
    "Sum",
    "get",
    "get_list",
]

SHORT = {
    "accuracy": "acc",
    "mean_squared_error": "mse",
    "mean_absolute_error": "mae",
    "mean_absolute_percentage_error": "mape",
    "mean_squared_logarithmic_error": "msle",
    "binary_crossentropy": "bce",
    "kl_divergence": "kullback_leibler_divergence",
}
BASES = (Mean, MeanMetricWrapper, RowMetric, Sum)
NAMES = {
    cls.default_name or snake_case(name): cls
    for name, cls in subclasses(globals(), Metric).items()
    if cls not in (*BASES, Accuracy)  # "accuracy" is the one that fits
}
METRICS = {key: cls for name, cls in NAMES.items() for key in (name, SHORT.get(name)) if key}
METRICS["Accuracy"] = Accuracy
BY_NAME: dict[str, Any] = {**METRICS, **{name: function for name, function in FUNCTIONS.items() if name not in METRICS}}


def get(identifier: Any, argument: str = "metrics", custom_objects: Mapping[str, Any] | None = None) -> Metric:
    """Return the metric for a name, class, instance, function or config; one asked for by name keeps that name.

    Names are those of `METRICS`, and of functions that have no class, such as "huber".

    Parameters
    ----------
    identifier : str, Metric, subclass of Metric, callable or dict
        A function `fn(y_true, y_pred)` is wrapped in `MeanMetricWrapper`; a dict is {"class_name", "config"}.
    argument : str
        What the identifier is called in errors.
    custom_objects : mapping from name to callable or subclass of Metric, optional
        What names in a dict may stand for that are not fastmlp's own.

    Raises
    ------
    ValueError
        For an unknown name; the message lists the known ones.
    TypeError
        For anything that is none of the above, and for a class without `update_state` or `result`, or without
        `reset_state` where it has no variables.
    """
    if isinstance(identifier, Mapping) and set(identifier) == {"class_name", "config"}:
        return revived(argument, identifier["class_name"], dict(identifier["config"]), custom_objects or {})
    metric = identifier
    if isinstance(identifier, str):
        found = find(argument, identifier, BY_NAME)
        metric = found() if isinstance(found, type) else MeanMetricWrapper(found)
        metric.overwrite(name=identifier)
    elif isinstance(identifier, type) and issubclass(identifier, Metric):
        metric = identifier()
    elif callable(identifier) and not isinstance(identifier, (type, Metric)):
        metric = MeanMetricWrapper(identifier)
    if not isinstance(metric, Metric):
        needs = f"one of {listing(METRICS)}, a Metric, or a function of y_true and y_pred"
        raise TypeError(f"{argument}: got {told(identifier)}, needs {needs}")
    return usable(argument, metric)


def revived(argument: str, name: Any, config: dict[str, Any], custom_objects: Mapping[str, Any]) -> Metric:
    """Return the metric of a class's name and what its `get_config` returned."""
    if name == MeanMetricWrapper.__name__:
        known = FUNCTIONS.get(config["fn"]) if config["fn"] not in custom_objects else None
        config["fn"] = known or custom_object(argument, config["fn"], custom_objects)
        return MeanMetricWrapper(**config)
    found = {fold(known.__name__): known for known in METRICS.values()}.get(fold(str(name)))
    known = found if found and name not in custom_objects else custom_object(argument, name, custom_objects)
    if not (isinstance(known, type) and issubclass(known, Metric)):
        raise TypeError(f"custom_objects: got {told(known)} for {name!r}, needs a subclass of Metric")
    return usable(argument, known.from_config(config))


def custom_object(argument: str, name: Any, custom_objects: Mapping[str, Any]) -> Any:
    """Return what the caller gives for a name that is not fastmlp's own, or raise ValueError."""
    if name not in custom_objects:
        needs = f"custom_objects={{{name!r}: ...}} with what the model was compiled with, or compile=False"
        raise ValueError(f"{argument}: got {told(name)}, which is not fastmlp's own, needs {needs}")
    return custom_objects[name]


def usable(argument: str, metric: Metric) -> Metric:
    """Return a metric of truth and prediction, or raise TypeError."""
    kind = type(metric)
    if kind in (Mean, Sum):
        raise TypeError(f"{argument}: got {told(metric)}, needs a metric of y_true and y_pred")
    for method in ("update_state", "result", "reset_state"):
        if getattr(kind, method) is getattr(Metric, method) and not (method == "reset_state" and metric.variables):
            raise TypeError(f"{argument}: got {kind.__name__} without {method}, needs it, result and reset_state")
    return metric


def get_list(metrics: Any, argument: str = "metrics") -> list[Metric]:
    """Return `compile`'s metrics as objects."""
    if metrics is None:
        return []
    if isinstance(metrics, str) or not isinstance(metrics, Sequence):
        raise TypeError(f"{argument}: got {told(metrics)}, needs a list, such as ['accuracy']")
    found = [get(metric, argument) for metric in metrics]
    if len({id(metric) for metric in found}) < len(found):
        raise ValueError(f"{argument}: got the same object twice, needs one for each place")
    return found


if not TYPE_CHECKING:  # type checkers report other names by themselves
    __getattr__ = getter("metrics")
