"""Rows to test on that are drawn while they pass by: for a report on a table that is larger than memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np

    from fastmlp.commands.table_scores import Parts

MOST = 20_000


class Drawn:
    """About 20,000 of so many rows.

    Parameters
    ----------
    parts : iterable
        Of frames of polars, or dicts of columns, with their targets.
    count : int
        How many rows there are.
    """

    def __init__(self, parts: Parts, count: int) -> None:
        self.parts, self.share = parts, MOST / max(count, 1)
        self.kept: list[tuple[Any, np.ndarray]] = []

    def __iter__(self) -> Iterator[tuple[Any, np.ndarray]]:
        """Yield the parts as they are, each once."""
        import numpy as np

        random = np.random.default_rng(0)
        for rows, y in self.parts:
            if len(y):
                chosen = random.random(len(y)) < self.share
                chosen[0] |= not self.kept  # one row at least
                some = {name: column[chosen] for name, column in rows.items()} if isinstance(rows, dict) else None
                self.kept.append((rows.filter(chosen) if some is None else some, y[chosen]))
            yield rows, y

    def rows(self) -> tuple[Any, np.ndarray]:
        """Return what was drawn as one frame or dict, and the targets."""
        import numpy as np
        import polars as pl

        found, y = zip(*self.kept, strict=True)
        if isinstance(found[0], dict):
            return {name: np.concatenate([part[name] for part in found]) for name in found[0]}, np.concatenate(y)
        return pl.concat(found), np.concatenate(y)
