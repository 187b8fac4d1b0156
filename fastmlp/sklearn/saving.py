"""Estimators in safetensors files: arguments and attributes as JSON, weights as tensors; nothing is executed."""

from __future__ import annotations

import json
import os
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils.validation import check_is_fitted

from fastmlp.files import write_whole
from fastmlp.sklearn.manyclasses import ManyClasses
from fastmlp.sklearn.networks import OF_NORMALIZATION
from fastmlp.sklearn.optimizer import Optimizer

FORMAT = "fastmlp.sklearn 1"
WEIGHTS = ("coefs_", "intercepts_")
NORMALIZATIONS = "batch_norm_"
OF_A_RUN = ("_fit_data", "_skl_callbacks", "_skl_callbacks_to_teardown", "_callback_fit_ctx")
LEFT_OUT = (*WEIGHTS, NORMALIZATIONS, *OF_A_RUN, "_label_binarizer")


def save(estimator: Any, path: str | os.PathLike[str]) -> None:
    """Write a fitted estimator, without its callbacks, to a file, whole or not at all.

    Raises
    ------
    TypeError
        Naming the argument or attribute, when it is nothing that JSON can hold: a function, a RandomState; for what is
        none of the estimators here, as a Pipeline around one.
    """
    from safetensors.numpy import save as to_bytes

    from fastmlp.sklearn import MLPClassifier, MLPRegressor

    if not isinstance(estimator, (MLPClassifier, MLPRegressor)):
        raise TypeError(f"estimator: got {type(estimator).__name__}, needs an MLPClassifier or MLPRegressor of fastmlp")
    check_is_fitted(estimator)
    tensors = {f"{name}.{i}": array for name in WEIGHTS for i, array in enumerate(getattr(estimator, name))}
    for i, normalization in enumerate(estimator.batch_norm_):
        tensors |= {f"{NORMALIZATIONS}.{name}.{i}": array for name, array in normalization.items()}
    attributes = {name: value for name, value in vars(estimator).items() if name not in LEFT_OUT} | {"callbacks": None}
    optimizer = attributes.pop("_optimizer", None)
    if optimizer is not None:
        settings = dict(vars(optimizer))
        tensors |= {f"optimizer.{i}": array for i, array in enumerate(settings.pop("state"))}
        attributes["_optimizer"] = settings
    if hasattr(estimator, "_label_binarizer"):
        attributes["_label_binarizer"] = estimator._label_binarizer.y_type_
    header = {name: plain(name, value) for name, value in attributes.items()}
    described = {"format": FORMAT, "class": type(estimator).__name__, "attributes": json.dumps(header)}
    content = to_bytes({name: np.ascontiguousarray(array) for name, array in tensors.items()}, described)
    write_whole(path, lambda file: file.write(content))


def load(path: str | os.PathLike[str]) -> Any:
    """Read an estimator that `save` wrote; ValueError when the file has none."""
    from safetensors import SafetensorError, safe_open

    from fastmlp.sklearn import MLPClassifier, MLPRegressor

    classes = {"MLPClassifier": MLPClassifier, "MLPRegressor": MLPRegressor}
    try:
        with safe_open(path, framework="np") as file:
            described, names = file.metadata() or {}, list(file.keys())
            tensors = {name: file.get_tensor(name) for name in names}
    except SafetensorError as error:
        raise ValueError(f"path: got {os.fspath(path)!r}, needs a file of fastmlp.sklearn.save: {error}") from None
    if described.get("format") != FORMAT or described.get("class") not in classes:
        raise ValueError(f"path: got {os.fspath(path)!r}, needs a file of fastmlp.sklearn.save")
    estimator = classes[described["class"]]()
    attributes = {name: unplain(value) for name, value in json.loads(described["attributes"]).items()}
    optimizer, targets = attributes.pop("_optimizer", None), attributes.pop("_label_binarizer", None)
    vars(estimator).update(attributes)
    for name in WEIGHTS:
        setattr(estimator, name, numbered(name, tensors))
    columns = [numbered(f"{NORMALIZATIONS}.{name}", tensors) for name in OF_NORMALIZATION]
    estimator.batch_norm_ = [dict(zip(OF_NORMALIZATION, row, strict=True)) for row in zip(*columns, strict=True)]
    if optimizer is not None:
        estimator._optimizer = Optimizer(estimator)
        vars(estimator._optimizer).update(optimizer, state=numbered("optimizer", tensors))
    if targets is not None:
        estimator._label_binarizer = binarizer(targets, estimator)
    return estimator


def numbered(name: str, tensors: dict[str, NDArray[Any]]) -> list[NDArray[Any]]:
    count = sum(key.startswith(f"{name}.") for key in tensors)
    return [tensors[f"{name}.{i}"] for i in range(count)]


def binarizer(targets: str, estimator: Any) -> Any:
    """What turns labels into targets, made anew from the classes."""
    if targets == ManyClasses.y_type_:
        return ManyClasses().fit_classes(estimator.classes_)
    several = targets.startswith("multilabel")
    return LabelBinarizer().fit(np.ones((1, estimator.n_outputs_), int) if several else estimator.classes_)


def plain(name: str, value: Any) -> Any:
    """A value in terms of JSON, from which `unplain` makes it again."""
    if isinstance(value, np.ndarray):
        kind = "object" if value.dtype == object else value.dtype.str
        return {"array": plain(name, value.tolist()), "dtype": kind}
    if isinstance(value, np.generic):
        return plain(name, value.item())
    if isinstance(value, dict):
        return {"dict": [[plain(name, key), plain(name, item)] for key, item in value.items()]}
    if isinstance(value, tuple):
        return {"tuple": [plain(name, item) for item in value]}
    if isinstance(value, list):
        return [plain(name, item) for item in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise TypeError(f"{name}: got {type(value).__name__}, needs numbers, text, or lists and dicts of them to be saved")


def unplain(value: Any) -> Any:
    if isinstance(value, list):
        return [unplain(item) for item in value]
    if not isinstance(value, dict):
        return value
    if "array" in value:
        return np.array(unplain(value["array"]), dtype=value["dtype"])
    if "tuple" in value:
        return tuple(unplain(value["tuple"]))
    return {unplain(key): unplain(item) for key, item in value["dict"]}
