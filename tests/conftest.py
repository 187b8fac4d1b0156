"""The implementations that tests of the compiled code run on, and data shared between the files."""

import numpy as np
import pytest

from fastmlp import kernels
from fastmlp.datasets import digits
from fastmlp.datasets._fetch import own_folder

THREADS = (1, 2, 3)


@pytest.fixture(params=kernels.isa.supported())
def isa(request):
    """Each instruction set of this machine in turn, in use during the test."""
    before = kernels.isa.name()
    kernels.isa.select(request.param)
    yield request.param
    kernels.isa.select(before)


@pytest.fixture(params=THREADS, ids=lambda threads: f"{threads}threads")
def threads(request):
    """Each number of threads in turn."""
    return request.param


@pytest.fixture(scope="session")
def few_digits():
    """200 digits: pixels in [0, 1], float64 [200, 64], and labels, intc [200]."""
    (x, y), _ = digits.load_data()
    return x[:200].reshape(200, 64) / 16.0, y[:200].astype(np.intc)


@pytest.fixture
def mnist_available():
    if own_folder("mnist") is None:
        pytest.skip("there is no mnist folder in FASTMLP_DATA")
