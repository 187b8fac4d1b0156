"""What the engine can do besides: a loss of the user's own, gradients that are given or clipped, constraints."""

import math

import numpy as np
import pytest

import reference
from fastmlp import kernels
from fastmlp.kernels import Network
from fastmlp.kernels.engine import network as engine
from tests.kernels.engine.test_network import assert_same, lists
from tests.networks import NETWORKS, OPTIMIZERS, batch_normalization, dense, dropout, initial, targets

LAYERS = [dense(35, "relu"), dropout(0.3), dense(3, "tanh")]
SGD = {"name": "sgd", "learning_rate": 0.1}


def half_squares(y, p):
    """The squared error without its 2, in plain lists or in arrays alike; as the oracle's loops do it."""
    losses, gradient = [], []
    for row_y, row_p in zip(y, p, strict=True):
        losses.append(0.5 * sum(((b - a) * (b - a) for a, b in zip(row_y, row_p, strict=True)), 0.0))
        gradient.append([(b - a) / len(p) for a, b in zip(row_y, row_p, strict=True)])
    return losses, gradient


def trained(loss, optimizer=OPTIMIZERS[5], layers=LAYERS, threads=1, dtype="float64", **given):
    """An oracle and a network that were trained alike on 23 rows, with their results and data."""
    rng = np.random.default_rng(31)
    x, y, weights = rng.normal(size=(23, 13)).astype(dtype), rng.normal(size=(23, 3)), initial(13, layers, rng)
    network, oracle = Network(13, layers, loss, optimizer, dtype), reference.Network(13, layers, loss, optimizer)
    network.threads = threads
    network.set_weights(weights)
    oracle.set_weights(lists(weights))
    order = rng.permutation(23)
    results = [
        network.train_epoch(x, y, order, 9, **given),
        oracle.train_epoch(x.tolist(), y.tolist(), order.tolist(), 9, **{k: v.tolist() for k, v in given.items()}),
    ]
    return network, oracle, results, x, y


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


@pytest.mark.parametrize("threads_", [2, 3, 4])
def test_a_product_after_columns_are_complete_has_the_oracles_bits_without_lists(threads_, isa, monkeypatch):
    """No zeros are sought, and the batch normalization has made all threads meet already."""
    monkeypatch.setattr(engine, "SKIP_ZEROS", False)
    layers = [batch_normalization(), dense(35, "tanh"), dense(3)]
    for _ in range(20):
        network, oracle, results, _, _ = trained("mean_squared_error", SGD, layers, threads_)
        assert results[0] == results[1]
        assert_same(network.get_weights(), oracle.get_weights())


def test_penalties_are_scaled_step_by_step(isa, threads):
    layers = [dense(35, "relu", l2=0.1), dense(3, kernel={"l1": 0.05})]
    scales = np.array([0.5, 0.0, 2.0])
    network, oracle, results, _, _ = trained("mean_squared_error", SGD, layers, threads, penalty_scales=scales)
    assert results[0] == results[1]
    assert_same(network.get_weights(), oracle.get_weights())
    _, _, unscaled, _, _ = trained("mean_squared_error", SGD, layers, threads, penalty_scales=np.ones(3))
    assert unscaled[0] == trained("mean_squared_error", SGD, layers, threads)[2][0] != results[0]


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=str)
def test_gradients_that_are_given_make_the_update_of_an_epoch(optimizer, isa):
    """One batch without dropout: an epoch is `gradients` and `apply_gradients`."""
    layers, loss, _, outputs = NETWORKS["penalized"]
    rng = np.random.default_rng(33)
    x, y, weights = rng.normal(size=(9, 13)), targets(loss, 9, outputs, rng), initial(13, layers, rng)
    whole, parts = (Network(13, layers, loss, optimizer, "float64") for _ in range(2))
    oracle = reference.Network(13, layers, loss, optimizer)
    whole.set_weights(weights)
    parts.set_weights(weights)
    oracle.set_weights(lists(weights))
    for _ in range(3):
        whole.train_epoch(x, y, np.arange(9), 9)
        parts.apply_gradients(parts.gradients(x, y)[1])
        oracle.apply_gradients(oracle.gradients(x.tolist(), y.tolist())[1])
    assert_same(parts.get_weights(), whole.get_weights())
    assert_same(parts.get_weights(), oracle.get_weights())
    assert_same(parts.get_optimizer_state(), whole.get_optimizer_state())
    assert parts.step == whole.step == oracle.step == 3


def norms_of(arrays):
    return [np.linalg.norm(array) for array in arrays]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_clipped_gradients_have_the_norms_that_were_asked_for(dtype):
    """Plain SGD at a rate of 1 shows them: what a weight loses is its gradient."""
    rng = np.random.default_rng(35)
    weights = initial(5, LAYERS, rng)
    gradients = [array.astype(dtype) for array in initial(5, LAYERS, rng)]
    changes = {}
    for key in "clipnorm", "global_clipnorm":
        network = Network(5, LAYERS, "mean_squared_error", {"name": "sgd", "learning_rate": 1.0, key: 0.5}, dtype)
        network.set_weights(weights)
        before = network.get_weights()
        network.apply_gradients(gradients)
        changes[key] = [old - new for old, new in zip(before, network.get_weights(), strict=True)]
    tolerance = 1e-5 if dtype == "float32" else 1e-12
    for norm, original in zip(norms_of(changes["clipnorm"]), norms_of(gradients), strict=True):
        assert norm == pytest.approx(min(original, 0.5), rel=tolerance)
    assert np.linalg.norm(norms_of(changes["global_clipnorm"])) == pytest.approx(0.5, rel=tolerance)
    ratios = [change / gradient for change, gradient in zip(changes["global_clipnorm"], gradients, strict=True)]
    assert np.ptp(np.concatenate([ratio.ravel() for ratio in ratios])) < 100 * tolerance


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_columns_and_vectors_keep_the_largest_norm(dtype):
    layers = [dense(35, kernel={"max_norm": 0.5}, bias={"max_norm": 0.25})]
    network = Network(13, layers, "mean_squared_error", SGD, dtype)
    rng = np.random.default_rng(36)
    weights = [np.concatenate([3 * np.ones((13, 34)), np.zeros((13, 1))], axis=1), np.ones(35)]
    network.set_weights(weights)
    x, y = rng.normal(size=(8, 13)).astype(dtype), rng.normal(size=(8, 35)).astype(dtype)
    network.train_epoch(x, y, np.arange(8), 8)
    kernel, bias = network.get_weights()
    norms = np.linalg.norm(kernel, axis=0)
    assert norms[:34] == pytest.approx(0.5, rel=1e-5) and norms[34] < 0.1
    assert np.linalg.norm(bias) == pytest.approx(0.25, rel=1e-5)


@pytest.mark.parametrize("name", ["batch_normalized", "layer_normalized", "given_statistics_and_noise", "penalized"])
def test_float32_bits_do_not_depend_on_threads_and_are_near_float64(name, isa):
    layers, loss, metric, outputs = NETWORKS[name]
    found = {}
    for dtype, threads in ("float64", 1), ("float32", 1), ("float32", 2), ("float32", 3):
        rng = np.random.default_rng(37)
        x, y, weights = rng.normal(size=(47, 37)), targets(loss, 47, outputs, rng), initial(37, layers, rng)
        network = Network(37, layers, loss, OPTIMIZERS[7], dtype)
        network.threads = threads
        network.set_weights(weights)
        results = network.train_epoch(x, y.astype(dtype), np.arange(47), 20, metric)
        found[dtype, threads] = results, network.get_weights(), network.predict(x)
    one, exact = found["float32", 1], found["float64", 1]
    for threads in 2, 3:
        assert found["float32", threads][0] == one[0]
        assert_same(found["float32", threads][1], one[1])
        assert_same([found["float32", threads][2]], [one[2]])
    assert one[0] == pytest.approx(exact[0], rel=1e-4)
    assert one[2] == pytest.approx(exact[2], abs=2e-3)


@pytest.mark.parametrize("module", [reference, kernels], ids=["reference", "kernels"])
def test_without_a_penalty_none_is_added_to_gradients(module):
    """0 times an infinite weight would be NaN; behind relu such a weight has the gradient 0."""
    network = module.Network(1, [dense(1, "relu", False), dense(1)], "mean_squared_error", SGD)
    weights = [[[-math.inf]], [[1.0]], [0.0]]
    network.set_weights(weights)
    x, y = np.ones((2, 1), np.float32), np.ones((2, 1), np.float32)
    _, gradients = network.gradients(x, y) if module is kernels else network.gradients(x.tolist(), y.tolist())
    assert float(gradients[0][0][0]) == 0.0
