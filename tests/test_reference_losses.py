"""The oracle's losses against values worked out by hand and finite differences."""

import math

import pytest

import reference
from reference import losses
from tests.by_hand import ACTIVATIONS, close, numeric_gradient, random_matrix


def test_mean_squared_error():
    y_true, y_pred = [[0.0, 1.0], [2.0, 2.0]], [[3.0, 1.0], [1.0, 4.0]]
    assert reference.mean_squared_error(y_true, y_pred) == [4.5, 2.5]
    assert reference.mean_squared_error_gradient(y_true, y_pred) == [[1.5, 0.0], [-0.5, 1.0]]


def test_categorical_crossentropy():
    y_true, y_pred = [[0.0, 1.0], [0.5, 0.5]], [[0.75, 0.25], [1.0, 1.0]]
    close(reference.categorical_crossentropy(y_true, y_pred), [math.log(4.0), math.log(2.0)])
    # s = 1, q = p, g = (0, -4), sum g q = -1; s = 2, q = (1/2, 1/2), g = (-1, -1), sum g q = -1; then / s / 2
    assert reference.categorical_crossentropy_gradient(y_true, y_pred) == [[0.5, -1.5], [0.0, 0.0]]


def test_sparse_categorical_crossentropy():
    y_pred = [[0.75, 0.25], [3.0, 1.0]]
    close(reference.sparse_categorical_crossentropy([1, 0], y_pred), [math.log(4.0), math.log(4.0 / 3.0)])
    close(reference.sparse_categorical_crossentropy_gradient([1, 0], y_pred), [[0.5, -1.5], [-1.0 / 24.0, 0.125]])


def test_binary_crossentropy():
    y_true, y_pred = [[1.0, 0.0]], [[0.5, 0.75]]
    close(reference.binary_crossentropy(y_true, y_pred), [1.5 * math.log(2.0)])
    assert reference.binary_crossentropy_gradient(y_true, y_pred) == [[-1.0, 2.0]]


def test_crossentropies_clip_probabilities():
    lowest, highest = -math.log(losses.EPSILON), -math.log(1.0 - losses.EPSILON)
    assert reference.sparse_categorical_crossentropy([0, 1], [[0.0, 1.0]] * 2) == [lowest, highest]
    assert reference.categorical_crossentropy([[1.0, 0.0], [0.0, 1.0]], [[0.0, 1.0]] * 2) == [lowest, highest]
    close(reference.binary_crossentropy([[1.0], [0.0], [1.0]], [[0.0], [0.0], [2.0]]), [lowest, highest, highest])
    assert reference.sparse_categorical_crossentropy_gradient([0, 1], [[0.0, 1.0]] * 2) == [[0.0, 0.0]] * 2
    assert reference.binary_crossentropy_gradient([[1.0], [1.0]], [[0.0], [1.0]]) == [[0.0], [0.0]]
    edges = [[losses.EPSILON], [1.0 - losses.EPSILON]]  # the bounds themselves still have a slope
    assert all(row[0] != 0.0 for row in reference.binary_crossentropy_gradient([[1.0], [1.0]], edges))


def test_crossentropies_of_a_row_without_any_share_are_not_a_number():
    y_pred = [[0.0, 0.0]]
    results = [
        reference.categorical_crossentropy([[0.0, 1.0]], y_pred),
        reference.sparse_categorical_crossentropy([1], y_pred),
        reference.categorical_crossentropy_gradient([[0.0, 1.0]], y_pred)[0],
        reference.sparse_categorical_crossentropy_gradient([1], y_pred)[0],
    ]
    assert all(math.isnan(v) for values in results for v in values)


def test_categorical_crossentropy_from_logits():
    y_true = [[0.0, 1.0], [0.5, 0.5], [1.0, 0.0]]
    logits = [[math.log(3.0), 0.0], [7.0, 7.0], [-1000.0, 1000.0]]
    close(
        reference.categorical_crossentropy_from_logits(y_true, logits),
        [math.log(4.0), math.log(2.0), 2000.0],
    )
    close(
        reference.categorical_crossentropy_from_logits_gradient(y_true, logits),
        [[0.25, -0.25], [0.0, 0.0], [-1.0 / 3.0, 1.0 / 3.0]],
    )


def test_sparse_categorical_crossentropy_from_logits():
    logits = [[math.log(3.0), 0.0], [1000.0, -1000.0]]
    close(reference.sparse_categorical_crossentropy_from_logits([1, 1], logits), [math.log(4.0), 2000.0])
    close(
        reference.sparse_categorical_crossentropy_from_logits_gradient([1, 1], logits),
        [[0.375, -0.375], [0.5, -0.5]],
    )


def test_binary_crossentropy_from_logits():
    y_true, logits = [[1.0, 0.0], [0.0, 1.0]], [[0.0, math.log(3.0)], [1000.0, -1000.0]]
    close(reference.binary_crossentropy_from_logits(y_true, logits), [1.5 * math.log(2.0), 1000.0])
    close(reference.binary_crossentropy_from_logits_gradient(y_true, logits), [[-0.125, 0.1875], [0.25, -0.25]])


SHARES = reference.softmax(random_matrix(4, 3, seed=3))
BITS = [[1.0, 0.0, 1.0], [0.0, 0.0, 1.0], [0.25, 0.5, 0.75], [0.0, 1.0, 0.0]]
LABELS = [2, 0, 1, 1]
POSITIVE = random_matrix(4, 3, 0.2, 0.9, seed=4)  # rows do not sum to 1
PARTLY_CLIPPED = [[0.6, -0.1, 0.5], [0.2, 0.3, 0.4], [-0.2, 1.5, 0.3], [0.3, 0.4, -0.2]]
ANY = random_matrix(4, 3, -3.0, 3.0, seed=5)
LOSSES = [
    ("mean_squared_error", ANY, random_matrix(4, 3, seed=6)),
    ("categorical_crossentropy", SHARES, POSITIVE),
    ("categorical_crossentropy", BITS, POSITIVE),
    ("categorical_crossentropy", SHARES, PARTLY_CLIPPED),
    ("sparse_categorical_crossentropy", LABELS, POSITIVE),
    ("sparse_categorical_crossentropy", LABELS, PARTLY_CLIPPED),
    ("binary_crossentropy", BITS, POSITIVE),
    ("binary_crossentropy", SHARES, PARTLY_CLIPPED),
    ("categorical_crossentropy_from_logits", SHARES, ANY),
    ("categorical_crossentropy_from_logits", BITS, ANY),
    ("sparse_categorical_crossentropy_from_logits", LABELS, ANY),
    ("binary_crossentropy_from_logits", BITS, ANY),
]


@pytest.mark.parametrize(("name", "y_true", "y_pred"), LOSSES)
def test_loss_gradient_is_the_slope_of_the_mean(name, y_true, y_pred):
    loss, gradient = getattr(reference, name), getattr(reference, name + "_gradient")

    def mean(y_pred):
        return math.fsum(loss(y_true, y_pred)) / len(y_pred)

    numeric = numeric_gradient(mean, [list(row) for row in y_pred])
    assert any(abs(v) > 1e-3 for row in numeric for v in row)
    close(gradient(y_true, y_pred), numeric, 1e-7)


@pytest.mark.parametrize("suffix", ["", "_gradient", "_from_logits", "_from_logits_gradient"])
def test_sparse_crossentropy_is_the_one_of_one_hot_rows(suffix):
    one_hot = [[1.0 if j == label else 0.0 for j in range(3)] for label in LABELS]
    sparse = getattr(reference, "sparse_categorical_crossentropy" + suffix)
    close(sparse(LABELS, POSITIVE), getattr(reference, "categorical_crossentropy" + suffix)(one_hot, POSITIVE))


@pytest.mark.parametrize(
    ("name", "activation", "y_true"),
    [
        ("categorical_crossentropy", "softmax", SHARES),
        ("sparse_categorical_crossentropy", "softmax", LABELS),
        ("binary_crossentropy", "sigmoid", BITS),
    ],
)
def test_from_logits_agrees_with_activation_and_loss_apart(name, activation, y_true):
    function, gradient = ACTIVATIONS[activation]
    y_pred = function(ANY)
    close(getattr(reference, name + "_from_logits")(y_true, ANY), getattr(reference, name)(y_true, y_pred), 1e-13)
    apart = gradient(y_pred, getattr(reference, name + "_gradient")(y_true, y_pred))
    close(getattr(reference, name + "_from_logits_gradient")(y_true, ANY), apart, 1e-13)
