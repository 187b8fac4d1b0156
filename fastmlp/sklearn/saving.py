"""Estimators in files: weights by name, parameters and attributes as JSON.

Reading one makes an estimator of checked values: what is loaded predicts, and learns on. Nothing in a file is executed.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import is_classifier
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.validation import check_is_fitted

from fastmlp.data.arrays import Shape
from fastmlp.data.files import Kind, Tensors, require_same, write
from fastmlp.errors import told
from fastmlp.settings import file_path, find, integer, real
from fastmlp.sklearn import losses, networks
from fastmlp.sklearn.folding import OF_LAYER, OF_NORMALIZATION, folded, normalized
from fastmlp.sklearn.many_outputs import ManyClasses
from fastmlp.sklearn.parameters import SCHEDULES, activations, dropout_rates, hidden_sizes
from fastmlp.sklearn.solver_state import RULES, Optimizer

ESTIMATOR = Kind("estimator", "path", "a file of fastmlp.sklearn.save")
VERSION = 1
NUMBERS = tuple(np.dtype(kind) for kind in "?bBhHiIqQefd")  # of arrays in files
# what is set for a fit, and what scikit-learn sets around one and for the routing of metadata
NOT_SAVED = (
    *("_fit_data", "_skl_callbacks", "_skl_callbacks_to_teardown", "_callback_fit_ctx", "_parent_callback_ctx"),
    "_metadata_request",
)
# attributes that the weights and the others give
LATER = {"quantile"}  # parameters that earlier files have not
DERIVED = ("coefs_", "intercepts_", "batch_norm_", "n_layers_", "out_activation_", "_label_binarizer", "_optimizer")


def save(estimator: Any, path: str | os.PathLike[str]) -> None:
    """Write a fitted estimator, without its callbacks, to a file; errors as of `fastmlp.sklearn.save`."""
    check_is_fitted(estimator)
    write(Path(file_path("path", path)), ESTIMATOR, *describe(estimator))


def describe(estimator: Any) -> tuple[dict[str, Any], Tensors]:
    """Return all there is to an estimator as JSON values and arrays by name."""
    present = vars(estimator)
    cls = next(each for each in type(estimator).__mro__ if each.__module__.startswith("fastmlp.sklearn."))
    names = cls._get_param_names()  # type: ignore[attr-defined]
    for name in sorted(present.keys() - {*names, *ATTRIBUTES, *DERIVED, *NOT_SAVED}):
        raise TypeError(f"{name}: got an attribute that is none of {cls.__name__}'s, needs an estimator without")
    check_settings(estimator)
    dtype = estimator.coefs_[0].dtype
    tensors = {name: np.asarray(array, dtype) for name, array in weights_by_name(estimator).items()}
    require_same({name: (shape, dtype.name) for name, shape in weight_shapes(estimator).items()}, tensors)
    settings = None
    if hasattr(estimator, "_optimizer"):
        settings = estimator._optimizer.__getstate__()
        tensors |= {f"optimizer.{i}": np.asarray(array, dtype) for i, array in enumerate(settings.pop("state"))}
    header = {
        "version": VERSION,
        "class": cls.__name__,
        "parameters": {name: plain(name, present[name], tensors) for name in names if name != "callbacks"},
        "attributes": {name: plain(name, present[name], tensors) for name in ATTRIBUTES if name in present},
        "targets": estimator._label_binarizer.y_type_ if is_classifier(estimator) else None,
        "sparse_targets": getattr(getattr(estimator, "_label_binarizer", None), "sparse_input_", False),
        "optimizer": settings,
    }
    return header, tensors


def restore(header: Mapping[str, Any], tensors: Tensors, classes: Mapping[str, type[Any]]) -> Any:
    """Return the estimator that `describe` described, or raise an error for whatever does not fit together."""
    if header["version"] != VERSION:
        raise ValueError(f"format version {header['version']!r}, this version reads {VERSION}")
    parameters, attributes = (
        {name: unplain(value, tensors) for name, value in header[part].items()} for part in ("parameters", "attributes")
    )
    estimator = find("class", header["class"], classes)(**parameters)
    later = LATER - parameters.keys()  # have their defaults
    require_names("parameters", parameters, set(estimator.get_params(deep=False)) - {"callbacks"} - later)
    optional = OPTIONAL if is_classifier(estimator) else OPTIONAL | {"classes_"}
    require_names("attributes", attributes, ATTRIBUTES.keys() - (optional - attributes.keys()))
    for name, value in attributes.items():
        ATTRIBUTES[name](name, value)
    vars(estimator).update(attributes)
    set_weights(estimator, {name: array for name, array in tensors.items() if not name.startswith("optimizer.")})
    if is_classifier(estimator):
        estimator._label_binarizer = binarizer(header["targets"], estimator)
        if header.get("sparse_targets") is True:
            estimator._label_binarizer.sparse_input_ = True
        check_class_weight(estimator)
    estimator.out_activation_ = estimator._output()
    check_settings(estimator)
    state = {name: array for name, array in tensors.items() if name.startswith("optimizer.")}
    restore_optimizer(estimator, header["optimizer"], state)
    return estimator


def require_names(what: str, found: Mapping[str, Any], needed: set[str]) -> None:
    """Raise ValueError unless there are these names and no others."""
    for name in sorted(found.keys() ^ needed):
        raise ValueError(f"{what}: got {'one' if name in found else 'none'} called {name!r}, needs {sorted(needed)}")


def weights_by_name(estimator: Any) -> Tensors:
    """Return kernels, biases and what normalizes by name: "coefs_.0" is the first kernel."""
    found = {f"coefs_.{i}": kernel for i, kernel in enumerate(estimator.coefs_)}
    found |= {f"intercepts_.{i}": bias for i, bias in enumerate(estimator.intercepts_)}
    for i, layer in enumerate(normalized(estimator)):
        found |= {f"batch_norm_.{name}.{i}": array for name, array in layer.items()}
    return found


def weight_shapes(estimator: Any) -> dict[str, Shape]:
    """Return the shape of each weight by name."""
    hidden = hidden_sizes(estimator.hidden_layer_sizes)
    shapes: dict[str, Shape] = {}
    for i, (inputs, outputs) in enumerate(pairwise([estimator.n_features_in_, *hidden, estimator.n_outputs_])):
        shapes |= {f"coefs_.{i}": (inputs, outputs), f"intercepts_.{i}": (outputs,)}
        if estimator.batch_norm and i < len(hidden):
            shapes |= {f"batch_norm_.{name}.{i}": (outputs,) for name in OF_LAYER}
            shapes[f"batch_norm_.kernel.{i}"] = (inputs, outputs)
    return shapes


def set_weights(estimator: Any, weights: Tensors) -> None:
    """Give an estimator its weights; ValueError unless they are those of its sizes, all of one float type."""
    shapes = weight_shapes(estimator)
    weights = with_folded(weights) if estimator.batch_norm else weights
    dtype = "float32" if weights["coefs_.0"].dtype == np.float32 else "float64"
    require_same({name: (shape, dtype) for name, shape in shapes.items()}, weights)
    count = sum(name.startswith("coefs_.") for name in shapes)
    estimator.n_layers_ = count + 1
    estimator.coefs_ = [weights[f"coefs_.{i}"] for i in range(count)]
    estimator.intercepts_ = [weights[f"intercepts_.{i}"] for i in range(count)]
    layers = range(count - 1) if estimator.batch_norm else ()
    estimator.batch_norm_ = [{name: weights[f"batch_norm_.{name}.{i}"] for name in OF_LAYER} for i in layers]


def with_folded(weights: Tensors) -> Tensors:
    """Return weights with what earlier files lack: there `coefs_` are the kernels before they are normalized."""
    found = dict(weights)
    if any(name.startswith(("batch_norm_.kernel.", "batch_norm_.bias.")) for name in weights):
        return found
    for i in range(sum(name.startswith("batch_norm_.gamma.") for name in weights)):
        layer = {name: weights[f"batch_norm_.{name}.{i}"] for name in OF_NORMALIZATION}
        layer |= {"kernel": weights[f"coefs_.{i}"], "bias": weights[f"intercepts_.{i}"]}
        found |= {f"batch_norm_.{name}.{i}": layer[name] for name in ("kernel", "bias")}
        found[f"coefs_.{i}"], found[f"intercepts_.{i}"] = folded(layer)
    return found


def restore_optimizer(estimator: Any, settings: Mapping[str, Any] | None, state: Tensors) -> None:
    """Give an estimator its optimizer, where there is one, tried on the engine's network."""
    optimizer, rule = Optimizer(estimator), None
    if settings is not None:
        require_names("optimizer", settings, optimizer.__getstate__().keys() - {"state"})
        rates = {name: real(name, settings[name], 0) for name in ("learning_rate", "learning_rate_init", "power_t")}
        integer("step", settings["step"], at_least=0, below=2**63)
        one_of("schedule", settings["schedule"], SCHEDULES)
        rule = {name: value if name == "name" else real(name, value, 0) for name, value in settings["rule"].items()}
        one_of("rule", rule["name"], RULES)
        vars(optimizer).update({**settings, **rates, "rule": rule})
        estimator._optimizer = optimizer
    loss = losses.ENGINE[estimator._engine_loss]
    network = networks.build(estimator, estimator.coefs_[0].dtype, loss, rule, 0.5 * estimator.alpha)
    slots = {f"optimizer.{i}": slot for i, slot in enumerate(network.get_optimizer_state())} if state else {}
    require_same({name: (slot.shape, slot.dtype.name) for name, slot in slots.items()}, state)
    optimizer.set_state([state[name] for name in slots])


def one_of(name: str, value: Any, known: Collection[str]) -> None:
    """Raise ValueError for none of the names."""
    if value not in known:
        raise ValueError(f"{name}: got {told(value)}, needs one of {', '.join(known)}")


def check_settings(estimator: Any) -> None:
    """Raise ValueError or TypeError for parameters that fit would refuse, or that do not fit the weights."""
    estimator._validate_params()
    for name, value in estimator.get_params(deep=False).items():
        if type(value) is int:  # which may be beyond every float
            real(name, value)
    hidden = len(hidden_sizes(estimator.hidden_layer_sizes))
    activations(estimator.activation, hidden)
    dropout_rates(estimator.dropout, hidden)
    if len(getattr(estimator, "feature_names_in_", range(estimator.n_features_in_))) != estimator.n_features_in_:
        raise ValueError(f"feature_names_in_: got another number, needs {estimator.n_features_in_}")
    if estimator.out_activation_ != estimator._output():
        raise ValueError(f"loss: got {estimator.loss!r} for weights of another fit, needs its setting")
    validated = ("validation_scores_", "validation_loss_curve_", "best_validation_score_")
    if len({getattr(estimator, name, None) is None for name in validated}) > 1:
        raise ValueError(f"attributes: got some of {validated}, needs all or none")


def check_class_weight(estimator: Any) -> None:
    """Raise ValueError or TypeError for weights of classes that partial_fit would refuse."""
    weights, classes, targets = estimator.class_weight, estimator.classes_, estimator._label_binarizer.y_type_
    if weights is None or isinstance(weights, str):
        return
    if targets.startswith("multilabel"):
        classes = [np.arange(2)] * estimator.n_outputs_
    elif targets != ManyClasses.y_type_:
        weights, classes = [weights], [classes]
    for each, labels in zip(weights, classes, strict=True):
        if not np.isfinite(compute_class_weight(each, classes=labels, y=labels)).all():
            raise ValueError(f"class_weight: got {each}, needs finite weights")


def binarizer(targets: Any, estimator: Any) -> Any:
    """Return what turns labels into targets, made anew from the classes; ValueError where they do not fit."""
    classes, outputs = estimator.classes_, estimator.n_outputs_
    if targets == ManyClasses.y_type_:
        found = ManyClasses().fit_classes(classes)
        units, same = sum(map(len, found.classes_)), all(map(np.array_equal, found.classes_, classes))
    else:
        several = targets == "multilabel-indicator"
        found = LabelBinarizer().fit(np.ones((1, outputs), int) if several else np.tile(classes, 2))
        units, same = 1 if targets == "binary" else len(found.classes_), np.array_equal(found.classes_, classes)
    if found.y_type_ != targets or units != outputs or not same:
        raise ValueError(f"classes_: got {told(classes)} for {outputs} outputs and targets {targets!r}, needs others")
    return found


# What attributes must be: each raises ValueError or TypeError for a value that it cannot have.


def check_count(name: str, value: Any) -> None:
    integer(name, value, at_least=0, below=2**63)


def check_number(name: str, value: Any) -> None:
    if not isinstance(value, (float, type(None))):
        raise TypeError(f"{name}: got {told(value)}, needs a float or None")


def check_curve(name: str, value: Any) -> None:
    if value is None and name.startswith("validation_"):
        return
    if not isinstance(value, list) or not all(isinstance(each, float) for each in value):
        raise TypeError(f"{name}: got {told(value)}, needs a list of floats")


def check_names(name: str, value: Any) -> None:
    check_labels(name, value)
    if not all(isinstance(each, str) for each in value):
        raise TypeError(f"{name}: got {told(value)}, needs strings")


def check_labels(name: str, value: Any) -> None:
    arrays = value if isinstance(value, list) and value else [value]
    if not all(isinstance(each, np.ndarray) and each.ndim == 1 and each.size for each in arrays):
        raise TypeError(f"{name}: got {told(value)}, needs an array of labels, or a list of such")


ATTRIBUTES = {
    **dict.fromkeys(("n_features_in_", "n_outputs_", "n_iter_", "t_", "_no_improvement_count"), check_count),
    **dict.fromkeys(("_dropout_seed",), check_count),
    **dict.fromkeys(("loss_", "best_loss_", "best_validation_score_"), check_number),
    **dict.fromkeys(("loss_curve_", "validation_scores_", "validation_loss_curve_"), check_curve),
    "feature_names_in_": check_names,
    "classes_": check_labels,
}
OPTIONAL = ATTRIBUTES.keys() - {"n_features_in_", "n_outputs_", "n_iter_", "t_", "_no_improvement_count", "classes_"}


def plain(name: str, value: Any, tensors: Tensors) -> Any:
    """Return a value in terms of JSON, from which `unplain` makes it again; arrays go among the tensors."""
    if isinstance(value, np.generic):
        return plain(name, value.item(), tensors)
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, dict):
        return {"dict": listed(name, value.items(), tensors)}
    if isinstance(value, tuple):
        return {"tuple": listed(name, value, tensors)}
    if isinstance(value, list):
        return listed(name, value, tensors)
    if isinstance(value, np.ndarray) and value.dtype == object:
        return {"objects": listed(name, value.tolist(), tensors)}
    if isinstance(value, np.ndarray) and (value.dtype.kind == "U" or value.dtype in NUMBERS):
        native = np.ascontiguousarray(value, value.dtype.newbyteorder("="))
        is_text = native.dtype.kind == "U"
        tensors[name] = native.view(np.uint32).reshape(*native.shape, -1) if is_text else native
        return {"text" if is_text else "numbers": name}
    raise TypeError(f"{name}: got {type(value).__name__}, needs numbers, text, or lists and dicts of them to be saved")


def listed(name: str, values: Iterable[Any], tensors: Tensors) -> list[Any]:
    return [plain(f"{name}.{i}", value, tensors) for i, value in enumerate(values)]


def unplain(value: Any, tensors: Tensors) -> Any:
    """Return what `plain` made a value of; its arrays leave the tensors."""
    if isinstance(value, list):
        return [unplain(item, tensors) for item in value]
    if not isinstance(value, dict):
        return value
    ((kind, content),) = value.items()
    if kind == "numbers":
        return tensors.pop(content)
    if kind == "text":
        codes = tensors.pop(content)
        text = codes.view(f"<U{codes.shape[-1]}")[..., 0]
        text.tolist()  # for NumPy's error on what is no character
        return text
    items = unplain(content, tensors)
    return np.array(items, dtype=object) if kind == "objects" else {"tuple": tuple, "dict": dict}[kind](items)
