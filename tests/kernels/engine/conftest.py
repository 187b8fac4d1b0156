"""What all tests of the engine run with."""

import pytest

from fastmlp.kernels.engine import network


@pytest.fixture(autouse=True)
def look_for_zeros_among_few_inputs_too(monkeypatch):
    """So that small networks show whether skipping keeps the bits, also where lists are walked by blocks of columns."""
    monkeypatch.setattr(network, "FEW_INPUTS", 0)
    monkeypatch.setattr(network, "CACHE_SIZE", 12 * 1024)  # a block of some 64 columns
