"""Keras' older `.h5` files: a whole model in one HDF5 file, each layer's weights by name in a group of the layer's."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fastmlp.data import hdf5
from fastmlp.data.whole_files import write_whole
from fastmlp.export.keras_archive import KERAS_VERSION
from fastmlp.export.keras_config import compiled, described
from fastmlp.export.keras_weights import arrays_of, is_row, names_of, told_state
from fastmlp.layers import Layer
from fastmlp.training.model import Model

Named = list[tuple[str, np.ndarray]]


def save_model(model: Model, path: Path, include_optimizer: bool) -> None:
    """Write a model to an .h5 file, whole or not at all; arguments as of `models.save_model`."""
    if not model.built:
        raise ValueError("save: got a model without weights, needs one with Dense layers and a known input shape")
    config, how = described(model, legacy=True), compiled(model)
    if how is not None:
        how = {"optimizer_config": how.pop("optimizer"), **how}
    state = told_state(model, include_optimizer)

    def write(file: Any) -> None:
        file.attrs["keras_version"], file.attrs["backend"] = KERAS_VERSION, "fastmlp"
        file.attrs["model_config"] = json.dumps(config, allow_nan=False)
        own = {"seed": model.seed, "epochs_trained": model.epochs_trained}
        file.attrs["fastmlp"] = json.dumps(own)
        if how is not None and include_optimizer:
            file.attrs["training_config"] = json.dumps(how, allow_nan=False)
        write_weights(file.create_group("model_weights"), model)
        if state and model.optimizer is not None:
            named = [(f"{model.optimizer.name}/{name}", array) for name, array in state]
            write_arrays(file.create_group("optimizer_weights"), named)

    content = hdf5.written(write)
    write_whole(path, lambda file: file.write(content))


def write_weights(group: Any, model: Model) -> None:
    """Write the weights of each of a model's layers."""
    layers = own_layers(model)
    group.attrs["keras_version"], group.attrs["backend"] = KERAS_VERSION, "fastmlp"
    hdf5.write_names(group, "layer_names", [layer.name for layer in layers])
    for layer in dict.fromkeys(layers):  # one that stands in a row several times has one group
        named = [(name, arrays_of(leaf)[number]) for name, (leaf, number) in weights_of(layer)]
        write_arrays(group.create_group(layer.name), named)
    write_arrays(group.create_group("top_level_model_weights"), [])


def write_arrays(group: Any, named: Sequence[tuple[str, np.ndarray]]) -> None:
    """Write arrays by their names, which have an order."""
    hdf5.write_names(group, "weight_names", [name for name, _ in named])
    for name, array in named:
        group[name] = array


def own_layers(model: Model) -> list[Layer]:
    """Return the layers of a model itself in the order of such a file."""
    return list(model.layers if is_row(model) else model.graph.layers)


def weights_of(layer: Layer) -> list[tuple[str, tuple[Layer, int]]]:
    """Return names and places (the layer, and the number among its arrays) of the weights of a layer, or of a model.

    Those that training changes come first, for all layers of a model together.
    """
    leaves = [(layer.name, layer, layer.trainable)]
    if isinstance(layer, Model):
        leaves = [(f"{layer.name}/{name}", leaf, trainable) for name, leaf, trainable in layer.leaves()]
    trained: list[tuple[str, tuple[Layer, int]]] = []
    others: list[tuple[str, tuple[Layer, int]]] = []
    for name, leaf, trainable in leaves:
        has_gradients = [one.has_gradients for one in leaf.weights] + [False]
        for number, array in enumerate(names_of(leaf)):
            place = (f"{name}/{array}", (leaf, number))
            (trained if trainable and has_gradients[number] else others).append(place)
    return [*trained, *others]
