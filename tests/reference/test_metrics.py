"""The oracle's metrics by hand."""

import pytest

from reference.network import Network
from tests.reference.small_networks import activation


@pytest.mark.parametrize(
    ("metric", "y", "expected"),
    [
        (None, [[1.0, 0.0, 0.0]] * 3, 0.0),
        ("binary_accuracy", [[1.0, 0.0, 0.0], [0.0, 0.5, 1.0], [0.0, 0.0, 0.0]], (1.0 + 1.0 / 3.0 + 1.0 / 3.0) / 3.0),
        ("categorical_accuracy", [[1.0, 0.0, 0.0], [0.0, 0.5, 0.5], [0.0, 0.0, 1.0]], 2.0 / 3.0),
    ],
)
def test_metrics_by_hand(metric, y, expected):
    predictions = [[0.9, 0.1, 0.5], [0.2, 0.7, 0.1], [0.6, 0.6, 0.2]]
    network = Network(3, [activation("linear")], "mean_squared_error")
    assert network.evaluate(predictions, y, metric)[1] == pytest.approx(expected, rel=1e-15)


def test_sparse_categorical_accuracy_takes_the_first_maximum():
    network = Network(3, [activation("softmax")], "sparse_categorical_crossentropy")
    logits = [[1.0, 5.0, 5.0], [1.0, 5.0, 5.0], [2.0, 2.0, 2.0], [0.0, -1.0, 3.0]]
    assert network.evaluate(logits, [1, 2, 0, 2], "sparse_categorical_accuracy")[1] == 0.75
