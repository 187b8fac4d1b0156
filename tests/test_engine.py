"""The compiled network against the oracle's, and what it promises of its own."""

import os
import random
import signal
import threading

import numpy as np
import pytest

import reference
from fastmlp import kernels
from fastmlp.kernels import Network, stages

OPTIMIZERS = [
    {"name": "sgd", "learning_rate": 0.1},
    {"name": "momentum", "learning_rate": 0.05, "momentum": 0.9},
    {"name": "nesterov", "learning_rate": 0.05, "momentum": 0.9},
    {"name": "rmsprop", "learning_rate": 0.01, "rho": 0.9, "epsilon": 1e-7},
    {"name": "adagrad", "learning_rate": 0.1, "epsilon": 1e-7, "initial_accumulator_value": 0.1},
    {"name": "adam", "learning_rate": 0.01, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7},
]


def dense(units, activation="linear", use_bias=True, l2=0.0):
    return {"kind": "dense", "units": units, "activation": activation, "use_bias": use_bias, "l2": l2}


def activation(name):
    return {"kind": "activation", "activation": name}


def dropout(rate, seed=5):
    return {"kind": "dropout", "rate": rate, "seed": seed}


RESCALING = {"kind": "rescaling", "scale": 0.25, "offset": -0.5}
# name: layers, loss, metric, outputs (None: as many as inputs); widths are below, at and above the register tiles
NETWORKS = {
    "softmax": (
        [dense(33, "relu"), dropout(0.3), dense(5, "softmax")],
        "sparse_categorical_crossentropy",
        "sparse_categorical_accuracy",
        5,
    ),
    "one_hot": ([dense(8, "tanh"), dense(4, "softmax")], "categorical_crossentropy", "categorical_accuracy", 4),
    "binary": ([dense(17, "sigmoid", l2=0.01), dense(1, "sigmoid")], "binary_crossentropy", "binary_accuracy", 1),
    "regression": ([RESCALING, dense(64, "relu", False), dense(3, l2=0.02)], "mean_squared_error", None, 3),
    "logits": ([dense(6, "tanh"), dense(5)], "sparse_categorical_crossentropy_from_logits", None, 5),
    "one_hot_logits": ([dense(5)], "categorical_crossentropy_from_logits", "categorical_accuracy", 5),
    "binary_logits": ([dense(2)], "binary_crossentropy_from_logits", None, 2),
    "unfused": (
        [dense(7, "softmax"), dense(4, "sigmoid"), activation("tanh"), dense(3, "softmax"), dropout(0.1)],
        "categorical_crossentropy",
        "categorical_accuracy",
        3,
    ),
    "sparse_unfused": (
        [dense(7, "sigmoid"), dense(3, "softmax"), RESCALING | {"offset": 0.25}],
        "sparse_categorical_crossentropy",
        "sparse_categorical_accuracy",
        3,
    ),
    "binary_unfused": (
        [dropout(0.5), dense(3, "sigmoid", False), RESCALING | {"offset": 0.3}],
        "binary_crossentropy",
        "binary_accuracy",
        3,
    ),
    "weightless": ([activation("tanh"), RESCALING], "mean_squared_error", None, None),
    "activations": (
        [activation("sigmoid"), dense(31), activation("relu"), dropout(0.0), dense(5), activation("softmax")],
        "sparse_categorical_crossentropy",
        "sparse_categorical_accuracy",
        5,
    ),
}


def targets(loss, rows, outputs, rng):
    """Targets that fit the loss, for either implementation."""
    labels = rng.integers(0, outputs, rows)
    if loss.startswith("sparse"):
        return labels.astype(np.intc)
    if loss.startswith("categorical"):
        return np.eye(outputs)[labels]
    if loss.startswith("binary"):
        return rng.integers(0, 2, (rows, outputs)).astype(float)
    return rng.normal(size=(rows, outputs))


def shapes(inputs, layers):
    """Shapes of the weights."""
    found = []
    for layer in layers:
        if layer["kind"] == "dense":
            found.append((inputs, layer["units"]))
            inputs = layer["units"]
            found += [(inputs,)] * layer["use_bias"]
    return found


def initial(inputs, layers, rng):
    return [rng.uniform(-0.4, 0.4, shape) for shape in shapes(inputs, layers)]


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


WHOLE_RUN = [dense(32, "relu"), dropout(0.3, seed=2**40 + 7), dense(10, "softmax")]
WHOLE_RUN_LOSS, WHOLE_RUN_METRIC = "sparse_categorical_crossentropy", "sparse_categorical_accuracy"


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
@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda optimizer: optimizer["name"])
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
    loss_value, gradients = network.gradients(x, y)
    oracle_loss, oracle_gradients = oracle.gradients(x.tolist(), y.tolist())
    assert loss_value == oracle_loss
    assert_same(gradients, oracle_gradients)
    assert all(np.isfinite(g).all() and g.any() for g in gradients)


def test_names_are_those_of_the_oracle():
    assert set(stages.ACTIVATIONS) == set(reference.network.ACTIVATIONS)
    assert set(stages.LOSSES) - {None} == set(reference.network.LOSSES)
    assert set(stages.METRICS) == set(reference.network.METRICS)
    assert {name: slots for name, (_, slots) in reference.network.OPTIMIZERS.items()} == stages.SLOTS
    assert set(reference.network.FUSED) == stages.FUSED


# ------------------------------------------------------------------------------------------------- the same bits


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda optimizer: optimizer["name"])
@pytest.mark.parametrize("name", NETWORKS)
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


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_row_is_predicted_alone_as_in_a_batch(dtype, isa):
    layers = [dense(50, "tanh"), dense(300, "relu"), dense(3, "softmax")]
    rng = np.random.default_rng(4)
    network = Network(20, layers, dtype=dtype)
    network.set_weights(initial(20, layers, rng))
    x = rng.normal(size=(261, 20)).astype(dtype)
    together = network.predict(x)
    network.threads = 2
    for i in 0, 1, 13, 14, 255, 256, 260:
        assert network.predict(x[i : i + 1]).tobytes() == together[i].tobytes()
    assert network.predict(x[7:100]).tobytes() == together[7:100].tobytes()


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


@pytest.mark.parametrize("name", stages.ACTIVATIONS)
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
    _, gradients = network.gradients(x, y)
    step = 1e-6
    for array, gradient in zip(weights, gradients, strict=True):
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


# ---------------------------------------------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x": np.ones((6, 4))}, r"x must be a C-contiguous array of .* with shape \(rows, 3\), got float64 \(6, 4\)"),
        ({"x": np.ones((6, 3), int)}, "x must be a C-contiguous array of uint8 or float32 or float64"),
        ({"x": np.ones((3, 6)).T}, "x must be a C-contiguous array"),
        ({"x": [[1.0, 2.0, 3.0]]}, "x must be .*, got list"),
        ({"y": np.zeros(5, np.intc)}, r"y must be a C-contiguous array of int32 with shape \(6\), got int32 \(5,\)"),
        ({"y": np.zeros((6, 2), np.float32)}, "y must be a C-contiguous array of int32"),
        ({"y": np.full(6, 2, np.intc)}, "y must hold numbers from 0 to 1, got 2 to 2"),
        ({"y": None}, "y: got None, needs the targets"),
        ({"order": np.array([0, 6])}, "order must hold numbers from 0 to 5, got 0 to 6"),
        ({"order": np.array([0.0])}, "order must be a C-contiguous array of int64"),
        ({"order": np.arange(0)}, "order must be a C-contiguous array of int64"),
        ({"batch_size": 0}, "batch_size must be at least 1, got 0"),
        ({"metric": "categorical_accuracy"}, "metric: got 'categorical_accuracy', which does not fit the loss 'sparse"),
    ],
)
def test_arrays_that_do_not_fit_are_refused_before_anything_changes(change, message):
    network = Network(3, [dense(2, "softmax")], WHOLE_RUN_LOSS, OPTIMIZERS[0])
    good = {"x": np.ones((6, 3)), "y": np.zeros(6, np.intc), "order": np.arange(6), "batch_size": 2}
    with pytest.raises(ValueError, match=message):
        network.train_epoch(**(good | change))
    assert network.step == 0
    assert not any(array.any() for array in network.get_weights())
    network.train_epoch(**good)


def test_a_network_without_a_loss_predicts_only():
    network = Network(3, [dense(2)])
    assert network.predict(np.ones((1, 3))).tolist() == [[0, 0]]
    with pytest.raises(ValueError, match="the network was made without a loss"):
        network.evaluate(np.ones((1, 3)), np.ones((1, 2), np.float32))


def test_no_layers_give_what_they_get():
    assert Network(3, []).predict(np.ones((2, 3))).tolist() == [[1, 1, 1]] * 2


@pytest.mark.parametrize(("inputs", "units"), [(0, 2), (3, 0), (3, -1)])
def test_impossible_widths(inputs, units):
    with pytest.raises(ValueError, match="needs at least one input and one unit in every layer"):
        Network(inputs, [dense(units)])


@pytest.mark.parametrize("threads", [0, -1, 257])
def test_impossible_numbers_of_threads(threads):
    with pytest.raises(ValueError, match=f"threads must be from 1 to 256, got {threads}"):
        Network(3, [dense(2)]).threads = threads


def test_a_second_use_while_it_runs_is_refused():
    network, x, y, order = slow_run()
    training = threading.Thread(target=network.train_epoch, args=(x, y, order[:32000], 32))
    training.start()
    while not network.steps_done:
        pass
    with pytest.raises(RuntimeError, match="this network is running already"):
        network.predict(x)
    training.join()
    assert network.steps_done == 1000
    network.predict(x)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_does_not_hang():
    x = np.random.default_rng(10).random((64, 64))
    network = Network(64, [dense(64)], dtype="float64")
    network.threads = 2
    product, prediction = kernels.matrix_dot(x, x, threads=2), network.predict(x)
    child = os.fork()
    if not child:
        signal.alarm(20)
        same = np.array_equal(kernels.matrix_dot(x, x, threads=2), product)
        os._exit(0 if same and np.array_equal(network.predict(x), prediction) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


# ------------------------------------------------------------------------------------------------------ while it runs


def slow_run():
    """A network and data whose epoch takes seconds."""
    layers = [dense(512, "relu"), dense(512, "relu"), dense(10, "softmax")]
    network = Network(512, layers, "sparse_categorical_crossentropy", OPTIMIZERS[0])
    rng = np.random.default_rng(9)
    network.set_weights(initial(512, layers, rng))
    return network, rng.random((2000, 512), np.float32), np.zeros(2000, np.intc), np.arange(200_000) % 2000


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs a timer that sends a signal")
def test_ctrl_c_ends_an_epoch():
    network, x, y, order = slow_run()
    network.threads = 2
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.setitimer(signal.ITIMER_REAL, 0.3)
    try:
        with pytest.raises(KeyboardInterrupt):
            network.train_epoch(x, y, order, 32)
    finally:
        signal.signal(signal.SIGALRM, before)
    assert 0 < network.steps_done < len(order) / 32
    assert network.step == network.steps_done
    assert np.isfinite(network.predict(x[:5])).all()


def test_steps_done_can_be_watched_from_another_thread():
    network, x, y, order = slow_run()
    training = threading.Thread(target=network.train_epoch, args=(x, y, order[:32000], 32))
    training.start()
    seen = set()
    while training.is_alive():
        seen.add(network.steps_done)
    assert len(seen) > 2
    assert network.steps_done == 1000
