"""Keras' `.keras` archives and `.weights.h5` files.

An archive is a zip file of metadata.json, config.json with the model's description, and model.weights.h5.
"""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

from fastmlp.data import hdf5
from fastmlp.data.whole_files import write_whole
from fastmlp.export.keras_config import compiled, described
from fastmlp.export.keras_weights import arrays_of, joined, places, told_state
from fastmlp.layers import Layer
from fastmlp.training.model import Model

CONFIG, METADATA, WEIGHTS = "config.json", "metadata.json", "model.weights.h5"
KERAS_VERSION = "3.15.1"  # whose form it is
FIRST_DATE = (1980, 1, 1, 0, 0, 0)  # that a zip file can have: equal models give equal bytes


def save_model(model: Model, path: Path, include_optimizer: bool) -> None:
    """Write a model to a .keras archive, whole or not at all; arguments as of `models.save_model`."""
    config = {**described(model), "compile_config": compiled(model)}
    # What Keras has not, for going on with the same bits; it passes over it.
    own = {"seed": model.seed, "epochs_trained": model.epochs_trained}
    parts = {
        METADATA: json.dumps({"keras_version": KERAS_VERSION, "fastmlp": own}).encode(),
        CONFIG: json.dumps(config, allow_nan=False).encode(),
        WEIGHTS: weights_file(model, False, include_optimizer),
    }
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w") as archive:
        for name, content in parts.items():
            archive.writestr(zipfile.ZipInfo(name, FIRST_DATE), content)
    write_whole(path, lambda file: file.write(memory.getbuffer()))


def save_weights(model: Model, path: Path) -> None:
    """Write a model's weights, and its optimizer's state as Keras does, to a .weights.h5 file, whole or not at all."""
    content = weights_file(model, True, True)
    write_whole(path, lambda file: file.write(content))


def weights_file(model: Model, by_attributes: bool, include_optimizer: bool) -> bytes:
    """Return the bytes of a file of weights; arguments as of `places`."""
    if not model.built:
        raise ValueError("save: got a model without weights, needs one with Dense layers and a known input shape")
    state = told_state(model, include_optimizer)

    def write(file: Any) -> None:
        for path, layer in places(model, by_attributes, copies=not by_attributes):
            write_layer(file, path, layer)
        if state and model.optimizer is not None:
            group = file.create_group("optimizer/vars")
            group.attrs["name"] = model.optimizer.name
            for number, (_, array) in enumerate(state):
                group[str(number)] = array

    return hdf5.written(write)


def write_layer(file: Any, path: str, layer: Layer) -> None:
    """Write a layer's arrays to its group."""
    group = file.create_group(joined(path, "vars"))
    group.attrs["name"] = layer.name
    for number, array in enumerate(arrays_of(layer)):
        group[str(number)] = array
