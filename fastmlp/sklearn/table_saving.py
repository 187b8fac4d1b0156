"""Estimators of tables in files: arguments, preparation and targets as JSON, networks as a model's file has them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sklearn.base import is_classifier

from fastmlp.data.files import Tensors
from fastmlp.models import saving as model_files
from fastmlp.settings import find
from fastmlp.sklearn.ensemble_saving import check_classes
from fastmlp.sklearn.saving import check_count, check_names, plain, require_names, unplain
from fastmlp.tables.preparation import Preparation
from fastmlp.tables.targets import Numbers

VERSION = 1
ATTRIBUTES = {
    "n_features_in_": check_count,
    "n_iter_": check_count,
    "feature_names_in_": check_names,
    "classes_": check_classes,
}


def describe(estimator: Any) -> tuple[dict[str, Any], Tensors]:
    """Return all there is to an estimator as JSON values and arrays by name."""
    present = vars(estimator)
    cls = next(each for each in type(estimator).__mro__ if each.__module__.startswith("fastmlp.sklearn."))
    names = cls._get_param_names()  # type: ignore[attr-defined]
    own = {"preparation_", "target_", "estimators_", "_metadata_request"}
    for name in sorted(present.keys() - {*names, *ATTRIBUTES, *own}):
        raise TypeError(f"{name}: got an attribute that is none of {cls.__name__}'s, needs an estimator without")
    check(estimator)
    tensors: Tensors = {}
    header = {
        "version": VERSION,
        "class": cls.__name__,
        "parameters": {name: plain(name, present[name], tensors) for name in names},
        "attributes": {name: plain(name, present[name], tensors) for name in ATTRIBUTES if name in present},
        "preparation": estimator.preparation_.to_data(),
        "target": None if is_classifier(estimator) else estimator.target_.to_data(),
    }
    members = []
    for number, member in enumerate(estimator.estimators_):
        described, arrays = model_files.describe(member)
        members.append(described)
        tensors |= {f"member.{number}/{name}": array for name, array in arrays.items()}
    return {**header, "members": members}, tensors


def restore(header: Mapping[str, Any], tensors: Tensors, classes: Mapping[str, type[Any]]) -> Any:
    """Return the estimator that `describe` described, or raise an error for whatever does not fit together."""
    if header["version"] != VERSION:
        raise ValueError(f"format version {header['version']!r}, this version reads {VERSION}")
    parameters, attributes = (
        {name: unplain(value, tensors) for name, value in header[part].items()} for part in ("parameters", "attributes")
    )
    estimator = find("class", header["class"], classes)(**parameters)
    require_names("parameters", parameters, set(estimator.get_params(deep=False)))
    own = {"classes_"} if is_classifier(estimator) else set()
    optional = attributes.keys() & {"feature_names_in_"}
    require_names("attributes", attributes, {"n_features_in_", "n_iter_"} | own | optional)
    for name, value in attributes.items():
        ATTRIBUTES[name](name, value)
    vars(estimator).update(attributes)
    estimator.preparation_ = Preparation.from_data(header["preparation"])
    if not is_classifier(estimator):
        estimator.target_ = Numbers.from_data(header["target"])
    estimator.estimators_ = []
    for number, described in enumerate(header["members"]):
        start = f"member.{number}/"
        arrays = {name.removeprefix(start): tensors.pop(name) for name in list(tensors) if name.startswith(start)}
        estimator.estimators_.append(model_files.restore(None, described, arrays))
    if tensors:
        raise ValueError(f"arrays: got {sorted(tensors)}, needs those of {len(header['members'])} members alone")
    check(estimator)
    return estimator


def check(estimator: Any) -> None:
    """Raise ValueError or TypeError for what fit would refuse, or would not have made."""
    estimator._validate_params()
    if not estimator.estimators_:
        raise ValueError("estimators_: got none, needs at least one network")
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
