"""A few kills at random moments; `python -m tests.hostile.kills` is the long form."""

import os

import pytest

from tests.hostile.kills import NAMES, attacked

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name != "posix", reason="needs a signal that cannot be caught"),
]


@pytest.mark.parametrize("name", NAMES)
def test_a_killed_run_leaves_the_bytes_of_one_that_was_not(name):
    if name == "table":
        pytest.importorskip("polars")
    seed = int.from_bytes(os.urandom(4))
    print(f"seed {seed}")
    _, kills = attacked(2, seed, [name])
    assert kills.total() == 2
