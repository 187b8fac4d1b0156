"""Estimators of tables in files: arguments, preparation and targets as JSON, networks as a model's file has them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from sklearn.base import is_classifier

from fastmlp.data.files import Tensors
from fastmlp.errors import told
from fastmlp.sklearn import members_saving
from fastmlp.sklearn.ensemble_saving import check_classes
from fastmlp.sklearn.saving import check_count, check_names
from fastmlp.tables.preparation import Preparation
from fastmlp.tables.targets import Numbers


def check_weights(name: str, value: Any) -> None:
    """Raise ValueError for what are no weights of networks."""
    if not isinstance(value, list) or not all(isinstance(each, float) and 0 <= each <= 1 for each in value):
        raise ValueError(f"{name}: got {told(value)}, needs a list of numbers from 0 to 1")


ATTRIBUTES = {
    "n_features_in_": check_count,
    "n_iter_": check_count,
    "feature_names_in_": check_names,
    "classes_": check_classes,
    "weights_": check_weights,
}


def describe(estimator: Any) -> tuple[dict[str, Any], Tensors]:
    """Return all there is to an estimator as JSON values and arrays by name."""
    target = None if is_classifier(estimator) else estimator.target_.to_data()
    more = {"preparation": estimator.preparation_.to_data(), "target": target}
    return members_saving.describe(estimator, ATTRIBUTES, check, more)


def restore(header: Mapping[str, Any], tensors: Tensors, classes: Mapping[str, type[Any]]) -> Any:
    """Return the estimator that `describe` described, or raise an error for whatever does not fit together."""
    estimator = members_saving.restore(header, tensors, classes, ATTRIBUTES, needed)
    estimator.preparation_ = Preparation.from_data(header["preparation"])
    if not is_classifier(estimator):
        estimator.target_ = Numbers.from_data(header["target"])
    check(estimator)
    return estimator


def needed(estimator: Any) -> set[str]:
    """Return the attributes that a file must have."""
    return {"n_features_in_", "n_iter_", "weights_"} | ({"classes_"} if is_classifier(estimator) else set())


def check(estimator: Any) -> None:
    """Raise ValueError or TypeError for what fit would refuse, or would not have made."""
    estimator._validate_params()
    if not estimator.estimators_:
        raise ValueError("estimators_: got none, needs at least one network")
    if len(estimator.weights_) != len(estimator.estimators_) or not math.isclose(sum(estimator.weights_), 1):
        raise ValueError(f"weights_: got {estimator.weights_}, needs one for each network, 1 in all")
    features = estimator.n_features_in_
    if len(getattr(estimator, "feature_names_in_", range(features))) != features:
        raise ValueError(f"feature_names_in_: got another number, needs {features}")
    inputs = [(None, width) for width in estimator.preparation_.input_widths]
    outputs = (None, max(2, len(estimator.classes_)) if is_classifier(estimator) else 1)
    for number, member in enumerate(estimator.estimators_):
        shape = member.input_shape
        found = shape if isinstance(shape, list) else [shape]
        if (found, member.output_shape) != (inputs, outputs):
            needs = f"a network from {inputs} to {outputs}"
            raise ValueError(f"estimators_[{number}]: got one from {found} to {member.output_shape}, needs {needs}")
