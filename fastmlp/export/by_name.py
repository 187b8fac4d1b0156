"""Which layer of a model takes which of the arrays that another library has by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

from fastmlp.layers import Layer
from fastmlp.training.model import Model

Home = tuple[str, Layer]  # a layer with weights, and its name by levels
T = TypeVar("T")


def homes_of(model: Model, separator: str) -> list[Home]:
    """Return the layers of a model that have weights, with a separator between the levels of their names."""
    if not isinstance(model, Model):
        raise TypeError(f"model: got {type(model).__name__}, needs a Sequential or Model")
    model.graph  # noqa: B018, for its error
    return [(name.replace("/", separator), leaf) for name, leaf, _ in model.leaves() if leaf.weights]


def by_home(arrays: Mapping[str, T], separator: str) -> dict[str, dict[str, T]]:
    """Return arrays by what their names begin with, in its order, and by the last part of their names."""
    found: dict[str, dict[str, T]] = {}
    for name, array in arrays.items():
        prefix, _, last = name.rpartition(separator)
        found.setdefault(prefix, {})[last] = array
    return found


def paired(argument: str, prefixes: Iterable[str], homes: list[Home]) -> list[str]:
    """Return the prefix of each layer: its own name, or where not all have theirs the one at its place.

    ValueError unless there are as many as layers.
    """
    given = list(prefixes)
    names = [name for name, _ in homes]
    if len(given) != len(homes):
        got, needs = (", ".join(map(repr, some)) for some in (given, names))
        raise ValueError(f"{argument}: got {len(given)} modules, {got}, needs {len(homes)}, for {needs}")
    return names if set(given) == set(names) else given


def joined(prefix: str, separator: str, name: str) -> str:
    """Return the name of an array; a module alone has no prefix."""
    return f"{prefix}{separator}{name}" if prefix else name
