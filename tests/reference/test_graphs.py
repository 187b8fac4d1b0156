"""The oracle's networks that are graphs: their gradients, shared and frozen layers, and losses of several outputs."""

import math

import numpy as np
import pytest

from reference.network import Network
from reference.weights import rows_of, sum_of
from tests.graphs import GRAPHS, Graph, frozen, graph_data, graph_weights, merge, of, oracle_of, shared
from tests.networks import ACTIVITY_PENALTY, NETWORKS, OPTIMIZERS, batch_normalization, dense, initial, targets
from tests.random_graphs import random_graph
from tests.reference.small_networks import rescaling
from tests.reference.test_gradients import assert_close, slopes

ROWS, STEP = 6, 1e-5  # STEP of the finite differences
SGD = {"name": "sgd", "learning_rate": 0.5}


def lists(arrays):
    return [None if array is None else array.tolist() for array in arrays]


def prepared(graph, seed=2, optimizer=None):
    """The oracle's network of a graph with weights, and x, y and weights of rows."""
    rng = np.random.default_rng(seed)
    network = oracle_of(graph, optimizer)
    network.set_weights(lists(graph_weights(graph, rng)))
    data = graph_data(graph, ROWS, rng)
    return network, lists(data.x), lists(data.y), lists(data.sample_weight)


def input_slopes(x, loss):
    """Central finite differences of loss() with respect to every number of the inputs."""
    found = []
    for matrix in x:
        found.append([[0.0] * len(row) for row in matrix])
        for i, row in enumerate(matrix):
            for j, value in enumerate(row):
                row[j] = value + STEP
                above = loss()
                row[j] = value - STEP
                found[-1][i][j] = (above - loss()) / (2.0 * STEP)
                row[j] = value
    return found


def assert_gradients_are_slopes(graph, training):
    """Those by weights and inputs, with weights of rows; the numbers that embeddings read have none."""
    network, x, y, weights = prepared(graph)
    network.step = 11
    dx = [[list(row) for row in matrix] for matrix in x]

    def loss():
        values = network.forward(x, network.step if training else None)
        return math.fsum(network.row_losses(y, values, weights)) / ROWS + network.penalty()

    value, gradients = network.gradients(x, y, weights, dx, training)
    assert math.isclose(value, loss(), rel_tol=1e-12)
    assert_close(gradients, slopes(network, loss))
    numbers = {layer["inputs"][0] for layer in graph.layers if layer["kind"] == "embedding"}
    for number, (found, expected) in enumerate(zip(dx, input_slopes(x, loss), strict=True)):
        if number in numbers:
            assert not np.any(found)
        else:
            assert_close([found], [expected])
    return gradients


@pytest.mark.parametrize("training", [False, True], ids=["evaluate", "train"])
@pytest.mark.parametrize("name", GRAPHS)
def test_gradients_are_the_slopes_of_the_loss(name, training):
    gradients = assert_gradients_are_slopes(GRAPHS[name], training)
    assert any(np.any(gradient) for gradient in gradients)


@pytest.mark.parametrize("seed", range(300))
def test_gradients_of_random_graphs_are_the_slopes_of_the_loss(seed):
    """Along a random direction of all weights and inputs at once.

    Two differences, of a step and of half of it, make one whose error is of the order step^4, as normalizations bend
    the loss. So the step may be larger, and the rounding of losses in the hundreds is divided by it.
    """
    graph, _ = random_graph(seed)
    network, x, y, weights = prepared(graph, seed)
    dx = [[list(row) for row in matrix] for matrix in x]
    _, gradients = network.gradients(x, y, weights, dx, training=True)
    numbers = {layer["inputs"][0] for layer in graph.layers if layer["kind"] == "embedding"}
    moved = [*network.trained_weights(), *[matrix for number, matrix in enumerate(x) if number not in numbers]]
    found = [*gradients, *[matrix for number, matrix in enumerate(dx) if number not in numbers]]
    start = np.concatenate([np.ravel(array) for array in moved])
    direction = np.random.default_rng(seed).normal(size=start.size)
    direction /= np.linalg.norm(direction)

    def loss(distance):
        rest = (start + distance * direction).tolist()
        for array in moved:
            for row in rows_of(array):
                row[:], rest = rest[: len(row)], rest[len(row) :]
        values = network.forward(x, network.step)
        return math.fsum(network.row_losses(y, values, weights)) / ROWS + network.penalty()

    whole, half = ((loss(step) - loss(-step)) / (2.0 * step) for step in (4.0 * STEP, 2.0 * STEP))
    slope = np.concatenate([np.ravel(array) for array in found]) @ direction
    assert slope == pytest.approx((4.0 * half - whole) / 3.0, rel=1e-8, abs=1e-8)


def without_penalties(layers):
    """The layers, and none of the settings that penalize weights or activities."""
    kept = [{key: what for key, what in layer.items() if not isinstance(what, dict)} for layer in layers]
    return [layer | {"l1": 0.0, "l2": 0.0} if layer["kind"] == "activity_penalty" else layer for layer in kept]


def product_with(y, p):
    """A loss whose gradient by p is y, for a given product; no mean."""
    return [sum(a * b for a, b in zip(*rows, strict=True)) for rows in zip(y, p, strict=True)], y


@pytest.mark.parametrize("training", [False, True], ids=["evaluate", "train"])
@pytest.mark.parametrize("name", GRAPHS)
def test_vjp_is_the_gradient_of_a_loss_that_has_those_of_the_outputs(name, training):
    graph = GRAPHS[name]
    graph = graph._replace(layers=without_penalties(graph.layers), losses=[product_with] * len(graph.outputs))
    network, x, y, _ = prepared(graph._replace(losses=["mean_squared_error"] * len(graph.outputs), loss_weights=None))
    expected_dx, dx = ([[[9.0] * len(row) for row in matrix] for matrix in x] for _ in range(2))
    with_loss = oracle_of(graph._replace(loss_weights=None))
    with_loss.set_weights(network.get_weights())
    _, expected = with_loss.gradients(x, y, None, expected_dx, training)
    assert network.vjp(x, y, dx, training) == expected
    assert dx == expected_dx
    assert any(np.any(gradient) for gradient in expected)
    some = [dy if k == 0 else None for k, dy in enumerate(y)]
    zeros = [dy if k == 0 else [[0.0] * len(row) for row in dy] for k, dy in enumerate(y)]
    assert network.vjp(x, some) == network.vjp(x, zeros)


def test_vjp_has_no_penalties():
    layers = [dense(1, kernel={"l1": 1.0, "l2": 1.0}), ACTIVITY_PENALTY]
    network = Network(1, layers, "mean_squared_error")
    network.set_weights([[[2.0]], [1.0]])
    assert network.vjp([[3.0], [4.0]], [[1.0], [10.0]]) == [[[43.0]], [11.0]]
    assert network.penalty() == 6.0


@pytest.mark.parametrize("name", NETWORKS)
def test_a_row_is_the_same_as_a_graph_with_one_input_and_one_output(name):
    layers, loss, metric, outputs = NETWORKS[name]
    rng = np.random.default_rng(5)
    x, y = rng.normal(size=(ROWS, 4)).tolist(), targets(loss, ROWS, outputs or 4, rng).tolist()
    weights, order = rng.uniform(0, 2, ROWS).tolist(), [4, 1, 5, 0, 2, 3]
    row = Network(4, layers, loss, OPTIMIZERS[5])
    graph = Network([4], layers, [loss], OPTIMIZERS[5], [len(layers)])
    for network in row, graph:
        network.set_weights(lists(initial(4, layers, np.random.default_rng(6))))
    for _ in range(2):
        loss, value = row.train_epoch(x, y, order, 4, metric, weights)
        found = graph.train_epoch([x], [y], order, 4, [metric], [weights])
        assert (found[0], found[2]) == (loss, [value])
    assert graph.get_weights() == row.get_weights()
    assert graph.get_optimizer_state() == row.get_optimizer_state()
    assert graph.evaluate([x], [y])[0] == row.evaluate(x, y)[0]
    assert graph.gradients([x], [y]) == row.gradients(x, y)
    assert graph.predict([x]) == [row.predict(x)]


def test_contributions_are_added_from_the_last_reader_to_the_first():
    """1 + 2^53 is 2^53 in float64, so that the order shows."""
    large = 2.0**53
    for scales, expected in [((-large, large, 1.0), 0.0), ((1.0, large, -large), 1.0)]:
        layers = [of(rescaling(scale, 0.0), 0) for scale in scales]
        dx = [[[0.0]]]
        Network([1], layers, outputs=[1, 2, 3]).vjp([[[1.0]]], [[[1.0]]] * 3, dx)
        assert dx == [[[expected]]]
    # an output's own is the first
    dx = [[[0.0]]]
    layers = [of(rescaling(-large, 0.0), 0), of(rescaling(large, 0.0), 0)]
    Network([1], layers, outputs=[1, 2, 0]).vjp([[[1.0]]], [[[1.0]]] * 3, dx)
    assert dx == [[[0.0]]]
    # and so it is for an array that several stages share
    layer = dense(1, use_bias=False)
    network = Network([1, 1, 1], [of(layer, 0), shared(layer, 3, 1), shared(layer, 3, 2)], outputs=[3, 4, 5])
    for x, expected in [((-large, large, 1.0), 0.0), ((1.0, large, -large), 1.0)]:
        assert network.vjp([[[v]] for v in x], [[[1.0]]] * 3) == [[[expected]]]


def test_a_shared_layer_has_the_sum_of_the_gradients():
    """Those of two layers with the same weights, that of the later one first."""
    layer = dense(4, "tanh")
    layers = [of(layer, 0), shared(layer, 2, 1), merge("multiply", 2, 3), dense(2)]
    graph = Graph([3, 3], layers, [5], ["mean_squared_error"])
    network, x, y, _ = prepared(graph)
    apart = oracle_of(graph._replace(layers=[layers[0], of(layer, 1), *layers[2:]]))
    kernel, bias, *others = network.get_weights()
    apart.set_weights([kernel, bias, kernel, bias, *others])
    assert len(network.get_weights()) == 4
    assert network.predict(x) == apart.predict(x)
    _, (d_kernel, d_bias, *rest) = network.gradients(x, y)
    _, (first_kernel, first_bias, second_kernel, second_bias, *same) = apart.gradients(x, y)
    assert (d_kernel, d_bias) == (sum_of(second_kernel, first_kernel), sum_of(second_bias, first_bias))
    assert rest == same


def test_the_penalty_of_a_shared_layer_counts_once():
    layer = dense(1, use_bias=False, kernel={"l1": 0.25, "l2": 0.5})
    network = Network([1, 1], [of(layer, 0), shared(layer, 2, 1), merge("add", 2, 3)], ["mean_squared_error"], SGD, [4])
    network.set_weights([[[2.0]]])
    x, y = [[[1.0]], [[3.0]]], [[[0.0]]]
    # (2 + 6)^2 = 64 and 0.25 * 2 + 0.5 * 4; gradient 2 * 8 * (3 + 1) and 0.25 + 2 * 0.5 * 2
    assert network.gradients(x, y) == (66.5, [[[66.25]]])
    assert network.train_epoch(x, y, [0], 1) == (66.5, [64.0], [0.0])
    assert network.get_weights() == [[[2.0 - 0.5 * 66.25]]]


@pytest.mark.parametrize("optimizer", [OPTIMIZERS[5], OPTIMIZERS[16]], ids=lambda optimizer: optimizer["name"])
@pytest.mark.parametrize("name", ["frozen_trunk", "frozen_between"])
def test_frozen_layers_do_not_move(name, optimizer):
    graph = GRAPHS[name]
    network, x, y, weights = prepared(graph, optimizer=optimizer)
    names = [key for weights in network.owned for key in [(weights["key"][0], weights["key"][1])]]
    before = dict(zip(names, network.get_weights(), strict=True))
    for _ in range(2):
        network.train_epoch(x, y, list(range(ROWS)), 4, None, weights)
    after = dict(zip(names, network.get_weights(), strict=True))
    stages = {number for number, stage in enumerate(network.stages) if not stage["trainable"]}
    moved = {key for key in names if before[key] != after[key]}
    assert moved == {key for key in names if key[0] not in stages}
    assert stages
    assert len(network.trained_weights()) == len(network.gradients(x, y)[1]) < len(names)
    slots = 2 * sum(key[0] not in stages and key[1] not in ("mean", "variance") for key in names)
    assert len(network.get_optimizer_state()) == slots


def test_a_frozen_batch_normalization_is_in_training_what_it_is_in_predictions():
    graph = Graph([3], [frozen(batch_normalization()), dense(2)], [2], ["mean_squared_error"])
    network, x, y, _ = prepared(graph)
    assert network.forward(x, step=0) == network.forward(x)
    assert network.gradients(x, y, training=True) == network.gradients(x, y)
    thawed = oracle_of(graph._replace(layers=[batch_normalization(), dense(2)]))
    thawed.set_weights(network.get_weights())
    assert thawed.forward(x) == network.forward(x)
    assert thawed.forward(x, step=0) != network.forward(x)


def test_a_layer_that_shares_frozen_weights_is_frozen():
    layer = dense(2, kernel={"l2": 1.0})
    layers = [frozen(layer), shared(layer, 1, 1), shared(layer, 1, 2) | {"trainable": True}]
    network, x, y, _ = prepared(Graph([2], layers, [3], ["mean_squared_error"]))
    assert network.trained_weights() == network.gradients(x, y)[1] == []
    assert network.penalty() == 0.0


HEADS = Graph(
    [1],
    [dense(1, use_bias=False), of(rescaling(2.0, 0.0), 1), of(rescaling(1.0, 0.5), 1)],
    [2, 1, 3],
    ["mean_squared_error", None, "mean_absolute_error"],
    [3.0, None, None],
    ["binary_accuracy", None, "binary_accuracy"],
)


def test_losses_of_several_outputs_by_hand():
    network = oracle_of(HEADS, SGD)
    network.set_weights([[[1.0]]])
    x, y = [[[1.0], [2.0]]], [[[1.0], [0.0]], None, [[0.0], [3.5]]]
    # outputs (2, 4), (1, 2), (1.5, 2.5); losses 1, 16 times row weights 2, 0.5, and 1.5, 1 times 1, 4
    weights = [[2.0, 0.5], None, [1.0, 4.0]]
    total, losses, metrics = network.evaluate(x, y, HEADS.metrics, weights)
    assert losses == [(2.0 + 8.0) / 2, 0.0, (1.5 + 4.0) / 2]
    assert total == 3.0 * losses[0] + losses[2]
    assert metrics == [0.5, 0.0, 0.5]
    # means of 3 * 2 * 2 * (2x - y) * 2x times 2 and 0.5, and of sign * x
    gradient = (3.0 * (2.0 * 2.0 * 1.0 * 2.0 + 0.5 * 2.0 * 4.0 * 4.0) + (1.0 - 4.0 * 2.0)) / 2
    assert network.gradients(x, y, weights) == (total, [[[gradient]]])
    predictions = [[[0.0], [0.0]], None, [[0.0], [0.0]]]
    found = network.train_epoch(x, y, [1, 0], 2, HEADS.metrics, weights, None, predictions)
    assert found == (total, losses, metrics)
    assert predictions == [[[2.0], [4.0]], None, [[1.5], [2.5]]]
    assert network.get_weights() == [[[1.0 - 0.5 * gradient]]]


def test_outputs_may_weigh_nothing_or_all_alike():
    _, x, y, _ = prepared(HEADS)
    both = [oracle_of(HEADS._replace(loss_weights=weights)) for weights in (None, [1.0, 7.0, 1.0])]
    for network in both:
        network.set_weights([[[0.7]]])
    assert both[0].evaluate(x, y) == both[1].evaluate(x, y)
    assert both[0].gradients(x, y) == both[1].gradients(x, y)


def test_a_loss_is_fused_only_where_nothing_else_reads_the_activation():
    found = {
        name: oracle_of(GRAPHS[name]).loss for name in ("gate", "output_twice", "softmax_read_on", "logits_read_on")
    }
    assert found == {
        "gate": ["sparse_categorical_crossentropy_from_logits"],
        "output_twice": ["categorical_crossentropy", "mean_squared_error"],
        "softmax_read_on": ["categorical_crossentropy", "binary_crossentropy_from_logits"],
        "logits_read_on": [
            "binary_crossentropy_from_logits",
            "mean_squared_error",
            "sparse_categorical_crossentropy_from_logits",
        ],
    }


def test_what_no_loss_depends_on_has_only_the_gradients_of_penalties():
    layers = [of(dense(1, use_bias=False), 0) for _ in range(2)]
    layers.append(of(dense(1, use_bias=False, kernel={"l2": 0.5}), 0))
    layers += [of(dense(1, use_bias=False), 0), {"kind": "activity_penalty", "l1": 0.0, "l2": 1.0}]
    network = Network([1], layers, ["mean_squared_error", None, None, None], SGD, [1, 2, 3, 5])
    network.set_weights([[[2.0]], [[2.0]], [[2.0]], [[2.0]]])
    x, y = [[[1.0]]], [[[0.0]], None, None, None]
    # 2^2, 0.5 * 2^2 for the weight and 2^2 for the output
    assert network.gradients(x, y) == (10.0, [[[4.0]], [[0.0]], [[2.0]], [[4.0]]])
    network.train_epoch(x, y, [0], 1)
    assert network.get_weights() == [[[0.0]], [[2.0]], [[1.0]], [[0.0]]]


def test_an_input_that_no_output_depends_on_has_the_gradient_0():
    network, x, y, _ = prepared(Graph([2, 1], [of(dense(1), 0), of(dense(2), 1)], [2, 3], ["mean_squared_error", None]))
    dx = [None, [[9.0] for _ in range(ROWS)]]
    network.gradients(x, y, input_gradient=dx)
    assert dx == [None, [[0.0]] * ROWS]


def test_masks_depend_on_the_place_among_the_layers_alone():
    """A network with another input has the masks of the one without."""
    layers = [of({"kind": "dropout", "rate": 0.5, "seed": 3}, 0), {"kind": "dropout", "rate": 0.5, "seed": 3}]
    moved = [of(layers[0], 0), of(layers[1], 2)]
    x = [[1.0] * 9 for _ in range(ROWS)]
    (output,) = [Network([9], layers, outputs=[2]).forward([x], 4)[-1]]
    assert Network([9, 1], moved, outputs=[3]).forward([x, [[0.0]] * ROWS], 4)[-1] == output


@pytest.mark.parametrize("name", GRAPHS)
def test_training_resumes_from_weights_state_and_step(name):
    graph = GRAPHS[name]
    whole, x, y, weights = prepared(graph, optimizer=OPTIMIZERS[5])
    resumed = oracle_of(graph, OPTIMIZERS[5])
    order = list(range(ROWS))
    first = whole.train_epoch(x, y, order, 4, graph.metrics, weights)
    resumed.set_weights(whole.get_weights())
    resumed.set_optimizer_state(whole.get_optimizer_state())
    resumed.step = whole.step
    second = whole.train_epoch(x, y, order, 4, graph.metrics, weights)
    assert resumed.train_epoch(x, y, order, 4, graph.metrics, weights) == second != first
    assert resumed.get_weights() == whole.get_weights()


def test_equal_seeds_give_equal_graphs():
    assert [random_graph(seed) for seed in range(50)] == [random_graph(seed) for seed in range(50)]
    assert random_graph(1) != random_graph(2)
