"""Named settings: what layers, losses, optimizers and the like have in common.

Each is an object with validated arguments and no arithmetic. It can be asked for by name, by class or as an instance
(`lookup`), and turned into JSON values and back (`get_config`, `from_config`), which is all that a saved model needs.
"""

from __future__ import annotations

import functools
import inspect
import math
import numbers
import os
import re
from collections.abc import Collection, Mapping
from typing import Any, TypeVar

import numpy as np

from fastmlp.elsewhere import Advises
from fastmlp.errors import told

T = TypeVar("T")
S = TypeVar("S", bound="Settings")


class Settings(Advises):
    """Base of everything that is described by the arguments of its constructor.

    A subclass keeps each constructor argument in an attribute of the same name; the rest follows from that. What is set
    once stays: it has been checked, and networks have been made from it.
    """

    def __setattr__(self, name: str, value: Any) -> None:
        if name in vars(self) or hasattr(type(self), name):
            raise AttributeError(f"{name}: got a new value, needs a new {type(self).__name__}")
        super().__setattr__(name, value)

    def overwrite(self, **values: Any) -> None:
        """Give attributes a value that they may have already: what is derived, found later, or no argument."""
        vars(self).update(values)

    def arguments(self) -> dict[str, Any]:
        """Return the constructor's arguments by name, those that it takes as *args or **kwargs left out."""
        parameters = inspect.signature(type(self)).parameters.values()
        named = [one.name for one in parameters if one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD)]
        return {name: self.argument(name) for name in named}

    def argument(self, name: str) -> Any:
        """Return one of the constructor's arguments."""
        return getattr(self, name)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments as JSON values."""
        return {name: to_plain(value) for name, value in self.arguments().items()}

    @classmethod
    def from_config(cls: type[S], config: Mapping[str, Any]) -> S:
        """Make an object from what `get_config` returned."""
        return cls(**mapping("config", config))

    def shown(self) -> dict[str, Any]:
        """Return the arguments that `repr` shows."""
        return {name: value for name, value in self.arguments().items() if value is not None}

    def __repr__(self) -> str:
        shown = [f"{name}={getattr(value, '__name__', value)!r}" for name, value in self.shown().items()]
        return f"{type(self).__name__}({', '.join(shown)})"


def to_plain(value: Any) -> Any:
    """Return `value` in terms of JSON: settings become {"class_name", "config"}, functions their name."""
    if isinstance(value, Settings):
        return {"class_name": type(value).__name__, "config": value.get_config()}
    if isinstance(value, (list, tuple)):
        return [to_plain(item) for item in value]
    if isinstance(value, dict):
        return {name: to_plain(item) for name, item in value.items()}
    return value.__name__ if callable(value) else value


def lookup(argument: str, identifier: Any, known: Mapping[str, type[T]]) -> T:
    """Return an instance for a name, a class, an instance or a {"class_name", "config"} dict.

    Names are compared without case and underscores, so "mean_squared_error" and "MeanSquaredError" are one.

    Raises
    ------
    ValueError
        For an unknown name; the message lists the known ones.
    TypeError
        For anything that is none of the above.
    """
    classes = tuple(known.values())
    if isinstance(identifier, classes):
        return identifier
    if isinstance(identifier, type) and issubclass(identifier, classes):
        return identifier()
    if isinstance(identifier, str):
        return find(argument, identifier, known)()
    if isinstance(identifier, Mapping) and set(identifier) == {"class_name", "config"}:
        found = find(argument, identifier["class_name"], known)
        return found.from_config(identifier["config"])  # type: ignore[attr-defined, no-any-return]
    raise TypeError(
        f"{argument}: got {told(identifier)}, needs one of {listing(known)}, or an instance or class of those"
    )


def find(argument: str, name: Any, known: Mapping[str, T]) -> T:
    """Return what `known` holds under `name`, or raise a ValueError that lists the names."""
    if isinstance(name, str):
        for candidate, value in known.items():
            if fold(name) in (fold(candidate), fold(getattr(value, "__name__", ""))):
                return value
    raise ValueError(f"{argument}: got unknown name {name!r}, needs one of {listing(known)}")


def listing(known: Mapping[str, Any]) -> str:
    return ", ".join(repr(name) for name in known)


def subclasses(namespace: Mapping[str, Any], base: type[T]) -> dict[str, type[T]]:
    """Return the subclasses of a class that a module has in its __all__, by their names and in that order."""
    found = {name: namespace.get(name) for name in namespace["__all__"]}
    return {
        name: cls for name, cls in found.items() if isinstance(cls, type) and issubclass(cls, base) and cls is not base
    }


def fold(name: str) -> str:
    return name.lower().replace("_", "")


@functools.cache
def snake_case(name: str) -> str:
    """Return a class name as Keras writes it: "InputLayer" is "input_layer", "KLDivergence" is "kl_divergence"."""
    return re.sub(r"(?<=.)(?=[A-Z][a-z])|(?<=[a-z])(?=[A-Z])", "_", name).lower()


def integer(argument: str, value: Any, at_least: int, below: int | None = None) -> int:
    """Return `value` as an int, or raise TypeError or ValueError; of one without a limit 64 bits must do."""
    needs = f"an integer of at least {at_least}" + ("" if below is None else f" and below {below}")
    if isinstance(value, (bool, np.timedelta64)) or not isinstance(value, numbers.Integral):
        raise TypeError(f"{argument}: got {told(value)}, needs {needs}")
    number = int(value)
    if below is None and number >= 2**63:
        needs += f" and below {2**63}"
    if not at_least <= number < (2**63 if below is None else below):
        raise ValueError(f"{argument}: got {told(number)}, needs {needs}")
    return number


def listed(argument: str, values: Any) -> list[Any]:
    """Return the items of a list or another iterable as a list, or raise TypeError; a string is none."""
    try:
        if not isinstance(values, (str, bytes, bytearray)):
            return list(values)
    except TypeError:
        pass
    raise TypeError(f"{argument}: got {told(values)}, needs a list")


def array_shape(argument: str, shape: Any) -> tuple[int, ...]:
    """Return the shape of an array, or the length of its only axis, as a tuple of ints; TypeError or ValueError."""
    given = shape if isinstance(shape, (tuple, list)) else (shape,)
    sizes = tuple(integer(argument, size, at_least=0) for size in given)
    if len(sizes) > 32 or math.prod(sizes) >= 2**56:
        raise ValueError(f"{argument}: got {told(shape)}, needs at most 32 axes, and as many numbers as memory holds")
    return sizes


def real(argument: str, value: Any, low: float = -math.inf, high: float = math.inf, open_high: bool = False) -> float:
    """Return `value` as a finite float from low to high (excluded if `open_high`); raise TypeError or ValueError."""
    needs = "a finite number"
    if low > -math.inf and high < math.inf:
        needs += f" in [{low:g}, {high:g}{')' if open_high else ']'}"
    elif low > -math.inf:
        needs += f" of at least {low:g}"
    elif high < math.inf:
        needs += f" of at most {high:g}"
    if isinstance(value, (bool, np.timedelta64)) or not isinstance(value, numbers.Real):
        raise TypeError(f"{argument}: got {told(value)}, needs {needs}")
    try:
        number = float(value)
    except OverflowError:  # an int beyond every float
        number = math.inf
    if not math.isfinite(number) or not low <= number <= high or (open_high and number == high):
        raise ValueError(f"{argument}: got {told(value)}, needs {needs}")
    return number


def is_among(value: Any, known: Collection[Any]) -> bool:
    """Whether a caller's value is one of some constants; an array, whose comparison has no answer, is none."""
    if hasattr(type(value), "__array__") and not isinstance(value, np.generic):
        return False
    try:
        return value in known
    except (TypeError, ValueError):  # of what cannot be compared, or has no hash
        return False


def choice(argument: str, value: T, known: Collection[Any]) -> T:
    """Return a value that is one of some constants, or raise ValueError."""
    if not is_among(value, known):
        raise ValueError(f"{argument}: got {told(value)}, needs one of {', '.join(map(repr, known))}")
    return value


def file_path(argument: str, value: Any) -> str:
    """Return the path that a string, bytes or a path object stand for; raise TypeError or ValueError."""
    try:
        found = os.fsdecode(value)
    except TypeError:
        raise TypeError(f"{argument}: got {told(value)}, needs a path") from None
    try:
        has_no_name = b"\0" in os.fsencode(found)
    except UnicodeEncodeError:
        has_no_name = True
    if has_no_name:
        raise ValueError(f"{argument}: got {told(found)}, needs a path that a file can have")
    return found


def mapping(argument: str, value: Any) -> dict[str, Any]:
    """Return a mapping with names for keys as a dict, or raise TypeError."""
    if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value):
        raise TypeError(f"{argument}: got {told(value)}, needs a dict by names")
    return dict(value)


def boolean(argument: str, value: Any) -> bool:
    """Return `value` as a bool, or raise TypeError: 0 and "False" are more often mistakes than meant."""
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{argument}: got {told(value)}, needs True or False")
    return bool(value)


def only(argument: str, value: Any, allowed: tuple[Any, ...], why: str) -> None:
    """Raise ValueError unless an argument of Keras has one of the values that ask for nothing that is not here."""
    if not any(value is item or (type(value) is type(item) and is_among(value, (item,))) for item in allowed):
        needs = " or ".join(map(repr, allowed))
        raise ValueError(f"{argument}: got {told(value)}, needs {needs}: {why}")


def refuse_methods(cls: type, names: tuple[str, ...], needs: str) -> None:
    """Raise TypeError for a custom class that defines methods which nothing here would call."""
    for name in names:
        if name in vars(cls):
            raise TypeError(f"{cls.__name__}: got a method {name!r}, needs none: {needs}")


def optional_name(value: Any) -> str | None:
    """Return a layer's or model's name, or None for "choose one"."""
    if value is None:
        return None
    if not isinstance(value, str):
        raise TypeError(f"name: got {told(value)}, needs a string or None")
    if not value or "/" in value:  # "/" separates layer and weight in saved files
        raise ValueError(f"name: got {told(value)}, needs a non-empty string without '/'")
    return value
