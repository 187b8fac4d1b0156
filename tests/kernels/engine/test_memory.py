"""The memory of a compiled network: none is lost, and a step takes none."""

import os
import tracemalloc

import numpy as np
import pytest

from fastmlp.kernels import Network
from tests.networks import OPTIMIZERS, WHOLE_RUN_LOSS, batch_normalization, dense, dropout, initial


def resident():
    """Bytes of this process that are in memory."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def small_run(threads):
    layers = [dense(70, "relu"), dropout(0.5), dense(70, "relu"), dense(5, "softmax")]
    network = Network(64, layers, WHOLE_RUN_LOSS, OPTIMIZERS[5])
    network.threads = threads
    rng = np.random.default_rng(12)
    network.set_weights(initial(64, layers, rng))
    return network, rng.random((300, 64)) * (rng.random((300, 64)) < 0.2), rng.integers(0, 5, 300).astype(np.intc)


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="needs the memory in use from the system")
def test_a_thousand_calls_leave_memory_as_it_was():
    network, x, y = small_run(2)
    order = np.arange(300)

    def calls(count):
        for number in range(count):
            network.threads = 2 if number % 50 == 0 else 1
            network.predict(x[: (1, 7, 299, 300)[number % 4]])
        network.evaluate(x, y)
        network.train_epoch(x, y, order, 32)

    calls(100)
    before = resident()
    tracemalloc.start()
    calls(20)
    held = tracemalloc.get_traced_memory()[0]
    calls(1000)
    grown = tracemalloc.get_traced_memory()[0] - held
    tracemalloc.stop()
    assert grown < 1000  # bytes: less than one a call
    assert resident() - before < 1000 * 300 * 5  # and of what Python does not count, less than a prediction a call


@pytest.mark.parametrize("threads", [1, 2])
def test_a_step_allocates_nothing(threads):
    network, x, y = small_run(threads)
    network.train_epoch(x, y, np.arange(300), 10)
    peaks = []
    for steps in 1, 30, 1000:
        order = np.arange(10 * steps) % 300
        tracemalloc.start()
        network.train_epoch(x, y, order, 10)
        peaks.append(tracemalloc.get_traced_memory()[1] - order.nbytes)  # its copy, which nobody else can write to
        tracemalloc.stop()
    assert max(peaks) < min(peaks) + 1000  # bytes


def test_the_room_of_a_large_batch_is_given_back_after_many_small_runs():
    network = Network(1, [dense(1), batch_normalization()], "mean_squared_error", OPTIMIZERS[0])
    x = np.ones((400_000, 1), np.float32)
    out = np.empty((10, 1), np.float32)

    def held(runs):
        for _ in range(runs):
            network.predict(x[:10], out=out)
        return tracemalloc.get_traced_memory()[0] / 2**20

    tracemalloc.start()
    network.predict(x, training=True)
    most = held(15)
    network.predict(x, training=True)  # another large one
    kept, rest = held(15), held(1)
    network.predict(x, training=True)
    again = held(0)
    tracemalloc.stop()
    assert most > 64 and kept == pytest.approx(most, rel=0.01) and rest < 1 and again == pytest.approx(most, rel=0.1)
