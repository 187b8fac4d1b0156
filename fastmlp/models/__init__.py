"""`keras.models`: what makes models."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from fastmlp.data.files import MODEL, Tensors, read
from fastmlp.elsewhere import getter
from fastmlp.models.cloning import clone_model
from fastmlp.models.model import Model
from fastmlp.models.saving import restore, save_model, uncompiled
from fastmlp.models.sequential import Sequential
from fastmlp.settings import boolean

__all__ = ["Model", "Sequential", "clone_model", "load_model", "save_model"]


def load_model(
    filepath: str | os.PathLike[str], custom_objects: Mapping[str, Any] | None = None, compile: bool = True
) -> Any:
    """Return the model that `save` wrote.

    Parameters
    ----------
    filepath : path
    custom_objects : mapping from name to function or class, optional
        The custom metrics and loss that the model was compiled with, and its class where that is a subclass: a file has
        only their names. With a `get_config` of its own, which returns the arguments of its __init__, that class makes
        its layers again, by `from_config`; without one, it gets them from the file and its __init__ is not called. A
        subclass that is not given is loaded as a Model, or as a Sequential.
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

    def made(header: dict[str, Any], tensors: Tensors) -> Any:
        cls = (custom_objects or {}).get(str(header.get("class")))
        if cls is not None and not (isinstance(cls, type) and issubclass(cls, Model)):
            base = "Model" if "calls" in header["model"] else "Sequential"
            raise TypeError(f"custom_objects: got {cls!r} for {header['class']!r}, needs a subclass of {base}")
        return restore(cls, *(header, tensors) if compiled else uncompiled(header, tensors), custom_objects)

    return read(filepath, MODEL, made)


if not TYPE_CHECKING:  # type checkers report other names by themselves
    __getattr__ = getter("models")
