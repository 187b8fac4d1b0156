"""The kinds of files that models are kept in, by how their names end."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fastmlp.data.files import MODELS, WEIGHTS, checked_path
from fastmlp.errors import told
from fastmlp.models import saving
from fastmlp.settings import boolean, file_path, is_among
from fastmlp.training.model import Model

EXPORTS = {".onnx": "onnx", ".h": "c"}  # endings, and how Keras' argument `format` speaks of them
KERAS = (".keras", ".h5", ".hdf5")  # endings of Keras' files, whose modules are imported when one is met


def save_model(
    model: Model, filepath: str | os.PathLike[str], overwrite: bool = True, include_optimizer: bool = True
) -> None:
    """Write a model to a file, whole or not at all.

    Parameters
    ----------
    model : Model
        With a known input shape.
    filepath : path ending in .safetensors, .keras or .h5
        The last two are Keras' files, which Keras 3 loads; they need h5py. A subclass is written to them as the graph,
        or the layers in a row, that it is.
    overwrite : bool
        Whether to replace a file of that name; ValueError where there is one otherwise.
    include_optimizer : bool
        Whether to write the optimizer's state too, so that training goes on with the same bits after loading.

    Raises
    ------
    ValueError
        For another name, and a model that is not built.
    TypeError
        For what is no model.
    ImportError
        Without h5py, where it is needed.
    """
    if not isinstance(model, Model):
        raise TypeError(f"model: got {type(model).__name__}, needs a Model")
    path = checked_path(filepath, overwrite, MODELS)
    with_state, writer = boolean("include_optimizer", include_optimizer), saving.save_model
    if path.suffix in KERAS:
        from fastmlp.export import keras_archive, keras_hdf5

        writer = keras_archive.save_model if path.suffix == ".keras" else keras_hdf5.save_model
    writer(model, path, with_state)


def save_weights(model: Model, filepath: str | os.PathLike[str], overwrite: bool = True) -> None:
    """Write a model's weights alone to a file that ends in .safetensors or .weights.h5, whole or not at all."""
    path = checked_path(filepath, overwrite, WEIGHTS)
    writer = saving.save_weights
    if path.suffix in KERAS:
        from fastmlp.export import keras_archive

        writer = keras_archive.save_weights
    writer(model, path)


def export_model(model: Model, filepath: str | os.PathLike[str], format: str | None = None) -> None:
    """Write what predicts as a model does to a file of another program; arguments and errors as of `Model.export`."""
    path, kind = export_kind(filepath, format)
    from fastmlp.export import c_source, onnx

    writer = onnx.export_model if kind == "onnx" else c_source.export_model
    writer(model, path)


def export_kind(filepath: str | os.PathLike[str], format: str | None) -> tuple[Path, str]:
    """Return the path of an export, checked, and its kind, "onnx" or "c"; ValueError where `format` says another."""
    path = checked_path(filepath, endings=tuple(EXPORTS))
    kind = next(kind for ending, kind in EXPORTS.items() if path.name.endswith(ending))
    if not is_among(format, (None, kind)):
        needs = "'onnx' for a name ending in .onnx, 'c' for .h"
        raise ValueError(f"format: got {told(format)} for {str(path)!r}, needs {needs}")
    return path, kind


def load_model(filepath: Any, custom_objects: Mapping[str, Any] | None, compile: bool) -> Any:
    """Return the model of a file; arguments and errors as of `models.load_model`."""
    name = file_path("filepath", filepath)
    reader = saving.load_model
    if name.endswith(KERAS):
        from fastmlp.models import keras_files

        reader = keras_files.load_archive if name.endswith(".keras") else keras_files.load_hdf5
    return reader(name, custom_objects, compile)


def load_weights(model: Model, filepath: Any, skip_mismatch: bool, by_name: bool) -> None:
    """Set a model's weights from a file; arguments and errors as of `Model.load_weights`."""
    name = file_path("filepath", filepath)
    skips, named, reader = boolean("skip_mismatch", skip_mismatch), boolean("by_name", by_name), saving.load_weights
    if name.endswith(KERAS):
        from fastmlp.models import keras_files

        reader = keras_files.load_weights
    reader(model, name, skips, named)
