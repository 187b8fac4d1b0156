"""The oracle's network forward: by hand, and the layers in their order."""

import pytest

import reference
from reference.network import Network
from tests.reference.small_networks import activation, classifier, dense, dropout, random_rows, rescaling, two_clusters


def test_forward_by_hand():
    network = Network(2, [rescaling(2.0, 1.0), dense(2, "relu"), dense(1, use_bias=False)])
    network.set_weights([[[1.0, -1.0], [0.5, 2.0]], [0.25, -8.0], [[2.0], [4.0]]])
    # (1, 2) -> (3, 5) -> (5.75, -1) -> (5.75, 0) -> 11.5; (-1, 3) -> (-1, 7) -> (2.75, 7) -> 33.5
    assert network.predict([[1.0, 2.0], [-1.0, 3.0]]) == [[11.5], [33.5]]


@pytest.mark.parametrize("name", ["linear", "relu", "sigmoid", "tanh", "softmax"])
def test_an_activation_layer_is_the_activation(name):
    x = random_rows(3, 4, 1)
    assert Network(4, [activation(name)]).predict(x) == getattr(reference, name)(x)


def test_forward_keys_dropout_by_step_and_place_among_the_layers():
    network = Network(8, [rescaling(1.0, 0.0), dense(8), dropout(0.5, 5), dropout(0.5, 5)])
    network.set_weights([[[1.0 if i == j else 0.0 for j in range(8)] for i in range(8)], [0.0] * 8])
    x = random_rows(4, 8, 1)
    first = reference.dropout(x, 0.5, 5, 9, 2)
    assert network.forward(x, step=9)[-1] == reference.dropout(first, 0.5, 5, 9, 3)
    assert network.predict(x) == x


def test_a_row_is_predicted_alone_as_in_a_batch():
    network = classifier()
    x, _ = two_clusters()
    assert [network.predict([row])[0] for row in x] == network.predict(x)
