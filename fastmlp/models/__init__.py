"""`keras.models`: what makes models."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from fastmlp.elsewhere import getter
from fastmlp.models import formats
from fastmlp.models.cloning import clone_model
from fastmlp.models.config import read_as
from fastmlp.models.formats import save_model
from fastmlp.models.model import Model
from fastmlp.models.sequential import Sequential
from fastmlp.settings import boolean

__all__ = ["Model", "Sequential", "clone_model", "load_model", "model_from_json", "save_model"]


def load_model(
    filepath: str | os.PathLike[str],
    custom_objects: Mapping[str, Any] | None = None,
    compile: bool = True,
    safe_mode: bool = True,
) -> Any:
    """Return the model that `save` wrote, or that Keras 3 wrote, of layers that are here.

    Parameters
    ----------
    filepath : path
        Ending in .keras or .h5 for files of Keras, for which h5py is needed; else a .safetensors file.
    custom_objects : mapping from name to function or class, optional
        The custom metrics and loss that the model was compiled with, and its class where that is a subclass: a file has
        only their names. With a `get_config` of its own, which returns the arguments of its __init__, that class makes
        its layers again, by `from_config`; without one, it gets them from the file and its __init__ is not called. A
        subclass that is not given is loaded as a Model, or as a Sequential.
    compile : bool
        Whether to compile it as it was; without that it has no optimizer, loss and metrics.
    safe_mode : bool
        Either way, no code in a file is run.

    Raises
    ------
    OSError
        When the file cannot be read.
    ValueError
        When it is not a model file, or a damaged one, has anything that is not here, or needs `custom_objects`.
    ImportError
        Without h5py, where it is needed.
    """
    if not isinstance(custom_objects, (Mapping, type(None))):
        raise TypeError(f"custom_objects: got {type(custom_objects).__name__}, needs a dict from name to object")
    boolean("safe_mode", safe_mode)
    return formats.load_model(filepath, custom_objects, boolean("compile", compile))


def model_from_json(json_string: str, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """Return a model with weights not trained, from what `Model.to_json` returned, here or in Keras.

    Raises
    ------
    TypeError, ValueError
        For anything else.
    """
    if not isinstance(json_string, str):
        raise TypeError(f"json_string: got {type(json_string).__name__}, needs a string")
    from fastmlp.models import keras_files

    with read_as("json_string"):
        return keras_files.model_from_json(json_string, custom_objects)


if not TYPE_CHECKING:  # type checkers report other names by themselves
    __getattr__ = getter("models")
