"""The public names of Keras: of its modules, and of the classes whose objects programs hold.

`python -m tests.golden.names`, run where Keras and JAX are installed, writes names.json beside this file:
{"modules": {path: names}, "classes": {path: names}}, names separated by spaces.
"""

import importlib
import json
import os
import types
from pathlib import Path

PATH = Path(__file__).with_suffix(".json")
CLASSES = (
    "Model",
    "Sequential",
    "layers.Layer",
    "optimizers.Optimizer",
    "metrics.Metric",
    "losses.Loss",
    "callbacks.Callback",
    "initializers.Initializer",
    "regularizers.Regularizer",
    "KerasTensor",
    "Variable",
)


def public(thing):
    """The names of a module or class that do not begin with an underscore."""
    return [name for name in sorted(dir(thing)) if not name.startswith("_")]


def walk(module, path, found):
    """Put the names of a module and those below it into a dict by their paths."""
    below = {name: getattr(module, name) for name in public(module)}
    names = [name for name, value in below.items() if not isinstance(value, types.ModuleType)]
    found[path] = " ".join(names)
    for name, value in below.items():
        if isinstance(value, types.ModuleType) and value.__name__.startswith("keras.") and name != "src":
            walk(value, f"{path}.{name}", found)
    return found


def main():
    os.environ["KERAS_BACKEND"] = "jax"
    keras = importlib.import_module("keras")
    classes = {}
    for path in CLASSES:
        module, _, name = f"keras.{path}".rpartition(".")
        classes[path] = " ".join(public(getattr(importlib.import_module(module), name)))
    found = {"keras": keras.__version__, "modules": walk(keras, "keras", {}), "classes": classes}
    PATH.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
