"""The gradients of a compiled network: those of its loss, or given by the user."""

import math

import numpy as np
import pytest

import reference
from fastmlp import kernels
from fastmlp.kernels import Network
from fastmlp.kernels.engine import stages
from tests.kernels.engine.comparing import SGD, assert_same, lists
from tests.networks import NETWORKS, OPTIMIZERS, WHOLE_RUN, WHOLE_RUN_LOSS, dense, initial, shapes, targets


@pytest.mark.parametrize("name", NETWORKS)
def test_gradients_are_those_of_central_differences(name):
    layers, loss, _, outputs = NETWORKS[name]
    layers = [layer | {"activation": "tanh"} if layer.get("activation") == "relu" else layer for layer in layers]
    rng = np.random.default_rng(8)
    x, y, weights = rng.normal(size=(11, 6)), targets(loss, 11, outputs or 6, rng), initial(6, layers, rng)
    network = Network(6, layers, loss, dtype="float64")
    network.set_weights(weights)
    dx = np.empty_like(x)
    _, gradients = network.gradients(x, y, input_gradient=dx)
    named = zip(weights, shapes(6, layers), strict=True)
    trained = [array for array, (name, _) in named if name in stages.TRAINED]
    step = 1e-6
    for array, gradient in zip([*trained, x], [*gradients, dx], strict=True):
        for index in list(np.ndindex(array.shape))[::7]:
            losses = []
            for sign in 1, -1:
                kept = array[index]
                array[index] += sign * step
                network.set_weights(weights)
                losses.append(network.evaluate(x, y)[0])
                array[index] = kept
            # truncation of the order step^2, and rounding of both losses divided by the step
            assert gradient[index] == pytest.approx((losses[0] - losses[1]) / (2 * step), rel=1e-6, abs=2e-9)


def test_gradients_leave_weights_and_optimizer_alone(few_digits):
    network = Network(64, WHOLE_RUN, WHOLE_RUN_LOSS, OPTIMIZERS[5], dtype="float64")
    network.set_weights(initial(64, WHOLE_RUN, np.random.default_rng(1)))
    before = network.get_weights(), network.get_optimizer_state(), network.step
    network.gradients(*few_digits)
    assert_same(network.get_weights(), before[0])
    assert_same(network.get_optimizer_state(), before[1])
    assert network.step == before[2]


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=str)
def test_gradients_that_are_given_make_the_update_of_an_epoch(optimizer, isa):
    """One batch without dropout: an epoch is `gradients` and `apply_gradients`."""
    layers, loss, _, outputs = NETWORKS["penalized"]
    rng = np.random.default_rng(33)
    x, y, weights = rng.normal(size=(9, 13)), targets(loss, 9, outputs, rng), initial(13, layers, rng)
    whole, parts = (Network(13, layers, loss, optimizer, "float64") for _ in range(2))
    oracle = reference.Network(13, layers, loss, optimizer)
    whole.set_weights(weights)
    parts.set_weights(weights)
    oracle.set_weights(lists(weights))
    for _ in range(3):
        whole.train_epoch(x, y, np.arange(9), 9)
        parts.apply_gradients(parts.gradients(x, y)[1])
        oracle.apply_gradients(oracle.gradients(x.tolist(), y.tolist())[1])
    assert_same(parts.get_weights(), whole.get_weights())
    assert_same(parts.get_weights(), oracle.get_weights())
    assert_same(parts.get_optimizer_state(), whole.get_optimizer_state())
    assert parts.step == whole.step == oracle.step == 3


@pytest.mark.parametrize("module", [reference, kernels], ids=["reference", "kernels"])
def test_without_a_penalty_none_is_added_to_gradients(module):
    """0 times an infinite weight would be NaN; behind relu such a weight has the gradient 0."""
    network = module.Network(1, [dense(1, "relu", False), dense(1)], "mean_squared_error", SGD)
    weights = [[[-math.inf]], [[1.0]], [0.0]]
    network.set_weights(weights)
    x, y = np.ones((2, 1), np.float32), np.ones((2, 1), np.float32)
    _, gradients = network.gradients(x, y) if module is kernels else network.gradients(x.tolist(), y.tolist())
    assert float(gradients[0][0][0]) == 0.0
