"""Pictures of a model's graph: boxes for its layers, lines for what each reads."""

from __future__ import annotations

import os
from collections.abc import Iterable
from html import escape
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from fastmlp.settings import boolean, file_path, integer, only

LINE, LETTER, MARGIN, GAP = 18, 7.5, 12, 34  # pixels


class Drawn(Protocol):
    """What a picture needs of a model."""

    @property
    def built(self) -> bool: ...
    @property
    def layers(self) -> list[Any]: ...
    @property
    def graph(self) -> Any: ...


class Box(NamedTuple):
    """A layer in the picture: its lines of text, and its left, top, width and height."""

    lines: list[str]
    left: float
    top: float
    width: float
    height: float


def plot_model(
    model: Drawn,
    to_file: str | os.PathLike[str] = "model.svg",
    show_shapes: bool = False,
    show_dtype: bool = False,
    show_layer_names: bool = False,
    rankdir: str = "TB",
    expand_nested: bool = False,
    dpi: int = 200,
    show_layer_activations: bool = False,
    show_trainable: bool = False,
) -> None:
    """Write a picture of a model's layers and of what each of them reads.

    Parameters
    ----------
    model : Model
    to_file : path
        Ending in .svg, or in .png, .pdf or what else matplotlib knows, which draws it then; default "model.svg".
    show_shapes, show_dtype, show_layer_names, show_layer_activations, show_trainable : bool
        What a box says besides the kind of the layer.
    rankdir : {"TB"}
        From the top to the bottom.
    expand_nested : bool
        Only False: a model is a box.
    dpi : int
        Of what matplotlib draws.

    Raises
    ------
    ValueError
        For a model without layers, and other arguments than those.
    """
    only("rankdir", rankdir, ("TB",), "pictures go from the top to the bottom")
    only("expand_nested", boolean("expand_nested", expand_nested), (False,), "plot the model inside by itself")
    asked = {
        "name": boolean("show_layer_names", show_layer_names),
        "activation": boolean("show_layer_activations", show_layer_activations),
        "dtype": boolean("show_dtype", show_dtype),
        "trainable": boolean("show_trainable", show_trainable),
        "shapes": boolean("show_shapes", show_shapes),
    }
    if not hasattr(model, "layers") or not hasattr(model, "built"):
        raise TypeError(f"model: got {type(model).__name__}, needs a Sequential or Model")
    dpi = integer("dpi", dpi, at_least=1, below=10_000)
    path = Path(file_path("to_file", to_file))
    if not path.suffix:
        raise ValueError(f"to_file: got {str(path)!r}, needs a name with an ending, such as model.svg")
    edges = edges_of(model)
    if not model.layers:
        raise ValueError("model: got no layers, needs at least one")
    boxes = placed(model.layers, edges, asked)
    if path.suffix == ".svg":
        path.write_text(svg(boxes, edges), encoding="utf-8")
    else:
        draw(boxes, edges, path, dpi)


def edges_of(model: Drawn) -> list[tuple[Any, Any]]:
    """Return the pairs of layers of which the second reads the first."""
    if not model.built:
        return list(zip(model.layers, model.layers[1:], strict=False))
    shown = set(model.layers)
    pairs = [(symbol.call.layer, call.layer) for call in model.graph.calls for symbol in call.inputs]
    return list(dict.fromkeys(pair for pair in pairs if shown.issuperset(pair)))


def placed(layers: Iterable[Any], edges: list[tuple[Any, Any]], asked: dict[str, bool]) -> dict[Any, Box]:
    """Return the boxes of layers, in rows by their distance from the inputs, each row in the middle."""
    rows: dict[Any, int] = dict.fromkeys(layers, 0)
    for before, after in edges:
        rows[after] = max(rows[after], rows[before] + 1)
    texts = {layer: lines_of(layer, asked) for layer in rows}
    sizes = {
        layer: (2 * MARGIN + LETTER * max(map(len, text)), MARGIN + LINE * len(text)) for layer, text in texts.items()
    }
    members = [[layer for layer in rows if rows[layer] == row] for row in range(max(rows.values()) + 1)]
    widths = [sum(sizes[layer][0] for layer in row) + GAP * (len(row) - 1) for row in members]
    boxes, top = {}, float(MARGIN)
    for row, width in zip(members, widths, strict=True):
        left = MARGIN + (max(widths) - width) / 2
        for layer in row:
            boxes[layer] = Box(texts[layer], left, top, *sizes[layer])
            left += sizes[layer][0] + GAP
        top += max((sizes[layer][1] for layer in row), default=0) + GAP
    return boxes


def lines_of(layer: Any, asked: dict[str, bool]) -> list[str]:
    """Return the text of a box."""
    lines = [f"{layer.name} ({type(layer).__name__})" if asked["name"] else type(layer).__name__]
    activation = getattr(layer, "activation", None)
    if asked["activation"] and activation is not None:
        lines.append(f"activation: {activation.__name__}")
    if asked["dtype"]:
        lines.append(f"dtype: {layer.dtype}")
    if asked["trainable"]:
        lines.append("trainable" if layer.trainable else "frozen")
    if asked["shapes"]:
        lines += [f"{name}: {getattr(layer, f'{name}_shape', '?')}" for name in ("input", "output")]
    return lines


def ends(first: Box, second: Box) -> tuple[float, float, float, float]:
    """Return where a line between two boxes begins and ends."""
    return first.left + first.width / 2, first.top + first.height, second.left + second.width / 2, second.top


def svg(boxes: dict[Any, Box], edges: list[tuple[Any, Any]]) -> str:
    """Return the picture as a file of SVG."""
    width = max(box.left + box.width for box in boxes.values()) + MARGIN
    height = max(box.top + box.height for box in boxes.values()) + MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
        'font-family="monospace" font-size="12">',
        '<defs><marker id="head" markerWidth="8" markerHeight="8" refX="7" refY="4" orient="auto">'
        '<path d="M0,0 L8,4 L0,8 z"/></marker></defs>',
        '<rect width="100%" height="100%" fill="white"/>',
    ]
    for before, after in edges:
        x1, y1, x2, y2 = ends(boxes[before], boxes[after])
        place = f'x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"'
        parts.append(f'<line {place} stroke="black" marker-end="url(#head)"/>')
    for box in boxes.values():
        place = f'x="{box.left:.1f}" y="{box.top:.1f}" width="{box.width:.1f}" height="{box.height:.1f}"'
        parts.append(f'<rect {place} fill="#eef3fa" stroke="black"/>')
        for number, line in enumerate(box.lines):
            at = f'x="{box.left + box.width / 2:.1f}" y="{box.top + MARGIN + LINE * number + 6:.1f}"'
            parts.append(f'<text {at} text-anchor="middle">{escape(line)}</text>')
    return "\n".join([*parts, "</svg>", ""])


def draw(boxes: dict[Any, Box], edges: list[tuple[Any, Any]], path: Path, dpi: int) -> None:
    """Let matplotlib draw the picture into a file."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.patches import Rectangle

    width = max(box.left + box.width for box in boxes.values()) + MARGIN
    height = max(box.top + box.height for box in boxes.values()) + MARGIN
    figure = Figure(figsize=(width / 72, height / 72))
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.set_xlim(0, width)
    axes.set_ylim(height, 0)
    for before, after in edges:
        x1, y1, x2, y2 = ends(boxes[before], boxes[after])
        axes.annotate("", (x2, y2), (x1, y1), arrowprops={"arrowstyle": "->", "shrinkA": 0, "shrinkB": 0})
    for box in boxes.values():
        axes.add_patch(Rectangle((box.left, box.top), box.width, box.height, facecolor="#eef3fa", edgecolor="black"))
        middle = box.left + box.width / 2, box.top + box.height / 2
        axes.text(*middle, "\n".join(box.lines), ha="center", va="center", family="monospace", fontsize=9)
    figure.savefig(path, dpi=dpi)
