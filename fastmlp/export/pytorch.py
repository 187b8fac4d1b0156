"""Weights as arrays by the names that PyTorch's modules give them: what load_state_dict takes, and state_dict gives.

A module is a layer with weights: Linear, BatchNorm1d, LayerNorm, Embedding or PReLU. Its weights stand together in a
state dict, as "encoder.0.weight" and "encoder.0.bias". Modules go by their names where all are those of the layers, and
else by their order.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from fastmlp.data.arrays import Shape, weight_arrays
from fastmlp.export.by_name import by_home, homes_of, joined, paired
from fastmlp.layers import BatchNormalization, Dense, Embedding, Layer, LayerNormalization, PReLU
from fastmlp.layers.variable import Variable
from fastmlp.settings import mapping
from fastmlp.training.model import Model

# what PyTorch calls the weights of a layer, by their names here
NAMES: dict[type[Layer], dict[str, str]] = {
    Dense: {"kernel": "weight", "bias": "bias"},
    BatchNormalization: {
        "gamma": "weight",
        "beta": "bias",
        "moving_mean": "running_mean",
        "moving_variance": "running_var",
    },
    LayerNormalization: {"gamma": "weight", "beta": "bias"},
    Embedding: {"embeddings": "weight"},
    PReLU: {"alpha": "weight"},
}
COUNT = "num_batches_tracked"  # of a BatchNorm1d, which uses it without a momentum alone


def to_state_dict(model: Model, like: Mapping[str, Any] | None = None) -> dict[str, np.ndarray]:
    """Return copies of a model's weights as PyTorch has them: kernels as [units, inputs].

    Parameters
    ----------
    model : Model
        With a known input shape.
    like : mapping, optional
        A state dict whose names of modules are taken; else they are those of the layers, with a dot between levels.

    Returns
    -------
    dict of array
        `{name: torch.from_numpy(array) for ...}` is what `load_state_dict` takes.

    Raises
    ------
    ValueError
        For a layer whose weights PyTorch has not, and another number of modules in `like`.
    """
    homes = homes_of(model, ".")
    prefixes = (
        [name for name, _ in homes] if like is None else paired("like", by_home(mapping("like", like), "."), homes)
    )
    found: dict[str, np.ndarray] = {}
    for prefix, (name, layer) in zip(prefixes, homes, strict=True):
        for variable, theirs in named(name, layer):
            values = variable.numpy()
            found[joined(prefix, ".", theirs)] = np.ascontiguousarray(values.T) if is_turned(variable) else values
        if isinstance(layer, BatchNormalization):
            found[joined(prefix, ".", COUNT)] = np.array(0, np.int64)
    return found


def from_state_dict(model: Model, state: Mapping[str, Any]) -> None:
    """Set a model's weights from a state dict of PyTorch, module by module; on an error none.

    Parameters
    ----------
    model : Model
        With a known input shape, and as many layers with weights as the state dict has modules.
    state : mapping
        Arrays, or tensors of the CPU, by name.

    Raises
    ------
    ValueError, TypeError
        When modules do not fit the layers; the message names both.
    """
    given, homes = by_home(mapping("state", state), "."), homes_of(model, ".")
    found: list[tuple[Variable, np.ndarray]] = []
    for prefix, (name, layer) in zip(paired("state", given, homes), homes, strict=True):
        module, variables = given[prefix], named(name, layer)
        needs = [theirs for _, theirs in variables]
        if sorted(set(module) - {COUNT}) != sorted(needs):
            raise ValueError(f"state: got {sorted(module)} in {prefix!r} for layer {name!r}, needs {sorted(needs)}")
        for variable, theirs in variables:
            array, shape = np.asarray(module[theirs]), their_shape(variable)
            if isinstance(layer, PReLU) and array.shape == (1,):  # one slope for all
                array = np.broadcast_to(array, shape)
            (values,) = weight_arrays(f"state[{joined(prefix, '.', theirs)!r}]", [array], [shape], model.dtype)
            found.append((variable, values.T if is_turned(variable) else values))
    for variable, values in found:
        variable.assign(values)


def named(name: str, layer: Layer) -> list[tuple[Variable, str]]:
    """Return the weights of a layer with what PyTorch calls them."""
    names = next((names for kind, names in NAMES.items() if isinstance(layer, kind)), None)
    if names is None:
        needs = ", ".join(kind.__name__ for kind in NAMES)
        raise ValueError(f"model: got layer {name!r}, a {type(layer).__name__}, needs weights of {needs}")
    return [(variable, names[variable.name]) for variable in layer.weights]


def is_turned(variable: Variable) -> bool:
    """Whether PyTorch has the transpose."""
    return variable.name == "kernel"


def their_shape(variable: Variable) -> Shape:
    """Return the shape that PyTorch has."""
    return variable.shape[::-1] if is_turned(variable) else variable.shape
