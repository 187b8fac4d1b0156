"""The table of `summary`, in Keras' format."""

from __future__ import annotations

from fastmlp.layers.stack import Stack
from fastmlp.training.progress import make_console

SUMMARY_WIDTH = 88


def print_summary(name: str, stack: Stack, itemsize: int) -> None:
    """Print Keras' table of a model; `itemsize` is the bytes of a weight."""
    from rich.table import Table
    from rich.text import Text

    console = make_console()
    width = min(SUMMARY_WIDTH, max(SUMMARY_WIDTH // 2, console.width - 4))
    edges = (0, int(width * 0.45), int(width * 0.80), width)
    table = Table(width=width, show_lines=True)
    table.add_column("Layer (type)", width=edges[1] - edges[0])
    table.add_column("Output Shape", width=edges[2] - edges[1])
    table.add_column("Param #", width=edges[3] - edges[2], justify="right")
    known = stack.built
    shapes = stack.layout().shapes if known else []
    total = fixed = 0
    for index, layer in enumerate(stack.layers):
        count = layer.count_params(shapes[index]) if known else 0
        total += count
        fixed += layer.count_statistics(shapes[index]) if known else 0
        table.add_row(
            Text.assemble(f"{layer.name} (", (type(layer).__name__, "color(33)"), ")"),
            Text(f"({', '.join(map(str, (None, *shapes[index + 1])))})" if known else "?", "color(34)"),
            Text(f"{count:,}" if known else "0 (unbuilt)", "color(34)"),
        )
    console.print(Text(f'Model: "{name}"', "bold"))
    console.print(table)
    for title, count in (("Total", total), ("Trainable", total - fixed), ("Non-trainable", fixed)):
        console.print(f" [bold]{title} params:[/] {count:,} ({memory_size(count * itemsize)})", soft_wrap=True)


def memory_size(size: float) -> str:
    """Return a number of bytes as Keras writes it: "2.55 MB"."""
    unit = "B"
    for larger in ("KB", "MB", "GB", "TB"):
        if size >= 1024:
            size, unit = size / 1024, larger
    return f"{size:.2f} {unit}"
