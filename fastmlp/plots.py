"""Pictures of a training, a test and of what a network has learned, by matplotlib (`pip install 'fastmlp[plots]'`).

Each function returns a `matplotlib.figure.Figure`, to be written by its `savefig("curves.png")` or shown by a notebook.
None opens a window or touches pyplot, so that no display is needed.

>>> figure = fastmlp.plots.curves(model.fit(x, y, epochs=20, validation_split=0.1))
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from fastmlp.callbacks.base import History
from fastmlp.data.arrays import as_array, numeric
from fastmlp.errors import told
from fastmlp.report import numbers
from fastmlp.settings import boolean, integer, listed, mapping, real

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTH, TITLE_LINE = 1.1, 0.22  # inches, of a picture among others and of a line of text above it


def curves(history: Any) -> Figure:
    """Draw what `fit` returned by epoch: a panel for the loss and for each metric, with the validation beside it.

    Parameters
    ----------
    history : History or dict of str to list of float
        The values by name; "val_loss" is the validation's "loss".

    Raises
    ------
    ImportError
        When matplotlib is not installed.
    TypeError, ValueError
        When it is neither, or has no values.
    """
    values = history.history if isinstance(history, History) else history
    if not isinstance(values, Mapping):
        raise TypeError(f"history: got {type(history).__name__}, needs what fit returned, or a dict of lists")
    values = {name: numbers_in_row(f"history[{name!r}]", one) for name, one in mapping("history", values).items()}
    names = [name for name in values if not name.startswith("val_")]
    panels = {name: {"training": values[name]} for name in sorted(names, key=lambda name: name != "loss")}
    for name, panel in panels.items():
        if f"val_{name}" in values:
            panel["validation"] = values[f"val_{name}"]
    return lines(panels)


def lines(
    panels: Mapping[str, Mapping[str, Sequence[float]]], xlabel: str = "epoch", logarithmic: bool = False
) -> Figure:
    """Draw panels side by side, each with lines over 1, 2, 3 ...

    Parameters
    ----------
    panels : dict of str to dict of str to list of float
        The lines by label, by the title of the panel.
    xlabel : str
        What is counted, default "epoch".
    logarithmic : bool
        Whether the values are drawn by their logarithms; default False.

    Raises
    ------
    ImportError
        When matplotlib is not installed.
    ValueError
        When there is no panel, or one without lines.
    """
    if not isinstance(panels, Mapping) or not all(isinstance(panel, Mapping) for panel in panels.values()):
        raise TypeError(f"panels: got {told(panels)}, needs a dict of dicts of lists")
    if not panels or not all(panels.values()):
        raise ValueError(f"panels: got {told(panels)}, needs at least one, each with at least one line")
    logarithmic = boolean("logarithmic", logarithmic)
    drawn = {
        str(title): {str(label): numbers_in_row(f"panels[{title!r}]", one) for label, one in panel.items()}
        for title, panel in panels.items()
    }
    figure = new_figure(5 * len(drawn), 3.5)
    for axes, (title, panel) in zip(figure.subplots(1, len(drawn), squeeze=False)[0], drawn.items(), strict=True):
        for label, values in panel.items():
            few = len(values) <= 10
            axes.plot(range(1, len(values) + 1), values, marker="o" if few else "", markersize=4, label=label)
        axes.set(title=title, xlabel=xlabel, yscale="log" if logarithmic else "linear")
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(alpha=0.3)
        if len(panel) > 1:
            axes.legend()
    return figure


def images(
    pictures: Any, titles: Sequence[Any] | None = None, columns: int = 10, signed: bool = False, scale: float = 1.0
) -> Figure:
    """Draw pictures in rows, each with its own range from dark to light.

    Parameters
    ----------
    pictures : array [n, height, width], or list of n arrays [height, width] or square ones [height * height]
        Such as test rows, or the columns of a kernel: `images(kernel.T, signed=True)`.
    titles : list of n, optional
        What stands above each.
    columns : int
        Pictures in a row of the figure, default 10.
    signed : bool
        Whether 0 is white, values below it are blue and values above it red; default False.
    scale : float
        How much larger than 1.1 inches a picture's width is, default 1.

    Raises
    ------
    ImportError
        When matplotlib is not installed.
    ValueError
        When there is no picture, one has another shape, or the titles are not as many.
    """
    shown = [picture(f"pictures[{i}]", one) for i, one in enumerate(listed("pictures", pictures))]
    titles, signed = None if titles is None else listed("titles", titles), boolean("signed", signed)
    scale = real("scale", scale, low=0.1, high=100.0)
    columns = min(integer("columns", columns, at_least=1), max(len(shown), 1))
    if not shown or (titles is not None and len(titles) != len(shown)):
        got = f"{len(shown)} pictures" + ("" if titles is None else f" and {len(titles)} titles")
        raise ValueError(f"pictures: got {got}, needs at least one, and a title for each or none")
    rows, width = math.ceil(len(shown) / columns), WIDTH * scale
    text = 1 + max(str(title).count("\n") for title in titles) if titles else 0
    height = width * max(len(one) / one.shape[1] for one in shown) + TITLE_LINE * text
    figure = new_figure(columns * width, rows * height)
    cells = list(figure.subplots(rows, columns, squeeze=False).flat)
    for axes in cells:
        axes.set_axis_off()
    for i, (axes, one) in enumerate(zip(cells, shown, strict=False)):
        limit = float(np.abs(one).max()) or 1.0
        colours: dict[str, Any] = {"cmap": "RdBu_r", "vmin": -limit, "vmax": limit} if signed else {"cmap": "gray"}
        axes.imshow(one, interpolation="nearest", **colours)
        if titles is not None:
            axes.set_title(str(titles[i]), fontsize=9, pad=3)
    return figure


def confusion_matrix(y_true: Any, y_pred: Any, classes: Sequence[Any] | None = None) -> Figure:
    """Draw how often rows of each class were taken for which; of more than 20 classes those of the most mistakes.

    Parameters
    ----------
    y_true, y_pred : array [rows]
        Classes as they are written, or their numbers where `classes` are given.
    classes : sequence, optional
        What the numbers 0, 1, ... are called; default the values that are there.

    Raises
    ------
    ImportError
        When matplotlib is not installed.
    ValueError
        For other shapes, and a class that is none of `classes`.
    """
    true, predicted = same_rows("y_pred", as_array("y_true", y_true), as_array("y_pred", y_pred))
    classes = None if classes is None else listed("classes", classes)
    names = np.unique(np.concatenate([true, predicted])) if classes is None else np.arange(len(classes))
    if not np.isin(true, names).all() or not np.isin(predicted, names).all():
        raise ValueError(f"classes: got {len(names)} names, needs one for each number of y_true and y_pred")
    called = list(names if classes is None else classes)
    found = numbers.confusion(np.searchsorted(names, true), np.searchsorted(names, predicted), called)
    size = len(found.classes)
    figure = new_figure(*(max(4.0, 0.5 * size + 1.5),) * 2)
    axes = figure.subplots()
    axes.imshow(found.counts / np.maximum(found.counts.sum(axis=1, keepdims=True), 1), cmap="Blues", vmin=0, vmax=1)
    places = np.arange(size)
    axes.set_xticks(places, found.classes, rotation=90 if max(len(str(name)) for name in found.classes) > 3 else 0)
    axes.set_yticks(places, found.classes)
    axes.set(xlabel="predicted", ylabel="true")
    for (i, j), count in np.ndenumerate(found.counts):
        if count:
            colour = "white" if 2 * count > found.counts[i].sum() else "black"
            axes.text(j, i, f"{count:,}", ha="center", va="center", color=colour, fontsize=8)
    return figure


def residuals(y_true: Any, y_pred: Any) -> Figure:
    """Draw predicted against true numbers, and how often their differences lie where.

    Parameters
    ----------
    y_true, y_pred : array [rows] or [rows, 1]

    Raises
    ------
    ImportError
        When matplotlib is not installed.
    ValueError
        For other shapes.
    """
    given = [numeric(name, values).astype(np.float64) for name, values in (("y_true", y_true), ("y_pred", y_pred))]
    flat = [one[:, 0] if one.ndim == 2 and one.shape[1] == 1 else one for one in given]
    found = numbers.Residuals(*same_rows("y_pred", flat[0], flat[1]))
    figure = new_figure(9, 4)
    left, right = figure.subplots(1, 2)
    ends = [float(min(one.min() for one in found)), float(max(one.max() for one in found))]
    left.plot(ends, ends, color="gray", linewidth=1)
    left.plot(found.true, found.predicted, ".", alpha=0.5, markersize=4)
    left.set(xlabel="true", ylabel="predicted")
    right.hist(found.differences, bins=25)
    right.set(xlabel="predicted minus true", ylabel="rows")
    return figure


def calibration(y_true: Any, probabilities: Any) -> Figure:
    """Draw how often a model was right against how sure it was.

    Parameters
    ----------
    y_true : array [rows]
        Class numbers from 0.
    probabilities : array [rows, classes], or [rows] or [rows, 1] of the second of two classes
        Of two classes the second one's is drawn, of more that of the class which was chosen.

    Raises
    ------
    ImportError
        When matplotlib is not installed.
    ValueError
        For other shapes.
    """
    shares = numeric("probabilities", probabilities).astype(np.float64)
    if shares.ndim == 1 or shares.shape[1:] == (1,):
        second = shares.reshape(len(shares))
        shares = np.stack([1 - second, second], axis=1)
    true, shares = same_rows("probabilities", numeric("y_true", y_true), shares, axes=2)
    if not (true.min() >= 0 and true.max() < shares.shape[1] and np.array_equal(true, true.astype(np.intp))):
        raise ValueError(f"y_true: got numbers from {true.min()} to {true.max()}, needs 0 to {shares.shape[1] - 1}")
    true = true.astype(np.intp)
    found = numbers.calibration(true, shares)
    there = found.rows > 0
    figure = new_figure(4.5, 4.5)
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color="gray", linewidth=1)
    axes.plot(found.sure[there], found.right[there])
    axes.scatter(found.sure[there], found.right[there], 10 + 90 * found.rows[there] / found.rows.max())
    axes.set(xlabel="probability", ylabel="share that was so", title=f"mean distance {found.error:.3g}")
    axes.grid(alpha=0.3)
    return figure


def importance(found: numbers.Importance, most: int = 20) -> Figure:
    """Draw what a model loses without each column, with the spread of the repeats.

    Parameters
    ----------
    found : Importance
        What `fastmlp.report.importance` returns.
    most : int
        Columns that are drawn, those of the greatest loss; default 20.

    Raises
    ------
    ImportError
        When matplotlib is not installed.
    TypeError, ValueError
        When it is something else, or `most` is below 1.
    """
    if not isinstance(found, numbers.Importance):
        raise TypeError(f"found: got {type(found).__name__}, needs what fastmlp.report.importance returns")
    order = np.argsort(-found.means, kind="stable")[: integer("most", most, at_least=1)]
    figure = new_figure(6, 0.3 * len(order) + 1)
    axes = figure.subplots()
    axes.barh([found.names[one] for one in order], found.means[order], xerr=found.deviations[order])
    axes.invert_yaxis()
    axes.set(xlabel=f"gain of the {found.score}")
    return figure


def same_rows(argument: str, first: Any, second: Any, axes: int = 1) -> tuple[Any, Any]:
    """Return both arrays; ValueError unless the first is [rows], and the second has as many in so many axes."""
    if first.ndim != 1 or not len(first) or second.ndim != axes or len(second) != len(first):
        needs = f"as many rows, at least one, and {axes} axes"
        raise ValueError(f"{argument}: got shape {second.shape} for y_true {first.shape}, needs {needs}")
    return first, second


def numbers_in_row(argument: str, values: Any) -> np.ndarray[Any, Any]:
    """Return values, one after another, as an array; TypeError or ValueError where they are no numbers."""
    array = numeric(argument, values)
    if array.ndim != 1:
        raise ValueError(f"{argument}: got shape {array.shape}, needs one number after another")
    return array


def picture(argument: str, values: Any) -> np.ndarray[Any, Any]:
    """Return values as an array [height, width]; a row of a square number of them is a square."""
    array = numeric(argument, values)
    side = math.isqrt(array.size)
    if array.ndim == 1 and side * side == array.size:
        array = array.reshape(side, side)
    if array.ndim != 2 or array.size == 0:
        raise ValueError(f"{argument}: got shape {array.shape}, needs (height, width), or a square number of values")
    return array


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure of so many inches, or raise an ImportError that says how to get matplotlib."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError("plots: needs matplotlib: pip install 'fastmlp[plots]'") from error
    return Figure(figsize=(width, height), layout="constrained")
