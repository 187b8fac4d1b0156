"""Compiled graphs against the oracle's: the same bits for every graph of the table, and for seeded ones."""

import numpy as np
import pytest

from fastmlp.kernels import Network
from tests.graphs import GRAPHS, graph_data, graph_weights, oracle_of
from tests.kernels.engine.comparing import assert_same, lists
from tests.networks import AROUND_A_RULE, OPTIMIZERS, dense
from tests.random_graphs import random_graph

ROWS, BATCH = 19, 8
# of each kind: plain, with slots, with norms of gradients, with all that may be around a rule
RULES = [OPTIMIZERS[0], OPTIMIZERS[5], OPTIMIZERS[6], OPTIMIZERS[7], AROUND_A_RULE[1]]


def network_of(graph, optimizer, dtype="float64", threads=1):
    settings = {"outputs": graph.outputs, "loss_weights": graph.loss_weights}
    network = Network(graph.inputs, graph.layers, graph.losses, optimizer, dtype, **settings)
    network.threads = threads
    return network


def nested(values):
    return [None if value is None else value.tolist() for value in values]


def room(network, rows):
    return [np.empty((rows, columns), network.dtype) for columns in network.output_columns]


def check_graph(graph, optimizer, threads, rng, rows=ROWS):
    """Train, evaluate, predict and differentiate alike."""
    data, weights = graph_data(graph, rows, rng), graph_weights(graph, rng)
    oracle, network = oracle_of(graph, optimizer), network_of(graph, optimizer, threads=threads)
    oracle.set_weights(lists(weights))
    network.set_weights(weights)
    given, oracle_given = (data.x, data.y), (nested(data.x), nested(data.y))
    order, row_weights, metrics = rng.permutation(rows), data.sample_weight, graph.metrics
    for weighted in (False, True):
        predictions, expected = room(network, rows), [[[0.0] * n for _ in range(rows)] for n in network.output_columns]
        w, oracle_w = (row_weights, nested(row_weights)) if weighted else (None, None)
        result = network.train_epoch(*given, order, BATCH, metrics, w, predictions=predictions)
        assert result == oracle.train_epoch(
            *oracle_given, order.tolist(), BATCH, metrics, oracle_w, predictions=expected
        )
        assert_same(predictions, expected)
        assert_same(network.get_weights(), oracle.get_weights())
        assert_same(network.get_optimizer_state(), oracle.get_optimizer_state())
        assert network.evaluate(*given, metrics, w) == oracle.evaluate(*oracle_given, metrics, oracle_w)
    for training in (False, True):
        assert_same(network.predict(data.x, training), oracle.predict(oracle_given[0], training))
    for training in (False, True):
        dx, oracle_dx = [np.empty_like(x) for x in data.x], [[] for _ in data.x]
        loss, gradients = network.gradients(*given, row_weights, dx, training)
        oracle_loss, oracle_gradients = oracle.gradients(*oracle_given, nested(row_weights), oracle_dx, training)
        assert loss == oracle_loss
        assert_same([*gradients, *dx], [*oracle_gradients, *oracle_dx])
        dy = [rng.normal(size=(rows, columns)) for columns in network.output_columns]
        dy[0] = None if len(dy) > 1 else dy[0]
        dx, oracle_dx = [np.empty_like(x) for x in data.x], [[] for _ in data.x]
        gradients = network.vjp(data.x, dy, dx, training)
        oracle_gradients = oracle.vjp(oracle_given[0], nested(dy), oracle_dx, training)
        assert_same([*gradients, *dx], [*oracle_gradients, *oracle_dx])
    network.apply_gradients(gradients)
    oracle.apply_gradients(lists(gradients))
    assert_same(network.get_weights(), oracle.get_weights())


@pytest.mark.parametrize("threads_", [1, 3])
@pytest.mark.parametrize("optimizer", RULES, ids=range(len(RULES)))
@pytest.mark.parametrize("name", GRAPHS)
def test_every_graph_has_the_oracles_bits(name, optimizer, threads_, isa):
    check_graph(GRAPHS[name], optimizer, threads_, np.random.default_rng(3))


def run_of(graph, optimizer, dtype, threads, seed=0, rows=70):
    """All that a network gives, as bytes."""
    rng = np.random.default_rng(seed)
    data, weights = graph_data(graph, rows, rng), graph_weights(graph, rng)
    network = network_of(graph, optimizer, dtype, threads)
    network.set_weights(weights)
    x = [values.astype(dtype) for values in data.x]
    y = [None if values is None else values.astype(dtype if values.dtype.kind == "f" else np.intc) for values in data.y]
    w, dx = [values.astype(dtype) for values in data.sample_weight], [np.empty_like(values) for values in x]
    results = [network.train_epoch(x, y, rng.permutation(rows), rows // 2, graph.metrics, w) for _ in range(2)]
    _, gradients = network.gradients(x, y, w, dx, True)
    arrays = [*network.get_weights(), *network.get_optimizer_state(), *network.predict(x), *gradients, *dx]
    return results, [array.tobytes() for array in arrays]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("optimizer", RULES[:3], ids=range(3))
@pytest.mark.parametrize("name", GRAPHS)
def test_any_number_of_threads_gives_the_same_bits(name, optimizer, dtype, isa):
    expected = run_of(GRAPHS[name], optimizer, dtype, 1)
    assert all(run_of(GRAPHS[name], optimizer, dtype, threads) == expected for threads in (2, 3, 8))


@pytest.mark.parametrize("hundred", range(20))
def test_random_graphs_have_the_oracles_bits_and_the_same_for_any_number_of_threads(hundred):
    for seed in range(100 * hundred, 100 * hundred + 100):
        graph, optimizer = random_graph(seed)
        check_graph(graph, optimizer, 1 + seed % 3, np.random.default_rng(seed), rows=5)
        if seed % 4 == 0:
            expected = run_of(graph, optimizer, "float32", 1, seed, rows=20)
            assert all(run_of(graph, optimizer, "float32", n, seed, rows=20) == expected for n in (2, 3)), seed


def test_random_graphs_with_many_inputs_and_few_outputs_have_the_oracles_bits():
    widths = [1, 3, 9, 10, 10, 11, 16, 17, 31, 33, 64, 65]  # at and beside vectors and panels, of few outputs and many
    for seed in range(40):
        graph, optimizer = random_graph(seed, widths)
        check_graph(graph, optimizer, 1 + seed % 3, np.random.default_rng(seed), rows=5)


@pytest.mark.parametrize("threads_", [1, 3])
@pytest.mark.parametrize("name", ["two_heads", "hidden_output", "outputs_without_losses"])
def test_gradients_of_outputs_may_be_asked_for_when_the_outputs_are_there(name, threads_):
    rng = np.random.default_rng(4)
    data, network = graph_data(GRAPHS[name], ROWS, rng), network_of(GRAPHS[name], RULES[0], threads=threads_)
    network.set_weights(graph_weights(GRAPHS[name], rng))
    outputs = network.predict(data.x)
    seen = []

    def gradients_of(found):
        seen.extend(found)
        return [None, *(2 * output for output in found[1:])]

    found = network.vjp(data.x, gradients_of)
    expected = network.vjp(data.x, [None, *(2 * output for output in outputs[1:])])
    assert_same(found, lists(expected))
    assert_same(seen, lists(outputs))


@pytest.mark.parametrize(
    ("answer", "message"),
    [(None, "got NoneType, needs a list of 2"), ([None], "got 1 items"), ([np.zeros(3), None], r"got shape \(3,\)")],
)
def test_gradients_that_do_not_fit_the_outputs_are_refused(answer, message):
    network = Network([3], [dense(2), dense(4)], outputs=[1, 2])
    with pytest.raises(ValueError, match=f"output_gradients: {message}"):
        network.vjp([np.zeros((5, 3), np.float32)], lambda outputs: answer)
    network.predict([np.zeros((5, 3), np.float32)])  # and it goes on
