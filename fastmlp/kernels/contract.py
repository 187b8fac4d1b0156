"""The contracts of the public kernels: types, shapes and ranges of arguments, checked before compiled code runs.

A contract names the arguments in order and says what each is: `kernel(ops.matrix_dot, x="m k", y="k n", out="m n")`.
A string is a float array with those dimensions, where a name means the same number throughout the call; `float` and
`int` are scalars, which dimensions may name too.
"""

from __future__ import annotations

import inspect
import math
import numbers
import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastmlp.errors import told
from fastmlp.kernels.cached import cached_property
from fastmlp.kernels.limits import MAX_THREADS, startable, usable
from fastmlp.kernels.ranges import extremes

FLOATS = {np.dtype(np.float32): "float", np.dtype(np.float64): "double"}


@dataclass(frozen=True)
class Array:
    """An array argument.

    `dimensions` are names separated by blanks, or "..." for any shape, the same for all such arguments.
    `dtype` None means float32 or float64, the same for all such arguments. `updated` arrays are changed in place.
    Elements of an array `below` a dimension's name are integers from 0 to that dimension, exclusive.
    """

    dimensions: str
    dtype: type | None = None
    updated: bool = False
    below: str | None = None

    @cached_property
    def names(self) -> list[str]:
        """The dimensions' names, one by one."""
        return self.dimensions.split()


@dataclass(frozen=True)
class Scalar:
    """A number from `low` to `high`, both included."""

    kind: type
    low: float = -math.inf
    high: float = math.inf


SHORT: dict[Any, Any] = {float: Scalar(float), int: Scalar(int)}
THREADS = Scalar(int, 1, MAX_THREADS)
Requirement = tuple[str, Callable[[dict[str, Any]], bool]]


def kernel(compiled: Any, requires: Requirement | None = None, **contract: Any) -> Callable[..., Any]:
    """Make the public, checked function of a compiled kernel.

    Parameters
    ----------
    compiled : function
        Takes the arguments of the contract as C-contiguous arrays and scalars, then `threads`.
    requires : (str, function), optional
        A further condition, in words and as a function of the dictionary of dimensions and scalars.
    **contract : str, Array, Scalar, float or int
        What each argument is, in order. `out`, the last one if present, is allocated unless it is passed.

    Returns
    -------
    function
        Raises TypeError or ValueError, naming the argument, for what does not fit the contract.
    """
    arguments = {
        name: Array(what) if isinstance(what, str) else SHORT.get(what, what) for name, what in contract.items()
    }
    inputs = [(name, what) for name, what in arguments.items() if name != "out"]
    out = arguments.get("out")
    versions = {dtype: compiled[name] for dtype, name in FLOATS.items()} if hasattr(compiled, "__signatures__") else {}
    names = [name for what in arguments.values() if isinstance(what, Array) for name in what.names]
    fixed = {name: int(name) for name in names if name.isdigit()}
    defaults = {"threads": 1} if out is None else {"out": None, "threads": 1}
    signature = signature_of([name for name, _ in inputs], defaults)

    def call(*args: Any, **kwargs: Any) -> Any:
        optional = len(args) - len(inputs)
        if kwargs or not 0 <= optional <= len(defaults):
            bound = signature.bind(*args, **kwargs)
            bound.apply_defaults()
            args = bound.args
        else:  # the usual call, spared the slow binding
            args += tuple(defaults.values())[optional:]
        this = Call(compiled.__name__, dict(fixed))
        values = [this.value(name, what, given) for (name, what), given in zip(inputs, args, strict=False)]
        this.check_labels()
        if requires is not None and not requires[1](this.sizes):
            raise ValueError(f"{this.label}: got {this.sizes}, needs {requires[0]}")
        if out is not None:
            values.append(this.out(out, args[-2]))
        this.check_overlap()
        values.append(startable(usable(this.scalar("threads", THREADS, args[-1]))))
        result = versions.get(this.dtype, compiled)(*values)
        return result if out is None else values[-2]

    call.__signature__ = signature  # type: ignore[attr-defined]
    call.__name__ = call.__qualname__ = compiled.__name__
    call.__doc__ = compiled.__doc__
    call.contract = arguments  # type: ignore[attr-defined]
    return call


def signature_of(required: list[str], defaults: dict[str, Any]) -> inspect.Signature:
    """Return the signature of a function that has these arguments, by place or by name."""
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    parameters = [inspect.Parameter(name, kind) for name in required]
    return inspect.Signature([*parameters, *(inspect.Parameter(name, kind, default=x) for name, x in defaults.items())])


def real(given: Any) -> float:
    """Return the float of a number; text and arrays are none."""
    if not isinstance(given, numbers.Real):
        raise TypeError
    return float(given)


class Call:
    """One call's bookkeeping: the sizes its dimensions have turned out to be, and its float type."""

    def __init__(self, label: str, sizes: dict[str, Any]) -> None:
        self.label = label
        self.sizes = sizes
        self.dtype: np.dtype[Any] | None = None
        self.limits: list[tuple[str, np.ndarray, str]] = []
        self.read: dict[str, np.ndarray] = {}
        self.written: dict[str, np.ndarray] = {}

    def value(self, name: str, what: Any, given: Any) -> Any:
        return self.array(name, what, given) if isinstance(what, Array) else self.scalar(name, what, given)

    def scalar(self, name: str, what: Scalar, given: Any) -> Any:
        try:
            value = operator.index(given) if what.kind is int else real(given)
        except (TypeError, OverflowError):
            raise TypeError(f"{self.label}: {name}: got {told(given)}, needs {what.kind.__name__}") from None
        if not what.low <= value <= what.high:
            raise ValueError(f"{self.label}: {name}: got {told(value)}, needs {what.low} to {what.high}")
        self.sizes[name] = value
        return value

    def array(self, name: str, what: Array, given: Any) -> np.ndarray:
        try:
            return self.plain_array(name, what, given)
        except MemoryError:
            needs = "numbers that memory holds"
            raise ValueError(f"{self.label}: {name}: got {described(given)}, needs {needs}") from None

    def plain_array(self, name: str, what: Array, given: Any) -> np.ndarray:
        try:
            array = np.asarray(given)  # a plain one: a subclass could hide what its memory holds
        except ValueError:
            raise ValueError(f"{self.label}: {name}: got lists of unequal lengths, needs an array") from None
        dtype = self.check_dtype(name, what, array)
        self.check_shape(name, what, array)
        if what.below is not None:
            array = np.array(array, dtype, order="C")  # places in memory: the caller's own may change meanwhile
            self.limits.append((name, array, what.below))
        if what.updated:
            if not (isinstance(given, np.ndarray) and array.flags.carray):
                needs = "a C-contiguous, aligned, writable array, as it is changed in place"
                raise ValueError(f"{self.label}: {name}: got {described(given)}, needs {needs}")
        elif array.dtype != dtype or not (array.flags.c_contiguous and array.flags.aligned):
            array = np.require(array, dtype, ["C", "A"])
        (self.written if what.updated else self.read)[name] = array
        return array.reshape(-1) if what.dimensions == "..." else array

    def check_dtype(self, name: str, what: Array, array: np.ndarray) -> np.dtype[Any]:
        if what.dtype is not None:
            if not np.issubdtype(array.dtype, np.integer):
                raise TypeError(f"{self.label}: {name}: got {array.dtype}, needs integers")
            limits = np.iinfo(what.dtype)
            if array.size and not (limits.min <= array.min() and array.max() <= limits.max):
                got = f"numbers from {array.min()} to {array.max()}"
                raise ValueError(f"{self.label}: {name}: got {got}, needs {limits.min} to {limits.max}")
            return np.dtype(what.dtype)
        if array.dtype not in FLOATS:
            raise TypeError(f"{self.label}: {name}: got {array.dtype}, needs float32 or float64")
        if self.dtype is None:
            self.dtype = array.dtype
        if array.dtype != self.dtype:
            needs = f"{self.dtype} like the arguments before it"
            raise TypeError(f"{self.label}: {name}: got {array.dtype}, needs {needs}")
        return self.dtype

    def check_shape(self, name: str, what: Array, array: np.ndarray) -> None:
        if what.dimensions == "...":
            fits = array.shape == self.sizes.setdefault("...", array.shape)
        else:
            fits = array.ndim == len(what.names) and self.same_sizes(what.names, array.shape)
        if not fits:
            raise ValueError(f"{self.label}: {name}: got shape {array.shape}, needs ({self.sizes_of(what)})")
        if array.size == 0:
            raise ValueError(f"{self.label}: {name}: got shape {array.shape}, needs at least one element")

    def same_sizes(self, names: list[str], shape: tuple[int, ...]) -> bool:
        """Whether the dimensions have the sizes they had before; from now on they have."""
        for name, size in zip(names, shape, strict=True):  # noqa: SIM110, a loop is faster here
            if self.sizes.setdefault(name, size) != size:
                return False
        return True

    def sizes_of(self, what: Array) -> str:
        known = {name: size for name, size in self.sizes.items() if not name.isdigit()}
        return ", ".join(f"{name}={known[name]}" if name in known else name for name in what.names)

    def check_labels(self) -> None:
        for name, array, dimension in self.limits:
            check_range(f"{self.label}: {name}", array, self.sizes[dimension])

    def out(self, what: Array, given: Any) -> np.ndarray:
        dtype = np.dtype(what.dtype) if what.dtype is not None else self.dtype
        shape = tuple([self.sizes[name] for name in what.names])
        if given is None:
            if min(shape) < 1:
                raise ValueError(f"{self.label}: out: got shape {shape}, needs at least 1 in every dimension")
            try:
                return np.empty(shape, dtype)
            except (MemoryError, ValueError):  # NumPy's for what no address reaches
                raise ValueError(f"{self.label}: out: got shape {shape}, needs one that memory holds") from None
        if not isinstance(given, np.ndarray) or given.dtype != dtype or given.shape != shape or not given.flags.carray:
            needs = f"a writable C-contiguous {dtype} array of shape {shape}"
            raise ValueError(f"{self.label}: out: got {described(given)}, needs {needs}")
        self.written["out"] = np.asarray(given)
        return self.written["out"]

    def check_overlap(self) -> None:
        """No argument may change under another one while it is read or written."""
        everything = self.read | self.written
        for name, array in self.written.items():
            for other, neighbour in everything.items():
                if name != other and np.may_share_memory(array, neighbour):
                    raise ValueError(f"{self.label}: {name}: got memory of {other}, needs its own")


def flag(name: str, given: Any) -> bool:
    """Return True or False as it is, or raise TypeError."""
    if not isinstance(given, (bool, np.bool_)):
        raise TypeError(f"{name}: got {told(given)}, needs True or False")
    return bool(given)


def whole(name: str, given: Any) -> int:
    """Return an integer of at least 1 that 63 bits hold; raise TypeError or ValueError."""
    try:
        number = operator.index(given)
    except TypeError:
        raise TypeError(f"{name}: got {told(given)}, needs an integer") from None
    if not 1 <= number < 2**63:
        raise ValueError(f"{name}: got {told(number)}, needs at least 1")
    return number


def check_array(name: str, array: Any, dtypes: tuple[Any, ...], shape: tuple[int | None, ...]) -> None:
    """Refuse what is no C-contiguous array of one of the types and of the shape, where None is any size."""
    fits = (
        isinstance(array, np.ndarray)
        and array.dtype in dtypes
        and array.ndim == len(shape)
        and has_sizes(array.shape, shape)
    )
    if not fits or not array.size or not array.flags.c_contiguous or not array.flags.aligned:
        types = " or ".join(str(np.dtype(dtype)) for dtype in dtypes)
        sizes = ", ".join("rows" if size is None else str(size) for size in shape)
        raise ValueError(f"{name}: got {described(array)}, needs a C-contiguous array of {types} with shape ({sizes})")


def has_sizes(given: tuple[int, ...], shape: tuple[int | None, ...]) -> bool:
    """Whether the sizes given are those of `shape`, where None is any."""
    return [size if wanted is None else wanted for size, wanted in zip(given, shape, strict=True)] == list(given)


def check_range(name: str, array: np.ndarray, limit: int) -> None:
    """Refuse numbers outside of 0 to limit - 1."""
    low, high = extremes(np.ascontiguousarray(array))
    if low < 0 or high >= limit:
        raise ValueError(f"{name}: got numbers from {low} to {high}, needs 0 to {limit - 1}")


def described(given: Any) -> str:
    """Return what an argument is: the type and shape of an array, or the name of its class."""
    return f"{given.dtype} {given.shape}" if isinstance(given, np.ndarray) else type(given).__name__
