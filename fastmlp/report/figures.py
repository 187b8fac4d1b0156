"""Figures as inline SVG, which takes the colours of the page; each has a title, a description and its numbers as a table.

All are 360 units wide, a phone's width, so that their words stay readable on one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from itertools import count
from typing import Any

import numpy as np

from fastmlp.report.numbers import Calibration, Confusion, Importance, Residuals

WIDTH = 360
LEFT, RIGHT, TOP, BOTTOM = 52, 10, 12, 38  # margins of what has axes
MOST_POINTS = 1_000  # of a scatter
MOST_PLACES = 200  # of a line
TABLE_ROWS = 25
NUMBERED = 12  # classes whose counts are written into the matrix
_ids = count(1)


def short(text: Any, most: int = 40) -> str:
    """Return words, escaped, of at most so many characters, without line breaks."""
    plain = " ".join(str(text).split())
    return escape(plain if len(plain) <= most else plain[: most - 1] + "…")


def number(value: float) -> str:
    """Return a number for people: four digits."""
    if not np.isfinite(value):
        return "–"
    return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.4g}"


def figure(title: str, description: str, height: float, body: Iterable[str], table: str = "") -> str:
    """Return a figure: the drawing, what it shows in words, and its numbers as a table that unfolds."""
    name = f"figure-{next(_ids)}"
    numbers = f"<details><summary>Numbers of this figure</summary>{table}</details>" if table else ""
    return (
        f'<figure><svg viewBox="0 0 {WIDTH} {height:g}" role="img" aria-labelledby="{name}-title {name}-text">'
        f'<title id="{name}-title">{escape(title)}</title><desc id="{name}-text">{escape(description)}</desc>'
        f"{''.join(body)}</svg><figcaption>{escape(description)}</figcaption>{numbers}</figure>"
    )


def table(caption: str, head: Sequence[str], rows: Iterable[Sequence[Any]], words: int = 1) -> str:
    """Return a table in a box that scrolls by itself; the first `words` columns are words, the first names the row.

    Cells are escaped; numbers become short.
    """
    titles = "".join(f'<th scope="col"{"" if i < words else NUMERIC}>{escape(one)}</th>' for i, one in enumerate(head))
    lines = []
    for first, *rest in rows:
        cells = "".join(
            f"<td>{short(one, 160)}</td>" if i < words else f"<td{NUMERIC}>{written(one)}</td>"
            for i, one in enumerate(rest, 1)
        )
        lines.append(f'<tr><th scope="row">{short(first)}</th>{cells}</tr>')
    return (
        f'<div class="scroll" role="region" tabindex="0" aria-label="{escape(caption)}"><table><caption>'
        f"{escape(caption)}</caption><thead><tr>{titles}</tr></thead><tbody>{''.join(lines)}</tbody></table></div>"
    )


NUMERIC = ' class="number"'


def written(value: Any) -> str:
    """Return a cell: whole numbers with commas, others with four digits, words as they are."""
    if isinstance(value, (int, np.integer)) and not isinstance(value, bool):
        return f"{value:,}"
    return number(value) if isinstance(value, (float, np.floating)) else short(value)


# ---------------------------------------------------------------------------------------------------------- drawing


def text(x: float, y: float, words: Any, anchor: str = "middle", turned: bool = False, kind: str = "") -> str:
    """Return words at a place; `words` are escaped."""
    turn = f' transform="rotate(-90 {x:.4g} {y:.4g})"' if turned else ""
    chosen = f' class="{kind}"' if kind else ""
    return f'<text x="{x:.4g}" y="{y:.4g}" text-anchor="{anchor}"{turn}{chosen}>{short(words)}</text>'


def line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    return f'<line x1="{x1:.4g}" y1="{y1:.4g}" x2="{x2:.4g}" y2="{y2:.4g}" class="{kind}"/>'


def ticks(low: float, high: float, most: int = 5) -> list[float]:
    """Return round numbers within a range: steps of 1, 2 or 5 times a power of 10."""
    span = high - low
    if not span > 0:
        return [low]
    rough = span / most
    power = 10.0 ** np.floor(np.log10(rough))
    step = next(power * one for one in (1, 2, 5, 10) if power * one >= rough * 0.999)
    first = np.ceil(low / step - 1e-9)
    return [float(f"{one * step:.12g}") for one in np.arange(first, np.floor(high / step + 1e-9) + 1)]


class Axes:
    """A plane with ticks, from numbers to places in the drawing."""

    def __init__(self, x: tuple[float, float], y: tuple[float, float], height: float, xlabel: str, ylabel: str) -> None:
        self.x, self.y, self.height = spread(*x), spread(*y), height
        self.xlabel, self.ylabel = xlabel, ylabel

    def at(self, x: Any, y: Any) -> tuple[Any, Any]:
        """Return places of numbers."""
        across = LEFT + (np.asarray(x) - self.x[0]) / (self.x[1] - self.x[0]) * (WIDTH - LEFT - RIGHT)
        below = self.height - BOTTOM
        return across, below - (np.asarray(y) - self.y[0]) / (self.y[1] - self.y[0]) * (below - TOP)

    def frame(self, whole: bool = False) -> list[str]:
        """Return the ticks and the labels; `whole` numbers alone below."""
        parts, below = [], self.height - BOTTOM
        for tick in ticks(*self.x):
            if not whole or tick == int(tick):
                place = float(self.at(tick, 0)[0])
                parts.append(text(place, below + 14, number(tick)))
        for tick in ticks(*self.y):
            place = float(self.at(0, tick)[1])
            parts += [line(LEFT, place, WIDTH - RIGHT, place, "grid"), text(LEFT - 5, place + 4, number(tick), "end")]
        middle = (TOP + below) / 2
        parts += [text((LEFT + WIDTH - RIGHT) / 2, self.height - 6, self.xlabel, kind="label")]
        return [*parts, text(11, middle, self.ylabel, turned=True, kind="label")]

    def path(self, x: Any, y: Any, kind: str) -> str:
        """Return a line through points that are finite."""
        there = np.isfinite(y)
        points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(*self.at(x[there], y[there]), strict=True))
        return f'<polyline points="{points}" class="{kind}"/>'

    def dots(self, x: Any, y: Any, kind: str, radius: Any = 2.5) -> list[str]:
        across, down = self.at(x, y)
        sizes = np.broadcast_to(radius, np.shape(across))
        return [
            f'<circle cx="{a:.1f}" cy="{b:.1f}" r="{r:.2g}" class="{kind}"/>'
            for a, b, r in zip(across, down, sizes, strict=True)
        ]


def spread(low: float, high: float) -> tuple[float, float]:
    """Return a range that is none of a single number."""
    if low < high:
        return low, high
    return low - (abs(low) or 1.0) / 2, high + (abs(high) or 1.0) / 2


def thinned(values: Any, most: int) -> Any:
    """Return at most so many places, evenly chosen, the first and the last among them."""
    return np.unique(np.linspace(0, len(values) - 1, min(most, len(values))).round().astype(int))


# ---------------------------------------------------------------------------------------------------------- figures


def curves(title: str, lines: Mapping[str, Sequence[float]]) -> str:
    """Draw values by epoch, at most two lines, by their labels: the second one is dashed."""
    labels = list(lines)
    values = [np.asarray(lines[label], np.float64) for label in labels]
    there = np.concatenate([one[np.isfinite(one)] for one in values])
    if not len(there):
        return ""
    epochs = max(map(len, values))
    axes = Axes((1, epochs), (float(there.min()), float(there.max())), 230, "epoch", title)
    body = axes.frame(whole=True)
    for place, (label, one) in enumerate(zip(labels, values, strict=True)):
        kind = ("line first", "line second")[place]
        shown = thinned(one, MOST_PLACES)
        body.append(axes.path(shown + 1, one[shown], kind))
        across = WIDTH - RIGHT - 100
        body += [line(across, TOP + 8 + 15 * place, across + 22, TOP + 8 + 15 * place, kind)]
        body.append(text(across + 27, TOP + 12 + 15 * place, label, "start"))
    ends = ", ".join(f"{label} {number(one[0])} to {number(one[-1])}" for label, one in zip(labels, values, strict=True))
    best = values[-1]
    if np.isfinite(best).any():
        ends += f"; the least {number(float(np.nanmin(best)))} in epoch {int(np.nanargmin(best)) + 1}"
    shown = thinned(range(epochs), TABLE_ROWS)
    rows = [[str(epoch + 1), *(float(one[epoch]) if epoch < len(one) else np.nan for one in values)] for epoch in shown]
    caption = f"{title} by epoch" + (f", {len(shown)} of {epochs:,} epochs" if len(shown) < epochs else "")
    return figure(f"{title} by epoch", f"{title} by epoch: {ends}.", 230, body, table(caption, ["epoch", *labels], rows))


def confusion(found: Confusion) -> str:
    """Draw how often rows of a class were taken for another."""
    size = len(found.classes)
    names = [str(name) for name in found.classes]
    margin = min(max(5.6 * max(min(len(name), 12) for name in names) + 24, 40), 92)
    cell = (WIDTH - margin - RIGHT) / size
    height = margin + cell * size + 4
    shares = found.counts / np.maximum(found.counts.sum(axis=1, keepdims=True), 1)
    body = [
        text(margin + cell * size / 2, 11, "predicted", kind="label"),
        text(11, margin + cell * size / 2, "true", turned=True, kind="label"),
    ]
    few = size <= NUMBERED
    for i, name in enumerate(names):
        middle = margin + cell * (i + 0.5)
        body.append(text(margin - 4, middle + 4, clipped(name), "end", kind="" if few else "small"))
        if few and cell > 7 * min(len(name), 12):
            body.append(text(middle, margin - 5, clipped(name)))
        else:
            body.append(text(middle + 4, margin - 5, clipped(name), "start", turned=True, kind="" if few else "small"))
        for j in range(size):
            share, taken = float(shares[i, j]), int(found.counts[i, j])
            x, y = margin + cell * j, margin + cell * i
            kind = "right" if i == j else "wrong"
            body.append(
                f'<rect x="{x:.1f}" y="{y:.1f}" width="{cell - 1:.1f}" height="{cell - 1:.1f}" class="{kind}" '
                f'fill-opacity="{0.04 + 0.96 * share if taken else 0.04:.3f}"/>'
            )
            if few and taken:
                fits = "small" if len(f"{taken:,}") * 7 > cell else ""
                kind = f"{'on' if share > 0.5 else ''} {fits}".strip()
                body.append(text(x + cell / 2 - 0.5, y + cell / 2 + 4, f"{taken:,}", kind=kind))
    rows = [[name, *map(int, counts)] for name, counts in zip(names, found.counts, strict=True)]
    description = "Rows are the true classes, columns the predicted ones: " + mistakes(found)
    numbers = table("Rows of each true class by the class that was predicted", ["true", *names], rows)
    return figure("Confusion matrix", description, height, body, numbers)


def mistakes(found: Confusion, most: int = 3) -> str:
    """Return the commonest mistakes in words."""
    wrong = found.counts.copy()
    np.fill_diagonal(wrong, 0)
    order = np.argsort(-wrong, axis=None, kind="stable")[:most]
    pairs = [divmod(int(place), len(found.classes)) for place in order]
    said = [
        f"{clipped(found.classes[i])} taken for {clipped(found.classes[j])} {wrong[i, j]:,} times"
        for i, j in pairs
        if wrong[i, j]
    ]
    return f"{'; '.join(said)}." if said else "no mistakes."


def clipped(name: Any, most: int = 12) -> str:
    """Return a name that fits beside a drawing; not escaped."""
    plain = " ".join(str(name).split())
    return plain if len(plain) <= most else plain[: most - 1] + "…"


def residuals(found: Residuals, seed: int = 0) -> str:
    """Draw predicted against true numbers, of many rows some at random."""
    true, predicted = found.true, found.predicted
    low = float(min(true.min(), predicted.min()))
    high = float(max(true.max(), predicted.max()))
    axes = Axes((low, high), (low, high), 320, "true", "predicted")
    shown = np.arange(len(true))
    if len(true) > MOST_POINTS:
        shown = np.sort(np.random.default_rng(seed).choice(len(true), MOST_POINTS, replace=False))
    ends = np.array([low, high])
    body = [*axes.frame(), axes.path(ends, ends, "line guide"), *axes.dots(true[shown], predicted[shown], "dot")]
    some = f"{len(shown):,} of {len(true):,} rows, drawn at random" if len(shown) < len(true) else f"{len(true):,} rows"
    differences = found.differences
    quantiles = np.quantile(differences, [0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0])
    description = (
        f"Predicted against true numbers of {some}; on the line they would be equal. "
        f"Half of the differences lie between {number(quantiles[2])} and {number(quantiles[4])}."
    )
    names = ["least", "5 %", "25 %", "median", "75 %", "95 %", "greatest"]
    rows = [[name, float(value)] for name, value in zip(names, quantiles, strict=True)]
    return figure(
        "Predicted against true", description, 320, body, table("Predicted minus true", ["quantile", "difference"], rows)
    )


def histogram(found: Residuals, bins: int = 25) -> str:
    """Draw how often differences lie where."""
    differences = found.differences
    low, high = np.quantile(differences, [0.005, 0.995])  # a few far ones would hide the others
    counts, edges = np.histogram(differences, bins, spread(float(low), float(high)))
    axes = Axes((float(edges[0]), float(edges[-1])), (0, float(counts.max())), 220, "predicted minus true", "rows")
    body = axes.frame()
    for count_, left, right in zip(counts, edges, edges[1:], strict=False):
        (x, right_x), (y, base) = axes.at([left, right], [count_, 0])
        body.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="{right_x - x - 1:.1f}" height="{base - y:.1f}" class="bar"/>')
    mean, deviation = float(differences.mean()), float(differences.std())
    description = (
        f"How often differences lie where: their mean is {number(mean)}, their standard deviation {number(deviation)}."
    )
    return figure("Differences", description, 220, body)


def calibration(found: Calibration, of: str) -> str:
    """Draw how often a model was right against how sure it was; `of` says of what."""
    axes = Axes((0, 1), (0, 1), 320, f"probability of {clipped(of, 24)}", "share that was so")
    there = found.rows > 0
    radius = 3 + 6 * np.sqrt(found.rows[there] / found.rows.max())
    diagonal = np.array([0.0, 1.0])
    body = [
        *axes.frame(),
        axes.path(diagonal, diagonal, "line guide"),
        axes.path(found.sure[there], found.right[there], "line first"),
        *axes.dots(found.sure[there], found.right[there], "dot", radius),
    ]
    description = (
        f"On the line the probability of {of} is as often right as it says. The mean distance from it, by rows, is "
        f"{number(found.error)}; larger dots stand for more rows."
    )
    edges = np.linspace(0, 1, len(found.rows) + 1)
    rows = [
        [f"{low:.1f} to {high:.1f}", float(sure), float(right), int(rows)]
        for low, high, sure, right, rows in zip(
            edges, edges[1:], found.sure, found.right, found.rows, strict=False
        )
    ]
    numbers = table("Probabilities and what came true", ["probability", "mean", "share", "rows"], rows)
    return figure("Calibration", description, 320, body, numbers)


def importance(found: Importance, most: int = 20) -> str:
    """Draw how much worse a model is without each column, the greatest first, with the spread of the repeats."""
    order = np.argsort(-found.means, kind="stable")[:most]
    margin, row = 118, 22
    height = row * len(order) + 40
    reach = [*(found.means + found.deviations)[order], *(found.means - found.deviations)[order], 0.0]
    low, high = spread(min(reach), max(reach))
    scale = (WIDTH - margin - RIGHT - 4) / (high - low)
    zero = margin + (0 - low) * scale
    body = []
    for tick in ticks(low, high, 4):
        place = margin + (tick - low) * scale
        body += [line(place, 4, place, height - 34, "grid"), text(place, height - 20, number(tick))]
    for i, column in enumerate(order):
        y, mean, deviation = row * i + 4, float(found.means[column]), float(found.deviations[column])
        left = zero + min(mean, 0) * scale
        ends = [zero + (mean + sign * deviation) * scale for sign in (-1, 1)]
        body += [
            text(margin - 5, y + 14, clipped(found.names[column], 17), "end"),
            f'<rect x="{left:.1f}" y="{y + 3}" width="{abs(mean) * scale:.1f}" height="{row - 8}" class="bar"/>',
            line(ends[0], y + row / 2 - 1, ends[1], y + row / 2 - 1, "spread"),
        ]
    body.append(text((margin + WIDTH) / 2, height - 4, clipped(found.score, 44), kind="label"))
    first = found.names[order[0]]
    description = (
        f"How much greater the {found.score} is when the values of a column are dealt out anew among "
        f"{found.rows:,} rows: most of {clipped(first, 40)}. Thin lines: the standard deviation of {found.repeats} repeats."
    )
    shown = np.argsort(-found.means, kind="stable")[: 4 * TABLE_ROWS]
    rows = [[found.names[one], float(found.means[one]), float(found.deviations[one])] for one in shown]
    numbers = table(f"What the {found.score} gains", ["column", "mean", "deviation"], rows)
    return figure("Importance of the columns", description, height, body, numbers)


def patches(found: Importance, rows: int, columns: int) -> str:
    """Draw the importance of the patches of a picture, in their places."""
    cell = min(200 / max(rows, columns), 40)
    left, height = (WIDTH - cell * columns) / 2, cell * rows + 8
    greatest = max(float(found.means.max()), 1e-12)
    body = []
    for place, mean in enumerate(found.means):
        i, j = divmod(place, columns)
        opacity = 0.04 + 0.96 * max(float(mean), 0.0) / greatest
        body.append(
            f'<rect x="{left + cell * j:.1f}" y="{4 + cell * i:.1f}" width="{cell - 1:.1f}" height="{cell - 1:.1f}" '
            f'class="right" fill-opacity="{opacity:.3f}"/>'
        )
    description = (
        f"How much greater the {found.score} is when a patch is taken from another picture, of {found.rows:,} rows: "
        f"{number(greatest)} at most, where it is darkest. The standard deviation of {found.repeats} repeats is "
        f"{number(float(found.deviations.max()))} at most."
    )
    table_rows = [
        [f"row {place // columns + 1}, column {place % columns + 1}", float(mean), float(deviation)]
        for place, (mean, deviation) in enumerate(zip(found.means, found.deviations, strict=True))
    ]
    numbers = table(f"What the {found.score} gains", ["patch", "mean", "deviation"], table_rows)
    return figure("Importance of the patches", description, height, body, numbers)
