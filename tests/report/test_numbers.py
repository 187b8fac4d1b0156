"""The numbers behind the figures, beside scikit-learn's and by hand."""

import numpy as np
import pytest

from fastmlp.report import numbers

RANDOM = np.random.default_rng(0)
TRUE, PREDICTED = RANDOM.integers(0, 4, 300), RANDOM.integers(0, 4, 300)
SHARES = RANDOM.dirichlet([0.5] * 4, 300)


def test_confusion_and_scores_are_those_of_scikit_learn():
    metrics = pytest.importorskip("sklearn.metrics")
    found = numbers.confusion(TRUE, PREDICTED, "abcd")
    assert found.classes == list("abcd") and found.left_out == 0
    np.testing.assert_array_equal(found.counts, metrics.confusion_matrix(TRUE, PREDICTED))
    scores = numbers.class_scores(TRUE, PREDICTED, "abcd")
    expected = metrics.precision_recall_fscore_support(TRUE, PREDICTED)
    np.testing.assert_allclose([one[1:] for one in scores], np.transpose(expected))


def test_a_class_that_is_never_there_or_never_said_scores_0():
    found = numbers.class_scores(np.array([0, 0, 1]), np.array([0, 2, 2]), "abc")
    assert found[1] == ("b", 0.0, 0.0, 0.0, 1) and found[2] == ("c", 0.0, 0.0, 0.0, 0)
    assert found[0] == ("a", 1.0, 0.5, pytest.approx(2 / 3), 2)


def test_of_many_classes_those_of_most_mistakes_stay():
    true = np.repeat(np.arange(1000), 3)
    predicted = true.copy()
    predicted[3 * 700], predicted[3 * 5 : 3 * 5 + 2] = 5, 700
    found = numbers.confusion(true, predicted, [f"c{i}" for i in range(1000)], most=4)
    assert found.classes == ["c0", "c5", "c700", "997 others"] and found.left_out == 997
    assert found.counts.tolist() == [[3, 0, 0, 0], [0, 1, 2, 0], [0, 1, 2, 0], [0, 0, 0, 3 * 997]]


def test_calibration_is_that_of_scikit_learn():
    calibration_curve = pytest.importorskip("sklearn.calibration").calibration_curve
    pair = np.stack([1 - SHARES[:, 0], SHARES[:, 0]], axis=1)
    for true, shares, hits, sure in [
        (TRUE == 0, pair, TRUE == 0, SHARES[:, 0]),
        (TRUE, SHARES, SHARES.argmax(axis=1) == TRUE, SHARES.max(axis=1)),
    ]:
        found = numbers.calibration(true.astype(int), shares)
        right, means = calibration_curve(hits, sure, n_bins=10)
        there = found.rows > 0
        np.testing.assert_allclose(found.right[there], right)
        np.testing.assert_allclose(found.sure[there], means)
        assert found.rows.sum() == 300
        assert found.error == pytest.approx((abs(right - means) * found.rows[there]).sum() / 300)


def test_losses_and_the_worst_rows():
    losses = numbers.class_losses(np.array([0, 1, 1]), np.array([[0.5, 0.5], [1.0, 0.0], [0.1, 0.9]]))
    np.testing.assert_allclose(losses, -np.log([0.5, 1e-7, 0.9]))
    assert numbers.worst(losses, 2) == [1, 0]
    assert numbers.worst(np.array([2.0, 1.0, 2.0]), 5) == [0, 2, 1]
