"""A short form of the random networks: the long one is a command."""

import numpy as np
import pytest

from tests.hostile import networks


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_random_networks_have_the_same_bits(dtype):
    kinds = set()
    with np.errstate(all="ignore"):
        for seed in range(12):
            found, wrong = networks.compare(seed, dtype)
            assert not wrong, f"seed {seed}"
            kinds.update(found)
    assert kinds >= {f"{dtype}, finite", f"{dtype}, not finite"}


def test_other_bits_are_found(monkeypatch):
    """Zeros that are skipped whatever they meet are what it looks for."""
    monkeypatch.setattr(networks.engine, "CHECK_FINITE", False)
    with pytest.raises(AssertionError, match="other bits for"):
        for seed in range(20):
            networks.check(seed)
