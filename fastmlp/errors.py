"""What errors say of the values that they are about."""

from __future__ import annotations

from typing import Any


def told(value: Any) -> str:
    """Return what a value is in errors, not at length: Python does not write numbers of thousands of digits."""
    try:
        return f"{value!r:.200}"
    except ValueError:
        return f"{type(value).__name__} of more digits than Python writes"
    except Exception:  # of a method of the caller's, and no part of what was wrong
        return f"{type(value).__name__} without a repr"
