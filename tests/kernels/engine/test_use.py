"""How a compiled network is used: what it refuses, and what may happen while it runs."""

import os
import signal
import threading
import tracemalloc

import numpy as np
import pytest

from fastmlp import kernels
from fastmlp.kernels import Network
from tests.networks import OPTIMIZERS, WHOLE_RUN_LOSS, dense, dropout, initial

# ---------------------------------------------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x": np.ones((6, 4))}, r"x: got float64 \(6, 4\), needs a C-contiguous array of .* with shape \(rows, 3\)"),
        ({"x": np.ones((6, 3), int)}, "x: got .*, needs a C-contiguous array of uint8 or float32 or float64"),
        ({"x": np.ones((3, 6)).T}, "x: got .*, needs a C-contiguous array"),
        ({"x": [[1.0, 2.0, 3.0]]}, "x: got list, needs"),
        ({"y": np.zeros(5, np.intc)}, r"y: got int32 \(5,\), needs a C-contiguous array of int32 with shape \(6\)"),
        ({"y": np.zeros((6, 2), np.float32)}, "y: got .*, needs a C-contiguous array of int32"),
        ({"y": np.full(6, 2, np.intc)}, "y: got numbers from 2 to 2, needs 0 to 1"),
        ({"y": None}, "y: got None, needs the targets"),
        ({"order": np.array([0, 6])}, "order: got numbers from 0 to 6, needs 0 to 5"),
        ({"order": np.array([0.0])}, "order: got .*, needs a C-contiguous array of int64"),
        ({"order": np.arange(0)}, "order: got .*, needs a C-contiguous array of int64"),
        ({"batch_size": 0}, "batch_size: got 0, needs at least 1"),
        ({"metric": "categorical_accuracy"}, "metric: got 'categorical_accuracy', which does not fit the loss 'sparse"),
    ],
)
def test_arrays_that_do_not_fit_are_refused_before_anything_changes(change, message):
    network = Network(3, [dense(2, "softmax")], WHOLE_RUN_LOSS, OPTIMIZERS[0])
    good = {"x": np.ones((6, 3)), "y": np.zeros(6, np.intc), "order": np.arange(6), "batch_size": 2}
    with pytest.raises(ValueError, match=message):
        network.train_epoch(**(good | change))
    assert network.step == 0
    assert not any(array.any() for array in network.get_weights())
    network.train_epoch(**good)


def test_a_network_without_a_loss_predicts_only():
    network = Network(3, [dense(2)])
    assert network.predict(np.ones((1, 3))).tolist() == [[0, 0]]
    with pytest.raises(ValueError, match="the network was made without a loss"):
        network.evaluate(np.ones((1, 3)), np.ones((1, 2), np.float32))


def test_no_layers_give_what_they_get():
    assert Network(3, []).predict(np.ones((2, 3))).tolist() == [[1, 1, 1]] * 2


@pytest.mark.parametrize(("inputs", "units"), [(0, 2), (3, 0), (3, -1)])
def test_impossible_widths(inputs, units):
    with pytest.raises(ValueError, match="needs at least one input and one unit in every layer"):
        Network(inputs, [dense(units)])


@pytest.mark.parametrize("threads", [0, -1, 257])
def test_impossible_numbers_of_threads(threads):
    with pytest.raises(ValueError, match=f"threads: got {threads}, needs 1 to 256"):
        Network(3, [dense(2)]).threads = threads


def test_a_second_use_while_it_runs_is_refused():
    begun, refused = threading.Event(), threading.Event()

    def loss(y, p):
        begun.set()
        assert refused.wait(300)
        return np.zeros(len(p)), np.zeros_like(p)

    network, x = Network(3, [dense(2)], loss, OPTIMIZERS[0]), np.ones((32000, 3), np.float32)
    training = threading.Thread(target=network.train_epoch, args=(x, np.zeros(32000), np.arange(32000), 32))
    training.start()
    assert begun.wait(300)
    with pytest.raises(RuntimeError, match="this network is running already"):
        network.predict(x)
    refused.set()
    training.join()
    assert network.steps_done == 1000
    network.predict(x)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_does_not_hang():
    x = np.random.default_rng(10).random((64, 64))
    network = Network(64, [dense(64)], dtype="float64")
    network.threads = 2
    product, prediction = kernels.matrix_dot(x, x, threads=2), network.predict(x)
    child = os.fork()
    if not child:
        signal.alarm(300)
        same = np.array_equal(kernels.matrix_dot(x, x, threads=2), product)
        os._exit(0 if same and np.array_equal(network.predict(x), prediction) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


# ------------------------------------------------------------------------------------------------------ while it runs


def slow_run():
    """A network and data whose epoch takes seconds."""
    layers = [dense(512, "relu"), dense(512, "relu"), dense(10, "softmax")]
    network = Network(512, layers, "sparse_categorical_crossentropy", OPTIMIZERS[0])
    rng = np.random.default_rng(9)
    network.set_weights(initial(512, layers, rng))
    return network, rng.random((2000, 512), np.float32), np.zeros(2000, np.intc), np.arange(200_000) % 2000


def test_ctrl_c_ends_an_epoch(interrupt_when):
    network, x, y, order = slow_run()
    network.threads = 2
    interrupt_when(lambda: network.steps_done)
    with pytest.raises(KeyboardInterrupt):
        network.train_epoch(x, y, order, 32)
    assert 0 < network.steps_done < len(order) / 32
    assert network.step == network.steps_done
    assert np.isfinite(network.predict(x[:5])).all()


def test_ctrl_c_stops_all_threads_after_the_same_step(interrupt_when):
    """The weights are those that as many steps give when nobody interrupts."""
    layers = [dense(35, "relu", l2=0.01), dropout(0.5), dense(70, "relu"), dense(5, "softmax")]
    rng = np.random.default_rng(11)
    x, y, weights = rng.random((50, 20)), rng.integers(0, 5, 50).astype(np.intc), initial(20, layers, rng)
    order = np.arange(10**7) % 50

    def fresh(threads):
        network = Network(20, layers, WHOLE_RUN_LOSS, OPTIMIZERS[0] | {"learning_rate": 0.001})
        network.threads = threads
        network.set_weights(weights)
        return network

    for threads in 3, 2:
        stopped, whole = fresh(threads), fresh(1)
        interrupt_when(lambda stopped=stopped: stopped.steps_done)
        with pytest.raises(KeyboardInterrupt):
            stopped.train_epoch(x, y, order, 4)
        assert 0 < stopped.steps_done == stopped.step < len(order) // 4
        whole.train_epoch(x, y, order[: 4 * stopped.step], 4)
        for ours, expected in zip(stopped.get_weights(), whole.get_weights(), strict=True):
            assert ours.tobytes() == expected.tobytes()
        assert stopped.train_epoch(x, y, order[:10], 4) == whole.train_epoch(x, y, order[:10], 4)


def test_steps_done_can_be_watched_from_another_thread():
    seen, next_seen = set(), threading.Semaphore(0)

    def loss(y, p):
        if len(seen) < 4:
            assert next_seen.acquire(timeout=300)
        return np.zeros(len(p)), np.zeros_like(p)

    network, x = Network(3, [dense(2)], loss, OPTIMIZERS[0]), np.ones((32000, 3), np.float32)
    training = threading.Thread(target=network.train_epoch, args=(x, np.zeros(32000), np.arange(32000), 32))
    training.start()
    while training.is_alive():
        if network.steps_done not in seen:
            seen.add(network.steps_done)
            next_seen.release()
    assert len(seen) > 2
    assert network.steps_done == 1000


# ------------------------------------------------------------------------------------------------------------- memory


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
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert max(peaks) < min(peaks) + 1000  # bytes
