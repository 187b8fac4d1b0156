"""Weights as arrays by Keras' paths: `{one.path: one.numpy() for one in model.weights}`, there and here.

Layers go by their names where all are the same in both, and else by their order.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from fastmlp.data.arrays import weight_arrays
from fastmlp.errors import told
from fastmlp.export.by_name import Home, by_home, homes_of, joined, paired
from fastmlp.export.keras_weights import COUNT, arrays_of, names_of, set_arrays, shapes_of
from fastmlp.layers import Layer, Normalization
from fastmlp.settings import listed, mapping
from fastmlp.training.model import Model

SEED = "seed_generator_state"  # of a Dropout, among a model's variables


def to_weights(model: Model, like: Iterable[str] | None = None) -> dict[str, np.ndarray]:
    """Return copies of a model's weights by path, as Keras has them.

    Parameters
    ----------
    model : Model
        With a known input shape.
    like : iterable of str, optional
        The paths of a model of Keras, which are taken; else they are `model.weight_names`.

    Returns
    -------
    dict of array
        `for one in theirs.weights: one.assign(found[one.path])` sets them there.

    Raises
    ------
    ValueError
        For another number of layers in `like`.
    """
    homes = homes_of(model, "/")
    prefixes = [name for name, _ in homes]
    if like is not None:
        given = by_home(dict.fromkeys(path for path in paths_of("like", like) if not path.endswith(SEED)), "/")
        homes = expected(homes, len(given))
        prefixes = paired("like", given, homes)
    return {
        joined(prefix, "/", name): array
        for prefix, (_, layer) in zip(prefixes, homes, strict=True)
        for name, array in zip(names_of(layer), arrays_of(layer), strict=True)
    }


def paths_of(argument: str, given: Any) -> list[str]:
    """Return paths of weights as a list; TypeError for what is none."""
    found = listed(argument, given)
    if not all(isinstance(path, str) for path in found):
        raise TypeError(f"{argument}: got {told(given)}, needs paths of weights")
    return found


def from_weights(model: Model, weights: Mapping[str, Any]) -> None:
    """Set a model's weights from arrays, or variables of Keras, by path; on an error none.

    Parameters
    ----------
    model : Model
        With a known input shape, and as many layers with weights as there are in Keras.
    weights : mapping
        By path, as "dense/kernel".

    Raises
    ------
    ValueError, TypeError
        When they do not fit the layers; the message names both.
    """
    given = by_home(
        {path: array for path, array in mapping("weights", weights).items() if not path.endswith(SEED)}, "/"
    )
    homes = expected(homes_of(model, "/"), len(given))
    found: list[tuple[Layer, list[np.ndarray]]] = []
    for prefix, (name, layer) in zip(paired("weights", given, homes), homes, strict=True):
        theirs, needs = given[prefix], names_of(layer)
        if isinstance(layer, Normalization):
            theirs = {COUNT: np.zeros((), np.int32), **theirs}
        if sorted(theirs) != sorted(needs):
            raise ValueError(f"weights: got {sorted(theirs)} in {prefix!r} for layer {name!r}, needs {sorted(needs)}")
        arrays = []
        for one, shape in zip(needs, shapes_of(layer), strict=True):
            path = f"weights[{joined(prefix, '/', one)!r}]"
            arrays += weight_arrays(path, [np.asarray(theirs[one])], [shape], model.dtype)
        if isinstance(layer, Normalization):
            Normalization(mean=arrays[0], variance=arrays[1])  # for its errors
        found.append((layer, arrays))
    for layer, arrays in found:
        set_arrays(layer, arrays)


def expected(homes: list[Home], count: int) -> list[Home]:
    """Return the layers without normalizations, if so many are left: those by given values have no weights in Keras."""
    others = [home for home in homes if not isinstance(home[1], Normalization)]
    return others if len(others) == count else homes
