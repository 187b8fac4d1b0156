"""A short soak, and what it must find; `python -m tests.hostile.soak` is the long form."""

import os
import threading
import warnings

import numpy as np
import pytest

from tests.hostile import soak
from tests.hostile.work import WORK

pytestmark = pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="needs Linux's /proc")
SHORT = ("fits", "saves_and_loads", "makes_mistakes", "breaks_off", "shares_a_model")
KEPT = []


def leaks_memory(rng, folder):
    KEPT.append(np.ones(1 << 20))


def leaks_files(rng, folder):
    KEPT.append(open(folder / "open", "w"))  # noqa: SIM115


def leaks_threads(rng, folder):
    event = threading.Event()
    threading.Thread(target=event.wait).start()
    KEPT.append(event)


def leaves_files(rng, folder):
    (folder.parent / f"left-{rng.random()}").write_text("")


@pytest.mark.slow
def test_nothing_grows():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        counts, held = soak.soak(0, 0, {name: WORK[name] for name in SHORT}, lambda _: 0)
    assert counts.total() == len(held) * len(SHORT) and not soak.growth(held)


def test_what_grows_is_found():
    leaks = {leak.__name__: leak for leak in (leaks_memory, leaks_files, leaks_threads, leaves_files)}
    try:
        found = soak.growth(soak.soak(0, 0, leaks, lambda _: 0)[1])
        assert [text.split()[0] for text in found] == ["files", "threads", "temporary", "memory"]
    finally:
        for kept in KEPT:
            if isinstance(kept, threading.Event):
                kept.set()
            elif not isinstance(kept, np.ndarray):
                kept.close()
        KEPT.clear()
