"""What an epoch may be given for its rows and steps, weights, rates and memory, against the oracle."""

import numpy as np
import pytest

import reference
from fastmlp import kernels
from fastmlp.kernels import Network
from tests.kernels.engine.comparing import assert_same, lists
from tests.networks import NETWORKS, OPTIMIZERS, dense, initial, targets

ROWS, BATCH = 23, 9
NAMES = ["softmax", "one_hot", "binary", "regression", "unfused", "from_the_input"]


def weights_of(rows, rng):
    """Weights, some of them 0."""
    return rng.uniform(0, 3, rows) * (rng.random(rows) > 0.2)


def pair(name, optimizer):
    """A compiled network of the case table and the oracle's, equal, with their data."""
    layers, loss, metric, outputs = NETWORKS[name]
    rng = np.random.default_rng(21)
    x, y, weights = rng.normal(size=(ROWS, 13)), targets(loss, ROWS, outputs or 13, rng), initial(13, layers, rng)
    oracle, network = reference.Network(13, layers, loss, optimizer), Network(13, layers, loss, optimizer, "float64")
    oracle.set_weights(lists(weights))
    network.set_weights(weights)
    return oracle, network, x, y, metric, weights_of(ROWS, rng)


@pytest.mark.parametrize("optimizer", [OPTIMIZERS[0], OPTIMIZERS[5]], ids=lambda optimizer: optimizer["name"])
@pytest.mark.parametrize("name", NAMES)
def test_weights_and_rates_have_the_oracles_bits(name, optimizer, isa, threads):
    oracle, network, x, y, metric, sample_weight = pair(name, optimizer)
    network.threads = threads
    order, rates = np.random.default_rng(22).permutation(ROWS), np.array([0.1, 0.0, 0.05])
    for _ in range(2):
        result = network.train_epoch(x, y, order, BATCH, metric, sample_weight, rates)
        given = x.tolist(), y.tolist(), order.tolist(), BATCH, metric, sample_weight.tolist(), rates.tolist()
        assert result == oracle.train_epoch(*given)
    network.train_epoch(x, y, order, BATCH)  # at its own rate again, and with rows that weigh 1
    oracle.train_epoch(*given[:4])
    assert_same(network.get_weights(), oracle.get_weights())
    assert_same(network.get_optimizer_state(), oracle.get_optimizer_state())
    weighted = oracle.evaluate(x.tolist(), y.tolist(), metric, sample_weight.tolist())
    assert network.evaluate(x, y, metric, sample_weight) == weighted
    loss, gradients = network.gradients(x, y, sample_weight)
    oracle_loss, oracle_gradients = oracle.gradients(x.tolist(), y.tolist(), sample_weight.tolist())
    assert loss == oracle_loss
    assert_same(gradients, oracle_gradients)


def test_float32_bits_do_not_depend_on_threads_or_fma_instruction_set():
    layers, loss, metric, outputs = NETWORKS["one_hot"]
    seen = {}
    before = kernels.isa.name()
    for isa_name in kernels.isa.supported():
        kernels.isa.select(isa_name)
        for threads in 1, 2, 3:
            rng = np.random.default_rng(23)
            x, y = rng.normal(size=(47, 37)), targets(loss, 47, outputs, rng).astype(np.float32)
            network = Network(37, layers, loss, OPTIMIZERS[5])
            network.threads = threads
            network.set_weights(initial(37, layers, rng))
            sample_weight, rates = weights_of(47, rng).astype(np.float32), rng.uniform(0, 0.1, 3)
            result = network.train_epoch(x, y, np.arange(47), 20, metric, sample_weight, rates)
            bits = result, [array.tobytes() for array in network.get_weights()]
            assert seen.setdefault(isa_name == "base", bits) == bits
    kernels.isa.select(before)


def test_means_divide_by_the_rows_and_not_by_their_weights():
    """By hand: w = 0, so the losses are t^2 = 1, 4, 9 and the gradient is the mean of weight * -2 x t."""
    for module, convert in (kernels, np.array), (reference, list):
        network = module.Network(
            1, [dense(1, use_bias=False)], "mean_squared_error", {"name": "sgd", "learning_rate": 1}
        )
        x, y = convert([[1.0], [1.0], [2.0]]), np.array([[1.0], [2.0], [3.0]], np.float32)
        y = y if module is kernels else y.tolist()
        weights = np.array([3.0, 0.0, 0.5], np.float32) if module is kernels else [3.0, 0.0, 0.5]
        loss, (gradient,) = network.gradients(x, y, weights)
        assert loss == network.evaluate(x, y, None, weights)[0] == pytest.approx((3 * 1 + 0.5 * 9) / 3)
        assert float(gradient[0][0]) == pytest.approx((3 * -2 * 1 + 0.5 * -2 * 2 * 3) / 3)


@pytest.mark.parametrize("name", NAMES)
def test_weighted_gradients_are_those_of_central_differences(name):
    _, network, x, y, _, sample_weight = pair(name, OPTIMIZERS[0])
    weights = network.get_weights()
    _, gradients = network.gradients(x, y, sample_weight)
    step = 1e-6
    for array, gradient in zip(weights, gradients, strict=True):
        for index in list(np.ndindex(array.shape))[::41]:
            losses = []
            for sign in 1, -1:
                kept = array[index]
                array[index] += sign * step
                network.set_weights(weights)
                losses.append(network.evaluate(x, y, None, sample_weight)[0])
                array[index] = kept
            assert gradient[index] == pytest.approx((losses[0] - losses[1]) / (2 * step), rel=1e-6, abs=4e-9)


def test_weights_and_rates_that_do_not_fit_are_refused():
    _, network, x, y, metric, sample_weight = pair("softmax", OPTIMIZERS[0])
    order, before = np.arange(ROWS), network.get_weights()
    for wrong in sample_weight[:-1], sample_weight.astype(np.float32), sample_weight[:, np.newaxis], 1.0:
        with pytest.raises(
            ValueError, match=r"sample_weight: got .*, needs a C-contiguous array of float64 with shape"
        ):
            network.train_epoch(x, y, order, BATCH, metric, wrong)
        with pytest.raises(ValueError, match="sample_weight: got"):
            network.evaluate(x, y, metric, wrong)
        with pytest.raises(ValueError, match="sample_weight: got"):
            network.gradients(x, y, wrong)
    for wrong in np.ones(2), np.ones(4), np.ones(3, np.float32), [0.1, 0.1, 0.1]:
        with pytest.raises(ValueError, match=r"learning_rates: got .* with shape \(3\)"):
            network.train_epoch(x, y, order, BATCH, metric, None, wrong)
    assert network.step == 0
    assert_same(network.get_weights(), before)


@pytest.mark.parametrize("name", NAMES)
def test_predictions_are_those_of_the_batches(name, isa, threads):
    oracle, network, x, y, metric, _ = pair(name, OPTIMIZERS[0])
    network.threads = threads
    order = np.random.default_rng(22).permutation(ROWS)[:20]
    found = np.full((ROWS, network.outputs), np.nan)
    expected = found.tolist()
    network.train_epoch(x, y, order, BATCH, metric, predictions=found)
    oracle.train_epoch(x.tolist(), y.tolist(), order.tolist(), BATCH, metric, predictions=expected)
    assert np.array_equal(found, expected, equal_nan=True)
    assert np.isnan(np.delete(found, order, axis=0)).all()
    network.evaluate(x, y, metric, predictions=found)
    assert np.array_equal(found, oracle.predict(x.tolist()))
    with pytest.raises(ValueError, match="predictions: got"):
        network.evaluate(x, y, metric, predictions=found[:-1])


@pytest.mark.parametrize("optimizer", [OPTIMIZERS[0], OPTIMIZERS[5]], ids=lambda optimizer: optimizer["name"])
@pytest.mark.parametrize("name", ["binary", "regression", "from_the_input"])
def test_penalty_scales_have_the_oracles_bits(name, optimizer, isa, threads):
    oracle, network, x, y, metric, _ = pair(name, optimizer)
    network.threads = threads
    order, scales = np.random.default_rng(22).permutation(ROWS), np.array([0.1, 0.0, 2.0])
    plain = network.train_epoch(x, y, order, BATCH, metric)[0]
    oracle.train_epoch(x.tolist(), y.tolist(), order.tolist(), BATCH, metric)
    result = network.train_epoch(x, y, order, BATCH, metric, penalty_scales=scales)
    given = x.tolist(), y.tolist(), order.tolist(), BATCH, metric
    assert result == oracle.train_epoch(*given, penalty_scales=scales.tolist()) != plain
    assert_same(network.get_weights(), oracle.get_weights())


def test_penalty_scales_that_do_not_fit_are_refused():
    _, network, x, y, *_ = pair("binary", OPTIMIZERS[0])
    with pytest.raises(ValueError, match=r"penalty_scales: got .* with shape \(3\)"):
        network.train_epoch(x, y, np.arange(ROWS), BATCH, penalty_scales=np.ones(2))
