"""Models in files: safetensors with the weights by name, and everything else as JSON in its metadata.

Reading one makes objects of fastmlp's own classes from checked values; nothing in a file is executed.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fastmlp import metrics
from fastmlp.data.files import MODEL, STATES, Tensors, read, require_same, write
from fastmlp.errors import told
from fastmlp.layers import Layer
from fastmlp.losses.compiled import each
from fastmlp.losses.custom import Custom
from fastmlp.losses.custom import revived as revived_loss
from fastmlp.models.config import Reader, config_of
from fastmlp.settings import integer, to_plain
from fastmlp.training.model import Model

VERSION = 2
READABLE = (1, 2)  # 1 has layers in a row alone, all of them trained


def save_model(model: Model, path: Path, include_optimizer: bool) -> None:
    """Write a model to a file, whole or not at all; arguments as of `models.save_model`."""
    write(path, MODEL, *describe(model, include_optimizer))


def save_weights(model: Model, path: Path) -> None:
    """Write a model's weights alone to a file, whole or not at all."""
    write(path, MODEL, {"version": VERSION, "weights_only": True}, weights_of(model))


def load_model(path: Any, custom_objects: Mapping[str, Any] | None, compile: bool) -> Any:
    """Return the model of a file; arguments and errors as of `models.load_model`."""

    def made(header: dict[str, Any], tensors: Tensors) -> Any:
        cls = (custom_objects or {}).get(str(header.get("class")))
        if cls is not None and not (isinstance(cls, type) and issubclass(cls, Model)):
            base = "Model" if "calls" in header["model"] else "Sequential"
            raise TypeError(f"custom_objects: got {told(cls)} for {header['class']!r}, needs a subclass of {base}")
        return restore(cls, *(header, tensors) if compile else uncompiled(header, tensors), custom_objects)

    return read(path, MODEL, made)


def load_weights(model: Model, path: Any, skip_mismatch: bool, by_name: bool) -> None:
    """Set a model's weights from a file of a model or of weights; arguments and errors as of `Model.load_weights`."""

    def set_weights(header: Mapping[str, Any], tensors: Tensors) -> None:
        weights = weights_in(tensors)
        if not skip_mismatch and not by_name:
            set_values(model, weights)
            return
        variables = model.named_variables()
        known = {name: array for name, array in weights.items() if name in variables}
        fitting = {name: array for name, array in known.items() if array.shape == variables[name].shape}
        expected = known if by_name else {**weights, **variables}
        if len(fitting) < len(expected):
            others = ", ".join(sorted(expected.keys() - fitting.keys()))
            if not skip_mismatch:
                raise ValueError(f"weights: got other shapes of {others}, needs those of the model")
            warnings.warn(f"weights: passed over {others}, which do not fit", stacklevel=2)
        arrays = {name: variables[name].check(array) for name, array in fitting.items()}
        for name, array in arrays.items():
            variables[name].write(array)

    read(path, MODEL, set_weights, changes=True)


def get_backup(model: Model, epoch: int) -> tuple[dict[str, Any], Tensors]:
    """Return all of a model that is being trained, and the epoch to go on with."""
    header, tensors = describe(model)
    return {**header, "epoch": epoch}, tensors


def set_backup(model: Model, header: Mapping[str, Any], tensors: Tensors) -> int:
    """Bring a model to the state that `get_backup` returned; return the epoch to go on with.

    Raises
    ------
    ValueError
        When it is of a model with other layers, optimizer, loss or metrics.
    """
    epoch = integer("epoch", header["epoch"], at_least=0)
    expected, saved = identity(config_of(model), compiled_of(model)), identity(header["model"], header["compile"])
    for part in expected:
        if expected[part] != saved.get(part):
            raise ValueError(f"{part} of another model: {saved.get(part)!r:.300}, needs {expected[part]!r:.300}")
    assert model.optimizer is not None
    run = {
        "seed": integer("seed", header["model"]["seed"], at_least=0),
        "epochs_trained": integer("epochs_trained", header["epochs_trained"], at_least=0),
    }
    optimizer = type(model.optimizer).from_config(header["compile"]["optimizer"]["config"])
    step, state = state_in(model, header, tensors)
    set_values(model, weights_in(tensors))
    model.optimizer.take_rate(optimizer)
    model.go_on_from(step, state, **run)
    return epoch


def identity(config: Mapping[str, Any], compiled: Mapping[str, Any]) -> dict[str, Any]:
    """Return what must be the same where a run goes on; a seed and a learning rate it brings along."""
    optimizer = compiled["optimizer"]
    settings = {name: value for name, value in optimizer["config"].items() if name != "learning_rate"}
    return {**without_seeds(config), **compiled, "optimizer": {**optimizer, "config": settings}}


def without_seeds(config: Any) -> Any:
    """Return a model's description without its seed, and without those of the models in it."""
    if isinstance(config, list):
        return [without_seeds(item) for item in config]
    if not isinstance(config, Mapping):
        return config
    is_model = "layers" in config
    return {name: without_seeds(item) for name, item in config.items() if not (is_model and name == "seed")}


def compiled_of(model: Model) -> dict[str, Any]:
    """Return what a model was compiled with as JSON values."""
    outputs, found = len(model.goals), model.compiled_metrics
    return {
        "optimizer": to_plain(model.optimizer),
        "loss": to_plain(model.loss),
        "loss_weights": model.loss_weights,
        "metrics": to_plain(found.by_output(False, outputs)),
        "weighted_metrics": to_plain(found.by_output(True, outputs)),
    }


def describe(model: Model, include_optimizer: bool = True) -> tuple[dict[str, Any], Tensors]:
    """Return all there is to a model as JSON values and arrays by name; of custom objects only the names."""
    custom_objects_of(model)  # for its error
    header = {
        "version": VERSION,
        "class": type(model).__name__,
        "model": config_of(model),
        "arguments": arguments_of(model),
        "attributes": attributes_of(model),
        "classes": plain_classes(model),
        "compile": None if model.optimizer is None else compiled_of(model),
        "epochs_trained": model.epochs_trained,
        "step": 0,
    }
    tensors: Tensors = {}
    if model.built:
        tensors.update(weights_of(model))
        if include_optimizer and model.optimizer is not None:
            header["step"] = model.network.step
            header["frozen"] = model.frozen_when_compiled()
            state = model.network.get_optimizer_state()
            trained = trained_names(model)
            tensors.update((state_name(trained, index), array) for index, array in enumerate(state))
    return header, tensors


def restore(
    cls: Any,
    header: Mapping[str, Any],
    tensors: Mapping[str, np.ndarray],
    custom_objects: Mapping[str, Any] | None = None,
) -> Any:
    """Return the model that `describe` described, or raise ValueError, TypeError or KeyError."""
    if header["version"] not in READABLE:
        raise ValueError(f"format version {header['version']!r}, this version reads {VERSION}")
    arguments = header.get("arguments")
    if cls is None or arguments is None:
        model = Reader(custom_objects).model(cls, header["model"])
        set_attributes(model, header.get("attributes", {}))
    else:
        model = made_by(cls, arguments, Reader(custom_objects).model(None, header["model"]))
    if header["compile"] is not None:
        model.compile(**revived(header["compile"], custom_objects or {}))
        model.compile_frozen(header.get("frozen", []))
    model.epochs_trained = integer("epochs_trained", header["epochs_trained"], at_least=0)
    if header.get("classes") is not None:
        model.classes = header["classes"]
        if plain_classes(model) is None:
            raise ValueError(f"classes: got {told(model.classes)}, needs a list of strings or numbers")
    tensors = {name: array for name, array in tensors.items() if not name.startswith(STATES)}
    # Compared before the network is made: a header cannot ask for more memory than the file has weights.
    names = model.weight_names if model.built else {}
    state = {name: array for name, array in tensors.items() if name.startswith("optimizer/") and name not in names}
    set_values(model, {name: array for name, array in tensors.items() if name not in state})
    if state or integer("step", header["step"], at_least=0, below=2**63):
        model.go_on_from(*state_in(model, header, tensors))
    return model


def weights_of(model: Model) -> Tensors:
    """Return a model's weights by their names by levels."""
    return {name: variable.numpy() for name, variable in model.named_variables().items()}


def weights_in(tensors: Tensors) -> Tensors:
    """Return those arrays of a file that are weights of its model."""
    return {name: array for name, array in tensors.items() if not name.startswith(("optimizer/", STATES))}


def set_values(model: Model, weights: Tensors) -> None:
    """Set a model's weights by name; ValueError unless they are just those, and of its dtype."""
    names = model.weight_names if model.built else {}
    require_same({name: (shape, model.dtype) for name, shape in names.items()}, weights)
    if names:
        model.set_weights([weights[name] for name in names])


def state_in(
    model: Model, header: Mapping[str, Any], tensors: Mapping[str, np.ndarray]
) -> tuple[int, list[np.ndarray]]:
    """Return the number of updates and the optimizer's state in a file; ValueError where they do not fit."""
    step = integer("step", header["step"], at_least=0, below=2**63)
    state = {name: array for name, array in tensors.items() if name.startswith("optimizer/")}
    slots = model.network.get_optimizer_state() if model.built else []
    trained = trained_names(model) if slots else []
    shapes = {state_name(trained, index): slot.shape for index, slot in enumerate(slots)}
    if state or step:
        require_same({name: (shape, model.dtype) for name, shape in shapes.items()}, state)
    return step, [np.ascontiguousarray(state[name]) for name in shapes] if state else slots


def trained_names(model: Model) -> list[str]:
    """Return the names of the weights that the network trains, in its order."""
    names = {variable: name for name, variable in model.named_variables().items()}
    return [names[variable] for variable in model.trained]


def arguments_of(model: Model) -> dict[str, Any] | None:
    """Return the constructor's arguments of a subclass with a `get_config` of its own, as JSON values; else None."""
    config = model.get_config()
    return None if "layers" in config else {name: to_plain(value) for name, value in config.items()}


def made_by(cls: Any, arguments: Mapping[str, Any], described: Model) -> Model:
    """Return a model of a class that makes its layers itself, with the dtype, shapes and flags of the one described."""
    model = cls.from_config(dict(arguments))
    if not isinstance(model, Model):
        raise TypeError(f"custom_objects: got {type(model).__name__} from {cls.__name__}.from_config, needs a model")
    model.overwrite(seed=described.seed)
    if not model.built:
        model.use_dtype(described.dtype)
        model.build_like(described)
    flags = {name: leaf.trainable for name, leaf, _ in described.leaves()}
    for name, leaf, _ in model.leaves():
        leaf.trainable = flags.get(name, leaf.trainable)
    model.overwrite(_trainable=described.trainable)
    return model


def attributes_of(model: Model) -> dict[str, Any]:
    """Return which layers a subclass keeps in its attributes, by their names, or lists of them."""
    names = {layer: layer.name for layer in model.layers}
    found: dict[str, Any] = {}
    for attribute, value in vars(model).items():
        items = value if isinstance(value, list) else [value]
        if items and not attribute.startswith("_") and all(isinstance(one, Layer) and one in names for one in items):
            found[attribute] = [names[one] for one in items] if isinstance(value, list) else names[value]
    return found


def plain_classes(model: Model) -> list[Any] | None:
    """Return what the columns of the output stand for as JSON values; None for what a subclass calls `classes`."""
    found = vars(model).get("classes")
    found = found.tolist() if isinstance(found, np.ndarray) else found
    if not isinstance(found, (list, tuple)):
        return None
    items = [one.item() if isinstance(one, np.generic) else one for one in found]
    return items if all(isinstance(one, (str, int, float)) for one in items) else None


def set_attributes(model: Model, attributes: Mapping[str, Any]) -> None:
    """Give a subclass its layers in attributes again."""
    for attribute, value in attributes.items():
        if not attribute.startswith("_") and not hasattr(model, attribute):
            found = [model.get_layer(name) for name in (value if isinstance(value, list) else [value])]
            setattr(model, attribute, found if isinstance(value, list) else found[0])


def revived(compiled: Mapping[str, Any], custom_objects: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of `compile` in a header, with custom objects in place of their names."""

    def metric(argument: str, item: Any) -> Any:
        if isinstance(item, list):  # of one of several outputs
            return [metric(argument, one) for one in item]
        return metrics.get(item, argument, custom_objects)

    def loss(argument: str, item: Any) -> Any:
        is_custom = item is not None and item["class_name"] == Custom.__name__
        return revived_loss(item["config"], custom_objects) if is_custom else item

    arguments = dict(compiled)
    for name in ("metrics", "weighted_metrics"):
        arguments[name] = metric(name, list(arguments.get(name, ())))
    return {**arguments, "loss": each("loss", arguments.get("loss"), loss)}


def custom_objects_of(model: Model) -> dict[str, Any]:
    """Return the functions and classes by name that a model was compiled with and that are not fastmlp's own.

    Raises
    ------
    ValueError
        When two of them have the same name.
    """
    items: list[tuple[str, Any]] = []
    for metric in (*model.metrics, *model.weighted_metrics):
        if isinstance(metric, metrics.MeanMetricWrapper):
            items.append((metric.get_config()["fn"], metric.fn))
        elif type(metric) not in metrics.METRICS.values():
            items.append((type(metric).__name__, type(metric)))
    items += [(loss.engine_name, loss.fn) for loss in model.goals if isinstance(loss, Custom)]
    for name, item in items:
        if dict(items)[name] is not item:
            raise ValueError(f"metrics: got two different objects called {name!r}, needs a name for each to save them")
    return dict(items)


def uncompiled(header: Mapping[str, Any], tensors: Tensors) -> tuple[dict[str, Any], Tensors]:
    """Return a header and arrays without what the model was compiled with."""
    return {**header, "compile": None, "step": 0}, weights_in(tensors)


def state_name(trained: Sequence[str], index: int) -> str:
    """Return the name of an array of the optimizer's state: "optimizer/0/dense/kernel" is the first slot's."""
    return f"optimizer/{index // len(trained)}/{trained[index % len(trained)]}"
