"""The bits of a compiled network do not depend on threads, batches, types of input or pauses."""

import numpy as np
import pytest

from fastmlp import kernels
from fastmlp.kernels import Network
from fastmlp.kernels.engine import description
from tests.kernels.engine.comparing import WIDE, assert_same, epochs, every_pair
from tests.networks import (
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
    targets,
)


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
