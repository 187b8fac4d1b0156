"""What callbacks remember, kept beside the model where a run is backed up: as JSON, and arrays by name."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from fastmlp.callbacks.base import Callback
from fastmlp.callbacks.hooks import overrides
from fastmlp.data.files import STATES, Tensors
from fastmlp.errors import told
from fastmlp.settings import boolean

PLAIN = (str, int, float, bool, type(None))


class Keeper(Callback):
    """Base of the callbacks that back a run up: the model, and the states of all other callbacks, which come first."""

    comes_last = True
    needs_sequential = True
    companions: Sequence[Callback] = ()

    def set_companions(self, callbacks: Sequence[Callback]) -> None:
        self.companions = callbacks

    def backup(self, epoch: int) -> tuple[dict[str, Any], Tensors]:
        """Return all of a run that is to go on with an epoch."""
        model = self.trained_model
        header, tensors = model.get_backup(epoch)
        states, arrays = states_of(self.companions)
        stopped = bool(model.stop_training)
        return {**header, "callbacks": states, "stopped": stopped}, {**tensors, **arrays}

    def take_over(self, header: Mapping[str, Any], tensors: Tensors) -> None:
        """Go on with a run where `backup` was called; ValueError for one of another model, or of other callbacks."""
        states = matched(self.companions, header.get("callbacks", []), tensors)
        stopped, model = boolean("stopped", header.get("stopped", False)), self.trained_model
        for callback, state in states:  # first, as the model is changed by a good file alone
            callback.set_state(state)
        epoch = model.set_backup(header, {name: tensors[name] for name in tensors if not name.startswith(STATES)})
        model.stop_training = stopped
        model.epochs_resumed = sys.maxsize if stopped else epoch


def states_of(callbacks: Sequence[Callback]) -> tuple[list[dict[str, Any]], Tensors]:
    """Return the states of those callbacks that have one, and the arrays in them.

    Raises
    ------
    TypeError
        Naming the callback, for a state that is neither JSON nor arrays of numbers, and one that nothing takes back.
    """
    found: list[dict[str, Any]] = []
    tensors: Tensors = {}
    for name, callback in named(callbacks):
        state = callback.get_state()
        if state is None:
            continue
        if not overrides(callback, "set_state"):
            raise TypeError(f"{name}: got a method get_state alone, needs set_state(state) too")
        try:
            found.append({"name": name, "state": packed(state, tensors)})
        except TypeError as error:
            raise TypeError(f"{name}: get_state: {error}") from None
    return found, tensors


def matched(callbacks: Sequence[Callback], states: Any, tensors: Tensors) -> list[tuple[Callback, Any]]:
    """Return the callbacks that have kept a state, each with it; ValueError for a state of none of them."""
    by_name = dict(named(callbacks))
    for item in states:
        if item["name"] not in by_name:
            raise ValueError(f"callbacks: got no {item['name']}, needs one, as in the run that goes on")
    return [(by_name[item["name"]], unpacked(item["state"], tensors)) for item in states]


def named(callbacks: Sequence[Callback]) -> Iterator[tuple[str, Callback]]:
    """Return the callbacks with their names: the class, and a number from the second of it on."""
    seen: Counter[str] = Counter()
    for callback in callbacks:
        name = type(callback).__name__
        seen[name] += 1
        yield name if seen[name] == 1 else f"{name} {seen[name]}", callback


def packed(value: Any, tensors: Tensors) -> Any:
    """Return a value as JSON; its arrays are copied to `tensors`."""
    if isinstance(value, (np.ndarray, np.generic)):
        array: np.ndarray = np.array(value, order="C")
        if array.dtype.kind not in "biuf" or array.dtype.itemsize > 8:
            raise TypeError(f"got an array of {array.dtype}, needs numbers of at most 64 bits")
        name = f"{STATES}{len(tensors)}"
        tensors[name] = array.astype(array.dtype.newbyteorder("="), copy=False)
        return {"array" if isinstance(value, np.ndarray) else "number": name}
    if isinstance(value, PLAIN):
        return value
    if isinstance(value, list):
        return [packed(item, tensors) for item in value]
    if isinstance(value, tuple):
        return {"tuple": packed(list(value), tensors)}
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return {"dict": {key: packed(item, tensors) for key, item in value.items()}}
    raise TypeError(f"got {told(value)}, needs JSON values, tuples and arrays")


def unpacked(value: Any, tensors: Tensors) -> Any:
    """Return what `packed` was given."""
    if isinstance(value, list):
        return [unpacked(item, tensors) for item in value]
    if not isinstance(value, dict):
        return value
    ((kind, content),) = value.items()
    if kind == "dict":
        return {key: unpacked(item, tensors) for key, item in content.items()}
    if kind == "tuple":
        return tuple(unpacked(content, tensors))
    array = np.array(tensors[content])
    return array if kind == "array" else array[()]


def number_of(state: Mapping[str, Any], name: str) -> float | None:
    """Return a number in a callback's state, which may be infinite or NaN, or None."""
    value = state[name]
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{name}: got {value!r:.100}, needs a number or None")
    return float(value)


def weights_of(state: Mapping[str, Any], name: str, model: Any) -> list[np.ndarray] | None:
    """Return weights of a model in a callback's state, or None; ValueError for those of another model."""
    values = state[name]
    if values is None:
        return None
    found, needed = ([(each.shape, each.dtype.name) for each in some] for some in (values, model.get_weights()))
    if found != needed:
        raise ValueError(f"{name}: got {found!r:.200}, needs {needed!r:.200}")
    return list(values)
