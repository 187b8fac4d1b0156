"""Networks with normalization: their bits for any number of threads."""

import numpy as np
import pytest

from fastmlp.kernels import Network
from fastmlp.kernels.engine import network as engine
from tests.kernels.engine.comparing import SGD, assert_same, trained
from tests.networks import NETWORKS, OPTIMIZERS, batch_normalization, dense, initial, targets


@pytest.mark.parametrize("threads_", [2, 3, 4])
def test_a_product_after_columns_are_complete_has_the_oracles_bits_without_lists(threads_, isa, monkeypatch):
    """No zeros are sought, and the batch normalization has made all threads meet already."""
    monkeypatch.setattr(engine, "SKIP_ZEROS", False)
    layers = [batch_normalization(), dense(35, "tanh"), dense(3)]
    for _ in range(20):
        network, oracle, results, _, _ = trained("mean_squared_error", SGD, layers, threads_)
        assert results[0] == results[1]
        assert_same(network.get_weights(), oracle.get_weights())


@pytest.mark.parametrize("name", ["batch_normalized", "layer_normalized", "given_statistics_and_noise", "penalized"])
def test_float32_bits_do_not_depend_on_threads_and_are_near_float64(name, isa):
    layers, loss, metric, outputs = NETWORKS[name]
    found = {}
    for dtype, threads in ("float64", 1), ("float32", 1), ("float32", 2), ("float32", 3):
        rng = np.random.default_rng(37)
        x, y, weights = rng.normal(size=(47, 37)), targets(loss, 47, outputs, rng), initial(37, layers, rng)
        network = Network(37, layers, loss, OPTIMIZERS[7], dtype)
        network.threads = threads
        network.set_weights(weights)
        results = network.train_epoch(x, y.astype(dtype), np.arange(47), 20, metric)
        found[dtype, threads] = results, network.get_weights(), network.predict(x)
    one, exact = found["float32", 1], found["float64", 1]
    for threads in 2, 3:
        assert found["float32", threads][0] == one[0]
        assert_same(found["float32", threads][1], one[1])
        assert_same([found["float32", threads][2]], [one[2]])
    assert one[0] == pytest.approx(exact[0], rel=1e-4)
    assert one[2] == pytest.approx(exact[2], abs=2e-3)
