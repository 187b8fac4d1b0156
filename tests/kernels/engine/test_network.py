"""The compiled network against the oracle's: the same bits, and the gradients of its loss."""

import functools
import random

import numpy as np
import pytest

import reference
from fastmlp import kernels
from fastmlp.kernels import Network
from fastmlp.kernels.engine import description
from tests.networks import (
    AROUND_A_RULE,
    NETWORKS,
    OPTIMIZERS,
    RESCALING,
    WHOLE_RUN,
    WHOLE_RUN_LOSS,
    WHOLE_RUN_METRIC,
    dense,
    dropout,
    initial,
    layer_normalization,
    pairs,
    shapes,
    targets,
)

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


# ---------------------------------------------------------------------------------------------- equal to the oracle


@pytest.fixture(scope="session")
def oracle_run(few_digits):
    x, y = lists(few_digits)
    network = reference.Network(64, WHOLE_RUN, WHOLE_RUN_LOSS, OPTIMIZERS[1])
    network.set_weights(lists(initial(64, WHOLE_RUN, np.random.default_rng(1))))
    return network, epochs(network, x, y, 3, 32, WHOLE_RUN_METRIC, list)


def test_whole_run_has_the_oracles_bits(oracle_run, few_digits, isa, threads):
    oracle, oracle_results = oracle_run
    network = Network(64, WHOLE_RUN, WHOLE_RUN_LOSS, OPTIMIZERS[1], dtype="float64")
    network.threads = threads
    network.set_weights(initial(64, WHOLE_RUN, np.random.default_rng(1)))
    assert network.isa == isa
    assert epochs(network, *few_digits, 3, 32, WHOLE_RUN_METRIC) == oracle_results
    assert_same(network.get_weights(), oracle.get_weights())
    assert_same(network.get_optimizer_state(), oracle.get_optimizer_state())
    assert network.step == oracle.step == 21


@pytest.mark.parametrize("threads_", [1, 3])
@every_pair
def test_every_network_and_optimizer_has_the_oracles_bits(name, optimizer, threads_, isa):
    layers, loss, metric, outputs = NETWORKS[name]
    rng = np.random.default_rng(2)
    x, y, weights = rng.normal(size=(23, 13)), targets(loss, 23, outputs or 13, rng), initial(13, layers, rng)
    oracle = reference.Network(13, layers, loss, optimizer)
    oracle.set_weights(lists(weights))
    network = Network(13, layers, loss, optimizer, dtype="float64")
    network.threads = threads_
    network.set_weights(weights)
    expected = epochs(oracle, x.tolist(), y.tolist(), 2, 9, metric, list)
    assert epochs(network, x, y, 2, 9, metric) == expected
    assert_same(network.get_weights(), oracle.get_weights())
    assert_same(network.get_optimizer_state(), oracle.get_optimizer_state())
    assert network.evaluate(x, y, metric) == oracle.evaluate(x.tolist(), y.tolist(), metric)
    assert_same([network.predict(x)], [oracle.predict(x.tolist())])
    dx, oracle_dx = np.empty_like(x), []
    loss_value, gradients = network.gradients(x, y, input_gradient=dx)
    oracle_loss, oracle_gradients = oracle.gradients(x.tolist(), y.tolist(), input_gradient=oracle_dx)
    assert loss_value == oracle_loss
    assert_same([*gradients, dx], [*oracle_gradients, oracle_dx])
    loss_value, gradients = network.gradients(x, y, training=True)
    oracle_loss, oracle_gradients = oracle.gradients(x.tolist(), y.tolist(), training=True)
    assert loss_value == oracle_loss
    assert_same([*gradients, *network.get_weights()], [*oracle_gradients, *oracle.get_weights()])
    assert all(np.isfinite(g).all() and g.any() for g in gradients)


# more than one panel on every instruction set, with zeros of both signs that are skipped
WIDE = [
    dense(35, "relu"),
    dropout(0.5),
    dense(34, "relu", use_bias=False),
    dense(33, "tanh", l2=0.01),
    dense(3, "softmax"),
]


EVERYTHING = [*OPTIMIZERS, *AROUND_A_RULE]


def wide_data():
    """Sparse columns, one-hot ones, rows of zeros."""
    rng = np.random.default_rng(12)
    x = rng.normal(size=(31, 37)) * (rng.random((31, 37)) < 0.3)
    x[:, 17:-1] = rng.integers(17, 37, (31, 1)) == np.arange(17, 36)
    x[::5] = -0.0
    return x, rng.integers(0, 3, 31).astype(np.intc), initial(37, WIDE, rng)


@functools.cache
def wide_oracle(optimizer, batch_size):
    """A network that was trained, and its results."""
    x, y, weights = wide_data()
    network = reference.Network(37, WIDE, WHOLE_RUN_LOSS, EVERYTHING[optimizer])
    network.set_weights(lists(weights))
    results = epochs(network, x.tolist(), y.tolist(), 2, batch_size, WHOLE_RUN_METRIC, list)
    return network, results, network.predict(x.tolist()), network.gradients(x.tolist(), y.tolist())


@pytest.mark.parametrize("batch_size", [1, 16])
@pytest.mark.parametrize("optimizer", range(len(EVERYTHING)), ids=lambda number: EVERYTHING[number]["name"])
def test_wide_layers_and_sparse_inputs_have_the_oracles_bits(optimizer, batch_size, isa, threads):
    oracle, results, predictions, (loss, gradients) = wide_oracle(optimizer, batch_size)
    x, y, weights = wide_data()
    network = Network(37, WIDE, WHOLE_RUN_LOSS, EVERYTHING[optimizer], dtype="float64")
    network.threads = threads
    network.set_weights(weights)
    assert epochs(network, x, y, 2, batch_size, WHOLE_RUN_METRIC) == results
    assert_same(network.get_weights(), oracle.get_weights())
    assert_same(network.get_optimizer_state(), oracle.get_optimizer_state())
    assert_same([network.predict(x)], [predictions])
    found = network.gradients(x, y)
    assert found[0] == loss
    assert_same(found[1], gradients)


def test_names_are_those_of_the_oracle():
    assert set(description.ACTIVATIONS) == set(reference.stages.ACTIVATIONS)
    assert set(description.LOSSES) - {None} == set(reference.network.LOSSES)
    assert set(description.METRICS) == set(reference.network.METRICS)
    assert {name: slots for name, (_, slots) in reference.network.OPTIMIZERS.items()} == kernels.optimizers.SLOTS
    assert set(reference.network.FUSED) == description.FUSED


# ------------------------------------------------------------------------------------------------- the same bits


@every_pair
def test_float32_bits_do_not_depend_on_threads_or_fma_instruction_set(name, optimizer):
    layers, loss, metric, outputs = NETWORKS[name]
    seen = {}
    before = kernels.isa.name()
    for isa_name in kernels.isa.supported():
        kernels.isa.select(isa_name)
        for threads in 1, 2, 3:
            rng = np.random.default_rng(3)
            x = rng.normal(size=(47, 37)).astype(np.float32)
            y = targets(loss, 47, outputs or 37, rng)
            y = y if y.dtype == np.intc else y.astype(np.float32)
            network = Network(37, layers, loss, optimizer)
            network.threads = threads
            network.set_weights(initial(37, layers, rng))
            results = epochs(network, x, y, 3, 20, metric)
            assert np.isfinite(results).all()
            arrays = [*network.get_weights(), network.predict(x)]
            bits = (results, network.evaluate(x, y, metric), [array.tobytes() for array in arrays])
            fma = "base" if isa_name == "base" else "fma"
            assert seen.setdefault(fma, bits) == bits
    kernels.isa.select(before)


@pytest.mark.parametrize("activation", description.ACTIVATIONS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_row_is_predicted_alone_as_in_a_batch(dtype, activation, isa):
    layers = [dense(50, "tanh"), dense(300, activation), dense(131, activation, False), dense(3, "softmax")]
    rng = np.random.default_rng(4)
    network = Network(20, layers, dtype=dtype)
    network.set_weights(initial(20, layers, rng))
    x = rng.normal(size=(261, 20)).astype(dtype)
    x[::3, 2:] = 0  # some rows are listed in a batch as well
    together = network.predict(x)
    network.threads = 2
    for i in 0, 1, 13, 14, 127, 128, 255, 256, 260:
        assert network.predict(x[i : i + 1]).tobytes() == together[i].tobytes()
    assert network.predict(x[7:100]).tobytes() == together[7:100].tobytes()


@pytest.mark.parametrize("panels", range(1, 11))
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_row_alone_has_the_bits_of_a_batch_for_any_number_of_panels(dtype, panels, isa):
    rng = np.random.default_rng(13)
    for units in 32 * panels - 31, 16 * panels, 4 * panels:
        network = Network(67, [dense(units, "relu")], dtype=dtype)
        network.set_weights(initial(67, [dense(units)], rng))
        x = rng.normal(size=(5, 67))
        together = network.predict(x)
        assert network.predict(x[2:3]).tobytes() == together[2].tobytes()


@pytest.mark.parametrize("rows", [1, 127, 128, 129, 255, 257, 385, 700])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_predictions_do_not_depend_on_the_number_of_threads(dtype, rows, isa):
    """Each thread has rows of its own, 128 at a time."""
    rng = np.random.default_rng(14)
    layers = [dense(70, "relu"), dropout(0.5), dense(35, "sigmoid"), dense(33, "softmax")]
    weights = initial(41, layers, rng)
    x = rng.normal(size=(rows, 41)) * (rng.random((rows, 41)) < np.linspace(0.05, 1, rows)[:, np.newaxis])
    seen = set()
    for threads in 1, 2, 3, 4, 7:
        network = Network(41, layers, dtype=dtype)
        network.threads = threads
        network.set_weights(weights)
        seen.add(network.predict(x).tobytes())
        network.predict(x[:3])
        seen.add(network.predict(x).tobytes())
    assert len(seen) == 1


@pytest.mark.parametrize(
    "layers",
    [[dense(5, "softmax")], WIDE[:2] + WIDE[-2:-1] + [dense(5, "softmax")], [layer_normalization()]],
    ids=["one", "several", "no_product"],
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_means_of_many_small_steps_are_those_of_one_thread(dtype, layers, few_digits):
    """One thread adds up losses, metrics and penalties while the others begin the next step."""
    x, y = few_digits
    order, seen = np.random.default_rng(15).integers(0, 200, 2003), []
    for threads in 1, 2, 3, 2, 3:
        network = Network(64, layers, WHOLE_RUN_LOSS, OPTIMIZERS[0] | {"learning_rate": 0.001}, dtype)
        network.threads = threads
        network.set_weights(initial(64, layers, np.random.default_rng(16)))
        result = network.train_epoch(x, y % 5, order, 4, WHOLE_RUN_METRIC)
        assert network.steps_done == network.step == 501
        seen.append((result, [array.tobytes() for array in network.get_weights()]))
    assert seen == 5 * seen[:1]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_type_of_input_gives_the_same_bits(dtype):
    layers = [RESCALING, dense(9, "tanh"), dense(4, "softmax")]
    rng = np.random.default_rng(5)
    pixels = rng.integers(0, 256, (30, 12)).astype(np.uint8)
    y = rng.integers(0, 4, 30).astype(np.intc)
    seen = set()
    for source in np.uint8, np.float32, np.float64:
        network = Network(12, layers, "sparse_categorical_crossentropy", OPTIMIZERS[0], dtype)
        network.set_weights(initial(12, layers, np.random.default_rng(6)))
        network.train_epoch(pixels.astype(source), y, np.arange(30), 8)
        seen.add(b"".join(array.tobytes() for array in network.get_weights()))
    assert len(seen) == 1


def test_a_run_that_is_resumed_has_the_bits_of_one_that_was_not(few_digits):
    def fresh():
        return Network(64, WHOLE_RUN, WHOLE_RUN_LOSS, OPTIMIZERS[5])

    order = np.arange(200)
    whole, first, second = fresh(), fresh(), fresh()
    for network in whole, first:
        network.set_weights(initial(64, WHOLE_RUN, np.random.default_rng(1)))
    for _ in range(3):
        whole.train_epoch(*few_digits, order, 32)
    first.train_epoch(*few_digits, order, 32)
    second.set_weights(first.get_weights())
    second.set_optimizer_state(first.get_optimizer_state())
    second.step = first.step
    for _ in range(2):
        second.train_epoch(*few_digits, order, 32)
    assert_same(second.get_weights(), whole.get_weights())
    assert_same(second.get_optimizer_state(), whole.get_optimizer_state())


@pytest.mark.parametrize("metric", ["categorical_accuracy", "sparse_categorical_accuracy"])
def test_of_equal_predictions_the_first_counts(metric):
    loss = metric.replace("accuracy", "crossentropy")
    labels = np.array([0, 1, 2, 0], np.intc)
    y = labels if metric.startswith("sparse") else np.eye(3, dtype=np.float32)[labels]
    x = np.ones((4, 2), np.float32)
    network = Network(2, [dense(3, "softmax")], loss, OPTIMIZERS[0])  # weights of 0: every class is as likely
    assert network.evaluate(x, y, metric)[1] == 0.5
    assert network.train_epoch(x, y, np.arange(4), 4, metric)[1] == 0.5


@pytest.mark.parametrize("name", description.ACTIVATIONS)
def test_nan_is_not_hidden(name):
    network = Network(3, [dense(4, name), dense(2)], "mean_squared_error")
    network.set_weights([np.full((3, 4), np.nan), np.zeros(4), np.ones((4, 2)), np.zeros(2)])
    assert np.isnan(network.predict(np.ones((2, 3)))).all()
    assert np.isnan(network.evaluate(np.ones((2, 3)), np.zeros((2, 2), np.float32))[0])


def test_weights_come_out_as_they_went_in():
    layers = [dense(33), dropout(0.2), dense(1, use_bias=False), dense(16)]
    rng = np.random.default_rng(7)
    weights = [w.astype(np.float32) for w in initial(5, layers, rng)]
    network = Network(5, layers, "mean_squared_error", OPTIMIZERS[5])
    network.set_weights(weights)
    assert_same(network.get_weights(), weights)
    state = [rng.random(w.shape).astype(np.float32) for w in 2 * weights]
    network.set_optimizer_state(state)
    assert_same(network.get_optimizer_state(), state)
    network.get_weights()[0][:] = 0
    assert_same(network.get_weights(), weights)


# -------------------------------------------------------------------------------------------------------- gradients


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
    trained = [array for array, (name, _) in named if name in description.TRAINED]
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
