"""The stages of graphs by hand: merging, embeddings, and rows that are split and joined."""

import math

import pytest

from reference import embedding, merging
from reference.network import Network
from tests.by_hand import close, numeric_gradient, random_matrix

A, B, C = [[1.0, -2.0], [3.0, 0.5]], [[4.0, 8.0], [-1.0, 0.5]], [[2.0, -0.5], [3.0, 1.0]]
DY = [[1.0, 10.0], [100.0, 1000.0]]
MERGED = {  # kind: inputs, output, gradients
    "add": ([A, B, C], [[7.0, 5.5], [5.0, 2.0]], [DY, DY, DY]),
    "subtract": ([A, B], [[-3.0, -10.0], [4.0, 0.0]], [DY, [[-1.0, -10.0], [-100.0, -1000.0]]]),
    "multiply": (
        [A, B, C],
        [[8.0, 8.0], [-9.0, 0.25]],
        [[[8.0, -40.0], [-300.0, 500.0]], [[2.0, 10.0], [900.0, 500.0]], [[4.0, -160.0], [-300.0, 250.0]]],
    ),
    "average": ([A, B], [[2.5, 3.0], [1.0, 0.5]], [[[0.5, 5.0], [50.0, 500.0]]] * 2),
    "maximum": (  # 3 is the first's and the third's, and 0.5 the smaller of two
        [A, B, C],
        [[4.0, 8.0], [3.0, 1.0]],
        [[[0.0, 0.0], [50.0, 0.0]], [[1.0, 10.0], [0.0, 0.0]], [[0.0, 0.0], [50.0, 1000.0]]],
    ),
    "minimum": (  # 0.5 is the first's and the second's
        [A, B, C],
        [[1.0, -2.0], [-1.0, 0.5]],
        [[[1.0, 10.0], [0.0, 500.0]], [[0.0, 0.0], [100.0, 500.0]], [[0.0, 0.0], [0.0, 0.0]]],
    ),
    "concatenate": (
        [A, [[9.0], [8.0]]],
        [[1.0, -2.0, 9.0], [3.0, 0.5, 8.0]],
        [[[1.0, 2.0], [4.0, 5.0]], [[3.0], [6.0]]],
    ),
}


@pytest.mark.parametrize("kind", merging.MERGES)
def test_merging_by_hand(kind):
    inputs, expected, gradients = MERGED[kind]
    forward, backward = merging.MERGES[kind]
    assert forward(inputs) == expected
    dy = [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]] if kind == "concatenate" else DY
    assert backward(inputs, dy) == gradients


@pytest.mark.parametrize("kind", merging.MERGES)
def test_merging_has_the_gradients_of_central_differences(kind):
    inputs = [random_matrix(3, 4, seed=seed) for seed in range(2 if kind == "subtract" else 4)]
    forward, backward = merging.MERGES[kind]
    dy = random_matrix(3, len(forward(inputs)[0]), seed=9)

    def total(_):
        rows = zip(dy, forward(inputs), strict=True)
        return math.fsum(d * v for row_dy, row in rows for d, v in zip(row_dy, row, strict=True))

    for x, dx in zip(inputs, backward(inputs, dy), strict=True):
        close(dx, numeric_gradient(total, x), 1e-8)


@pytest.mark.parametrize("kind", ["maximum", "minimum"])
def test_equal_numbers_share_their_gradient_pair_by_pair(kind):
    """What Keras' layers give on JAX, where each of two equal numbers has half."""
    forward, backward = merging.MERGES[kind]
    worse = 1.0 if kind == "maximum" else 9.0
    for numbers, expected in [
        ([2.0, 2.0], [0.5, 0.5]),
        ([2.0, 2.0, 2.0], [0.25, 0.25, 0.5]),
        ([worse, 2.0, 2.0], [0.0, 0.5, 0.5]),
        ([2.0, worse, 2.0], [0.5, 0.0, 0.5]),
        ([worse, worse, 2.0], [0.0, 0.0, 1.0]),
        ([2.0, 2.0, worse], [0.5, 0.5, 0.0]),
        ([0.0, -0.0], [0.5, 0.5]),
    ]:
        inputs = [[[v]] for v in numbers]
        assert backward(inputs, [[1.0]]) == [[[v]] for v in expected]
        first = numbers[expected.index(max(expected))]
        assert str(forward(inputs)) == str([[first]])  # of 0.0 and -0.0, which are equal, the first


@pytest.mark.parametrize("kind", ["maximum", "minimum"])
@pytest.mark.parametrize("numbers", [(math.nan, 1.0, 2.0), (1.0, math.nan, 2.0), (2.0, 1.0, math.nan)])
def test_nan_stays_and_has_no_gradient(kind, numbers):
    forward, backward = merging.MERGES[kind]
    inputs = [[[v]] for v in numbers]
    assert math.isnan(forward(inputs)[0][0])
    assert [dx[0][0] for dx in backward(inputs, [[1.0]])] == [0.0, 0.0, 0.0]


TABLE = [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]


def test_an_embedding_by_hand():
    x = [[0.0, 2.0], [2.0, 2.0]]
    assert embedding.embedding_forward(x, TABLE) == [[1.0, 2.0, 5.0, 6.0], [5.0, 6.0, 5.0, 6.0]]
    dy = [[1.0, 10.0, 2.0, 20.0], [3.0, 30.0, 4.0, 40.0]]
    assert embedding.embeddings_gradient(x, dy, TABLE) == [[1.0, 10.0], [0.0, 0.0], [9.0, 90.0]]


@pytest.mark.parametrize(
    ("number", "row"),
    [(-1e300, 0), (-0.5, 0), (0.75, 0), (1.0, 1), (1.99, 1), (2.0, 2), (7.5, 2), (math.inf, 2), (math.nan, 0)],
)
def test_numbers_are_cut_to_the_rows_of_the_table(number, row):
    assert embedding.embedding_forward([[number]], TABLE) == [TABLE[row]]


def test_an_embedding_in_a_network_by_hand():
    """Two rows of squares: outputs (1 + 3, 5 + 1) against 0, and the table moves by the mean of 2 * output."""
    layers = [{"kind": "embedding", "input_dim": 3, "output_dim": 1}]
    layers.append({"kind": "dense", "units": 1, "activation": "linear", "use_bias": False, "trainable": False})
    network = Network(2, layers, "mean_squared_error", {"name": "sgd", "learning_rate": 0.5})
    network.set_weights([[[1.0], [3.0], [5.0]], [[1.0], [1.0]]])
    x, y, dx = [[0.0, 1.0], [2.0, 0.0]], [[0.0], [0.0]], [[9.0, 9.0], [9.0, 9.0]]
    loss, gradients = network.gradients(x, y, input_gradient=dx)
    assert (loss, gradients) == (26.0, [[[10.0], [4.0], [6.0]]])
    assert dx == [[0.0, 0.0], [0.0, 0.0]]  # numbers of rows have no gradient
    network.train_epoch(x, y, [0, 1], 2)
    assert network.get_weights() == [[[-4.0], [1.0], [2.0]], [[1.0], [1.0]]]


def test_a_split_makes_rows_of_parts_and_a_join_the_reverse():
    split, join = {"kind": "split", "groups": 3}, {"kind": "join", "groups": 3}
    x = [[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [7.0, 8.0, 9.0, 10.0, 11.0, 12.0]]
    _, parts, joined = Network(6, [split, join]).forward(x)
    assert parts == [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [7.0, 8.0], [9.0, 10.0], [11.0, 12.0]]
    assert joined == x


def test_a_dense_layer_between_split_and_join_by_hand():
    """One kernel for both halves of each row; its gradient is the sum over all four."""
    layers = [{"kind": "split", "groups": 2}]
    layers.append({"kind": "dense", "units": 1, "activation": "linear", "use_bias": True})
    layers.append({"kind": "join", "groups": 2})
    network = Network(4, layers)
    network.set_weights([[[1.0], [10.0]], [0.5]])
    x, dx = [[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]], [[0.0] * 4 for _ in range(2)]
    assert network.predict(x) == [[21.5, 43.5], [65.5, 87.5]]
    gradients = network.vjp(x, [[1.0, 2.0], [3.0, 4.0]], dx)
    assert gradients == [[[1.0 + 6.0 + 15.0 + 28.0], [2.0 + 8.0 + 18.0 + 32.0]], [10.0]]
    assert dx == [[1.0, 10.0, 2.0, 20.0], [3.0, 30.0, 4.0, 40.0]]
