"""What the files of estimators with networks as members have in common: arguments, attributes, and each member as a
model's file has it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from fastmlp.data.files import Tensors
from fastmlp.models import saving as model_files
from fastmlp.settings import find
from fastmlp.sklearn.saving import plain, require_names, unplain

VERSION = 1
Checks = Mapping[str, Callable[[str, Any], None]]  # of attributes, by their names


def describe(
    estimator: Any, checks: Checks, check: Callable[[Any], None], more: Mapping[str, Any]
) -> tuple[dict[str, Any], Tensors]:
    """Return all there is to an estimator, checked, as JSON values and arrays by name; `more` is described apart."""
    present = vars(estimator)
    cls = next(each for each in type(estimator).__mro__ if each.__module__.startswith("fastmlp.sklearn."))
    names = cls._get_param_names()  # type: ignore[attr-defined]
    apart = {"estimators_", "_metadata_request", *(f"{name}_" for name in more)}
    for name in sorted(present.keys() - {*names, *checks, *apart}):
        raise TypeError(f"{name}: got an attribute that is none of {cls.__name__}'s, needs an estimator without")
    check(estimator)
    tensors: Tensors = {}
    header = {
        "version": VERSION,
        "class": cls.__name__,
        "parameters": {name: plain(name, present[name], tensors) for name in names},
        "attributes": {name: plain(name, present[name], tensors) for name in checks if name in present},
        **more,
    }
    members = []
    for number, member in enumerate(estimator.estimators_):
        described, arrays = model_files.describe(member)
        members.append(described)
        tensors |= {f"member.{number}/{name}": array for name, array in arrays.items()}
    return {**header, "members": members}, tensors


def restore(
    header: Mapping[str, Any],
    tensors: Tensors,
    classes: Mapping[str, type[Any]],
    checks: Checks,
    needed: Callable[[Any], set[str]],
) -> Any:
    """Return the estimator that `describe` described, without what is described apart; `needed` names its attributes.

    Raises an error for whatever does not fit together.
    """
    if header["version"] != VERSION:
        raise ValueError(f"format version {header['version']!r}, this version reads {VERSION}")
    parameters, attributes = (
        {name: unplain(value, tensors) for name, value in header[part].items()} for part in ("parameters", "attributes")
    )
    estimator = find("class", header["class"], classes)(**parameters)
    require_names("parameters", parameters, set(estimator.get_params(deep=False)))
    optional = attributes.keys() & {"feature_names_in_"}
    require_names("attributes", attributes, needed(estimator) | optional)
    for name, value in attributes.items():
        checks[name](name, value)
    vars(estimator).update(attributes)
    estimator.estimators_ = []
    for number, described in enumerate(header["members"]):
        start = f"member.{number}/"
        arrays = {name.removeprefix(start): tensors.pop(name) for name in list(tensors) if name.startswith(start)}
        estimator.estimators_.append(model_files.restore(None, described, arrays))
    if tensors:
        raise ValueError(f"arrays: got {sorted(tensors)}, needs those of {len(header['members'])} members alone")
    return estimator
