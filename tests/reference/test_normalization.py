"""The oracle's normalizations against NumPy's mean and variance, and against central differences."""

import math

import numpy as np
import pytest

from reference import normalization
from reference.network import Network

RNG = np.random.default_rng(41)
X, DY = RNG.normal(size=(7, 5)), RNG.normal(size=(7, 5))
GAMMA, BETA = RNG.normal(size=5), RNG.normal(size=5)


def batch(x, gamma=GAMMA, beta=BETA):
    mean, variance = normalization.batch_statistics(x.tolist())
    inverse = normalization.inverse_deviations(variance, 0.01)
    return np.array(normalization.normalize(x.tolist(), mean, inverse, gamma.tolist(), beta.tolist()))


def rows(x, gamma=GAMMA, beta=BETA):
    return np.array(normalization.normalize_rows(x.tolist(), 0.01, gamma.tolist(), beta.tolist()))


def slopes(function, at):
    """Central differences of sum(DY * function(at))."""
    found = np.empty_like(at)
    for index in np.ndindex(at.shape):
        values = []
        for sign in 1, -1:
            moved = at.copy()
            moved[index] += sign * 1e-6
            values.append((DY * function(moved)).sum())
        found[index] = (values[0] - values[1]) / 2e-6
    return found


def test_values_are_those_of_numpy():
    scaled = (X - X.mean(axis=0)) / np.sqrt(X.var(axis=0) + 0.01)
    assert batch(X) == pytest.approx(scaled * GAMMA + BETA, rel=1e-12)
    by_row = (X - X.mean(axis=1, keepdims=True)) / np.sqrt(X.var(axis=1, keepdims=True) + 0.01)
    assert rows(X) == pytest.approx(by_row * GAMMA + BETA, rel=1e-12)
    assert normalization.moved([1.0, 2.0], [3.0, 6.0], 0.75) == [1.5, 3.0]


def test_gradients_of_a_normalized_batch_are_those_of_central_differences():
    mean, variance = normalization.batch_statistics(X.tolist())
    inverse = normalization.inverse_deviations(variance, 0.01)
    dy, x = DY.tolist(), X.tolist()
    dx = normalization.batch_input_gradient(dy, x, mean, inverse, GAMMA.tolist())
    assert np.array(dx) == pytest.approx(slopes(batch, X), abs=1e-8)
    assert normalization.gamma_gradient(dy, x, mean, inverse) == pytest.approx(
        slopes(lambda gamma: batch(X, gamma), GAMMA), abs=1e-8
    )
    assert normalization.beta_gradient(dy) == pytest.approx(slopes(lambda beta: batch(X, beta=beta), BETA), abs=1e-8)


def test_gradients_of_normalized_rows_are_those_of_central_differences():
    dx = normalization.rows_input_gradient(DY.tolist(), X.tolist(), 0.01, GAMMA.tolist())
    assert np.array(dx) == pytest.approx(slopes(rows, X), abs=1e-8)
    normals = normalization.row_normals(X.tolist(), 0.01)
    found = normalization.products_of_columns(DY.tolist(), normals)
    assert found == pytest.approx(slopes(lambda gamma: rows(X, gamma), GAMMA), abs=1e-8)


def test_given_variances_are_divided_by_their_square_roots():
    """To the last bit: v**0.5, which is pow, is another number for some v."""
    variances = [v for v in np.random.default_rng(42).uniform(0.1, 5, 20_000).tolist() if v**0.5 != math.sqrt(v)]
    assert variances
    network = Network(len(variances), [{"kind": "normalization"}])
    network.set_weights([[0.0] * len(variances), variances])
    assert network.predict([[1.0] * len(variances)])[0] == [1.0 / math.sqrt(v) for v in variances]


def test_rows_of_length_1():
    unit = np.array(normalization.unit_rows(X.tolist()))
    np.testing.assert_allclose(unit, X / np.linalg.norm(X, axis=1, keepdims=True), rtol=1e-14)
    found = normalization.unit_rows_input_gradient(DY.tolist(), X.tolist())
    np.testing.assert_allclose(found, slopes(lambda x: np.array(normalization.unit_rows(x.tolist())), X), atol=1e-8)
    assert normalization.unit_rows([[0.0, 0.0], [3e-13, 4e-13]]) == [[0.0, 0.0], [3e-13 / 1e-12, 4e-13 / 1e-12]]
    assert normalization.unit_rows_input_gradient([[1.0, 2.0]], [[0.0, 0.0]]) == [[1.0 / 1e-12, 2.0 / 1e-12]]
