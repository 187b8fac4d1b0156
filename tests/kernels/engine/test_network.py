"""The compiled network against the oracle's: the same bits for every layer, loss and optimizer."""

import functools

import numpy as np
import pytest

import reference
from fastmlp import kernels
from fastmlp.kernels import Network
from fastmlp.kernels.engine import description
from tests.kernels.engine.comparing import WIDE, assert_same, epochs, every_pair, lists
from tests.networks import (
    AROUND_A_RULE,
    NETWORKS,
    OPTIMIZERS,
    WHOLE_RUN,
    WHOLE_RUN_LOSS,
    WHOLE_RUN_METRIC,
    dense,
    dropout,
    initial,
    targets,
)


@pytest.fixture(scope="session")
def oracle_run(few_digits):
    x, y = lists(few_digits)
    network = reference.Network(64, WHOLE_RUN, WHOLE_RUN_LOSS, OPTIMIZERS[1])
    network.set_weights(lists(initial(64, WHOLE_RUN, np.random.default_rng(1))))
    return network, epochs(network, x, y, 3, 32, WHOLE_RUN_METRIC, list)


def test_whole_run_has_the_oracles_bits(oracle_run, few_digits, isa, threads):
    oracle, oracle_results = oracle_run
    network = Network(64, WHOLE_RUN, WHOLE_RUN_LOSS, OPTIMIZERS[1], dtype="float64")
    network.threads = threads
    network.set_weights(initial(64, WHOLE_RUN, np.random.default_rng(1)))
    assert network.isa == isa
    assert epochs(network, *few_digits, 3, 32, WHOLE_RUN_METRIC) == oracle_results
    assert_same(network.get_weights(), oracle.get_weights())
    assert_same(network.get_optimizer_state(), oracle.get_optimizer_state())
    assert network.step == oracle.step == 21


@pytest.mark.parametrize("threads_", [1, 3])
@every_pair
def test_every_network_and_optimizer_has_the_oracles_bits(name, optimizer, threads_, isa):
    layers, loss, metric, outputs = NETWORKS[name]
    rng = np.random.default_rng(2)
    x, y, weights = rng.normal(size=(23, 13)), targets(loss, 23, outputs or 13, rng), initial(13, layers, rng)
    oracle = reference.Network(13, layers, loss, optimizer)
    oracle.set_weights(lists(weights))
    network = Network(13, layers, loss, optimizer, dtype="float64")
    network.threads = threads_
    network.set_weights(weights)
    expected = epochs(oracle, x.tolist(), y.tolist(), 2, 9, metric, list)
    assert epochs(network, x, y, 2, 9, metric) == expected
    assert_same(network.get_weights(), oracle.get_weights())
    assert_same(network.get_optimizer_state(), oracle.get_optimizer_state())
    assert network.evaluate(x, y, metric) == oracle.evaluate(x.tolist(), y.tolist(), metric)
    assert_same([network.predict(x)], [oracle.predict(x.tolist())])
    dx, oracle_dx = np.empty_like(x), []
    loss_value, gradients = network.gradients(x, y, input_gradient=dx)
    oracle_loss, oracle_gradients = oracle.gradients(x.tolist(), y.tolist(), input_gradient=oracle_dx)
    assert loss_value == oracle_loss
    assert_same([*gradients, dx], [*oracle_gradients, oracle_dx])
    loss_value, gradients = network.gradients(x, y, training=True)
    oracle_loss, oracle_gradients = oracle.gradients(x.tolist(), y.tolist(), training=True)
    assert loss_value == oracle_loss
    assert_same([*gradients, *network.get_weights()], [*oracle_gradients, *oracle.get_weights()])
    assert all(np.isfinite(g).all() and g.any() for g in gradients)


EVERYTHING = [*OPTIMIZERS, *AROUND_A_RULE]


def wide_data():
    """Sparse columns, one-hot ones, rows of zeros."""
    rng = np.random.default_rng(12)
    x = rng.normal(size=(31, 37)) * (rng.random((31, 37)) < 0.3)
    x[:, 17:-1] = rng.integers(17, 37, (31, 1)) == np.arange(17, 36)
    x[::5] = -0.0
    return x, rng.integers(0, 3, 31).astype(np.intc), initial(37, WIDE, rng)


@functools.cache
def wide_oracle(optimizer, batch_size):
    """A network that was trained, and its results."""
    x, y, weights = wide_data()
    network = reference.Network(37, WIDE, WHOLE_RUN_LOSS, EVERYTHING[optimizer])
    network.set_weights(lists(weights))
    results = epochs(network, x.tolist(), y.tolist(), 2, batch_size, WHOLE_RUN_METRIC, list)
    return network, results, network.predict(x.tolist()), network.gradients(x.tolist(), y.tolist())


@pytest.mark.parametrize("batch_size", [1, 16])
@pytest.mark.parametrize("optimizer", range(len(EVERYTHING)), ids=lambda number: EVERYTHING[number]["name"])
def test_wide_layers_and_sparse_inputs_have_the_oracles_bits(optimizer, batch_size, isa, threads):
    oracle, results, predictions, (loss, gradients) = wide_oracle(optimizer, batch_size)
    x, y, weights = wide_data()
    network = Network(37, WIDE, WHOLE_RUN_LOSS, EVERYTHING[optimizer], dtype="float64")
    network.threads = threads
    network.set_weights(weights)
    assert epochs(network, x, y, 2, batch_size, WHOLE_RUN_METRIC) == results
    assert_same(network.get_weights(), oracle.get_weights())
    assert_same(network.get_optimizer_state(), oracle.get_optimizer_state())
    assert_same([network.predict(x)], [predictions])
    found = network.gradients(x, y)
    assert found[0] == loss
    assert_same(found[1], gradients)


def test_names_are_those_of_the_oracle():
    assert set(description.ACTIVATIONS) == set(reference.stages.ACTIVATIONS)
    assert set(description.LOSSES) - {None} == set(reference.objectives.LOSSES)
    assert set(description.METRICS) == set(reference.network.METRICS)
    assert {name: slots for name, (_, slots) in reference.parameters.OPTIMIZERS.items()} == kernels.optimizers.SLOTS
    assert set(reference.objectives.FUSED) == description.FUSED


@pytest.mark.parametrize("metric", ["categorical_accuracy", "sparse_categorical_accuracy"])
def test_of_equal_predictions_the_first_counts(metric):
    loss = metric.replace("accuracy", "crossentropy")
    labels = np.array([0, 1, 2, 0], np.intc)
    y = labels if metric.startswith("sparse") else np.eye(3, dtype=np.float32)[labels]
    x = np.ones((4, 2), np.float32)
    network = Network(2, [dense(3, "softmax")], loss, OPTIMIZERS[0])  # weights of 0: every class is as likely
    assert network.evaluate(x, y, metric)[1] == 0.5
    assert network.train_epoch(x, y, np.arange(4), 4, metric)[1] == 0.5


@pytest.mark.parametrize("name", description.ACTIVATIONS)
def test_nan_is_not_hidden(name):
    network = Network(3, [dense(4, name), dense(2)], "mean_squared_error")
    network.set_weights([np.full((3, 4), np.nan), np.zeros(4), np.ones((4, 2)), np.zeros(2)])
    assert np.isnan(network.predict(np.ones((2, 3)))).all()
    assert np.isnan(network.evaluate(np.ones((2, 3)), np.zeros((2, 2), np.float32))[0])


def test_weights_come_out_as_they_went_in():
    layers = [dense(33), dropout(0.2), dense(1, use_bias=False), dense(16)]
    rng = np.random.default_rng(7)
    weights = [w.astype(np.float32) for w in initial(5, layers, rng)]
    network = Network(5, layers, "mean_squared_error", OPTIMIZERS[5])
    network.set_weights(weights)
    assert_same(network.get_weights(), weights)
    state = [rng.random(w.shape).astype(np.float32) for w in 2 * weights]
    network.set_optimizer_state(state)
    assert_same(network.get_optimizer_state(), state)
    network.get_weights()[0][:] = 0
    assert_same(network.get_weights(), weights)
