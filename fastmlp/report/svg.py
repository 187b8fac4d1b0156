"""What figures are drawn of: words, lines and axes of inline SVG, which takes the colours of the page.

All figures are 360 units wide, a phone's width, so that their words stay readable on one.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Any
from zlib import crc32

import numpy as np

from fastmlp.report.words import number, short

WIDTH = 360
LEFT, RIGHT, TOP, BOTTOM = 58, 14, 26, 38  # margins of what has axes


def figure(title: str, description: str, height: float, body: Iterable[str], table: str = "") -> str:
    """Return a figure: the drawing, what it shows in words, and its numbers as a table that unfolds."""
    name = f"figure-{crc32(title.encode()):08x}"  # the same page each time
    numbers = f"<details><summary>Numbers of this figure</summary>{table}</details>" if table else ""
    return (
        f'<figure><svg viewBox="0 0 {WIDTH} {height:g}" role="img" aria-labelledby="{name}-title {name}-text">'
        f'<title id="{name}-title">{escape(title)}</title><desc id="{name}-text">{escape(description)}</desc>'
        f"{''.join(body)}</svg><figcaption>{escape(description)}</figcaption>{numbers}</figure>"
    )


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
    return [float(f"{one * step:.12g}") + 0.0 for one in np.arange(first, np.floor(high / step + 1e-9) + 1)]


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
        return [*parts, text(10, middle, self.ylabel, turned=True, kind="label")]

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
