"""Models in files: safetensors with the weights by name, and everything else as JSON in its metadata.

Reading one makes objects of fastmlp's own classes from checked values; nothing in a file is executed.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from fastmlp import metrics
from fastmlp.data.files import MODEL, Tensors, checked_path, read, require_same, write
from fastmlp.losses.custom import Custom
from fastmlp.losses.custom import revived as revived_loss
from fastmlp.settings import integer, to_plain
from fastmlp.training.model import Model

VERSION = 1
M = TypeVar("M", bound=Model)
COMPILED = ("optimizer", "loss", "metrics", "weighted_metrics")


def save_model(
    model: Model, filepath: str | os.PathLike[str], overwrite: bool = True, include_optimizer: bool = True
) -> None:
    """Write a model to a file, whole or not at all.

    Parameters
    ----------
    model : Model
        With a known input shape.
    filepath : path ending in .safetensors
    overwrite : bool
        Whether to replace a file of that name; ValueError where there is one otherwise.
    include_optimizer : bool
        Whether to write the optimizer's state too, so that training goes on with the same bits after loading.
    """
    path = checked_path(filepath, overwrite)
    write(path, MODEL, *describe(model, include_optimizer))


def save_weights(model: Model, filepath: str | os.PathLike[str], overwrite: bool = True) -> None:
    """Write a model's weights alone to a file, whole or not at all; arguments as of `save_model`."""
    path = checked_path(filepath, overwrite)
    names = model.weight_names
    weights = dict(zip(names, model.get_weights(), strict=True))
    write(path, MODEL, {"version": VERSION, "weights_only": True}, weights)


def load_weights(model: Model, filepath: str | os.PathLike[str]) -> None:
    """Set a model's weights from a file of `save_weights` or `save_model`; errors as of `load_model`."""
    expected = {name: (shape, model.dtype) for name, shape in model.weight_names.items()}

    def set_weights(header: Mapping[str, Any], tensors: Tensors) -> None:
        weights = {name: array for name, array in tensors.items() if not name.startswith("optimizer/")}
        require_same(expected, weights)
        model.set_weights([weights[name] for name in expected])

    read(filepath, MODEL, set_weights)


def save_backup(model: Model, path: Path, epoch: int) -> None:
    """Write all of a model that is being trained, and the epoch to go on with."""
    header, tensors = describe(model)
    write(path, MODEL, {**header, "epoch": epoch}, tensors)


def load_backup(model: Model, path: Path) -> int:
    """Bring a model to the state that `save_backup` wrote; return the epoch to go on with.

    Raises
    ------
    OSError, ValueError
        As of `load_model`, and when the backup is of a model with other layers, optimizer, loss or metrics.
    """

    def take_over(header: Mapping[str, Any], tensors: Tensors) -> int:
        epoch = integer("epoch", header["epoch"], at_least=0)
        other = restore(type(model), header, tensors, custom_objects_of(model))
        expected, saved = identity(model), identity(other)
        for part in expected:
            if expected[part] != saved[part]:
                raise ValueError(f"{part} of another model: {saved[part]}, needs {expected[part]}")
        model.take_over(other)
        return epoch

    return read(path, MODEL, take_over)


def identity(model: Model) -> dict[str, Any]:
    """Return what must be the same where a run goes on; a seed and a learning rate it brings along."""
    settings = {name: to_plain(getattr(model, name)) for name in COMPILED}
    settings["optimizer"]["config"].pop("learning_rate")
    config = {name: value for name, value in model.get_config().items() if name != "seed"}
    return {**config, **settings}


def describe(model: Model, include_optimizer: bool = True) -> tuple[dict[str, Any], Tensors]:
    """Return all there is to a model as JSON values and arrays by name; of custom objects only the names."""
    compiled = None
    custom_objects_of(model)  # for its error
    if model.optimizer is not None:
        compiled = {name: to_plain(getattr(model, name)) for name in COMPILED}
    header = {
        "version": VERSION,
        "class": type(model).__name__,
        "model": model.get_config(),
        "compile": compiled,
        "epochs_trained": model.epochs_trained,
        "step": 0,
    }
    tensors: Tensors = {}
    if model.built:
        names = model.weight_names
        tensors.update(zip(names, model.network.get_weights(), strict=True))
        if include_optimizer:
            header["step"] = model.network.step
            state = model.network.get_optimizer_state()
            trained = [variable.path for variable in model.trainable_weights]
            tensors.update((state_name(trained, index), array) for index, array in enumerate(state))
    return header, tensors


def restore(
    cls: type[M],
    header: Mapping[str, Any],
    tensors: Mapping[str, np.ndarray],
    custom_objects: Mapping[str, Any] | None = None,
) -> M:
    """Return the model that `describe` described, or raise ValueError, TypeError or KeyError."""
    if header["version"] != VERSION:
        raise ValueError(f"format version {header['version']!r}, this version reads {VERSION}")
    model = cls.from_config(header["model"])
    if header["compile"] is not None:
        model.compile(**revived(header["compile"], custom_objects or {}))
    model.epochs_trained = integer("epochs_trained", header["epochs_trained"], at_least=0)
    # Compared before the network is made: a header cannot ask for more memory than the file has weights.
    names = model.weight_names if model.built else {}
    weights = {name: array for name, array in tensors.items() if name in names}
    require_same({name: (shape, model.dtype) for name, shape in names.items()}, weights)
    if names:
        model.set_weights([weights[name] for name in names])
    state = {name: array for name, array in tensors.items() if name not in names}
    if state:
        slots = model.network.get_optimizer_state() if names else []
        trained = [variable.path for variable in model.trainable_weights]
        shapes = {state_name(trained, index): slot.shape for index, slot in enumerate(slots)}
        require_same({name: (shape, model.dtype) for name, shape in shapes.items()}, state)
        model.network.set_optimizer_state([np.ascontiguousarray(state[name]) for name in shapes])
    step = integer("step", header["step"], at_least=0, below=2**63)
    if step:
        model.network.step = step
    return model


def revived(compiled: Mapping[str, Any], custom_objects: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of `compile` in a header, with custom objects in place of their names."""
    arguments = dict(compiled)
    for name in ("metrics", "weighted_metrics"):
        arguments[name] = [metrics.get(item, name, custom_objects) for item in arguments.get(name, ())]
    loss = arguments.get("loss")
    if loss is not None and loss["class_name"] == Custom.__name__:
        arguments["loss"] = revived_loss(loss["config"], custom_objects)
    return arguments


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
    if isinstance(model.loss, Custom):
        items.append((model.loss.engine_name, model.loss.fn))
    for name, item in items:
        if dict(items)[name] is not item:
            raise ValueError(f"metrics: got two different objects called {name!r}, needs a name for each to save them")
    return dict(items)


def uncompiled(header: Mapping[str, Any], tensors: Tensors) -> tuple[dict[str, Any], Tensors]:
    """Return a header and arrays without what the model was compiled with."""
    kept = {name: array for name, array in tensors.items() if not name.startswith("optimizer/")}
    return {**header, "compile": None, "step": 0}, kept


def state_name(trained: Sequence[str], index: int) -> str:
    """Return the name of an array of the optimizer's state: "optimizer/0/dense/kernel" is the first slot's."""
    return f"optimizer/{index // len(trained)}/{trained[index % len(trained)]}"
