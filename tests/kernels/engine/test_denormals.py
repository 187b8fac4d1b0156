"""Numbers too small to be normal, which many processors are slow with: float32 runs keep none, float64 the oracle's."""

import math

import numpy as np
import pytest

from fastmlp import kernels
from fastmlp.kernels import Network
from tests.networks import AROUND_A_RULE, OPTIMIZERS, batch_normalization, dense

LEAST = {"float32": np.finfo(np.float32).tiny, "float64": np.finfo(np.float64).tiny}
STEPS = 64  # after so many at the latest
RULES = [one for one in [*OPTIMIZERS, *AROUND_A_RULE] if one["name"] != "sgd"]


def denormals(array):
    """How many there are."""
    return int(((array != 0) & (abs(array) < LEAST[str(array.dtype)])).sum())


def faded(optimizer, dtype="float32", threads=1, steps=STEPS, **settings):
    """A network half of whose inputs are 0, and all that belongs to these nearly so."""
    network = Network(8, [dense(35, "relu", **settings), dense(2)], "mean_squared_error", optimizer, dtype)
    network.threads = threads
    rng = np.random.default_rng(2)
    network.set_weights([0.1 * rng.normal(size=array.shape) for array in network.get_weights()])
    weights, state = network.get_weights(), network.get_optimizer_state()
    for array in [weights[0], *state[:: len(weights)]]:
        array[4:] = LEAST[dtype] / 3
    network.set_weights(weights)
    network.set_optimizer_state(state)
    x, y = rng.normal(size=(16, 8)).astype(dtype), rng.normal(size=(16, 2)).astype(dtype)
    x[:, 4:] = 0
    for _ in range(steps):
        network.train_epoch(x, y, np.arange(16), 16)
    return network


@pytest.mark.parametrize("optimizer", RULES, ids=lambda one: one["name"])
def test_what_fades_is_0_in_the_end(optimizer):
    steps = STEPS * optimizer.get("accumulation_steps", 1)
    network = faded(optimizer, steps=steps)
    assert not sum(map(denormals, network.get_weights() + network.get_optimizer_state()))


def test_weights_that_a_penalty_lets_fade_under_plain_descent():
    network = faded(OPTIMIZERS[0], l2=0.01)
    assert not sum(map(denormals, network.get_weights()))


def test_the_bits_are_those_of_all_threads_and_instruction_sets():
    ends = []
    before = kernels.isa.name()
    try:
        for isa in kernels.isa.supported():
            kernels.isa.select(isa)
            for threads in (1, 3):
                network = faded(OPTIMIZERS[5], threads=threads)
                dead = [network.get_weights()[0][4:], *(one[4:] for one in network.get_optimizer_state()[::4])]
                ends.append([array.tobytes() for array in dead])
    finally:
        kernels.isa.select(before)
    assert all(end == ends[0] for end in ends)


def test_float64_keeps_them():
    """As the oracle does."""
    assert denormals(faded(OPTIMIZERS[1], "float64").get_optimizer_state()[0]) == 4 * 35


def test_activations_that_saturate():
    x = np.float32([[-1e30, -100.0, -88.0, -87.4, -87.3, 0.0, 100.0]])
    for name in ("sigmoid", "silu", "mish", "softmax"):
        y = getattr(kernels, name)(x)
        assert not denormals(y) and y[0, -1] > 0.9, name
    assert kernels.sigmoid(x)[0, :5].tolist() == [0, 0, 0, 0, pytest.approx(math.exp(-87.3), rel=1e-6)]
    assert kernels.sigmoid(x.astype(np.float64))[0, 1] == 1 / (1 + math.exp(100))
    y = np.float32([[1e-30, 2e-38, 0.5, 1.0]])
    for name in ("sigmoid", "softmax", "tanh", "exponential", "log_softmax", "sparsemax"):
        assert not denormals(getattr(kernels, name + "_gradient")(y, y)), name


def test_gradients_of_losses_that_have_converged():
    network = Network(1, [dense(4, "softmax")], "sparse_categorical_crossentropy")
    network.set_weights([np.zeros((1, 4)), np.array([87.3, 80.0, 0.5, 0.0])])
    gradient = network.gradients(np.zeros((8, 1), np.float32), np.zeros(8, np.intc))[1][1]
    assert not denormals(gradient) and (gradient == 0).any() and (gradient != 0).any()


def test_the_variance_of_a_column_that_is_always_the_same():
    network = Network(3, [batch_normalization(), dense(1)], "mean_squared_error", OPTIMIZERS[0])
    weights = network.get_weights()
    weights[3][:] = 3e-38
    network.set_weights(weights)
    x = np.zeros((4, 3), np.float32)
    for _ in range(12):
        network.train_epoch(x, np.ones((4, 1), np.float32), np.arange(4), 4)
    assert network.get_weights()[3].tolist() == [0, 0, 0]
