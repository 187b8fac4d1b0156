"""Reading Keras' files: `.keras` archives, `.weights.h5`, and the older `.h5` of whole models or weights alone.

Objects of fastmlp's own classes are made from checked values; nothing in a file is executed. What is read is bounded by
the size of the file.
"""

from __future__ import annotations

import io
import json
import os
import warnings
import zipfile
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

from fastmlp.config import seeds
from fastmlp.data import hdf5
from fastmlp.data.files import damage_named, reason
from fastmlp.data.whole_files import require_regular
from fastmlp.export.keras_archive import CONFIG, METADATA, WEIGHTS
from fastmlp.export.keras_hdf5 import own_layers, weights_of
from fastmlp.export.keras_weights import joined, own_state, places, set_arrays, shapes_of
from fastmlp.layers import Layer, Normalization
from fastmlp.models.config import Reader
from fastmlp.models.keras_config import Translator
from fastmlp.settings import integer
from fastmlp.training.model import Model

T = TypeVar("T")
Arrays = dict[Layer, list[np.ndarray | None]]  # of each layer in the order of Keras; None for what is not to be set

EXPANSION_LIMIT = 100  # bytes of an archive's part for each byte that it has in the file


def load_archive(path: Any, custom_objects: Mapping[str, Any] | None, compile: bool) -> Any:
    """Return the model of a .keras archive; arguments and errors as of `models.load_model`."""

    def made(data: bytes) -> Model:
        parts = parts_of(data)
        config, own = json.loads(parts[CONFIG]), json.loads(parts.get(METADATA, b"{}")).get("fastmlp", {})
        model = made_of(config, config.get("compile_config") if compile else None, own, custom_objects)
        with hdf5.Content(parts[WEIGHTS]) as content:
            set_all(arrays_in(content, model, False) if model.built else {})
            if model.optimizer is not None:
                take_state(model, by_number(content.arrays("optimizer/vars")))
        return model

    return reading(path, "a .keras file of Keras 3 or fastmlp", made)


def load_hdf5(path: Any, custom_objects: Mapping[str, Any] | None, compile: bool) -> Any:
    """Return the model of an older .h5 file; arguments and errors as of `models.load_model`."""

    def made(data: bytes) -> Model:
        with hdf5.Content(data) as content:
            config = content.text("", "model_config")
            if config is None:
                raise ValueError("it has weights alone, for load_weights of a model")
            how = json.loads(content.text("", "training_config") or "null") if compile else None
            if how is not None:
                how = {"optimizer": how.pop("optimizer_config"), **how}
            model = made_of(json.loads(config), how, json.loads(content.text("", "fastmlp") or "{}"), custom_objects)
            set_all(legacy_arrays(content, "model_weights", model) if model.built else {})
            if model.optimizer is not None and content.find("optimizer_weights") is not None:
                names = content.names("optimizer_weights", "weight_names")
                take_state(model, [content.array(f"optimizer_weights/{name}") for name in names])
        return model

    return reading(path, "an .h5 file of a whole model by Keras or fastmlp", made)


def load_weights(model: Model, path: Any, skip_mismatch: bool, by_name: bool) -> None:
    """Set a model's weights from any of Keras' files; arguments and errors as of `Model.load_weights`."""
    name = os.fspath(path)
    legacy = not name.endswith((".keras", ".weights.h5"))
    if by_name and not legacy:
        raise ValueError(f"by_name: got True for {name!r}, needs an older .h5 file, or .safetensors, which have names")
    model.graph  # noqa: B018, for its error

    def taken(data: bytes) -> None:
        weights = parts_of(data)[WEIGHTS] if name.endswith(".keras") else data
        with hdf5.Content(weights) as content:
            if not legacy:
                found = arrays_in(content, model, not name.endswith(".keras"), skip_mismatch)
            else:
                group = "model_weights" if content.find("model_weights") is not None else ""
                found = (named_arrays if by_name else legacy_arrays)(content, group, model, skip_mismatch)
        set_all(found)

    reading(path, "a file of this model's weights by Keras or fastmlp", taken)


def model_from_json(text: str, custom_objects: Mapping[str, Any] | None) -> Any:
    """Return the model that Keras or `Model.to_json` has described; ValueError for anything else."""
    try:
        config = json.loads(text)
        return made_of(config, config.get("compile_config"), {}, custom_objects)
    except MemoryError:
        raise
    except Exception as error:
        raise ValueError(f"json_string: needs what to_json returned: {reason(error)}") from error


def reading(path: Any, needs: str, use: Callable[[bytes], T]) -> T:
    """Return what `use` makes of a file's bytes.

    Raises
    ------
    OSError
        When the file cannot be read.
    ImportError
        Without h5py.
    ValueError
        Naming the file, for whatever `use` raises.
    """
    hdf5.library()
    path = os.fspath(path)
    require_regular(path, "filepath")
    with open(path, "rb") as file:
        data = file.read()
    with damage_named("filepath", path, needs):
        return use(data)


def parts_of(data: bytes) -> dict[str, bytes]:
    """Return the parts of an archive that a model is made of, by name; ValueError for one that grows without bounds."""
    found = {}
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for name in {CONFIG, METADATA, WEIGHTS} & set(archive.namelist()):
            limit = EXPANSION_LIMIT * min(archive.getinfo(name).compress_size, len(data))
            with archive.open(name) as part:
                found[name] = part.read(limit + 1)
            if len(found[name]) > limit:
                raise ValueError(f"{name}: got more than {limit} bytes, needs {EXPANSION_LIMIT} for each in the file")
    return found


def made_of(config: Any, how: Any, own: Any, custom_objects: Mapping[str, Any] | None) -> Model:
    """Return the model of a description, compiled where `how` says so; its weights have no values yet."""
    translator = Translator(custom_objects)
    seed = integer("seed", own.get("seed", seeds.choose_seed(None)), at_least=0)
    cls = (custom_objects or {}).get(str(config.get("class_name")))
    model: Model = Reader(custom_objects).model(cls, translator.whole(config, seed))
    if how:
        model.compile(**translator.compiled(how))
    model.epochs_trained = integer("epochs_trained", own.get("epochs_trained", 0), at_least=0)
    return model


def by_number(arrays: Mapping[str, np.ndarray]) -> list[np.ndarray]:
    """Return the arrays of a group whose names are "0", "1" and so on; ValueError for other names."""
    if set(arrays) != {str(number) for number in range(len(arrays))}:
        raise ValueError(f"vars: got {sorted(arrays)}, needs numbers from 0")
    return [arrays[str(number)] for number in range(len(arrays))]


def arrays_in(content: hdf5.Content, model: Model, by_attributes: bool, skip_mismatch: bool = False) -> Arrays:
    """Return the arrays of each layer in a file of weights; ValueError where they do not fit the model."""
    found: Arrays = {}
    for path, layer in places(model, by_attributes):
        given = by_number(content.arrays(joined(path, "vars")))
        fit(found, layer, given, f"{path!r} for layer {layer.name!r}", skip_mismatch)
    return found


def fit(found: Arrays, layer: Layer, given: Sequence[np.ndarray], what: str, skip_mismatch: bool) -> None:
    """Add the arrays of a layer to those that are found; where they do not fit, ValueError, or a warning."""
    shapes = shapes_of(layer)
    if isinstance(layer, Normalization) and not given and layer._given is not None:
        return  # they were arguments
    got = [array.shape for array in given]
    if got == shapes:
        if shapes:
            found[layer] = list(given)
    elif not skip_mismatch:
        raise ValueError(f"weights: got {got} at {what}, needs {shapes}")
    else:
        warnings.warn(f"weights: passed over {got} at {what}, which has {shapes}", stacklevel=2)


def legacy_arrays(content: hdf5.Content, group: str, model: Model, skip_mismatch: bool = False) -> Arrays:
    """Return the arrays of each layer in an older file, layer by layer in their order, whatever their names."""
    layers = [layer for layer in own_layers(model) if weights_of(layer)]
    names = [name for name in content.names(group, "layer_names") if content.names(joined(group, name), "weight_names")]
    if len(names) != len(layers):
        raise ValueError(f"weights: got {len(names)} layers with weights, needs {len(layers)}")
    found: Arrays = {}
    for name, layer in zip(names, layers, strict=True):
        fit_legacy(found, content, joined(group, name), layer, skip_mismatch)
    return found


def named_arrays(content: hdf5.Content, group: str, model: Model, skip_mismatch: bool = False) -> Arrays:
    """Return the arrays of the layers whose names are in an older file."""
    layers = {layer.name: layer for layer in own_layers(model)}
    found: Arrays = {}
    for name in content.names(group, "layer_names"):
        if name in layers:
            fit_legacy(found, content, joined(group, name), layers[name], skip_mismatch)
    return found


def fit_legacy(found: Arrays, content: hdf5.Content, path: str, layer: Layer, skip_mismatch: bool) -> None:
    """Add the arrays of a layer, or of the layers of a model, to those that are found."""
    arrays = [content.array(joined(path, name)) for name in content.names(path, "weight_names")]
    needed = weights_of(layer)
    shapes = [shapes_of(leaf)[number] for _, (leaf, number) in needed]
    if [array.shape for array in arrays] == shapes:
        for (_, (leaf, number)), array in zip(needed, arrays, strict=True):
            found.setdefault(leaf, [None] * len(shapes_of(leaf)))[number] = array
    elif not skip_mismatch:
        got = [array.shape for array in arrays]
        raise ValueError(f"weights: got {got} at {path!r} for layer {layer.name!r}, needs {shapes}")
    else:
        warnings.warn(f"weights: passed over {path!r}, which does not fit layer {layer.name!r}", stacklevel=2)


def set_all(found: Arrays) -> None:
    """Set weights from arrays that fit; those that are not among them stay."""
    for layer, arrays in found.items():
        set_arrays(layer, [array for array in arrays if array is not None])


def take_state(model: Model, arrays: Sequence[np.ndarray]) -> None:
    """Go on with the state of the optimizer in a file, or begin anew and say so."""
    state = own_state(model, arrays) if model.built else None
    if state is not None:
        model.go_on_from(*state)
    elif arrays:
        warnings.warn("optimizer: got a state that does not fit the model, which begins anew", stacklevel=2)
