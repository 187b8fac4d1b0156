"""A few forks; `python -m tests.hostile.forks` is the long form, which begins processes in other ways too."""

import os

import pytest

from tests.hostile import forks

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork"),
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning"),
]


@pytest.mark.parametrize("seed", range(2))
def test_children_of_a_training(seed):
    assert sum(forks.check(seed, ways=("os.fork", "fork")).values()) > 0


def test_other_bits_in_a_child_are_found():
    model = forks.network(1)
    child = forks.forked(model, model.get_weights(), [b""], 1)
    assert forks.status_of(child) == 1
