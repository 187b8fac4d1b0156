"""Normalization, dropout and noise for numbers of rows and columns around what their loops take at once."""

import numpy as np
import pytest

import reference
from fastmlp.kernels import Network
from tests.graphs import frozen
from tests.kernels.engine.comparing import SGD, assert_same, lists
from tests.networks import (
    UNIT_NORMALIZATION,
    alpha_dropout,
    batch_normalization,
    dense,
    dropout,
    gaussian_dropout,
    initial,
    layer_normalization,
    noise,
)


@pytest.mark.parametrize(("rows", "columns"), [(1, 33), (5, 67), (16, 8), (18, 32), (37, 17), (70, 15)])
@pytest.mark.parametrize(
    "layer",
    [
        batch_normalization(),
        frozen(batch_normalization()),
        layer_normalization(),
        UNIT_NORMALIZATION,
        dropout(0.4),
        noise(0.5),
        gaussian_dropout(0.5),
        alpha_dropout(0.4),
    ],
    ids=lambda layer: layer["kind"],
)
def test_any_number_of_rows_and_columns_has_the_oracles_bits(layer, rows, columns, isa):
    """Vectors, panels, rows that are summed together, and random words."""
    rng = np.random.default_rng(38)
    layers = [dense(columns, "tanh"), layer, dense(2)]
    x, y, weights = rng.normal(size=(rows, 3)), rng.normal(size=(rows, 2)), initial(3, layers, rng)
    oracle = reference.Network(3, layers, "mean_squared_error", SGD)
    oracle.set_weights(lists(weights))
    loss = oracle.train_epoch(x.tolist(), y.tolist(), list(range(rows)), rows)
    for threads in 1, 2:
        network = Network(3, layers, "mean_squared_error", SGD, "float64")
        network.threads = threads
        network.set_weights(weights)
        assert network.train_epoch(x, y, np.arange(rows), rows) == loss
        assert_same(network.get_weights(), oracle.get_weights())
