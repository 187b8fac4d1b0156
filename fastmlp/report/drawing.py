"""The section of a report in which a picture is drawn, and the model, in the page itself, says what it is."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmlp.export.forward import forward_of
from fastmlp.export.javascript import described, floats
from fastmlp.models.model import Model
from fastmlp.report.contents import note
from fastmlp.report.facts import Facts
from fastmlp.report.page import Section, data
from fastmlp.report.pictures import placement
from fastmlp.report.rows import Rows
from fastmlp.tables.encoders import Numbers, Scaled

MOST_WEIGHTS = 4_000_000  # in the page, of 5.3 bytes each
EXAMPLES = 24

PAD = """<div><canvas id="drawing-pad" width="600" height="600" tabindex="0" role="application"
aria-label="Drawing area" aria-describedby="drawing-keys"></canvas>
<p class="keys" id="drawing-keys">Draw with mouse or finger. By keyboard: the arrows move the pen, Space puts it down or
lifts it, Escape clears.</p><button type="button" id="drawing-clear">Clear</button>"""


def section(facts: Facts) -> Section | None:
    """Return the section, None where rows are no pictures of classes."""
    if facts.picture is None or facts.answers.classes is None:
        return None
    why, whole = reason_not_to(facts), np.empty(0, np.intp)
    if not why:
        whole = np.flatnonzero(np.isfinite(pixels(facts)).all(axis=1))
        why = "" if len(whole) else "The page has no model to try: each of its test pictures lacks pixels."
    if why:
        return Section("draw", "Try it", note(why))
    height, width, channels = facts.picture
    pad = PAD if channels == 1 else "<div>"
    body = (
        f'<div class="drawing">{pad}<button type="button" id="drawing-example">Show a test picture</button></div>'
        '<div><p id="drawing-status" role="status">Nothing is drawn yet.</p>'
        '<ol id="drawing-bars" aria-label="Probabilities of the classes"></ol>'
        '<p class="keys">What the model sees:</p><canvas id="drawing-seen" role="img" '
        f'aria-label="The picture of {height} x {width} pixels that the model sees" width="{width}" height="{height}">'
        "</canvas></div></div>"
    )
    return Section("draw", "Draw" if channels == 1 else "Try it", body + data("drawing-data", values(facts, whole)))


def reason_not_to(facts: Facts) -> str:
    """Return why the model cannot be in the page, or nothing."""
    preparation = getattr(facts.model, "preparation_", None)
    if not isinstance(facts.model, Model) and preparation is None:
        return f"The page has no model to try: a {type(facts.model).__name__} is not exported to JavaScript."
    if preparation is not None and not all(is_number(one) for one in preparation.columns_.values()):
        return "The page has no model to try: some of its pixels are not prepared as plain numbers."
    if (facts.parameters or 0) > MOST_WEIGHTS:
        return f"The page has no model to try: its {facts.parameters:,} weights are more than {MOST_WEIGHTS:,}."
    return ""


def is_number(encoder: Any) -> bool:
    """Whether a column of a table is prepared by its value alone."""
    return isinstance(encoder, (Numbers, Scaled)) and not encoder.codes


def values(facts: Facts, whole: NDArray[np.intp]) -> dict[str, Any]:
    """Return what drawing.js asks for; `whole` are the numbers of the pictures that lack no pixel."""
    assert facts.picture is not None and facts.answers.classes is not None
    height, width, channels = facts.picture
    pictures, true = pixels(facts)[whole], facts.answers.true[whole]
    low, high = float(pictures.min()), float(pictures.max())
    place = placement(pictures.reshape(len(pictures), height, width, channels)[..., 0])
    return {
        "height": height,
        "width": width,
        "low": low,
        "high": high,
        "classes": [str(name) for name in facts.answers.classes],
        "placement": {
            "background": place.background,
            "ink": place.ink,
            "box": place.box,
            "byMass": place.by_mass,
            "center": place.center,
            "thickness": place.thickness,
        },
        "examples": [
            {"name": str(facts.answers.classes[true[row]]), "pixels": floats(pictures[row])} for row in examples(true)
        ],
        "fromLogits": bool(getattr(getattr(facts.model, "loss", None), "from_logits", False)),
        "preparation": prepared(facts),
        "weights": getattr(facts.model, "weights_", None) or [1 / len(facts.networks)] * len(facts.networks),
        "networks": [described(forward_of(network)) for network in facts.networks],
    }


def pixels(facts: Facts) -> NDArray[Any]:
    """Return the pictures as numbers [rows, pixels]."""
    if isinstance(facts.rows, Rows):
        return np.asarray(facts.rows.flat)[:, facts.pixels]
    columns = list(facts.rows.columns.values())
    return np.stack([np.asarray(columns[place], np.float64) for place in facts.pixels], axis=1)


def prepared(facts: Facts) -> list[dict[str, Any]] | None:
    """Return how each pixel that is used is prepared, None where pixels are taken as they are."""
    preparation = getattr(facts.model, "preparation_", None)
    if preparation is None:
        return None
    places = {facts.rows.names[column]: place for place, column in enumerate(facts.pixels)}
    return [
        {"place": places[str(name)], **encoder.to_data()}
        for name, encoder in preparation.columns_.items()
        if encoder.width
    ]


def examples(true: NDArray[Any]) -> list[int]:
    """Return some rows of all classes by turns: the first of each, then the second."""
    order = np.argsort(true, kind="stable")
    starts = np.searchsorted(true[order], true[order])
    turn = np.empty(len(true), int)
    turn[order] = np.arange(len(true)) - starts
    return [int(row) for row in np.lexsort((true, turn))[:EXAMPLES]]
