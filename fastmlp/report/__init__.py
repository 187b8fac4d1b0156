"""A report on a model: one page of HTML without network, with all that a test tells; pictures can be drawn in it.

>>> fastmlp.report.write("report.html", model, x_test, y_test, y_train=y_train)
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fastmlp.data.whole_files import write_whole
from fastmlp.errors import told
from fastmlp.export.javascript import program
from fastmlp.report import contents, drawing, pictures
from fastmlp.report.answers import Answers, asker, places
from fastmlp.report.facts import Facts, timed
from fastmlp.report.numbers import Importance, class_losses
from fastmlp.report.page import DRAWING, assembled, packaged
from fastmlp.report.permutation import measure
from fastmlp.report.rows import Rows, Table, row_weights, rows_of
from fastmlp.settings import file_path, integer, listed, real

__all__ = ["html", "importance", "write"]

ENDINGS = (".html", ".htm")


def write(path: str | os.PathLike[str], model: Any, x: Any, y: Any, **about: Any) -> None:
    """Write a report on a model to a file, whole or not at all; the page is that of `html`.

    Parameters
    ----------
    path : path ending in .html or .htm
    model, x, y
        As of `html`.
    **about
        The other arguments of `html`.

    Raises
    ------
    ValueError, TypeError
        For another name, and as of `html`.
    OSError
        Where it cannot be written.
    """
    name = file_path("path", path)
    if not name.endswith(ENDINGS):
        raise ValueError(f"path: got {told(name)}, needs a name ending in {' or '.join(ENDINGS)}")
    content = html(model, x, y, **about).encode()
    write_whole(name, lambda file: file.write(content))


def html(
    model: Any,
    x: Any,
    y: Any,
    *,
    y_train: Any = None,
    sample_weight: Any = None,
    columns: Sequence[Any] | None = None,
    target: str = "target",
    data: str = "",
    file: str | os.PathLike[str] | None = None,
    seconds: float | None = None,
    picture_shape: Sequence[int] | None = None,
    train_rows: int | None = None,
    test_rows: int | None = None,
    importance_seconds: float = 10.0,
    seed: int = 0,
) -> str:
    """Return a report on a model, tested on rows that it was not trained on, as the text of one page.

    It has the scores beside a baseline, columns, learning curves, confusion matrix or residuals, scores of classes,
    calibration, the rows that were predicted worst, permutation importance, speed, and how to load the model. Of
    pictures with classes it has the model itself: what is drawn there is predicted in the page.

    Parameters
    ----------
    model : Model, or estimator of fastmlp.sklearn
        Trained. A Model is compiled, and has one output; others of scikit-learn's interface are taken too.
    x : frame or array [rows, ...]
        As the model takes it. Rows [height, width] and [height, width, 1 or 3] are pictures, and so are columns
        that are called pixel_0_0 or pixel0 and so on.
    y : array [rows]
        As `evaluate` or `score` takes it: of a Model class numbers or one-hot rows, of an estimator the classes.
    y_train : array, optional
        The targets of training, which the baseline follows from; default y.
    sample_weight : array [rows], optional
        What each row counts in the importance; the scores count each once.
    columns : list of fastmlp.tables.Column, optional
        What columns are, as `fastmlp.tables.find_columns` gives it; without, there is no table of them.
    target, data : str
        How the page speaks of what is predicted and of where the rows are from.
    file : path, optional
        Where the model is, for the lines that load it.
    seconds : float, optional
        What training took.
    picture_shape : sequence of int, optional
        Of pictures whose rows are flat: (28, 28).
    train_rows, test_rows : int, optional
        How many there are in all, where y_train and x are drawn from them.
    importance_seconds : float
        About how long the importance of columns may take, default 10; 0 leaves it out.
    seed : int
        Of what is shuffled and drawn at random, default 0.

    Raises
    ------
    TypeError, ValueError
        For a model that predicts neither classes nor one number, and rows, targets and shapes that do not fit.
    """
    facts = facts_of(
        model,
        x,
        y,
        y_train,
        sample_weight,
        columns,
        target,
        data,
        None if file is None else file_path("file", file),
        seconds,
        picture_shape,
        train_rows,
        test_rows,
    )
    importance_seconds = real("importance_seconds", importance_seconds, low=0.0)
    facts.importance = why_or_importance(facts, importance_seconds, seed)
    drawn = drawing.section(facts)
    others = [made for make in contents.SECTIONS if (made := make(facts)) is not None]
    sections = [drawn, *others] if drawn is not None else others
    scripts = [program(), packaged(DRAWING)] if drawn is not None and "drawing-data" in drawn.html else []
    title = f"{target} of {Path(data).name}" if data else f"A model of {target}"
    return assembled(title, contents.intro(facts), sections, scripts)


def importance(
    model: Any, x: Any, y: Any, *, sample_weight: Any = None, seconds: float = 10.0, seed: int = 0
) -> Importance:
    """Return how much worse a model is for each column whose values are dealt out anew; needs scikit-learn.

    It is measured by scikit-learn's `permutation_importance`: the gain of the log loss, or of the root mean squared
    error. `fastmlp.plots.importance` draws it.

    Parameters
    ----------
    model, x, y, sample_weight, seed
        As of `html`.
    seconds : float
        About how long it may take: else fewer rows, repeats and columns are taken.

    Returns
    -------
    Importance
        With `names`, `means` and `deviations`.
    """
    seconds = real("seconds", seconds, low=0.0)
    found = facts_of(model, x, y, sample_weight=sample_weight)
    return measured(found, seconds, seed)


def facts_of(
    model: Any,
    x: Any,
    y: Any,
    y_train: Any = None,
    sample_weight: Any = None,
    columns: Sequence[Any] | None = None,
    target: str = "target",
    data: str = "",
    file: str | None = None,
    seconds: float | None = None,
    picture_shape: Sequence[int] | None = None,
    train_rows: int | None = None,
    test_rows: int | None = None,
) -> Facts:
    """Return what there is to tell, but for the importance; arguments and errors as of `html`."""
    for argument, text in (("target", target), ("data", data)):
        if not isinstance(text, str):
            raise TypeError(f"{argument}: got {told(text)}, needs a string")
    if columns is not None and not is_described(columns):
        raise TypeError(
            f"columns: got {told(columns)}, needs a list of Column, as fastmlp.tables.find_columns gives it"
        )
    if seconds is not None:
        seconds = real("seconds", seconds, low=0.0)
    classes, ask = asker(model)
    rows = rows_of(x)
    true = places(model, classes, y)
    if len(true) != rows.count:
        raise ValueError(f"y: got {len(true)} values, needs one for each of the {rows.count} rows of x")
    trained = None if y_train is None else places(model, classes, y_train, "y_train")
    weights = None if sample_weight is None else row_weights(sample_weight, rows.count)
    answers = Answers(classes, true, ask(rows.frame))
    if not np.isfinite(answers.said).all():
        raise ValueError("model: got predictions that are not finite, needs one whose weights are finite")
    picture, pixels = picture_of(model, rows, picture_shape)
    speed = timed(ask, rows)
    return Facts(
        model=model,
        rows=rows,
        answers=answers,
        picture=picture,
        pixels=pixels,
        weights=weights,
        trained=trained,
        test_rows=test_rows,
        train_rows=train_rows,
        columns=columns,
        target=target,
        data=data,
        file=file,
        seconds=seconds,
        predicting=speed,
    )


def is_described(columns: Any) -> bool:
    """Whether these are what tables say of their columns."""
    wanted = ("name", "kind", "missing", "distinct", "note")
    return isinstance(columns, (list, tuple)) and all(getattr(one, "_fields", None) == wanted for one in columns)


def picture_of(
    model: Any, rows: Table | Rows, given: Sequence[int] | None
) -> tuple[tuple[int, int, int] | None, list[int]]:
    """Return the shape of the pictures that rows are, if they are any, and the places of the pixels."""
    everything = list(range(len(rows.names)))
    if given is not None:
        given = tuple(integer("picture_shape", size, at_least=1) for size in listed("picture_shape", given))
        height, width, channels = (*given, 1, 1, 1)[:3]
        if len(given) not in (2, 3) or height * width * channels != len(everything):
            raise ValueError(f"picture_shape: got {given} for {len(everything)} columns, needs as many pixels")
        return (height, width, channels), everything
    if isinstance(rows, Rows):
        return pictures.shape_of(rows.frame.shape[1:]), everything
    pixels = pictures.pixels_among(rows.names)
    prepared = getattr(model, "preparation_", None)
    used = {str(name) for name, one in prepared.columns_.items() if one.width or one.codes} if prepared else set()
    shape = pictures.shape_of_names([rows.names[place] for place in pixels])
    return (shape, pixels) if shape and used <= {rows.names[place] for place in pixels} else (None, everything)


def why_or_importance(facts: Facts, seconds: float, seed: int) -> Importance | str:
    """Return the importance of columns, or why it is not there."""
    if seconds <= 0:
        return "It was not measured."
    if facts.rows.count < 2:
        return "It takes two test rows at least."
    try:
        found = measured(facts, seconds, seed)
    except ImportError:
        return "It takes scikit-learn: pip install 'fastmlp[sklearn]'."
    return found if found.names else "The time did not suffice for a single column."


def measured(facts: Facts, seconds: float, seed: int) -> Importance:
    """Return the importance of columns, or of the patches of pictures."""
    seed = integer("seed", seed, at_least=0, below=2**32)
    classes, ask = asker(facts.model)
    rows, true, weights = facts.rows, facts.answers.true, facts.weights
    if weights is not None:  # rows that count nothing tell nothing
        own = np.flatnonzero(weights)
        rows, true, weights = rows.take(own), true[own], weights[own]

    def loss(some: Any, numbers: Any) -> float:
        said = ask(some)
        losses = (said - true[numbers]) ** 2 if classes is None else class_losses(true[numbers], said)
        mean = float(losses.mean() if weights is None else np.average(losses, weights=weights[numbers]))
        return mean**0.5 if classes is None else mean

    names = facts.rows.names
    prepared = getattr(facts.model, "preparation_", None)
    if facts.picture:
        pixels = np.array(facts.pixels)
        groups = [pixels[patch] for patch in pictures.pixels_of_patches(facts.picture)]
        labels = list(pictures.patches(facts.picture))
    else:
        used = {str(name) for name in prepared.columns_} if prepared else set(names)
        groups = [np.array([place]) for place, name in enumerate(names) if name in used]
        labels = [name for name in names if name in used]
    score = "root mean squared error" if classes is None else "log loss"
    return measure(rows, loss, score, groups, labels, seconds, seed)
