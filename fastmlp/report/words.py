"""Words, numbers and tables of a page, escaped: what stands in it may come from any table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

import numpy as np

NUMERIC = ' class="number"'


def short(text: Any, most: int = 40) -> str:
    """Return words, escaped, of at most so many characters, without line breaks."""
    plain = " ".join(str(text).split())
    return escape(plain if len(plain) <= most else plain[: most - 1] + "…")


def clipped(name: Any, most: int = 12) -> str:
    """Return a name that fits beside a drawing, without its middle where it is long; not escaped."""
    plain = " ".join(str(name).split())
    end = most // 2
    return plain if len(plain) <= most else f"{plain[: most - end - 1]}…{plain[-end:]}"


def number(value: float) -> str:
    """Return a number for people: four digits, and all of those before the point."""
    if not np.isfinite(value):
        return "-"
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.4g}"


def written(value: Any) -> str:
    """Return a cell: whole numbers with commas, others with four digits, words as they are."""
    if isinstance(value, (int, np.integer)) and not isinstance(value, bool):
        return f"{value:,}"
    return number(float(value)) if isinstance(value, (float, np.floating)) else short(value)


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
        lines.append(f'<tr><th scope="row">{short(first, 80)}</th>{cells}</tr>')
    return (
        f'<div class="scroll" role="region" tabindex="0" aria-label="{escape(caption)}"><table><caption>'
        f"{escape(caption)}</caption><thead><tr>{titles}</tr></thead><tbody>{''.join(lines)}</tbody></table></div>"
    )
