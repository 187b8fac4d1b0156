"""The sections of a report."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np

from fastmlp.models.model import Model
from fastmlp.report import figures, numbers
from fastmlp.report.facts import Facts
from fastmlp.report.numbers import Importance
from fastmlp.report.page import Section
from fastmlp.report.pictures import patches, png
from fastmlp.report.words import number, short, table

MOST_COLUMNS = 100  # lines of their table
MOST_SCORED = 50  # classes with their scores
WORST = 12  # rows
FIRST_CELLS, MOST_CELLS = 10, 40  # of a row: those that are shown at once, and all
PERCENT = ("accuracy",)


def note(words: str) -> str:
    """Return a sentence beside the matter; escaped."""
    return f'<p class="note">{escape(words)}</p>'


def intro(facts: Facts) -> str:
    """Return what it is about, and the scores beside the baseline."""
    classes = facts.answers.classes
    kind = "a number" if classes is None else f"one of {len(classes):,} classes"
    what = f"{facts.picture[0]} x {facts.picture[1]} pixels" if facts.picture else columns_in_words(facts)
    tiles = "".join(
        f"<div><dt>{name}</dt><dd>{score(name, value)}"
        f"<small>{score(name, other)} without a look at the rows</small></dd></div>"
        for name, (value, other) in facts.scores().items()
    )
    known = "training" if facts.trained is not None else "the test"
    always = f"the shares of the classes in {known}" if classes is not None else f"the mean of {known}"
    trained = f" and trained on {facts.trained_rows:,}" if facts.trained_rows else ""
    count, tested = facts.rows.count, facts.test_rows or facts.rows.count
    drawn = f" All that is shown here is of {count:,} of them, which were drawn." if count < tested else ""
    return (
        f"<p>What is predicted is <b>{short(facts.target, 80)}</b>, {kind}, from {what}. "
        f"Tested on {tested:,} rows{trained}.{drawn}</p>"
        f'<dl class="scores">{tiles}</dl>{note(f"Without a look at the rows: {always}.")}'
    )


def score(name: str, value: float) -> str:
    return f"{value:.2%}" if name in PERCENT else number(value)


def columns_in_words(facts: Facts) -> str:
    names = facts.rows.names
    if facts.columns is not None:
        used = [one for one in facts.columns if one.kind in ("number", "category", "boolean", "date")]
        return f"{len(used):,} columns"
    return f"{len(names):,} columns" if len(names) != 1 else "one column"


def columns(facts: Facts) -> Section | None:
    """Return what each column is and what was done with it; of very many a part."""
    if facts.columns is None:
        return None
    from fastmlp.tables.columns import cells

    lines = list(cells(list(facts.columns)))
    shown = [[*line[:2], line[4], line[2], line[3]] for line in lines[:MOST_COLUMNS]]
    rest = f"; {len(lines) - len(shown):,} lines more are left out" if len(shown) < len(lines) else ""
    caption = f"The {len(facts.columns):,} columns{rest}"
    head = ["column", "kind", "what is done with it", "missing", "distinct"]
    return Section("columns", "Columns", table(caption, head, shown, words=3))


def curves(facts: Facts) -> Section | None:
    """Return the learning curves of the first network."""
    history = facts.history
    panels = []
    for name in sorted(history, key=lambda one: one != "loss"):
        if not name.startswith("val_") and name != "learning_rate":
            lines = {"training": history[name]}
            if f"val_{name}" in history:
                lines["validation"] = history[f"val_{name}"]
            panels.append(figures.curves(name, lines))
    if not any(panels):
        return None
    count = len(facts.networks)
    said = note(f"Of the first of {count} networks.") if count > 1 else ""
    return Section("training", "Learning curves", f'{said}<div class="figures">{"".join(panels)}</div>')


def mistakes(facts: Facts) -> Section:
    """Return the confusion matrix and the scores of classes, or the residuals."""
    answers = facts.answers
    if answers.classes is None:
        found = numbers.Residuals(answers.true, answers.said)
        drawn = figures.residuals(found) + figures.histogram(found)
        return Section("residuals", "Residuals", f'<div class="figures">{drawn}</div>')
    confused = numbers.confusion(answers.true, answers.predicted, answers.classes)
    said = (
        note(f"Of {len(answers.classes):,} classes, those with most mistakes are drawn, the others together.")
        if confused.left_out
        else ""
    )
    return Section("mistakes", "Confusion matrix", said + figures.confusion(confused))


def classes(facts: Facts) -> Section | None:
    """Return precision, recall, F1 and support by class; of very many the worst."""
    answers = facts.answers
    if answers.classes is None:
        return None
    found = numbers.class_scores(answers.true, answers.predicted, answers.classes)
    shown: Sequence[Any] = found
    caption = "Scores of each class on the test rows"
    if len(found) > MOST_SCORED:
        present = [one for one in found if one.support]
        shown = sorted(present, key=lambda one: one.f1)[:MOST_SCORED]
        caption = f"The {len(shown)} classes of the least F1, of {len(found):,}, of which {len(present):,} are tested"
    mean = {name: float(np.mean([getattr(one, name) for one in found])) for name in ("precision", "recall", "f1")}
    rows = [*shown, ("mean of all classes", *mean.values(), facts.rows.count)]
    return Section(
        "classes", "Scores by class", table(caption, ["class", "precision", "recall", "F1", "support"], rows)
    )


def calibration(facts: Facts) -> Section | None:
    """Return how far the probabilities can be trusted."""
    answers = facts.answers
    if answers.classes is None:
        return None
    of = str(answers.classes[1]) if len(answers.classes) == 2 else "the chosen class"
    found = numbers.calibration(answers.true, answers.said)
    return Section("calibration", "Calibration", figures.calibration(found, of))


def worst(facts: Facts) -> Section:
    """Return the rows that were predicted worst, with their values."""
    answers, cards = facts.answers, []
    order = numbers.worst(answers.losses, WORST)
    shown = most_important(facts)
    for row in order:
        if answers.classes is None:
            said = f"true {number(float(answers.true[row]))}, predicted {number(float(answers.said[row]))}"
        else:
            true, taken = int(answers.true[row]), int(answers.predicted[row])
            said = (
                f"true {short(answers.classes[true])} ({answers.said[row, true]:.1%}), "
                f"predicted {short(answers.classes[taken])} ({answers.said[row, taken]:.1%})"
            )
        cells = facts.rows.cells(row)
        if facts.picture:
            picture = np.asarray(cells, object)[facts.pixels].astype(np.float64).reshape(facts.picture)
            body = f'<img src="{png(picture)}" alt="test picture {row + 1}">'
        else:
            body = listed(facts, cells, shown[:FIRST_CELLS])
            if len(shown) > FIRST_CELLS:
                rest = listed(facts, cells, shown[FIRST_CELLS:])
                body += f"<details><summary>Further columns</summary>{rest}</details>"
        cards.append(f'<li class="card"><h3>Row {row + 1:,}</h3><p>{said}</p>{body}</li>')
    told = f"The {len(cards)} of {facts.rows.count:,} test rows with the greatest loss, counted from 1."
    if not facts.picture and len(shown) < len(facts.rows.names):
        told += f" Of {len(facts.rows.names):,} columns, {len(shown)} are shown."
    return Section("worst", "Rows predicted worst", f'{note(told)}<ul class="cards">{"".join(cards)}</ul>')


def listed(facts: Facts, cells: Sequence[Any], places: Sequence[int]) -> str:
    """Return some values of a row with the names of their columns."""
    pairs = (f"<dt>{short(facts.rows.names[place])}</dt><dd>{cell(cells[place])}</dd>" for place in places)
    return f"<dl>{''.join(pairs)}</dl>"


def cell(value: Any) -> str:
    """Return a value of a row, escaped and not too long."""
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return "<i>missing</i>"
    return f"{value:.6g}" if isinstance(value, (float, np.floating)) else short(value, 80)


def most_important(facts: Facts) -> list[int]:
    """Return the places of the columns that are shown of a row: those that matter most come first."""
    places = list(range(len(facts.rows.names)))
    if len(places) <= FIRST_CELLS or not isinstance(facts.importance, Importance):
        return places[:MOST_CELLS]
    by_name = {name: place for place, name in enumerate(facts.rows.names)}
    order = np.argsort(-facts.importance.means, kind="stable")
    first = [by_name[facts.importance.names[one]] for one in order if facts.importance.names[one] in by_name]
    return [*first, *(place for place in places if place not in set(first))][:MOST_CELLS]


def importance(facts: Facts) -> Section:
    """Return what the model would lose without each column."""
    found = facts.importance
    if isinstance(found, str):
        return Section("importance", "Importance", note(found))
    told = note("Rows count by their weights.") if facts.weights is not None else ""
    if found.left_out:
        what = "patches" if facts.picture else "columns"
        told += note(
            f"Of {len(found.names) + found.left_out:,} {what}, {len(found.names)} were tried one by one in the time "
            "that a report takes; of very many, those whose halves matter most."
        )
    if facts.picture:
        drawn = figures.patches(found, patches(facts.picture))
        return Section("importance", "Importance of the patches", told + drawn)
    return Section("importance", "Importance of the columns", told + figures.importance(found))


def speed(facts: Facts) -> Section:
    """Return what training and predicting took."""
    lines: list[tuple[str, Any]] = []
    if facts.seconds is not None:
        lines.append(("training, seconds", facts.seconds))
        if facts.trained_rows and facts.seconds:
            lines.append(("training, rows a second, all epochs included", facts.trained_rows / facts.seconds))
    epochs = len(facts.history.get("loss", ()))
    if epochs:
        lines.append(("epochs" if len(facts.networks) == 1 else "epochs of the first network", epochs))
    lines.append(("predicting, rows a second", facts.predicting))
    lines.append(("networks", len(facts.networks)))
    if facts.parameters:
        lines.append(("weights", facts.parameters))
    return Section("speed", "Speed and size", table("On the machine that trained it", ["what", "how much"], lines))


def use(facts: Facts) -> Section | None:
    """Return how the model is loaded and asked, in Python and on the command line; None for one of another library."""
    if not isinstance(facts.model, Model) and not type(facts.model).__module__.startswith("fastmlp."):
        return None
    file = facts.file or "model.safetensors"
    if isinstance(facts.model, Model):
        load, ask = "from fastmlp import load_model", f"model = load_model({file!r})"
        what, rows = "model.predict(x)", "IMAGES.idx"
    else:
        load, ask = "from fastmlp import sklearn", f"model = sklearn.load({file!r})"
        what, rows = "model.predict(x)" if facts.answers.classes is None else "model.predict_proba(x)", "TABLE.csv"
    program = f"{load}\n\n{ask}\n{what}"
    if facts.columns is not None:
        program = f"{load}\nfrom fastmlp.tables import read\n\n{ask}\n{what.replace('(x)', f'(read({rows!r}))')}"
    told = "" if facts.file else note(f"The model is not in a file yet; once it is, of this name: {file}")
    parts = [told, f"<h3>Python</h3><pre><code>{escape(program)}</code></pre>"]
    if getattr(facts.model, "classes", None) is not None or hasattr(facts.model, "preparation_"):
        command = f"fastmlp-predict {shlex.quote(file)} {rows}"
        parts.append(f"<h3>Command line</h3><pre><code>{escape(command)}</code></pre>")
    return Section("use", "Use the model", "".join(parts))


SECTIONS = (columns, curves, mistakes, classes, calibration, worst, importance, speed, use)
