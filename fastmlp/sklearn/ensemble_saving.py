"""Ensembles in files: arguments and attributes as those of one estimator, and each member as a model's file has it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.base import is_classifier

from fastmlp.data.files import Tensors
from fastmlp.errors import told
from fastmlp.models import Sequential
from fastmlp.sklearn import members_saving
from fastmlp.sklearn.saving import check_count, check_curve, check_labels, check_names


def describe(ensemble: Any) -> tuple[dict[str, Any], Tensors]:
    """Return all there is to an ensemble as JSON values and arrays by name."""
    return members_saving.describe(ensemble, ATTRIBUTES, check, {})


def restore(header: Mapping[str, Any], tensors: Tensors, classes: Mapping[str, type[Any]]) -> Any:
    """Return the ensemble that `describe` described, or raise an error for whatever does not fit together."""
    ensemble = members_saving.restore(header, tensors, classes, ATTRIBUTES, needed)
    check(ensemble)
    return ensemble


def needed(ensemble: Any) -> set[str]:
    """Return the attributes that a file must have."""
    return OF_ALL | ({"classes_"} if is_classifier(ensemble) else {"_is_flat"})


def check(ensemble: Any) -> None:
    """Raise ValueError or TypeError for what fit would refuse, or would not have made."""
    ensemble._validate_params()
    ensemble._settings_of_members()
    members, features = ensemble.estimators_, ensemble.n_features_in_
    for name in ("estimators_samples_", "loss_curves_", "validation_loss_curves_"):
        found = len(getattr(ensemble, name))
        if found != len(members) or not members:
            raise ValueError(f"{name}: got {found}, needs one for each of {len(members)} members")
    if len(getattr(ensemble, "feature_names_in_", range(features))) != features:
        raise ValueError(f"feature_names_in_: got another number, needs {features}")
    outputs = max(2, len(ensemble.classes_)) if is_classifier(ensemble) else members[0].output_shape[-1]
    if not is_classifier(ensemble) and ensemble._is_flat and outputs != 1:
        raise ValueError(f"estimators_: got {outputs} outputs, needs one for y [rows]")
    for number, member in enumerate(members):
        kind = type(member), member.input_shape, member.output_shape, member.dtype
        if kind != (Sequential, (None, features), (None, outputs), members[0].dtype):
            needs = f"a Sequential from {features} features to {outputs} outputs, of the same dtype as the others"
            raise ValueError(f"estimators_[{number}]: got {kind}, needs {needs}")


def check_bags(name: str, value: Any) -> None:
    if not isinstance(value, list) or not all(
        isinstance(each, np.ndarray) and each.ndim == 1 and each.dtype.kind in "iu" for each in value
    ):
        raise TypeError(f"{name}: got {told(value)}, needs a list of arrays of row numbers")


def check_curves(name: str, value: Any) -> None:
    if not isinstance(value, list):
        raise TypeError(f"{name}: got {told(value)}, needs a list")
    for number, each in enumerate(value):
        check_curve(f"{name}[{number}]", each)


def check_classes(name: str, value: Any) -> None:
    check_labels(name, value)
    if isinstance(value, list) or not np.array_equal(np.unique(value), value):
        raise ValueError(f"{name}: got {told(value)}, needs an array of different labels in order")


def check_flag(name: str, value: Any) -> None:
    if not isinstance(value, bool):
        raise TypeError(f"{name}: got {told(value)}, needs True or False")


OF_ALL = {"n_features_in_", "n_iter_", "estimators_samples_", "loss_curves_", "validation_loss_curves_"}
ATTRIBUTES = {
    "n_features_in_": check_count,
    "n_iter_": check_count,
    "estimators_samples_": check_bags,
    "loss_curves_": check_curves,
    "validation_loss_curves_": check_curves,
    "feature_names_in_": check_names,
    "classes_": check_classes,
    "_is_flat": check_flag,
}
