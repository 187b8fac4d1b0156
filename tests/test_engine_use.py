"""How a compiled network is used: what it refuses, and what may happen while it runs."""

import os
import signal
import threading

import numpy as np
import pytest

from fastmlp import kernels
from fastmlp.kernels import Network
from tests.networks import OPTIMIZERS, WHOLE_RUN_LOSS, dense, initial

# ---------------------------------------------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x": np.ones((6, 4))}, r"x must be a C-contiguous array of .* with shape \(rows, 3\), got float64 \(6, 4\)"),
        ({"x": np.ones((6, 3), int)}, "x must be a C-contiguous array of uint8 or float32 or float64"),
        ({"x": np.ones((3, 6)).T}, "x must be a C-contiguous array"),
        ({"x": [[1.0, 2.0, 3.0]]}, "x must be .*, got list"),
        ({"y": np.zeros(5, np.intc)}, r"y must be a C-contiguous array of int32 with shape \(6\), got int32 \(5,\)"),
        ({"y": np.zeros((6, 2), np.float32)}, "y must be a C-contiguous array of int32"),
        ({"y": np.full(6, 2, np.intc)}, "y must hold numbers from 0 to 1, got 2 to 2"),
        ({"y": None}, "y: got None, needs the targets"),
        ({"order": np.array([0, 6])}, "order must hold numbers from 0 to 5, got 0 to 6"),
        ({"order": np.array([0.0])}, "order must be a C-contiguous array of int64"),
        ({"order": np.arange(0)}, "order must be a C-contiguous array of int64"),
        ({"batch_size": 0}, "batch_size must be at least 1, got 0"),
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
    with pytest.raises(ValueError, match=f"threads must be from 1 to 256, got {threads}"):
        Network(3, [dense(2)]).threads = threads


def test_a_second_use_while_it_runs_is_refused():
    network, x, y, order = slow_run()
    training = threading.Thread(target=network.train_epoch, args=(x, y, order[:32000], 32))
    training.start()
    while not network.steps_done:
        pass
    with pytest.raises(RuntimeError, match="this network is running already"):
        network.predict(x)
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
        signal.alarm(20)
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


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs a timer that sends a signal")
def test_ctrl_c_ends_an_epoch():
    network, x, y, order = slow_run()
    network.threads = 2
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.setitimer(signal.ITIMER_REAL, 0.3)
    try:
        with pytest.raises(KeyboardInterrupt):
            network.train_epoch(x, y, order, 32)
    finally:
        signal.signal(signal.SIGALRM, before)
    assert 0 < network.steps_done < len(order) / 32
    assert network.step == network.steps_done
    assert np.isfinite(network.predict(x[:5])).all()


def test_steps_done_can_be_watched_from_another_thread():
    network, x, y, order = slow_run()
    training = threading.Thread(target=network.train_epoch, args=(x, y, order[:32000], 32))
    training.start()
    seen = set()
    while training.is_alive():
        seen.add(network.steps_done)
    assert len(seen) > 2
    assert network.steps_done == 1000
