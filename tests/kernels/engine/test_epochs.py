"""Several epochs in one call: the bits of as many calls, and of the oracle, and what an exception leaves."""

import numpy as np
import pytest

import reference
from fastmlp.kernels import Network
from fastmlp.kernels.engine.exceptions import look_with
from fastmlp.kernels.engine.leaving import look_in_products_from
from tests.kernels.engine.comparing import WIDE, assert_same, lists
from tests.networks import OPTIMIZERS, dense, initial

LOSS = "categorical_crossentropy"
RANDOM = np.random.default_rng(8)
X, Y = RANDOM.normal(size=(23, 13)), np.eye(3)[RANDOM.integers(0, 3, 23)]
ORDERS = np.array([RANDOM.permutation(23)[:20] for _ in range(3)])  # of batches of 9, 9 and 2 rows
GIVEN = {
    "metric": "categorical_accuracy",
    "sample_weight": RANDOM.uniform(0, 2, 23),
    "learning_rates": RANDOM.uniform(0, 0.1, 9),
    "penalty_scales": RANDOM.uniform(0, 2, 9),
}


def made(kind=Network, optimizer=OPTIMIZERS[5], dtype="float64", layers=WIDE, **settings):
    more = {"dtype": dtype} if kind is Network else {}
    network = kind(13, layers, LOSS, optimizer, **more, **settings)
    weights = initial(13, layers, np.random.default_rng(2))
    network.set_weights(weights if kind is Network else lists(weights))
    return network


def of_epoch(number):
    """The arguments of one of the epochs."""
    steps = ("learning_rates", "penalty_scales")
    return {name: value[3 * number : 3 * number + 3] if name in steps else value for name, value in GIVEN.items()}


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda settings: settings["name"])
def test_epochs_in_one_call_have_the_bits_of_as_many_calls(optimizer, threads):
    together, one_by_one = made(optimizer=optimizer), made(optimizer=optimizer)
    together.threads = threads
    results = ["before"]
    together.train_epochs(X, Y, ORDERS, 9, results, **GIVEN)
    expected = [one_by_one.train_epoch(X, Y, order, 9, **of_epoch(number)) for number, order in enumerate(ORDERS)]
    assert results == ["before", *expected] and together.step == one_by_one.step == together.steps_done == 9
    assert_same(together.get_weights(), one_by_one.get_weights())
    assert_same(together.get_optimizer_state(), one_by_one.get_optimizer_state())


def test_they_have_the_bits_of_the_oracle():
    network, oracle, results, expected = made(), made(reference.Network), [], []
    network.train_epochs(X, Y, ORDERS, 9, results, **GIVEN)
    of_lists = {name: value if isinstance(value, str) else value.tolist() for name, value in GIVEN.items()}
    oracle.train_epochs(X.tolist(), Y.tolist(), ORDERS.tolist(), 9, expected, **of_lists)
    assert results == expected and len(results) == 3
    assert_same(network.get_weights(), oracle.get_weights())


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_each_epoch_has_predictions_of_its_own(threads):
    together, one_by_one, oracle = made(), made(), made(reference.Network)
    together.threads = threads
    found, expected, of_oracle = (np.full((3, 23, 3), 7.0) for _ in range(3))
    together.train_epochs(X, Y, ORDERS, 9, [], predictions=found)
    for order, room in zip(ORDERS, expected, strict=True):
        one_by_one.train_epoch(X, Y, order, 9, predictions=room)
    rooms = of_oracle.tolist()
    oracle.train_epochs(X.tolist(), Y.tolist(), ORDERS.tolist(), 9, [], predictions=rooms)
    assert_same([found], [expected])
    assert_same([found], [np.array(rooms)])
    assert (found == 7).all(axis=2).sum() == 9  # three rows of each epoch are not visited


def test_several_outputs():
    layers = [dense(5, "relu"), dense(3, "softmax"), {**dense(2), "inputs": [1]}]
    settings = {"loss": [LOSS, "mean_squared_error"], "outputs": [2, 3], "loss_weights": [1.0, 0.5]}
    first, second = (Network(13, layers, optimizer=OPTIMIZERS[0], dtype="float64", **settings) for _ in range(2))
    ys, results = [Y, RANDOM.normal(size=(23, 2))], []
    metrics = ["categorical_accuracy", None]
    first.train_epochs(X, ys, ORDERS, 9, results, metrics)
    assert results == [second.train_epoch(X, ys, order, 9, metrics) for order in ORDERS]
    rooms = [None, np.zeros((3, 23, 2))]
    first.train_epochs(X, ys, ORDERS, 9, results, predictions=rooms)
    for number, order in enumerate(ORDERS):
        second.train_epoch(X, ys, order, 9, predictions=[None, (room := np.zeros((23, 2)))])
        assert_same([rooms[1][number]], [room])


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_the_results_of_finished_epochs_are_there_when_a_later_one_raises(threads):
    calls = []

    def loss(y, p):
        calls.append(len(y))
        if len(calls) == 5:  # the second batch of the second epoch
            raise ZeroDivisionError
        return ((p - y) ** 2).mean(axis=1), 2 * (p - y) / p.size

    network, alone = (Network(13, [dense(40, "relu"), dense(3)], loss, OPTIMIZERS[0], "float64") for _ in range(2))
    network.threads, results = threads, []
    with pytest.raises(ZeroDivisionError):
        network.train_epochs(X, Y, ORDERS, 9, results)
    calls.clear()
    assert results == [alone.train_epoch(X, Y, ORDERS[0], 9)] and network.step == 4
    network.train_epochs(X, Y, ORDERS[:1], 20, results)
    assert len(results) == 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"orders": ORDERS[0]}, r"orders: got int64 \(20,\), needs a C-contiguous array of int64"),
        ({"orders": ORDERS[:, ::2]}, "orders: got int64 .*, needs a C-contiguous array"),
        ({"orders": np.zeros((0, 4), np.int64)}, "orders: got int64"),
        ({"orders": np.full((2, 3), 23)}, "order: got numbers from 23 to 23, needs 0 to 22"),
        ({"learning_rates": np.ones(8)}, r"learning_rates: got float64 \(8,\), needs .* with shape \(9\)"),
        ({"predictions": np.ones((23, 3))}, r"predictions: got float64 \(23, 3\), needs .* with shape \(3, 23, 3\)"),
    ],
)
def test_bad_arguments_are_refused_before_anything_changes(change, message):
    network, results = made(), []
    good = {"x": X, "y": Y, "orders": ORDERS, "batch_size": 9, "results": results}
    with pytest.raises(ValueError, match=message):
        network.train_epochs(**(good | change))
    assert not results and network.step == 0
    network.train_epochs(**good)


def test_the_loss_itself_is_a_metric_without_the_weights_of_rows():
    network, oracle = made(), made(reference.Network)
    weights = GIVEN["sample_weight"]
    loss, metric = network.train_epoch(X, Y, ORDERS[0], 9, "own_loss", weights)
    found = oracle.train_epoch(X.tolist(), Y.tolist(), ORDERS[0].tolist(), 9, "own_loss", weights.tolist())
    assert (loss, metric) == tuple(found) and loss != metric


HELD_OUT = RANDOM.normal(size=(31, 13))


def followed(network, threads=1, batch_size=9, x=X):
    """Train with rows held out and weights kept; return the outputs and the weights after each epoch."""
    network.threads = threads
    out, kept = np.zeros((3, 31, 3), network.dtype), np.zeros((3, network.packed_size), network.dtype)
    y = Y.astype(network.dtype)
    network.train_epochs(x, y, ORDERS, batch_size, [], held_out=(HELD_OUT, out), weights=kept)
    return out, [network.unpacked(row) for row in kept]


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_after_each_epoch_held_out_rows_are_predicted_and_weights_kept(threads, dtype):
    layers = [dense(20, "relu"), {"kind": "dropout", "rate": 0.3, "seed": 3}, dense(3, "softmax")]
    network, one_by_one = (made(dtype=dtype, layers=layers) for _ in range(2))
    out, kept = followed(network, threads)
    for number, order in enumerate(ORDERS):
        one_by_one.train_epoch(X, Y.astype(dtype), order, 9)
        assert_same([out[number]], [one_by_one.predict(HELD_OUT)])
        assert_same(kept[number], one_by_one.get_weights())
    assert_same(network.get_weights(), one_by_one.get_weights())


def test_they_are_those_of_the_oracle():
    oracle, expected, weights = made(reference.Network), [None] * 3, []
    held_out = HELD_OUT.tolist(), expected
    oracle.train_epochs(X.tolist(), Y.tolist(), ORDERS.tolist(), 9, [], held_out=held_out, weights=weights)
    out, kept = followed(made())
    assert_same([out], [np.array(expected)])
    for found, of_oracle in zip(kept, weights, strict=True):
        assert_same(found, of_oracle)


def test_also_between_the_portions_of_large_batches(monkeypatch):
    from fastmlp.kernels.engine import network as engine

    order = np.array([RANDOM.permutation(600) for _ in range(2)])
    x, y, held_out = RANDOM.normal(size=(600, 13)), np.eye(3)[RANDOM.integers(0, 3, 600)], RANDOM.normal(size=(700, 13))
    whole = made()
    monkeypatch.setattr(engine, "LARGE_CACHE_SIZE", 1 << 12)
    network = made()
    found, expected = (np.zeros((2, 700, 3)) for _ in range(2))
    network.train_epochs(x, y, order, 512, [], held_out=(held_out, found))
    for number in range(2):
        whole.train_epoch(x, y, order[number], 512)
        expected[number] = whole.predict(held_out)
    assert_same([found], [expected])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"held_out": (HELD_OUT[:, :4], np.zeros((3, 31, 3)))}, r"held_out\[0\]: got float64 \(31, 4\)"),
        ({"held_out": (HELD_OUT, np.zeros((2, 31, 3)))}, r"held_out\[1\]: got float64 \(2, 31, 3\)"),
        ({"held_out": (HELD_OUT, np.zeros((3, 31, 3), np.float32))}, r"held_out\[1\]: got float32"),
        ({"weights": np.zeros((3, 5))}, r"weights: got float64 \(3, 5\)"),
    ],
)
def test_bad_memory_for_what_follows_an_epoch_is_refused(change, message):
    network = made()
    with pytest.raises(ValueError, match=message):
        network.train_epochs(X, Y, ORDERS, 9, [], **change)
    assert network.step == 0


def test_an_epoch_whose_held_out_rows_are_not_all_predicted_is_not_finished():
    network = Network(100, [dense(1500, "relu"), dense(1500, "relu"), dense(3)], "mean_squared_error", OPTIMIZERS[0])
    network.set_weights([np.full(weights.shape, 0.01, np.float32) for weights in network.get_weights()])
    held_out, looks, results = np.ones((20_000, 100), np.float32), [], []

    def look():
        looks.append(network.steps_done)
        if len(looks) > 1 and looks[-1] > 0:  # a quarter of a second after the first, or later
            raise KeyboardInterrupt

    before = look_in_products_from(1)
    look_with(look)
    try:
        with pytest.raises(KeyboardInterrupt):
            x, y = np.ones((8, 100), np.float32), np.ones((8, 3), np.float32)
            orders, out = np.tile(np.arange(8), (9, 1)), np.zeros((9, 20_000, 3), np.float32)
            network.train_epochs(x, y, orders, 8, results, held_out=(held_out, out))
    finally:
        look_with(None)
        look_in_products_from(before)
    assert looks[-1] > len(results) and out[: len(results)].all()
