"""The implementations that tests of the compiled code run on, and data shared between the files."""

import os
import signal
import threading
import time

os.environ.setdefault("FASTMLP_MORE_THREADS_THAN_CPUS", "1")  # tests of several threads run on any machine

import numpy as np
import pytest

from fastmlp import kernels
from fastmlp.datasets import digits, idx
from fastmlp.datasets._fetch import given_folder
from tests.browser import browser

THREADS = (1, 2, 3)
THREADS_ARE_WATCHED = "thread" in os.environ.get("FASTMLP_SANITIZE", "")  # by ThreadSanitizer


def pytest_addoption(parser):
    parser.addoption("--every", type=int, default=1, metavar="N", help="run each N-th test, for slow machines")


def pytest_collection_modifyitems(config, items):
    items[:] = items[:: config.getoption("every")]


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


@pytest.fixture(scope="module")
def page():
    """A page of a headless Chromium, for the tests of a file."""
    with browser() as one:
        yield one


@pytest.fixture
def interrupt_when():
    """Gives what sends this process a signal for a KeyboardInterrupt, as soon as a condition holds."""
    if not hasattr(signal, "SIGALRM"):
        pytest.skip("needs signals")
    before, waiting, ended = signal.signal(signal.SIGALRM, signal.default_int_handler), [], threading.Event()

    def wait(condition):
        while not ended.is_set():
            if condition():
                return os.kill(os.getpid(), signal.SIGALRM)
            time.sleep(0.001)

    def begin(condition):
        waiting.append(threading.Thread(target=wait, args=(condition,)))
        waiting[-1].start()

    yield begin
    ended.set()
    for thread in waiting:
        thread.join()
    signal.signal(signal.SIGALRM, before)


@pytest.fixture(scope="session")
def few_digits():
    """200 digits: pixels in [0, 1], float64 [200, 64], and labels, intc [200]."""
    (x, y), _ = digits.load_data()
    return x[:200].reshape(200, 64) / 16.0, y[:200].astype(np.intc)


@pytest.fixture
def mnist_available():
    if given_folder("mnist") is None:
        pytest.skip("there is no mnist folder in FASTMLP_DATA")


@pytest.fixture
def mnist_of_digits(tmp_path, monkeypatch):
    """What `mnist.load_data()` finds: the bundled digits, drawn three times as large on MNIST's 28x28 pixels."""
    folder = tmp_path / "data" / "mnist"
    folder.mkdir(parents=True)
    for part, (images, labels) in zip(("train", "t10k"), digits.load_data(), strict=True):
        large = np.kron(images, np.ones((3, 3), np.uint8)).astype(int) * 255 // 16
        idx.write_idx(folder / f"{part}-images-idx3-ubyte", np.pad(large, ((0, 0), (2, 2), (2, 2))).astype(np.uint8))
        idx.write_idx(folder / f"{part}-labels-idx1-ubyte", labels)
    monkeypatch.setenv("FASTMLP_DATA", str(folder.parent))
    return folder
