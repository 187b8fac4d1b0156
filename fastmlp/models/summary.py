"""The table of `summary`, in Keras' format."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from fastmlp.errors import told
from fastmlp.layers import Layer
from fastmlp.layers.graph import Graph
from fastmlp.settings import boolean, integer, listed, real
from fastmlp.training.model import Model
from fastmlp.training.progress import make_console

SUMMARY_WIDTH = 88
GRAPH_WIDTH = 108  # with the column of connections
TRAINABLE_WIDTH = 12
WIDEST = 2**14  # that anybody asks for: each line is padded to it


def print_summary(
    model: Model,
    line_length: int | None = None,
    positions: Any = None,
    print_fn: Any = None,
    expand_nested: bool = False,
    show_trainable: bool = False,
) -> None:
    """Print Keras' table of a model; arguments as of `Model.summary`."""
    from rich.table import Table
    from rich.text import Text

    expanded, with_flags = boolean("expand_nested", expand_nested), boolean("show_trainable", show_trainable)
    if print_fn is not None and not callable(print_fn):
        raise TypeError(f"print_fn: got {told(print_fn)}, needs a function of a line, or None")
    connections = connections_of(model)
    shares = shares_of(positions, 0.3 if connections else 0.45, bool(connections))
    given = None if line_length is None else integer("line_length", line_length, at_least=20, below=WIDEST)
    text = io.StringIO()
    console = make_console() if print_fn is None else make_console(file=text, width=(given or GRAPH_WIDTH) + 4)
    widest = GRAPH_WIDTH if connections else SUMMARY_WIDTH
    width = given or min(widest, max(widest // 2, console.width - 4 - TRAINABLE_WIDTH * with_flags))
    edges = [0, *(int(width * share) for share in shares)]
    table = Table(width=width + TRAINABLE_WIDTH * with_flags, show_lines=True)
    titles = ["Layer (type)", "Output Shape", "Param #", *(["Connected to"] if connections else [])]
    for title, left, right in zip(titles, edges, edges[1:], strict=False):
        table.add_column(title, width=right - left, justify="right" if title == "Param #" else "left")
    if with_flags:
        table.add_column("Trainable", min_width=TRAINABLE_WIDTH - 3, justify="center", no_wrap=True)
    for level, layer in rows_of(model, expanded):
        mark = "   " * level + "└ " if level else ""
        cells: list[Any] = [
            Text.assemble(f"{mark}{layer.name} (", (type_name(layer), "color(33)"), ")"),
            Text(shape_of(layer, model), "color(34)"),
            Text(f"{layer.count_params():,}" if layer.built else "0 (unbuilt)", "color(34)"),
        ]
        if connections:
            cells.append(Text(", ".join(connections.get(layer, [])) if not level else "-") or "-")
        if with_flags:
            cells.append(("Y" if layer.trainable else "N") if layer.built and layer.weights else "-")
        table.add_row(*cells)
    console.print(Text(f'Model: "{model.name}"', "bold"))
    console.print(table)
    itemsize = np.dtype(model.dtype).itemsize
    trained = count(model.trainable_weights) if model.built else 0
    total = count(model.weights) if model.built else 0
    for title, number in (("Total", total), ("Trainable", trained), ("Non-trainable", total - trained)):
        console.print(f" [bold]{title} params:[/] {number:,} ({memory_size(number * itemsize)})", soft_wrap=True)
    if print_fn is not None:
        print_fn(text.getvalue())


def shares_of(positions: Any, first: float, has_connections: bool) -> list[float]:
    """Return where the columns end, as shares of the width."""
    if positions is None:
        return [first, 0.56, 0.74, 1.0] if has_connections else [first, 0.80, 1.0]
    shares = [real("positions", one, low=0.0, high=1.0) for one in listed("positions", positions)]
    if len(shares) != 3 + has_connections or sorted(shares) != shares:
        raise ValueError(f"positions: got {told(positions)}, needs {3 + has_connections} growing shares of the width")
    return shares


def rows_of(model: Model, expanded: bool, level: int = 0) -> Iterator[tuple[int, Layer]]:
    """Yield the layers of a model by rows of the table, those of models in it after them, each with its level."""
    for layer in model.layers:
        yield level, layer
        if expanded and isinstance(layer, Model):
            yield from rows_of(layer, expanded, level + 1)


def connections_of(model: Model) -> dict[Layer, list[str]]:
    """Return what each layer reads, "name[call][output]"; nothing for layers in a row."""
    if not model.built or is_row(model.graph):
        return {}
    found: dict[Layer, list[str]] = {layer: [] for layer in model.layers}
    numbers: dict[Any, int] = {}
    counts: dict[Layer, int] = {}
    for call in model.graph.calls:
        numbers[call] = counts.get(call.layer, 0)
        counts[call.layer] = numbers[call] + 1
        for symbol in call.inputs:
            found[call.layer].append(f"{symbol.name}[{numbers.get(symbol.call, 0)}][{symbol.place}]")
    return found


def is_row(graph: Graph) -> bool:
    """Whether each call reads the one before it, and nothing else."""
    last = graph.inputs
    for call in graph.calls:
        if len(call.inputs) != 1 or call.inputs != last[:1] or len(last) != 1:
            return False
        last = call.outputs
    return len(graph.layers) == len(graph.calls) + 1 and graph.outputs == last


def shape_of(layer: Layer, model: Model) -> str:
    """Return the shape of a layer's output as Keras writes it, or "?"."""
    try:
        shape = layer.output_shape
    except AttributeError:
        return "?"
    return "?" if shape is None else ", ".join(map(str, shape)) if isinstance(shape, list) else str(shape)


def count(variables: Any) -> int:
    """Return the number of values in arrays of weights."""
    return sum(math.prod(variable.shape) for variable in variables)


def memory_size(size: float) -> str:
    """Return a number of bytes as Keras writes it: "2.55 MB"."""
    unit = "B"
    for larger in ("KB", "MB", "GB", "TB"):
        if size >= 1024:
            size, unit = size / 1024, larger
    return f"{size:.2f} {unit}"


def type_name(layer: Layer) -> str:
    """Return the name of a layer's class, as Keras has it."""
    name = type(layer).__name__
    return "Functional" if name == "Model" else name
