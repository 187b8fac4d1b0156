"""The epochs of the oracle's network: by hand in fractions, and what they promise."""

import math
import random
from fractions import Fraction

import pytest

from reference.network import Network
from tests.reference.small_networks import OPTIMIZERS, classifier, dense, dropout, two_clusters, with_random_weights


def test_an_epoch_by_hand():
    """One weight and one bias on three rows in batches of two and one, exactly, with l2 and momentum."""
    optimizer = {"name": "momentum", "learning_rate": 0.0625, "momentum": 0.5}
    network = Network(1, [dense(1, l2=0.125)], "mean_squared_error", optimizer)
    network.set_weights([[[2.0]], [1.0]])
    x, y, order = [[1.0], [2.0], [-1.0]], [[0.0], [1.0], [3.0]], [2, 0, 1]

    w, b, m_w, m_b = (Fraction(v) for v in (2, 1, 0, 0))
    rate, mu, l2 = Fraction(1, 16), Fraction(1, 2), Fraction(1, 8)
    total = Fraction(0)
    for batch in ([2, 0], [1]):
        errors = [(w * Fraction(x[i][0]) + b - Fraction(y[i][0]), Fraction(x[i][0])) for i in batch]
        total += sum(e * e for e, _ in errors) + l2 * w * w * len(batch)
        g_w = sum(2 * e * v for e, v in errors) / len(batch) + 2 * l2 * w
        g_b = sum(2 * e for e, _ in errors) / len(batch)
        m_w, m_b = mu * m_w - rate * g_w, mu * m_b - rate * g_b
        w, b = w + m_w, b + m_b

    loss, metric = network.train_epoch(x, y, order, 2)
    assert (loss, metric, network.step) == (float(total / 3), 0.0, 2)
    assert network.get_weights() == [[[float(w)]], [float(b)]]
    assert network.get_optimizer_state() == [[[float(m_w)]], [float(m_b)]]


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_epochs_lower_the_loss(optimizer):
    network = classifier(optimizer, rate=0.1)
    x, y = two_clusters()
    before, _ = network.evaluate(x, y)
    for _ in range(10):
        network.train_epoch(x, y, list(range(len(x))), 4)
    after, accuracy = network.evaluate(x, y, "sparse_categorical_accuracy")
    assert after < 0.5 * before
    assert accuracy >= 0.95
    assert network.step == 50


def test_the_last_batch_may_be_short():
    x, y = two_clusters()
    order = list(range(len(x)))
    whole, parts = classifier("adam"), classifier("adam")
    whole.train_epoch(x, y, order, 8)
    parts.train_epoch(x, y, order[:16], 8)
    parts.train_epoch(x, y, order[16:], 8)  # these four, alone
    assert whole.step == parts.step == 3
    assert whole.get_weights() == parts.get_weights()


def test_an_epoch_visits_the_rows_in_order():
    x, y = two_clusters()
    order = list(range(len(x)))
    random.Random(1).shuffle(order)
    shuffled, sorted_rows = classifier(), classifier()
    first = shuffled.train_epoch(x, y, order, 3, "sparse_categorical_accuracy")
    rows = [x[i] for i in order], [y[i] for i in order]
    second = sorted_rows.train_epoch(*rows, list(range(len(x))), 3, "sparse_categorical_accuracy")
    assert first == second
    assert shuffled.get_weights() == sorted_rows.get_weights()


def test_an_epoch_that_learns_nothing_has_the_loss_of_evaluate():
    x, y = two_clusters()
    layers = [dense(6, "relu", l2=0.01), dropout(0.0), dense(2, "softmax")]
    network = Network(2, layers, "sparse_categorical_crossentropy", {"name": "sgd", "learning_rate": 0.0})
    with_random_weights(network)
    loss, accuracy = network.train_epoch(x, y, list(range(20)), 6, "sparse_categorical_accuracy")
    expected, expected_accuracy = network.evaluate(x, y, "sparse_categorical_accuracy")
    assert math.isclose(loss, expected, rel_tol=1e-14)
    assert accuracy == expected_accuracy


def test_an_epoch_is_forward_backprop_and_update_with_the_masks_of_the_step():
    x, y = two_clusters()
    whole, parts = classifier("adam", rate=0.5), classifier("adam", rate=0.5)
    whole.step = parts.step = 7
    whole.train_epoch(x, y, list(range(20)), 12)
    for step, rows in ((7, slice(12)), (8, slice(12, 20))):
        values = parts.forward(x[rows], step)
        parts.update(parts.backprop(y[rows], values, step)[0])
    assert whole.step == 9
    assert whole.get_weights() == parts.get_weights()


def test_an_epoch_draws_other_masks_at_every_step():
    network = classifier(rate=0.5)
    network.set_learning_rate(0.0)
    x, y = two_clusters()
    losses = [network.train_epoch(x, y, list(range(20)), 20)[0] for _ in range(4)]
    assert len(set(losses)) == 4
    network.step = 1
    assert network.train_epoch(x, y, list(range(20)), 20)[0] == losses[1]


def test_evaluate_changes_nothing_and_has_no_dropout():
    network = classifier("adam", rate=0.9)
    x, y = two_clusters()
    weights, state = network.get_weights(), network.get_optimizer_state()
    first = network.evaluate(x, y, "sparse_categorical_accuracy")
    assert (network.step, network.get_weights(), network.get_optimizer_state()) == (0, weights, state)
    network.step = 123
    assert network.evaluate(x, y, "sparse_categorical_accuracy") == first
    trained, disturbed = classifier("adam"), classifier("adam")
    for _ in range(2):
        trained.train_epoch(x, y, list(range(20)), 6)
        disturbed.evaluate(x, y)
        disturbed.gradients(x, y)
        disturbed.train_epoch(x, y, list(range(20)), 6)
    assert trained.get_weights() == disturbed.get_weights()
