"""Models as C: one header without dependencies, whose function predicts a row with the bits of `predict`.

The weights are constants in hexadecimal, which no reading rounds. The results of steps lie in static arrays, each of
which is used again as soon as its last reader is done.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fastmlp.data.whole_files import write_whole
from fastmlp.export.c_functions import functions, needed, written
from fastmlp.export.forward import End, Forward, Step, Weight, forward_of
from fastmlp.kernels.engine.arena import is_transposed
from fastmlp.kernels.engine.description import ACTIVATION_SETTINGS
from fastmlp.layers.graph import free_name
from fastmlp.training.model import Model

IN_A_LINE = 6  # numbers
REGROUPING = ("split", "join")  # the same numbers in the same order
MOST_NUMBERS = 2**31 - 1  # of an array: counts are ints


def export_model(model: Model, path: Path) -> None:
    """Write a model to a .h file, whole or not at all."""
    text = c_source(forward_of(model), identifier(path.stem))
    write_whole(path, lambda file: file.write(text.encode()))


def identifier(text: str) -> str:
    """Return a text as a name in C: other characters than letters, digits and _ become _."""
    name = re.sub(r"\W", "_", text, flags=re.ASCII)
    return f"model_{name}" if not name[:1].isalpha() else name


def uncommented(text: str) -> str:
    """Return a text that ends no comment."""
    return text.replace("*/", "* /")


def c_source(forward: Forward, name: str) -> str:
    """Return the header of a model, in which all names begin with `name`."""
    header = Header(name, forward.dtype)
    source = Source(header, forward)
    return header.text(preface(source), source.text("static inline"))


class Header:
    """A header that is being made: arrays of constants, and the functions that are called in it.

    Parameters
    ----------
    name : str
        What all names in the file begin with.
    dtype : {"float32", "float64"}
    more : mapping
        The texts of further functions by name, as in c_functions.
    """

    def __init__(self, name: str, dtype: str, more: Mapping[str, str] | None = None) -> None:
        self.name, self.dtype = name, dtype
        self.known = {**functions(dtype), **(more or {})}
        self.arrays: dict[str, str] = {}  # by their names: what declares them
        self.functions: set[str] = set()

    def array(self, name: str, values: np.ndarray, kind: str | None = None) -> str:
        """Add an array of constants, of the type of the file or another; return its name."""
        if values.size > MOST_NUMBERS:
            raise ValueError(f"filepath: got {values.size} numbers in {name}, needs {MOST_NUMBERS} at most")
        free = free_name(f"{self.name}_{identifier(name)}", set(self.arrays))
        self.arrays[free] = declaration(kind or c_type(self.dtype), free, values)
        return free

    def text(self, preface: Sequence[str], *functions: str) -> str:
        """Return the whole header: a comment, what was added, and more functions."""
        guard = f"{self.name.upper()}_H"
        called = needed(self.functions, self.known)
        known = (written(one, self.name, self.dtype, self.known) for one in called)
        return "\n".join(
            [
                *preface,
                f"#ifndef {guard}\n#define {guard}\n",
                "#include <math.h>\n#include <stddef.h>\n#include <stdint.h>\n#include <string.h>\n",
                "#if !defined(__GNUC__) || defined(__clang__)\n#pragma STDC FP_CONTRACT OFF\n#endif\n",
                *(f"{one}\n" for one in (*self.arrays.values(), *known, *functions)),
                "#endif\n",
            ]
        )

    def call(self, function: str, *arguments: Any) -> str:
        """Return a call of one of the functions, which is then in the file; floats are constants of double."""
        self.functions.add(function)
        given = (literal(one, "") if isinstance(one, float) else str(one) for one in arguments)
        return f"{self.name}_{function}({', '.join(given)})"


class Source:
    """The function of a header that predicts a row with a model.

    Parameters
    ----------
    header : Header
    forward : Forward
    name : str
        Of the function, without that of the file.
    prefix : str
        What the names of weights begin with besides.

    Attributes
    ----------
    values : list of str
        What holds the result of each input and step.
    outputs : list of str
        The parameters that the outputs go to.
    """

    def __init__(self, header: Header, forward: Forward, name: str = "predict", prefix: str = "") -> None:
        self.header, self.forward, self.prefix = header, forward, prefix
        self.name, self.type = f"{header.name}_{name}", c_type(forward.dtype)
        self.values = parameters("x", forward.inputs)
        self.outputs = parameters("y", forward.outputs)
        self.array_names: dict[str, str] = {}  # what weights are called here
        self.lines: list[str] = []
        self.sizes: dict[str, int] = {}  # of the static arrays
        self.free: list[str] = []
        self.roots, self.last_readers = last_readers(forward)
        self.columns = [math.prod(end.row_shape) for end in forward.inputs]
        for step in forward.steps:
            self.add(step)
        for end, pointer in zip(forward.outputs, self.outputs, strict=True):
            self.copy(math.prod(end.row_shape), self.values[end.number], pointer)

    def add(self, step: Step) -> None:
        """Write one step."""
        number, reads = len(self.values), [self.values[one] for one in step.reads]
        self.columns.append(step.columns)
        if step.kind in REGROUPING:
            self.values.append(reads[0])
            return
        self.lines.append(f"    /* {uncommented(step.layer)}: {described(step)} */")
        roots = [self.roots[one] for one in step.reads]
        ends = {one for one in roots if self.last_readers[one] == number and self.values[one] in self.sizes}
        size = step.groups * step.columns
        write = OUT_OF_PLACE.get(step.kind)
        if write is None and roots[0] in ends and roots.count(roots[0]) == 1:
            y = reads[0]
            ends.remove(roots[0])
        else:
            y = self.array_of(size)
            if write is None:
                self.copy(size, reads[0], y)
        self.values.append(y)
        (write or IN_PLACE[step.kind])(self, step, reads, y)
        self.free += [self.values[one] for one in sorted(ends)]

    def array_of(self, size: int) -> str:
        """Return a static array: of those that are free the one whose size is nearest, or a new one."""
        if self.free:
            chosen = min(self.free, key=lambda one: abs(self.sizes[one] - size))
            self.free.remove(chosen)
            self.sizes[chosen] = max(self.sizes[chosen], size)
            return chosen
        new = f"v{len(self.sizes)}"
        self.sizes[new] = size
        return new

    def call(self, function: str, *arguments: str | int | float) -> None:
        """Write a call of one of the functions; floats become constants of the type."""
        given = (self.number(one) if isinstance(one, float) else one for one in arguments)
        self.lines.append(f"    {self.header.call(function, *given)};")

    def copy(self, size: int, source: str, target: str) -> None:
        self.lines.append(f"    memcpy({target}, {source}, {size} * sizeof(*{target}));")

    def number(self, value: float) -> str:
        """Return a number as a constant, rounded to the type."""
        with np.errstate(over="ignore"):
            (text,) = literals(np.array([value], self.forward.dtype))
        return text

    def weight(self, weight: Weight | None) -> str:
        """Return the name of an array of weights, or NULL where there is none."""
        if weight is None:
            return "NULL"
        if weight.name not in self.array_names:
            self.array_names[weight.name] = self.header.array(self.prefix + weight.name, weight.values)
        return self.array_names[weight.name]

    def text(self, qualifiers: str) -> str:
        """Return the text of the function."""
        given = [f"const {self.type} *{one}" for one in self.values[: len(self.forward.inputs)]]
        taken = [f"{self.type} *{one}" for one in self.outputs]
        return "\n".join(
            [
                f"{qualifiers} void {self.name}({', '.join([*given, *taken])})",
                "{",
                *(f"    static {self.type} {one}[{size}];" for one, size in self.sizes.items()),
                *self.lines,
                "}",
            ]
        )


def preface(source: Source) -> list[str]:
    """Return the comment that the file of a model begins with."""
    forward = source.forward
    ends = [
        uncommented(f" *   {pointer}: {math.prod(end.row_shape)} numbers, {what} {end.name!r} of shape {end.row_shape}")
        for what, some, pointers in (
            ("input", forward.inputs, source.values),
            ("output", forward.outputs, source.outputs),
        )
        for end, pointer in zip(some, pointers, strict=False)
    ]
    return [
        f"/* {source.name} predicts one row of a model of fastmlp, in {forward.dtype}.",
        " *",
        *ends,
        " *",
        " * The results have the bits of model.predict where the compiler fuses nothing by itself:",
        " *     cc -O2 -ffp-contract=off program.c -lm",
        " * Results of layers lie in static memory: one call at a time. Include it in one file of a program. */",
    ]


def parameters(letter: str, ends: Sequence[End]) -> list[str]:
    """Return the names of parameters for inputs or outputs: x, or of several x_left and x_right."""
    if len(ends) == 1:
        return [letter]
    names: list[str] = []
    for end in ends:
        names.append(free_name(re.sub(r"\W", "_", f"{letter}_{end.name}", flags=re.ASCII), set(names)))
    return names


def last_readers(forward: Forward) -> tuple[list[int], dict[int, int]]:
    """Return for each result the one whose array it lies in, and for each of those the last step that reads it.

    What is split or joined stays in its array. For outputs that step is beyond all.
    """
    roots = list(range(len(forward.inputs)))
    last: dict[int, int] = {}
    for number, step in enumerate(forward.steps, len(roots)):
        roots.append(roots[step.reads[0]] if step.kind in REGROUPING else number)
        last.update((roots[one], number) for one in step.reads)
    return roots, last | {roots[end.number]: len(roots) for end in forward.outputs}


def described(step: Step) -> str:
    """Return a few words on a step."""
    if step.kind == "activation":
        return str(step.settings["activation"])
    return f"{step.kind}, {step.inputs} to {step.columns}" + (f", {step.groups} times" if step.groups > 1 else "")


def c_type(dtype: str) -> str:
    return "float" if dtype == "float32" else "double"


def declaration(kind: str, name: str, values: np.ndarray) -> str:
    """Return an array of constants."""
    texts = literals(values.ravel())
    rows = [", ".join(texts[start : start + IN_A_LINE]) for start in range(0, len(texts), IN_A_LINE)]
    size = " * ".join(map(str, values.shape)) or "1"
    return f"static const {kind} {name}[{size}] = {{\n    " + ",\n    ".join(rows) + "};"


def literals(values: np.ndarray) -> list[str]:
    """Return numbers as constants: those with decimals in hexadecimal."""
    if values.dtype.kind != "f":
        return list(map(str, values.tolist()))
    suffix = "f" * (values.dtype == np.float32)
    return [literal(value, suffix) for value in values.tolist()]


def literal(value: float, suffix: str) -> str:
    if math.isnan(value):
        return "NAN"
    if math.isinf(value):
        return "INFINITY" if value > 0 else "-INFINITY"
    mantissa, _, exponent = value.hex().partition("p")
    return f"{mantissa.rstrip('0').rstrip('.') if '.' in mantissa else mantissa}p{exponent}{suffix}"


# ------------------------------------------------------------------------------------------------------------- steps

Write = Callable[[Source, Step, Sequence[str], str], None]


def dense(source: Source, step: Step, reads: Sequence[str], y: str) -> None:
    kernel, bias = step.weights["kernel"], step.weights.get("bias")
    is_narrow = source.forward.dtype == "float32" and is_transposed("kernel", kernel.values.shape)
    function = "narrow" if is_narrow else "dense"
    arrays = (reads[0], source.weight(kernel), source.weight(bias), y)
    source.call(function, step.groups, step.inputs, step.columns, *arrays)


def activation(source: Source, step: Step, reads: Sequence[str], y: str) -> None:
    name = step.settings["activation"]
    if name in ("softmax", "log_softmax", "sparsemax"):
        source.call(name, step.groups, step.columns, y)
    else:
        settings = [float(step.settings[one]) for one in ACTIVATION_SETTINGS.get(name, ())]
        source.call(f"apply_{name}", step.groups * step.columns, *settings, y)


def with_weights(*names: str) -> Write:
    """Return what writes a step on rows, in place, with the arrays of those names."""

    def write(source: Source, step: Step, reads: Sequence[str], y: str) -> None:
        arrays = [source.weight(step.weights.get(name)) for name in names]
        source.call(step.kind, step.groups, step.columns, *arrays, y)

    return write


def layer_normalization(source: Source, step: Step, reads: Sequence[str], y: str) -> None:
    arrays = [source.weight(step.weights.get(name)) for name in ("gamma", "beta")]
    source.call(step.kind, step.groups, step.columns, float(step.settings["epsilon"]), *arrays, y)


def rescaling(source: Source, step: Step, reads: Sequence[str], y: str) -> None:
    numbers = float(step.settings["scale"]), float(step.settings["offset"])
    source.call(step.kind, step.groups * step.columns, *numbers, y)


def embedding(source: Source, step: Step, reads: Sequence[str], y: str) -> None:
    last, columns = step.settings["input_dim"] - 1, step.settings["output_dim"]
    table = source.weight(step.weights["embeddings"])
    source.call(step.kind, step.groups * step.inputs, last, columns, reads[0], table, y)


def merge(source: Source, step: Step, reads: Sequence[str], y: str) -> None:
    """y holds the first already."""
    size = step.groups * step.columns
    for x in reads[1:]:
        source.call("add" if step.kind == "average" else step.kind, size, x, y)
    if step.kind == "average":
        source.call("divide", size, float(len(reads)), y)


def concatenate(source: Source, step: Step, reads: Sequence[str], y: str) -> None:
    place = 0
    for one, x in zip(step.reads, reads, strict=True):
        columns = source.columns[one]
        source.call("put", step.groups, columns, step.columns, x, f"{y} + {place}")
        place += columns


OUT_OF_PLACE: Mapping[str, Write] = {"dense": dense, "embedding": embedding, "concatenate": concatenate}
IN_PLACE: Mapping[str, Write] = {
    "activation": activation,
    "scale": with_weights("mean", "factor", "offset"),
    "prelu": with_weights("alpha"),
    "unit_normalization": with_weights(),
    "layer_normalization": layer_normalization,
    "rescaling": rescaling,
    **dict.fromkeys(("add", "subtract", "multiply", "average", "maximum", "minimum"), merge),
}
