"""Large batches, which go through the stages in portions that stay in the cache: with the bits of whole ones."""

import tracemalloc

import numpy as np
import pytest

from fastmlp.kernels import Network
from fastmlp.kernels.engine import network
from tests.networks import OPTIMIZERS, RESCALING, activation, batch_normalization, dense, dropout

NOISE = {"kind": "gaussian_noise", "stddev": 0.1, "seed": 3}
NETWORKS = {
    "hidden": [dense(70, "relu"), dropout(0.3), dense(33, "tanh", kernel={"l2": 0.1}, bias={"l1": 0.1}), dense(3)],
    "rowwise": [
        RESCALING,
        NOISE,
        dense(20, use_bias=False),
        activation("softmax"),
        dense(40, kernel={"max_norm": 1.0}),
    ],
    "shared": [dense(90, "tanh"), dense(90, "tanh", weights_of=1), dense(3)],  # these go whole
    "normalized": [dense(20), batch_normalization(), dense(3)],
}


def trained(layers, optimizer, dtype, cache_size, threads, x, y):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(network, "LARGE_CACHE_SIZE", cache_size)
        net = Network(x.shape[1], layers, "mean_squared_error", optimizer, dtype=dtype)
        net.threads = threads
        rng = np.random.default_rng(1)
        net.set_weights([0.3 * rng.normal(size=weight.shape) for weight in net.get_weights()])
        order, predictions = rng.permutation(len(x)), np.zeros((len(x), y.shape[1]), dtype)
        results = [net.train_epoch(x, y, order, 701, predictions=predictions) for _ in range(2)]
        gradients = [net.gradients(x, y, training=training) for training in (True, False)]
    results += [loss for loss, _ in gradients]
    arrays = [*gradients[0][1], *gradients[1][1], *net.get_weights(), *net.get_optimizer_state(), predictions]
    return results, [array.tobytes() for array in arrays]


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("zeros", [0.0, 0.9])
@pytest.mark.parametrize("optimizer", [OPTIMIZERS[0], OPTIMIZERS[5], OPTIMIZERS[6]], ids=["sgd", "adam", "clipped"])
def test_portions_have_the_bits_of_the_whole_batch(name, dtype, zeros, optimizer, isa):
    layers = NETWORKS[name]
    rng = np.random.default_rng(0)
    units = [layer["units"] for layer in layers if layer["kind"] == "dense"][-1]
    x = (rng.normal(size=(1000, 90)) * (rng.random((1000, 90)) >= zeros)).astype(dtype)
    y = rng.normal(size=(1000, units)).astype(dtype)
    whole = trained(layers, optimizer, dtype, 1 << 40, 1, x, y)
    assert trained(layers, optimizer, dtype, 1, 1, x, y) == whole
    assert trained(layers, optimizer, dtype, 200_000, 3, x, y) == whole


@pytest.mark.parametrize(("cache_size", "is_whole"), [(1, False), (1 << 40, True)])
def test_a_large_batch_takes_the_room_of_a_portion(cache_size, is_whole, monkeypatch):
    """In which the rows of one unit have panels of all stages."""
    monkeypatch.setattr(network, "LARGE_CACHE_SIZE", cache_size)
    net = Network(1, [dense(1)], "mean_squared_error", OPTIMIZERS[0])
    x = np.ones((100_000, 1), np.float32)
    order = np.arange(len(x))
    tracemalloc.start()
    net.train_epoch(x, x, order, len(x))
    room = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert (room > 1e7) == is_whole
