"""A short form of the random networks: the long one is a command."""

import numpy as np
import pytest

from tests.hostile import networks


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_random_networks_have_the_same_bits(dtype):
    kinds = set()
    with np.errstate(all="ignore"):
        for seed in range(12):
            (kind, _), wrong = networks.check(seed, dtype)
            assert not wrong, f"seed {seed}"
            kinds.add(kind)
    assert kinds == {"finite", "not finite"}


def test_the_command_counts(capsys):
    assert networks.main(["--count", "2", "--seed", "5"]) == 0
    printed = capsys.readouterr().out
    assert "seeds 5 to 6: 2 networks in two types" in printed
    assert "0 with bits that differ" in printed


def test_other_bits_are_found(monkeypatch, capsys):
    """Zeros that are skipped whatever they meet are what it looks for."""
    monkeypatch.setattr(networks.engine, "CHECK_FINITE", False)
    assert networks.main(["--count", "20", "--seed", "0"]) == 1
    assert "other bits for" in capsys.readouterr().out
