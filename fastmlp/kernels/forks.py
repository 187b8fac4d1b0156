"""OpenMP's threads do not survive a fork: a child that asks for them hangs, so it gets one."""

import os

_forked = False


def usable(threads: int) -> int:
    """The number of threads to use when so many are asked for."""
    return 1 if _forked else threads


def _note_fork() -> None:
    global _forked
    _forked = True


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_note_fork)
