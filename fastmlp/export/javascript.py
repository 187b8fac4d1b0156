"""Models as data for JavaScript: the steps of predictions and their weights, which network.js beside it computes.

A page holds both: `program()` as a script, and what `described` returns as JSON.
"""

from __future__ import annotations

import base64
import math
from importlib import resources
from typing import Any

import numpy as np

from fastmlp.export.forward import Forward, Step

STEPS = [
    "activation",
    "add",
    "average",
    "concatenate",
    "dense",
    "embedding",
    "join",
    "layer_normalization",
    "maximum",
    "minimum",
    "multiply",
    "prelu",
    "rescaling",
    "scale",
    "split",
    "subtract",
    "unit_normalization",
]
ACTIVATIONS = [
    "elu",
    "exponential",
    "gelu",
    "gelu_tanh",
    "hard_shrink",
    "hard_sigmoid",
    "hard_silu",
    "hard_tanh",
    "leaky_relu",
    "linear",
    "log_sigmoid",
    "log_softmax",
    "mish",
    "rectifier",
    "relu",
    "relu6",
    "scaled_elu",
    "selu",
    "sigmoid",
    "silu",
    "soft_shrink",
    "softmax",
    "softplus",
    "softsign",
    "sparse_plus",
    "sparse_sigmoid",
    "sparsemax",
    "squareplus",
    "tanh",
    "tanh_shrink",
    "threshold",
]
USED = ("activation", "epsilon", "scale", "offset", "input_dim", "output_dim")  # settings, beside those of activations


def program() -> str:
    """Return the text of network.js, which defines `networkOf`."""
    return resources.files("fastmlp.export").joinpath("network.js").read_text("utf-8")


def described(forward: Forward) -> dict[str, Any]:
    """Return a model as `networkOf` takes it: values of JSON, weights as float32 in base64.

    The page computes in double precision; of a model of float64 the weights are rounded.

    Raises
    ------
    ValueError
        For a step or an activation that network.js does not know.
    """
    arrays: dict[str, str] = {}
    steps = [step_of(step, arrays) for step in forward.steps]
    places = {name: place for place, name in enumerate(arrays)}
    for step in steps:
        step["weights"] = {name: places[weight] for name, weight in step["weights"].items()}
    return {
        "inputs": [math.prod(end.row_shape) for end in forward.inputs],
        "outputs": [end.number for end in forward.outputs],
        "steps": steps,
        "arrays": list(arrays.values()),
    }


def step_of(step: Step, arrays: dict[str, str]) -> dict[str, Any]:
    """Return a step, its weights by their names in `arrays`, to which they are added."""
    activation = step.settings["activation"] if step.kind == "activation" else None
    for got, known in ((step.kind, STEPS), (activation, ACTIVATIONS)):
        if got is not None and got not in known:
            raise ValueError(f"model: got {got!r} in layer {step.layer!r}, needs one of {', '.join(known)}")
    for weight in step.weights.values():
        arrays.setdefault(weight.name, floats(weight.values))
    return {
        "kind": step.kind,
        "reads": list(step.reads),
        "columns": step.columns,
        "groups": step.groups,
        "settings": settings_of(step),
        "weights": {name: weight.name for name, weight in step.weights.items()},
    }


def settings_of(step: Step) -> dict[str, Any]:
    """Return what network.js asks for; infinity, which JSON has not, is left out, and its default there."""
    found = {name: value for name, value in step.settings.items() if step.kind == "activation" or name in USED}
    return {name: value for name, value in found.items() if isinstance(value, str) or math.isfinite(value)}


def floats(values: np.ndarray) -> str:
    """Return numbers as float32, little-endian, in base64."""
    with np.errstate(over="ignore"):
        return base64.b64encode(np.ascontiguousarray(values, "<f4").tobytes()).decode()
