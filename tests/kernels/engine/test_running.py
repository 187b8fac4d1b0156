"""What may happen while a compiled network runs: a second use, a fork, Ctrl-C, an eye on its steps."""

import os
import signal
import threading

import numpy as np
import pytest

from fastmlp import kernels
from fastmlp.kernels import Network
from tests.networks import OPTIMIZERS, WHOLE_RUN_LOSS, batch_normalization, dense, dropout, initial


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


def test_runs_of_several_threads_have_the_bits_of_one(threads):
    """Each thread of Python has a network with threads of its own; others ask how far they are meanwhile."""
    random = np.random.default_rng(11)
    x, y, order = random.random((60, 20)), random.random((60, 3)), np.tile(np.arange(60), 4)
    layers = [dense(40, "relu"), batch_normalization(), dropout(0.3), dense(3)]

    def made(count):
        network = Network(20, layers, "mean_squared_error", OPTIMIZERS[5], dtype="float64")
        network.threads = count
        network.set_weights(initial(20, layers, np.random.default_rng(3)))
        return network

    alone, networks = made(1), [made(threads) for _ in range(3)]
    alone.train_epoch(x, y, order, 7)
    running = [threading.Thread(target=network.train_epoch, args=(x, y, order, 7)) for network in networks]
    for thread in running:
        thread.start()
    while any(thread.is_alive() for thread in running):
        assert all(0 <= network.steps_done <= 35 and network.step <= 35 for network in networks)
    expected = [array.tobytes() for array in alone.get_weights()]
    for network in networks:
        assert network.step == network.steps_done == network.steps_finite == alone.step
        assert [array.tobytes() for array in network.get_weights()] == expected
