"""Layers taken apart into stages: shapes, errors, and the way of the gradients."""

import re

import numpy as np
import pytest

from fastmlp.kernels import Network
from fastmlp.kernels.engine.stages import describe
from tests.graphs import GRAPHS, embedding, frozen, join, merge, of, shared, split
from tests.networks import ACTIVITY_PENALTY, activation, dense, dropout

MSE = "mean_squared_error"


def edges(network):
    return [[(edge.source, edge.adds, edge.completes) for edge in stage.edges] for stage in network.stages]


def test_a_row_reads_the_stage_before():
    network = describe([3], [dense(4, "tanh"), dropout(0.1), dense(2)], [3], [MSE])
    assert edges(network) == [[], [(0, False, True)], [(1, False, True)], [(2, False, True)]]
    assert [(stage.columns, stage.owner, stage.use) for stage in network.stages[1:]] == [
        (4, 1, "only"),
        (4, 2, "only"),
        (2, 3, "only"),
    ]
    assert [stage.wants_for_weights for stage in network.stages] == [False, True, True, True]


def test_an_activation_that_is_no_epilogue_is_a_stage():
    network = describe([3], [dense(4, "gelu"), dense(2, "softmax")], [2], ["categorical_crossentropy"])
    assert [stage.kind for stage in network.stages] == ["input", "dense", "activation", "dense", "activation"]
    (output,) = network.outputs
    assert (output.stage, output.top, output.fused) == (4, 3, True)
    assert not network.stages[4].reached


@pytest.mark.parametrize("outputs", [[1, 2], [1, 1]])
def test_a_loss_is_fused_only_where_nothing_else_reads_the_activation(outputs):
    loss = "categorical_crossentropy"
    network = describe([3], [dense(3, "softmax"), activation("tanh")], outputs, [loss, loss])
    assert not any(output.fused for output in network.outputs)


def test_gradients_are_gathered_from_outputs_first_then_from_the_last_stage_on():
    layers = [dense(3), of(dense(3, "tanh"), 1), of(dense(3), 1), merge("add", 2, 1, 3)]
    network = describe([3], layers, [4, 1], [MSE, MSE])
    assert network.outputs[1].adds is False and network.outputs[1].completes is False
    assert edges(network)[2:] == [
        [(1, True, True)],
        [(1, True, False)],
        [(2, False, True), (1, True, False), (3, False, True)],
    ]
    assert network.stages[1].last_reader == 2


def test_what_no_loss_depends_on_is_not_reached():
    network = describe([3], [dense(3), of(dense(2), 1), of(dense(1), 1)], [2, 3], [MSE, None])
    assert [stage.reached for stage in network.stages] == [True, True, True, False]
    assert edges(network)[2] == [(1, False, True)]
    assert all(stage.reached for stage in describe([3], [dense(3), dense(2)], [1, 2], [None, None]).stages)


def test_nothing_below_what_is_frozen_is_wanted():
    network = describe([3], [frozen(dense(4)), dropout(0.1), dense(2)], [3], [MSE])
    assert [stage.wants_for_weights for stage in network.stages] == [False, False, False, True]
    assert all(stage.wants_for_inputs for stage in network.stages)


def test_uses_of_shared_weights_are_numbered_backward():
    layers = [dense(3), shared(dense(3), 1, 1), shared(dense(3), 1, 2), shared(dense(3), 1, 1)]
    network = describe([3], layers, [3], [MSE])  # the last layer has no loss
    assert [stage.use for stage in network.stages] == ["only", "last", "between", "first", "only"]
    assert [stage.owner for stage in network.stages] == [0, 1, 1, 1, 1]


WRONG = [
    ([3], [of(dense(2), 1)], "inputs [1] of number 1, needs numbers below its own"),
    ([3], [of(dense(2))], "inputs [] of number 1, needs numbers below its own"),
    ([3], [of(dense(2), -1)], "inputs [-1] of number 1"),
    ([3, 3], [of(dense(2), 0, 1)], "got 2 inputs of dense, needs 1"),
    ([3], [merge("add", 0)], "got 1 inputs of add, needs 2"),
    ([3, 3, 3], [merge("subtract", 0, 1, 2)], "got 3 inputs of subtract, needs 2"),
    ([3, 4], [merge("add", 0, 1)], "got 4 columns beside 3 in add, needs equal ones"),
    ([4, 2], [of(split(2), 0), merge("concatenate", 1, 2)], "apart and joined in concatenate"),
    ([3], [split(2)], "got 2 groups in split, needs a divisor of 3"),
    ([4], [split(0)], "got 0 groups in split"),
    ([4], [split(2), join(4)], "got 4 groups in join, needs a divisor of 2"),
    ([4], [split(2), ACTIVITY_PENALTY, join(2)], "got an activity_penalty between split and join"),
    ([3], [dense(2), shared(dense(2), 1, 1)], "weights_of 1 in number 2, needs a layer like it"),
    ([3], [dense(3), shared(activation("tanh"), 1, 1)], "weights_of 1 in number 2, needs a layer like it"),
    ([3], [dense(3), shared(dense(3), 2, 1)], "weights_of 2 in number 2, needs a number below its own"),
    ([3], [dense(3), shared(dense(3), 1, 1), shared(dense(3), 2, 2)], "needs a layer like it with weights of its own"),
]


@pytest.mark.parametrize(("inputs", "layers", "message"), [one for one in WRONG if one[2]])
def test_layers_that_do_not_fit_are_refused(inputs, layers, message):
    layers = [layer if "inputs" in layer or number else of(layer, 0) for number, layer in enumerate(layers)]
    if message.startswith("got 2 groups in join") or "apart and joined" in message:
        layers[1] = layers[1] | {"inputs": [2, 1]}
    with pytest.raises(ValueError, match=re.escape(message)):
        Network(inputs, layers, outputs=[len(inputs) + len(layers) - 1])


@pytest.mark.parametrize("outputs", [[5], [-1], [1]])
def test_outputs_that_are_not_there_are_refused(outputs):
    with pytest.raises(ValueError, match=r"outputs: got .*, needs "):
        Network([4], [split(2), dense(2), join(2)], outputs=outputs)


@pytest.mark.parametrize(
    ("argument", "value"),
    [("y", []), ("sample_weight", [None] * 3), ("metric", "binary_accuracy"), ("predictions", [])],
)
def test_lists_need_an_item_for_each_output(argument, value):
    network = Network([3], [dense(2), dense(2)], [MSE, MSE], outputs=[1, 2])
    given = {"y": [np.zeros((4, 2), np.float32)] * 2, argument: value}
    with pytest.raises(ValueError, match=rf"{argument}: got .*, needs a list of 2 items"):
        network.evaluate([np.zeros((4, 3), np.float32)], **given)


@pytest.mark.parametrize("x", [[], [np.zeros((4, 3), np.float32)] * 2, np.zeros((4, 3), np.float32)])
def test_lists_need_an_item_for_each_input(x):
    with pytest.raises(ValueError, match=r"x: got .*, needs a list of 1 items"):
        Network([3], [dense(2)]).predict(x)


def test_inputs_need_equal_numbers_of_rows():
    x = [np.zeros((4, 3), np.float32), np.zeros((5, 2), np.float32)]
    with pytest.raises(ValueError, match=re.escape("x[1]: got float32 (5, 2), needs")):
        Network([3, 2], [merge("concatenate", 0, 1)]).predict(x)


def test_numbers_of_rows_past_the_ends_of_a_table_count_as_its_ends():
    network = Network(3, [embedding(4, 2)], dtype="float64")
    table = np.arange(8.0).reshape(4, 2)
    network.set_weights([table])
    x = np.array([[-np.inf, -1, 0.9], [3, 1e300, np.nan], [np.inf, 2.5, 4]])
    chosen = [[0, 0, 0], [3, 3, 0], [3, 2, 3]]
    assert np.array_equal(network.predict(x), table[chosen].reshape(3, 6))


def test_the_table_of_graphs_has_every_kind():
    kinds = {layer["kind"] for graph in GRAPHS.values() for layer in graph.layers}
    assert kinds >= {"add", "subtract", "multiply", "average", "maximum", "minimum", "concatenate", "embedding"}
