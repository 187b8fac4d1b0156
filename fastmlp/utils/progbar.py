"""A bar for loops of one's own, which looks like that of `fit`."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable
from typing import Any

import numpy as np

from fastmlp.data.arrays import numeric
from fastmlp.errors import told
from fastmlp.settings import boolean, integer, is_among, listed, real


class Progbar:
    """Prints how far a loop has come, with running means of what it measures.

    Parameters
    ----------
    target : int, optional
        Steps in all; None where that is not known.
    width : int
        Characters of the bar; default 20.
    verbose : {0, 1, 2}
        Nothing, a bar that moves, or one line at the end.
    interval : float
        Seconds between two drawings at least.
    stateful_metrics, stateless_metrics : iterable of str, optional
        Names of values that are shown as they are, or of those that are averaged; at most one of the two.
    unit_name : str
        Default "step".
    """

    def __init__(
        self,
        target: int | None,
        width: int = 20,
        verbose: int = 1,
        interval: float = 0.05,
        stateful_metrics: Iterable[str] | None = None,
        stateless_metrics: Iterable[str] | None = None,
        unit_name: str = "step",
    ):
        if stateful_metrics is not None and stateless_metrics is not None:
            raise ValueError("stateful_metrics: got names beside stateless_metrics, needs at most one of the two")
        if not is_among(verbose, (0, 1, 2)):
            raise ValueError(f"verbose: got {told(verbose)}, needs 0, 1 or 2")
        self.target = None if target is None else integer("target", target, at_least=0)
        self.width = integer("width", width, at_least=1)
        self.verbose = int(verbose)
        self.interval = real("interval", interval, low=0.0)
        self.unit_name = str(unit_name)
        self.shown_as_is = frozenset(names("stateful_metrics", stateful_metrics))
        self.averaged = None if stateless_metrics is None else frozenset(names("stateless_metrics", stateless_metrics))
        self.seen = 0
        self.sums: dict[str, tuple[float, int]] = {}  # of each value: total, and the steps it stands for
        self.began = time.monotonic()
        self.drawn = -float("inf")
        self.length = 0  # of the line that stands on the screen

    def update(
        self, current: int, values: Iterable[tuple[str, Any]] | None = None, finalize: bool | None = None
    ) -> None:
        """Show that `current` steps are done.

        Parameters
        ----------
        current : int
        values : iterable of (name, value), optional
            Of the steps since the last call; the line has their means so far. Those of the last call stand as they are.
        finalize : bool, optional
            Whether this is the last call; by default once `target` is reached.
        """
        current = integer("current", current, at_least=0)
        pairs = [] if values is None else [tuple(listed("values", pair)) for pair in listed("values", values)]
        if not all(len(pair) == 2 and isinstance(pair[0], str) for pair in pairs):
            raise ValueError(f"values: got {told(values)}, needs (name, value) for each")
        found = [(name, numeric(f"values: {name}", value)) for name, value in pairs]
        is_last = (
            (self.target is not None and current >= self.target) if finalize is None else boolean("finalize", finalize)
        )
        steps = max(current - self.seen, 1)
        for name, value in found:
            if not value.size:
                raise ValueError(f"values: got no number for {told(name)}, needs at least one")
            number = float(np.mean(value, dtype=np.float64))
            is_mean = name not in self.shown_as_is if self.averaged is None else name in self.averaged
            total, count = self.sums.get(name, (0.0, 0)) if is_mean and not is_last else (0.0, 0)
            weight = steps if is_mean and not is_last else 1
            self.sums[name] = total + number * weight, count + weight
        self.seen = current
        now = time.monotonic()
        if self.verbose == 1 and (is_last or now - self.drawn >= self.interval):
            self.draw(self.line(now, is_last, bar=True), is_last)
            self.drawn = now
        elif self.verbose == 2 and is_last:
            self.draw(self.line(now, is_last, bar=False), is_last)

    def add(self, n: int, values: Iterable[tuple[str, Any]] | None = None) -> None:
        """Show that `n` more steps are done; values as in `update`."""
        self.update(self.seen + integer("n", n, at_least=0), values)

    def line(self, now: float, is_last: bool, bar: bool) -> str:
        """Return what is printed."""
        digits = len(str(self.target or 0))
        counted = f"{self.seen:>{digits}}/{self.target}" if self.target else f"{self.seen:>7}/Unknown"
        pace = (now - self.began) / max(self.seen, 1)
        seconds = pace * (self.target - self.seen) if self.target and not is_last else now - self.began
        if bar and self.target:
            done = min(self.width, self.width * self.seen // self.target)
            counted += " " + "━" * done + "─" * (self.width - done)
        parts = [f"{counted} {seconds:.0f}s {duration(pace)}/{self.unit_name}"]
        for name, (total, count) in self.sums.items():
            mean = total / count
            parts.append(f"{name}: {mean:.4f}" if abs(mean) > 1e-3 else f"{name}: {mean:.4e}")
        return " - ".join(parts)

    def draw(self, line: str, is_last: bool) -> None:
        """Print a line over the one before."""
        start = "\r" if self.length else ""
        print(start + line.ljust(self.length), end="\n" if is_last else "", flush=True, file=sys.stdout)
        self.length = 0 if is_last else len(line)


def names(argument: str, given: Any) -> list[str]:
    """Return names as a list; TypeError for what is none."""
    found = [] if given is None else listed(argument, given)
    if not all(isinstance(name, str) for name in found):
        raise TypeError(f"{argument}: got {told(given)}, needs names")
    return found


def duration(seconds: float) -> str:
    """Return a time in the unit that suits it."""
    if seconds >= 1:
        return f"{seconds:.0f}s"
    return f"{seconds * 1e3:.0f}ms" if seconds >= 1e-3 else f"{seconds * 1e6:.0f}us"
