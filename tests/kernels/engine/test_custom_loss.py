"""A loss of the user's own in the engine: the oracle's bits, its calls, and what it raises."""

import numpy as np
import pytest

from fastmlp.kernels import Network
from tests.kernels.engine.comparing import SGD, assert_same, trained
from tests.networks import dense


def half_squares(y, p):
    """The squared error without its 2, in plain lists or in arrays alike; as the oracle's loops do it."""
    losses, gradient = [], []
    for row_y, row_p in zip(y, p, strict=True):
        losses.append(0.5 * sum(((b - a) * (b - a) for a, b in zip(row_y, row_p, strict=True)), 0.0))
        gradient.append([(b - a) / len(p) for a, b in zip(row_y, row_p, strict=True)])
    return losses, gradient


def test_a_loss_of_the_users_own_has_the_oracles_bits(isa, threads):
    weights = np.random.default_rng(3).uniform(0, 2, 23)
    network, oracle, results, x, y = trained(half_squares, threads=threads, sample_weight=weights)
    assert results[0] == results[1]
    assert_same(network.get_weights(), oracle.get_weights())
    assert network.evaluate(x, y) == oracle.evaluate(x.tolist(), y.tolist())
    loss, gradients = network.gradients(x, y)
    oracle_loss, oracle_gradients = oracle.gradients(x.tolist(), y.tolist())
    assert loss == oracle_loss
    assert_same(gradients, oracle_gradients)


def test_a_loss_of_the_users_own_gets_the_rows_of_each_batch():
    seen = []

    def loss(y, p):
        seen.append((list(y), p.shape, p.flags.owndata))
        return 0.25, np.zeros_like(p)

    network = Network(2, [dense(3)], loss, SGD)
    y = np.array(["a", "b", "c", "d", "e"])  # its targets are whatever the loss takes
    x = np.ones((5, 2), np.float32)
    assert network.train_epoch(x, y, np.array([4, 0, 2]), 2) == (0.25, 0.0)
    assert seen == [(["e", "a"], (2, 3), True), (["c"], (1, 3), True)]
    assert network.evaluate(x, y)[0] == 0.25
    assert seen[2][0] == list("abcde")


@pytest.mark.parametrize("threads_", [1, 3])
def test_what_a_loss_of_the_users_own_raises_comes_out_and_the_network_goes_on(threads_):
    answers = []

    def loss(y, p):
        answer = answers.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    network = Network(2, [dense(40), dense(3)], loss, SGD)
    network.threads = threads_
    x, y, order = np.ones((6, 2), np.float32), np.zeros(6), np.arange(6)
    zeros = np.zeros((2, 3))
    cases = [
        (KeyError("mine"), KeyError, "mine"),
        (KeyboardInterrupt(), KeyboardInterrupt, None),
        (1.0, TypeError, "unpack"),
        ((np.zeros(3), zeros), ValueError, "broadcast"),
        ((0.0, np.zeros((3, 3))), ValueError, "broadcast"),
    ]
    for step, (answer, kind, message) in enumerate(cases):
        answers[:] = [(0.0, zeros), answer]
        with pytest.raises(kind, match=message):
            network.train_epoch(x, y, order, 2)
        assert network.step == step + 1  # the update before it stays
    answers[:] = [(0.0, zeros)]
    with pytest.raises(ValueError, match="loss: got one value for 2 rows, needs one for each"):
        network.train_epoch(x, y, order, 2, sample_weight=np.ones(6, np.float32))
    with pytest.raises(ValueError, match=r"y: got . rows, needs 6"):
        network.evaluate(x, y[:5])
    with pytest.raises(ValueError, match="metric: got 'binary_accuracy', needs None"):
        network.evaluate(x, y, "binary_accuracy")


def test_ctrl_c_between_two_calls_of_a_loss_of_the_users_own_comes_out(interrupt_when):
    """The signal comes when the loss has returned, most often while the engine goes back through wide layers."""
    returned = []

    def loss(y, p):
        returned.append(True)
        return np.zeros(len(p)), np.zeros_like(p)

    network = Network(1024, [dense(1024), dense(1024), dense(1)], loss, SGD)
    x, y = np.ones((1024, 1024), np.float32), np.zeros((1024, 1))
    interrupt_when(lambda: returned)
    with pytest.raises(KeyboardInterrupt):
        network.train_epoch(x, y, np.tile(np.arange(1024), 1000), 1024)
    assert network.step == network.steps_done
