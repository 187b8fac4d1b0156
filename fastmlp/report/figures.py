"""The figures of a report: each has a title, a description, and its numbers as a table that unfolds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from fastmlp.report.numbers import Calibration, Confusion, Importance, Residuals
from fastmlp.report.svg import LEFT, RIGHT, WIDTH, Axes, figure, line, spread, text, thinned, ticks
from fastmlp.report.words import clipped, number, table

MOST_POINTS = 1_000  # of a scatter
MOST_PLACES = 200  # of a line
TABLE_ROWS = 25
NUMBERED = 12  # classes whose counts are written into the matrix


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
        kind = ("line", "line second")[place]
        shown = thinned(one, MOST_PLACES)
        body.append(axes.path(shown + 1, one[shown], kind))
        across = LEFT + 100 * place
        body += [line(across, 10, across + 22, 10, kind), text(across + 27, 14, label, "start")]
    ends = ", ".join(
        f"{label} {number(one[0])} to {number(one[-1])}" for label, one in zip(labels, values, strict=True)
    )
    best = values[-1]
    if title == "loss" and np.isfinite(best).any():
        ends += f"; the least {number(float(np.nanmin(best)))} in epoch {int(np.nanargmin(best)) + 1}"
    shown = thinned(range(epochs), TABLE_ROWS)
    rows = [[str(epoch + 1), *(float(one[epoch]) if epoch < len(one) else np.nan for one in values)] for epoch in shown]
    caption = f"{title} by epoch" + (f", {len(shown)} of {epochs:,} epochs" if len(shown) < epochs else "")
    return figure(
        f"{title} by epoch", f"{title} by epoch: {ends}.", 230, body, table(caption, ["epoch", *labels], rows)
    )


def confusion(found: Confusion) -> str:
    """Draw how often rows of a class were taken for another."""
    size = len(found.classes)
    names = [str(name) for name in found.classes]
    longest = max(min(len(name), 12) for name in names)
    margin = min(max(6.6 * longest + 24, 40), 100)
    cell = (WIDTH - margin - RIGHT) / size
    few = size <= NUMBERED
    upright = few and cell > 7 * longest
    top = 34 if upright else margin
    height = top + cell * size + 4
    shares = found.counts / np.maximum(found.counts.sum(axis=1, keepdims=True), 1)
    body = [
        text(margin + cell * size / 2, 11, "predicted", kind="label"),
        text(11, top + cell * size / 2, "true", turned=True, kind="label"),
    ]
    small = "" if few else "small"
    for i, name in enumerate(names):
        middle = margin + cell * (i + 0.5)
        body.append(text(margin - 4, top + cell * (i + 0.5) + 4, clipped(name), "end", kind=small))
        if upright:
            body.append(text(middle, top - 5, clipped(name)))
        else:
            body.append(text(middle + 4, top - 5, clipped(name), "start", turned=True, kind=small))
        for j in range(size):
            share, taken = float(shares[i, j]), int(found.counts[i, j])
            x, y = margin + cell * j, top + cell * i
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
        f"{clipped(found.classes[i], 30)} taken for {clipped(found.classes[j], 30)} ({wrong[i, j]:,})"
        for i, j in pairs
        if wrong[i, j]
    ]
    return f"the commonest mistakes are {'; '.join(said)}." if said else "there are no mistakes."


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
        "Predicted against true",
        description,
        320,
        body,
        table("Predicted minus true", ["quantile", "difference"], rows),
    )


def histogram(found: Residuals, bins: int = 25) -> str:
    """Draw how often differences lie where."""
    differences = found.differences
    low, high = np.quantile(differences, [0.005, 0.995])  # a few far ones would hide the others
    counts, edges = np.histogram(differences, bins, spread(float(low), float(high)))
    axes = Axes((float(edges[0]), float(edges[-1])), (0, float(counts.max())), 220, "predicted minus true", "rows")
    body = axes.frame()
    for rows, left, right in zip(counts, edges, edges[1:], strict=False):
        (x, right_x), (y, base) = axes.at([left, right], [rows, 0])
        body.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{right_x - x - 1:.1f}" height="{base - y:.1f}" class="bar"/>'
        )
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
        axes.path(found.sure[there], found.right[there], "line"),
        *axes.dots(found.sure[there], found.right[there], "dot", radius),
    ]
    description = (
        f"On the line the probability of {of} is as often right as it says. The mean distance from it, by rows, is "
        f"{number(found.error)}; larger dots stand for more rows."
    )
    edges = np.linspace(0, 1, len(found.rows) + 1)
    rows = [
        [f"{low:.1f} to {high:.1f}", float(sure), float(right), int(rows)]
        for low, high, sure, right, rows in zip(edges, edges[1:], found.sure, found.right, found.rows, strict=False)
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
        f"{found.rows:,} rows: most of {clipped(first, 40)}. "
        f"Thin lines: the standard deviation of {found.repeats} repeats."
    )
    shown = np.argsort(-found.means, kind="stable")[: 4 * TABLE_ROWS]
    rows = [[found.names[one], float(found.means[one]), float(found.deviations[one])] for one in shown]
    numbers = table(f"What the {found.score} gains", ["column", "mean", "deviation"], rows)
    return figure("Importance of the columns", description, height, body, numbers)


def patches(found: Importance, grid: dict[str, tuple[int, int]]) -> str:
    """Draw the importance of the patches of a picture, in their places by their names; those not tried are empty."""
    rows, columns = (max(places) + 1 for places in zip(*grid.values(), strict=True))
    cell = min(200 / max(rows, columns), 40)
    left, height = (WIDTH - cell * columns) / 2, cell * rows + 8
    means = dict(zip(found.names, found.means.tolist(), strict=True))
    greatest = max(*means.values(), 1e-12)
    body = []
    for name, (i, j) in grid.items():
        opacity = 0.04 + 0.96 * max(means[name], 0.0) / greatest if name in means else 0.0
        body.append(
            f'<rect x="{left + cell * j:.1f}" y="{4 + cell * i:.1f}" width="{cell - 1:.1f}" height="{cell - 1:.1f}" '
            f'class="right" fill-opacity="{opacity:.3f}"/>'
        )
    description = (
        f"How much greater the {found.score} is when a patch is taken from another picture, of {found.rows:,} rows: "
        f"{number(greatest)} at most, where the colour is strongest. The standard deviation of {found.repeats} repeats "
        f"is {number(float(found.deviations.max()))} at most."
    )
    lines = zip(found.names, found.means.tolist(), found.deviations.tolist(), strict=True)
    numbers = table(f"What the {found.score} gains", ["patch", "mean", "deviation"], lines)
    return figure("Importance of the patches", description, height, body, numbers)
