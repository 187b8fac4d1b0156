"""Networks and the oracle's run alike, and their bits compared."""

import random

import numpy as np
import pytest

import reference
from fastmlp.kernels import Network
from tests.networks import OPTIMIZERS, dense, dropout, initial, pairs

every_pair = pytest.mark.parametrize(
    ("name", "optimizer"), pairs(), ids=lambda what: what if isinstance(what, str) else what["name"]
)


def lists(arrays):
    return [array.tolist() for array in arrays]


def assert_same(arrays, nested):
    """The arrays have the bits of the nested lists."""
    for array, values in zip(arrays, nested, strict=True):
        assert array.tobytes() == np.array(values, array.dtype).tobytes()


def epochs(network, x, y, count, batch_size, metric, convert=np.asarray):
    """Results of `count` epochs, each in a shuffled order."""
    order = list(range(len(x)))
    results = []
    for epoch in range(count):
        random.Random(epoch).shuffle(order)
        results.append(network.train_epoch(x, y, convert(order), batch_size, metric))
    return results


# more than one panel on every instruction set, with zeros of both signs that are skipped
WIDE = [
    dense(35, "relu"),
    dropout(0.5),
    dense(34, "relu", use_bias=False),
    dense(33, "tanh", l2=0.01),
    dense(3, "softmax"),
]
LAYERS = [dense(35, "relu"), dropout(0.3), dense(3, "tanh")]
SGD = {"name": "sgd", "learning_rate": 0.1}


def trained(loss, optimizer=OPTIMIZERS[5], layers=LAYERS, threads=1, dtype="float64", **given):
    """An oracle and a network that were trained alike on 23 rows, with their results and data."""
    rng = np.random.default_rng(31)
    x, y, weights = rng.normal(size=(23, 13)).astype(dtype), rng.normal(size=(23, 3)), initial(13, layers, rng)
    network, oracle = Network(13, layers, loss, optimizer, dtype), reference.Network(13, layers, loss, optimizer)
    network.threads = threads
    network.set_weights(weights)
    oracle.set_weights(lists(weights))
    order = rng.permutation(23)
    results = [
        network.train_epoch(x, y, order, 9, **given),
        oracle.train_epoch(x.tolist(), y.tolist(), order.tolist(), 9, **{k: v.tolist() for k, v in given.items()}),
    ]
    return network, oracle, results, x, y
