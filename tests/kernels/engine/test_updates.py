"""What bounds an update: penalties, clipped gradients, constraints."""

import numpy as np
import pytest

from fastmlp.kernels import Network
from tests.kernels.engine.comparing import LAYERS, SGD, assert_same, trained
from tests.networks import dense, initial


def test_penalties_are_scaled_step_by_step(isa, threads):
    layers = [dense(35, "relu", l2=0.1), dense(3, kernel={"l1": 0.05})]
    scales = np.array([0.5, 0.0, 2.0])
    network, oracle, results, _, _ = trained("mean_squared_error", SGD, layers, threads, penalty_scales=scales)
    assert results[0] == results[1]
    assert_same(network.get_weights(), oracle.get_weights())
    _, _, unscaled, _, _ = trained("mean_squared_error", SGD, layers, threads, penalty_scales=np.ones(3))
    assert unscaled[0] == trained("mean_squared_error", SGD, layers, threads)[2][0] != results[0]


def norms_of(arrays):
    return [np.linalg.norm(array) for array in arrays]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_clipped_gradients_have_the_norms_that_were_asked_for(dtype):
    """Plain SGD at a rate of 1 shows them: what a weight loses is its gradient."""
    rng = np.random.default_rng(35)
    weights = initial(5, LAYERS, rng)
    gradients = [array.astype(dtype) for array in initial(5, LAYERS, rng)]
    changes = {}
    for key in "clipnorm", "global_clipnorm":
        network = Network(5, LAYERS, "mean_squared_error", {"name": "sgd", "learning_rate": 1.0, key: 0.5}, dtype)
        network.set_weights(weights)
        before = network.get_weights()
        network.apply_gradients(gradients)
        changes[key] = [old - new for old, new in zip(before, network.get_weights(), strict=True)]
    tolerance = 1e-5 if dtype == "float32" else 1e-12
    for norm, original in zip(norms_of(changes["clipnorm"]), norms_of(gradients), strict=True):
        assert norm == pytest.approx(min(original, 0.5), rel=tolerance)
    assert np.linalg.norm(norms_of(changes["global_clipnorm"])) == pytest.approx(0.5, rel=tolerance)
    ratios = [change / gradient for change, gradient in zip(changes["global_clipnorm"], gradients, strict=True)]
    assert np.ptp(np.concatenate([ratio.ravel() for ratio in ratios])) < 100 * tolerance


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_columns_and_vectors_keep_the_largest_norm(dtype):
    layers = [dense(35, kernel={"max_norm": 0.5}, bias={"max_norm": 0.25})]
    network = Network(13, layers, "mean_squared_error", SGD, dtype)
    rng = np.random.default_rng(36)
    weights = [np.concatenate([3 * np.ones((13, 34)), np.zeros((13, 1))], axis=1), np.ones(35)]
    network.set_weights(weights)
    x, y = rng.normal(size=(8, 13)).astype(dtype), rng.normal(size=(8, 35)).astype(dtype)
    network.train_epoch(x, y, np.arange(8), 8)
    kernel, bias = network.get_weights()
    norms = np.linalg.norm(kernel, axis=0)
    assert norms[:34] == pytest.approx(0.5, rel=1e-5) and norms[34] < 0.1
    assert np.linalg.norm(bias) == pytest.approx(0.25, rel=1e-5)
