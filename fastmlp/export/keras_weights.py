"""Where Keras keeps weights and an optimizer's state in its files.

A layer's arrays are numbered in a group of its own, "layers/dense_1/vars/0". The names of groups come from the classes:
"dense_1" is the second Dense among the layers of its model. https://keras.io/guides/serialization_and_saving
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from fastmlp.data.arrays import Shape
from fastmlp.layers import InputLayer, Layer, Normalization, PReLU
from fastmlp.optimizers import Optimizer
from fastmlp.settings import snake_case
from fastmlp.training.model import Model

COUNT = "count"  # of a Normalization, which nothing uses
Slot = tuple[int, str]  # number in the engine, name in Keras

# What each rule of the engine remembers, as Keras has it: in a group, the arrays of each weight stand side by side.
SLOTS: dict[str, list[list[Slot]]] = {
    "sgd": [],
    "momentum": [[(0, "momentum")]],
    "nesterov": [[(0, "momentum")]],
    "rmsprop": [[(0, "velocity")]],
    "rmsprop_momentum": [[(0, "velocity")], [(1, "momentum")]],
    "rmsprop_centered": [[(0, "velocity")], [(2, "momentum")], [(1, "average_gradient")]],
    "adagrad": [[(0, "accumulator")]],
    "adadelta": [[(0, "accumulated_grad"), (1, "accumulated_delta_var")]],
    "adam": [[(0, "momentum"), (1, "velocity")]],
    "amsgrad": [[(0, "momentum"), (1, "velocity")], [(2, "velocity_hat")]],
    "adamax": [[(0, "momentum"), (1, "norm")]],
    "nadam": [[(0, "momentum"), (1, "velocity")]],
    "lion": [[(0, "momentum")]],
    "ftrl": [[(0, "accumulator"), (1, "linear")]],
    "schedule_free_adamw": [[(0, "momentum"), (1, "velocity")]],
}


def is_row(model: Model) -> bool:
    """Whether a model is layers in a row."""
    return "_first" in vars(model)


def class_name(layer: Layer) -> str:
    """Return the name of a layer's class in Keras."""
    if isinstance(layer, Model):
        return "Sequential" if is_row(layer) else "Functional"
    return type(layer).__name__


def places(model: Model, by_attributes: bool = False, copies: bool = False) -> Iterator[tuple[str, Layer]]:
    """Yield a model, and every layer and model in it, with the path of its group.

    Parameters
    ----------
    model : Model
    by_attributes : bool
        Whether layers of a subclass with a `call` of its own go by the attributes that hold them, as in files of
        weights alone; else by their order in its graph.
    copies : bool
        Whether what stands in several models has a place in each; else its first one alone.
    """
    seen: set[int] = set()
    waiting: list[tuple[str, Layer]] = [("", model)]
    while waiting:
        path, layer = waiting.pop()
        if copies or id(layer) not in seen:
            seen.add(id(layer))
            yield path, layer
            if isinstance(layer, Model):
                waiting += reversed(list(children(path, layer, by_attributes)))


def children(path: str, model: Model, by_attributes: bool) -> Iterator[tuple[str, Layer]]:
    """Yield the layers of a model, with their paths."""
    if by_attributes and hasattr(type(model), "call") and not is_row(model):
        for attribute in sorted({*vars(model), "layers"}):
            if not attribute.startswith("_"):
                yield from held(joined(path, attribute), getattr(model, attribute))
    else:
        layers = model.layers if is_row(model) else model.graph.layers
        yield from held(joined(path, "layers"), list(layers))


def held(path: str, value: Any) -> Iterator[tuple[str, Layer]]:
    """Yield the layers that an attribute holds: itself, or in lists, tuples and dicts."""
    if isinstance(value, Layer):
        yield path, value
    elif isinstance(value, (list, tuple, dict)):
        counts: dict[str, int] = {}
        for one in value.values() if isinstance(value, dict) else value:
            if isinstance(one, (Layer, list, tuple, dict)):
                name = snake_case(class_name(one)) if isinstance(one, Layer) else "container"
                number = counts[name] = counts.get(name, -1) + 1
                yield from held(f"{path}/{name}_{number}" if number else f"{path}/{name}", one)


def joined(path: str, name: str) -> str:
    """Return the path of something in a group."""
    return f"{path}/{name}" if path else name


def shapes_of(layer: Layer) -> list[Shape]:
    """Return the shapes of a layer's arrays in Keras; none of a model, whose layers have them."""
    if isinstance(layer, (Model, InputLayer)):
        return []
    if isinstance(layer, Normalization):
        shape = statistics_shape(layer)
        return [shape, shape, ()]
    if isinstance(layer, PReLU) and layer.shared_axes:  # there, alpha has those axes too
        return [(*(1,) * len(layer.shared_axes), *variable.shape) for variable in layer.weights]
    return [variable.shape for variable in layer.weights]


def names_of(layer: Layer) -> list[str]:
    """Return the names of a layer's arrays in Keras, in their order."""
    return ["mean", "variance", COUNT] if isinstance(layer, Normalization) else [one.name for one in layer.weights]


def statistics_shape(layer: Normalization) -> Shape:
    """Return the shape of a mean in Keras: of the axes that are kept; here there is one for each value of a row."""
    shape = (layer._built_for or [()])[0]
    return tuple(shape[axis - 1] for axis in layer.kept((0, *shape)))


def arrays_of(layer: Layer) -> list[np.ndarray]:
    """Return a layer's arrays as Keras has them."""
    if isinstance(layer, Normalization):
        return [*statistics_of(layer), np.zeros((), np.int32)]  # of a count that is not used any more
    return [one.numpy().reshape(shape) for one, shape in zip(layer.weights, shapes_of(layer), strict=False)]


def statistics_of(layer: Normalization) -> list[np.ndarray]:
    """Return the mean and the variance of a built layer."""
    weights = {variable.name: variable.numpy() for variable in layer.weights}
    if layer.invert:  # it has the deviation, at least 1e-7
        weights["variance"] = np.square(weights["deviation"])
        if layer._given is not None:
            weights["variance"] = layer.values_of("variance").astype(layer.dtype)
    shape = (layer._built_for or [()])[0]
    kept = layer.kept((0, *shape))
    first = tuple(slice(None) if axis in kept else 0 for axis in range(1, 1 + len(shape)))
    return [weights[name].reshape(shape)[first] for name in ("mean", "variance")]


def set_arrays(layer: Layer, arrays: Sequence[np.ndarray]) -> None:
    """Set a layer's weights from its arrays in Keras, which have `shapes_of` it."""
    given = [np.asarray(array, layer.dtype, order="C") for array in arrays]
    if isinstance(layer, Normalization):
        layer.keep(given[0].astype(np.float64), given[1].astype(np.float64))
        given = [layer.values_of(variable.name).astype(layer.dtype) for variable in layer.weights]
    for variable, values in zip(layer.weights, given, strict=True):
        variable.write(values.reshape(variable.shape))


def state_places(model: Model) -> list[tuple[str, int]] | None:
    """Return names and places, in the optimizer's state, of the arrays that Keras keeps in its order.

    None where that state cannot be told to Keras: layers were frozen or freed since compile, or it has no such rule.
    """
    optimizer = model.optimizer
    assert optimizer is not None
    groups = groups_of(optimizer)
    if groups is None or model.flags_have_changed():
        return None
    count = len(model.trained)
    names = [name.replace("/", "_") for name, one in model.named_variables().items() if one in set(model.trained)]
    slots = len(model.network.get_optimizer_state()) // max(1, count)
    around: list[list[Slot]] = [[(slots - 1, "average")]] if optimizer.use_ema else []
    if optimizer.gradient_accumulation_steps is not None:
        around = [[(slots - 1, "gradient_accumulator")]]
    order = list(zip(names, model.in_own_order(range(count)), strict=True))
    return [
        (f"{name}_{slot}", number * count + place)
        for group in [*around, *groups]
        for name, place in order
        for number, slot in group
    ]


def groups_of(optimizer: Optimizer) -> list[list[Slot]] | None:
    """Return what an optimizer remembers as Keras has it; None for a rule that it has not."""
    groups = SLOTS.get(optimizer.rule["name"])
    if groups is not None and optimizer.rule["name"] == "rmsprop_centered" and not optimizer.rule["momentum"]:
        return [group for group in groups if group[0][1] != "momentum"]  # there it is kept only where it is used
    return groups


def state_of(model: Model) -> list[tuple[str, np.ndarray]] | None:
    """Return the optimizer's state as Keras keeps it, with names; None where that cannot be."""
    found = state_places(model)
    if found is None:
        return None
    optimizer, network = model.optimizer, model.network
    assert optimizer is not None
    step = np.array(network.step, np.int32 if network.step < 2**31 else np.int64)
    named = [("iteration", step)]
    if not callable(optimizer._rate):
        named.append(("learning_rate", np.array(optimizer.learning_rate, model.dtype)))
    state = network.get_optimizer_state()
    named += [(name, state[place]) for name, place in found]
    if optimizer.rule["name"] == "nadam":
        named.append(("u_product", nadam_product(network.step, optimizer.rule["beta_1"], model.dtype)))
    return named


def told_state(model: Model, include_optimizer: bool) -> list[tuple[str, np.ndarray]]:
    """Return what `state_of` does, nothing where there is none; a warning says so where it cannot be written."""
    if not include_optimizer or model.optimizer is None:
        return []
    state = state_of(model)
    if state is None:
        needs = "the layers as they were compiled, and a rule that Keras has; .safetensors keeps any"
        warnings.warn(f"save: got an optimizer whose state is not written, needs {needs}", stacklevel=2)
    return state or []


def nadam_product(step: int, beta_1: float, dtype: str) -> np.ndarray:
    """Return the product of Nadam's momenta until now, which Keras keeps."""
    settled = 900  # from that step on a momentum is beta_1, in floating point
    shares = math.prod(1.0 - 0.5 * 0.96**number for number in range(1, min(step, settled) + 1))
    return np.array(beta_1**step * shares, dtype)


def own_state(model: Model, arrays: Sequence[np.ndarray]) -> tuple[int, list[np.ndarray]] | None:
    """Return the number of updates and the state from the arrays of `state_of`; None where they do not fit."""
    expected = state_of(model)
    if expected is None or [one.shape for _, one in expected] != [one.shape for one in arrays]:
        return None
    assert model.optimizer is not None
    state, places_found = model.network.get_optimizer_state(), state_places(model) or []
    start = 1 if callable(model.optimizer._rate) else 2
    for (_, place), array in zip(places_found, arrays[start:], strict=False):
        state[place] = np.ascontiguousarray(array, model.dtype)
    return int(arrays[0]), state
