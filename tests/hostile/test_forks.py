"""A few forks; `python -m tests.hostile.forks` is the long form, which begins processes in other ways too."""

import os
import signal
import threading

import pytest

from fastmlp.layers.graph import Description
from tests.hostile import forks

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork"),
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning"),
]


@pytest.mark.parametrize("seed", range(2))
def test_children_of_a_training(seed):
    assert sum(forks.check(seed, ways=("os.fork", "fork")).values()) > 0


def test_a_fork_while_something_is_computed_once():
    """functools.cached_property of Python 3.11 leaves a lock held in the child then."""
    begun, ended = threading.Event(), threading.Event()

    def variables():
        begun.set()
        assert ended.wait(20)
        yield from ()

    waiting, other = object.__new__(Description), object.__new__(Description)
    waiting.variables, other.variables = variables(), []
    thread = threading.Thread(target=lambda: waiting.trained)
    thread.start()
    assert begun.wait(20)
    child = os.fork()
    if not child:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(20)
        os._exit(0 if other.trained == [] else 1)
    status = forks.status_of(child)
    ended.set()
    thread.join()
    assert status == 0 and waiting.trained == []


def test_other_bits_in_a_child_are_found():
    model = forks.network(1)
    child = forks.forked(model, model.get_weights(), [b""], 1)
    assert forks.status_of(child) == 1
