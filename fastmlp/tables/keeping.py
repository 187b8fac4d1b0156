"""A callback more for each network of a table, by which a command keeps checkpoints of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from fastmlp.callbacks.base import Callback

Keep = Callable[[Any], Callback]  # of the examples, or of the rows in a file
_keep: ContextVar[Keep | None] = ContextVar("keep", default=None)


@contextmanager
def keeping(keep: Keep) -> Iterator[None]:
    """Let each network that is trained meanwhile have the callback that `keep` returns for what it learns from."""
    token = _keep.set(keep)
    try:
        yield
    finally:
        _keep.reset(token)


def kept(examples: Any) -> list[Callback]:
    """Return the callbacks for the next network."""
    keep = _keep.get()
    return [] if keep is None else [keep(examples)]
