"""Models in files: safetensors with the weights by name, and everything else as JSON in its metadata.

Reading one makes objects of fastmlp's own classes from checked values; nothing in a file is executed.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from fastmlp import custom_loss, metrics
from fastmlp.files import write_whole
from fastmlp.model import Sequential
from fastmlp.settings import boolean, integer, to_plain

KEY = "fastmlp"  # of the metadata
VERSION = 1
SUFFIX = ".safetensors"
COMPILED = ("optimizer", "loss", "metrics", "weighted_metrics")

Tensors = dict[str, np.ndarray]
T = TypeVar("T")


def save_model(
    model: Sequential, filepath: str | os.PathLike[str], overwrite: bool = True, include_optimizer: bool = True
) -> None:
    """Write a model to a file, whole or not at all.

    Parameters
    ----------
    model : Sequential
        With a known input shape.
    filepath : path ending in .safetensors
    overwrite : bool
        Whether to replace a file of that name; ValueError where there is one otherwise.
    include_optimizer : bool
        Whether to write the optimizer's state too, so that training goes on with the same bits after loading.
    """
    path = checked_path(filepath, overwrite)
    write(path, *describe(model, include_optimizer))


def load_model(
    filepath: str | os.PathLike[str], custom_objects: Mapping[str, Any] | None = None, compile: bool = True
) -> Sequential:
    """Return the model that `Sequential.save` wrote.

    Parameters
    ----------
    filepath : path
    custom_objects : mapping from name to function or class, optional
        The metrics and the loss of the user's own that the model was compiled with: a file has only their names.
    compile : bool
        Whether to compile it as it was; without that it has no optimizer, loss and metrics.

    Raises
    ------
    OSError
        When the file cannot be read.
    ValueError
        When it is not a model file of fastmlp, or a damaged one, or needs `custom_objects`.
    """
    compiled = boolean("compile", compile)
    if not isinstance(custom_objects, (Mapping, type(None))):
        raise TypeError(f"custom_objects: got {type(custom_objects).__name__}, needs a dict from name to object")

    def made(header: Mapping[str, Any], tensors: Tensors) -> Sequential:
        return restore(header, tensors, custom_objects) if compiled else restore(*uncompiled(header, tensors))

    return read(filepath, made)


def save_weights(model: Sequential, filepath: str | os.PathLike[str], overwrite: bool = True) -> None:
    """Write a model's weights alone to a file, whole or not at all; arguments as of `save_model`."""
    path = checked_path(filepath, overwrite)
    names = model.weight_names
    write(path, {"version": VERSION, "weights_only": True}, dict(zip(names, model.get_weights(), strict=True)))


def load_weights(model: Sequential, filepath: str | os.PathLike[str]) -> None:
    """Set a model's weights from a file of `save_weights` or `save_model`; errors as of `load_model`."""
    expected = {name: (shape, model.dtype) for name, shape in model.weight_names.items()}

    def set_weights(header: Mapping[str, Any], tensors: Tensors) -> None:
        weights = {name: array for name, array in tensors.items() if not name.startswith("optimizer/")}
        require_same(expected, weights)
        model.set_weights([weights[name] for name in expected])

    read(filepath, set_weights)


def save_backup(model: Sequential, path: Path, epoch: int) -> None:
    """Write all of a model that is being trained, and the epoch to go on with."""
    header, tensors = describe(model)
    write(path, {**header, "epoch": epoch}, tensors)


def load_backup(model: Sequential, path: Path) -> int:
    """Bring a model to the state that `save_backup` wrote; return the epoch to go on with.

    Raises
    ------
    OSError, ValueError
        As of `load_model`, and when the backup is of a model with other layers, optimizer, loss or metrics.
    """

    def take_over(header: Mapping[str, Any], tensors: Tensors) -> int:
        epoch = integer("epoch", header["epoch"], at_least=0)
        other = restore(header, tensors, own_objects(model))
        own, saved = identity(model), identity(other)
        for part in own:
            if own[part] != saved[part]:
                raise ValueError(f"{part} of another model: {saved[part]}, needs {own[part]}")
        model.take_over(other)
        return epoch

    return read(path, take_over)


def identity(model: Sequential) -> dict[str, Any]:
    """Return what must be the same where a run goes on; a seed and a learning rate it brings along."""
    settings = {name: to_plain(getattr(model, name)) for name in COMPILED}
    settings["optimizer"]["config"].pop("learning_rate")
    config = {name: value for name, value in model.get_config().items() if name != "seed"}
    return {**config, **settings}


def checked_path(filepath: str | os.PathLike[str], overwrite: bool = True) -> Path:
    """Return a path to write to, or raise ValueError for another suffix, or a file that is to stay."""
    path = Path(filepath)
    if path.suffix != SUFFIX:
        raise ValueError(f"filepath: got {str(path)!r}, needs a name ending in {SUFFIX!r}")
    if not boolean("overwrite", overwrite) and path.exists():
        raise ValueError(f"overwrite: got False and {str(path)!r}, which is there, needs another name")
    return path


def write(path: Path, header: dict[str, Any], tensors: Tensors) -> None:
    """Write arrays by name, and all else as JSON, to a file, whole or not at all."""
    from safetensors.numpy import save

    if not tensors:
        raise ValueError("save: got a model without weights, needs one with Dense layers and a known input shape")
    content = save(tensors, metadata={KEY: json.dumps(header)})  # one entry: safetensors keeps no order of several
    write_whole(path, lambda file: file.write(content))


def read(filepath: str | os.PathLike[str], use: Callable[[dict[str, Any], Tensors], T]) -> T:
    """Return what `use` makes of a file's header and arrays; errors as of `load_model`."""
    from safetensors import SafetensorError, safe_open

    with open(filepath, "rb"):  # for Python's errors when it is missing, a folder or not readable
        pass
    try:
        with safe_open(filepath, framework="np") as file:
            metadata = file.metadata() or {}
            if KEY not in metadata:
                raise ValueError("a safetensors file of another program")
            header = json.loads(metadata[KEY])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118, it is no dict
        return use(header, tensors)
    except (SafetensorError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        reason = f"entry {error} is missing" if isinstance(error, KeyError) else error
        raise ValueError(f"filepath: got {os.fspath(filepath)!r}, needs a model file of fastmlp: {reason}") from error


def describe(model: Sequential, include_optimizer: bool = True) -> tuple[dict[str, Any], Tensors]:
    """Return all there is to a model as JSON values and arrays by name; of the user's own objects only the names."""
    compiled = None
    own_objects(model)  # for its error
    if model.optimizer is not None:
        compiled = {name: to_plain(getattr(model, name)) for name in COMPILED}
    header = {
        "version": VERSION,
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
    header: Mapping[str, Any], tensors: Mapping[str, np.ndarray], custom_objects: Mapping[str, Any] | None = None
) -> Sequential:
    """Return the model that `describe` described, or raise ValueError, TypeError or KeyError."""
    if header["version"] != VERSION:
        raise ValueError(f"format version {header['version']!r}, this version reads {VERSION}")
    model = Sequential.from_config(header["model"])
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
    """Return the arguments of `compile` in a header, with the user's own objects in place of their names."""
    arguments = dict(compiled)
    for name in ("metrics", "weighted_metrics"):
        arguments[name] = [metrics.get(item, name, custom_objects) for item in arguments.get(name, ())]
    loss = arguments.get("loss")
    if loss is not None and loss["class_name"] == custom_loss.Custom.__name__:
        arguments["loss"] = custom_loss.revived(loss["config"], custom_objects)
    return arguments


def own_objects(model: Sequential) -> dict[str, Any]:
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
    if isinstance(model.loss, custom_loss.Custom):
        items.append((model.loss.kernel, model.loss.fn))
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


def require_same(expected: Mapping[str, tuple[tuple[int, ...], str]], tensors: Mapping[str, np.ndarray]) -> None:
    """Raise ValueError unless the arrays have the expected names, shapes and dtypes."""
    found = {name: (array.shape, array.dtype.name) for name, array in tensors.items()}
    for name in sorted({*expected, *found}):
        if expected.get(name) != found.get(name):
            got, needs = found.get(name, "none"), expected.get(name, "none")
            raise ValueError(f"weights: got {got} for {name!r}, needs {needs}")
