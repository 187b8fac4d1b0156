"""Steps that take long: they can be left, and have the bits of others."""

import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from fastmlp.kernels import Network
from fastmlp.kernels.engine.exceptions import look_with
from fastmlp.kernels.engine.leaving import look_in_products_from
from fastmlp.layers import BatchNormalization, Dense, Input
from fastmlp.models import Sequential
from tests.conftest import THREADS_ARE_WATCHED
from tests.networks import OPTIMIZERS, batch_normalization, dense, dropout, initial

RANDOM = np.random.default_rng(8)
X, Y = RANDOM.normal(size=(90, 20)), RANDOM.normal(size=(90, 3))
LAYERS = {
    "plain": [dense(40, "relu"), dropout(0.3), dense(35, "tanh"), dense(3)],
    "penalties": [dense(40, "relu", kernel={"l2": 0.01, "max_norm": 1.0}), dense(3)],
    "normalized": [dense(40), batch_normalization(), dense(3)],
}
needs_timer = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs a timer that sends a signal")


def made(layers, dtype, optimizer, threads=1):
    network = Network(20, layers, "mean_squared_error", optimizer, dtype=dtype)
    network.threads = threads
    network.set_weights(initial(20, layers, np.random.default_rng(3)))
    return network


def bits(network):
    return [array.tobytes() for array in network.get_weights() + network.get_optimizer_state()]


@pytest.mark.parametrize("layers", LAYERS.values(), ids=LAYERS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda one: one["name"])
def test_long_steps_have_the_bits_of_others(layers, dtype, optimizer, threads):
    x, y, order = X.astype(dtype), Y.astype(dtype), np.tile(np.arange(90), 2)
    x[:, ::2] = 0  # zeros are left out
    networks = [made(layers, dtype, optimizer), made(layers, dtype, optimizer, threads)]
    before = look_in_products_from(2**62)
    try:
        results = [networks[0].train_epoch(x, y, order, 40), networks[0].evaluate(x, y), networks[0].gradients(x, y)[0]]
        look_in_products_from(1)
        others = [networks[1].train_epoch(x, y, order, 40), networks[1].evaluate(x, y), networks[1].gradients(x, y)[0]]
    finally:
        look_in_products_from(before)
    assert results == others and bits(networks[0]) == bits(networks[1])


class Stop(Exception):
    pass


def long_model(units, normalized):
    between = [BatchNormalization()] if normalized else []
    layers = [Dense(units, "relu"), *between, Dense(units, "relu"), Dense(4)]
    model = Sequential([Input((units,)), *layers], dtype="float64", seed=1)
    model.compile("sgd", "mse")
    return model


@pytest.mark.skipif(THREADS_ARE_WATCHED, reason="all takes many times as long then")
@needs_timer
@pytest.mark.parametrize("place", [1, 2])
@pytest.mark.parametrize(
    ("call", "normalized"),
    [
        *((call, False) for call in ("train", "gradients", "evaluate", "predict")),
        ("train", True),
        ("predict", True),
    ],
)
def test_a_step_is_left_or_whole(call, normalized, place, threads):
    """A step takes seconds on one thread; the signal comes in the first one, or soon after it."""
    units = 700
    model = long_model(units, normalized)
    rows = 12000 if call in ("train", "gradients") else 6000
    x, y = np.ones((rows, units)), np.zeros((rows, 4))
    network = model.network
    network.threads = threads
    order = np.tile(np.arange(rows), 20)
    calls = {
        "train": lambda: network.train_epoch(x, y, order, rows),
        "gradients": lambda: [network.gradients(x, y) for _ in range(20)],
        "evaluate": lambda: network.evaluate(np.tile(x, (20, 1)), np.tile(y, (20, 1))),
        "predict": lambda: network.predict(np.tile(x, (20, 1))),
    }
    rows_together, predicted = np.tile(x, (4, 1)), []

    def predict_in_training():
        while True:
            network.predict(rows_together, training=True)
            predicted.append(None)

    if normalized:
        calls["predict"] = predict_in_training
    sent = []

    def stop(number, frame):
        sent.append(time.process_time())
        raise Stop

    weights = model.get_weights()
    handler = signal.signal(signal.SIGALRM, stop)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.7 * place)
        begun = time.process_time()
        with pytest.raises(Stop):
            calls[call]()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)
    assert time.process_time() - sent[0] < 1.0 * threads
    assert sent[0] - begun < 1.0 * threads * (0.7 * place + 1)
    assert network.step == network.steps_done or call != "train"
    twin = long_model(units, normalized)
    twin.set_weights(weights)
    for _ in range(network.step):
        twin.train_on_batch(x, y)
    for _ in predicted:
        twin.network.predict(rows_together, training=True)
    if bits(network) != bits(twin.network) and normalized and call == "predict":
        twin.network.predict(rows_together, training=True)  # the signal came when all was computed
    assert bits(network) == bits(twin.network)


def test_rows_that_are_predicted_after_an_epoch_are_left_too(threads):
    """Each batch of them is short, all together take seconds; signals are looked for four times a second."""
    network = Network(256, [dense(512, "relu"), dense(512, "relu"), dense(2)], "mean_squared_error", OPTIMIZERS[0])
    network.threads = threads
    network.set_weights([np.full(array.shape, 0.01) for array in network.get_weights()])
    x, y = np.ones((8, 256), np.float32), np.zeros((8, 2), np.float32)
    rows, out = np.ones((400_000, 256), np.uint8), np.zeros((1, 400_000, 2), np.float32)
    looks, results = [], []

    def stop():
        looks.append(None)
        if len(looks) == 2:
            raise Stop

    look_with(stop)
    try:
        with pytest.raises(Stop):
            network.train_epochs(x, y, np.arange(8)[np.newaxis], 8, results, held_out=(rows, out))
    finally:
        look_with(None)
    assert results == [] and network.step == 1
    assert out[0, 0].all() and not out[0, -1].any()


LIMITED = """
import resource, numpy as np
from fastmlp.kernels import Network, limits
from tests.networks import dense
network = Network(512, [dense(512, "relu"), dense(9)], "mean_squared_error", {"name": "sgd", "learning_rate": 0.01})
x, y, order = np.ones((256, 512), np.float32), np.zeros((256, 9), np.float32), np.arange(256)
network.threads = 64
space = 2**20 * MEGABYTES + 1024 * int(open("/proc/self/status").read().split("VmSize:")[1].split()[0])
resource.setrlimit(resource.RLIMIT_AS, (space, space))
network.train_epoch(x, y, order, 64)
print(limits.startable(64))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="limits the memory that stacks are in")
@pytest.mark.parametrize("megabytes", [24, 60, 400])
def test_threads_that_cannot_be_started_are_done_without(megabytes):
    """OpenMP would end the process."""
    done = subprocess.run(
        [sys.executable, "-c", LIMITED.replace("MEGABYTES", str(megabytes))],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert 1 <= int(done.stdout) < 64


def test_threads_that_have_ended_are_tried_again_before_more_start(monkeypatch):
    """OpenMP ends those of a call that are more than in the next one of several."""
    from fastmlp.kernels import limits

    asked = []
    monkeypatch.setattr(limits, "_openmp", threading.local())
    monkeypatch.setattr(limits, "started_together", lambda count: asked.append(count) or min(count, 9))
    assert [limits.startable(count) for count in (4, 4, 1, 4, 2, 4)] == [4, 4, 1, 4, 2, 4]
    assert asked == [6, 4]
    assert [limits.startable(count) for count in (20, 30, 2, 30)] == [13, 13, 2, 11] and asked[2:] == [32, 22]


def test_no_more_threads_than_cpus(monkeypatch):
    from fastmlp.kernels import limits

    monkeypatch.setattr(limits, "MORE_THAN_CPUS", False)
    assert limits.useful(1) == 1 and limits.useful(256) == limits.useful(limits.useful(256))
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    monkeypatch.setattr("os.sched_getaffinity", lambda process: {0, 3}, raising=False)
    monkeypatch.setattr(limits, "_cpus", 1)
    assert [limits.useful(threads) for threads in (1, 2, 3, 64)] == [1, 2, 2, 2]
