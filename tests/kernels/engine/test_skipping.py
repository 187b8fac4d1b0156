"""Zeros that a network leaves out of its products: with the same bits, and where they are left out.

What is skipped is seen with infinite weights and with targets that are no number: 0 * inf and 0 * NaN are NaN, unless
nobody multiplies. Networks that are made `unchecked` multiply no more where that is so; the others do.
"""

import functools
import os
import subprocess
import sys
from contextlib import contextmanager

import numpy as np
import pytest

from fastmlp import kernels
from fastmlp.kernels import Network
from fastmlp.kernels.engine import network
from fastmlp.kernels.engine.arena import NARROW
from tests.conftest import THREADS
from tests.networks import AROUND_A_RULE, OPTIMIZERS, dense, dropout, initial

SLOW_SGD = OPTIMIZERS[0] | {"learning_rate": 0.01}
LOSS, METRIC = "sparse_categorical_crossentropy", "sparse_categorical_accuracy"
ROWS = 131
BATCHES = (1, 2, 3, 13, 14, 15, 71, 129)  # below, at and above tiles, the pools rows are paired in, and words of bits


@contextmanager
def skipping(wanted):
    """Networks made meanwhile skip zeros, or do not."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(network, "SKIP_ZEROS", wanted)
        yield


@contextmanager
def unchecked():
    """Networks made meanwhile skip zeros whatever these meet."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(network, "CHECK_FINITE", False)
        yield


# ------------------------------------------------------------------------------------- inputs with zeros in many places
# Every maker takes a Generator and a shape. All make one row and one column of zeros, for what is seen to be skipped.


def dense_rows(rng, shape):
    x = rng.uniform(0.5, 1.5, shape) * rng.choice([-1.0, 1.0], shape)
    x[len(x) // 2] = 0
    x[:, -1] = 0
    return x


def sparse_rows(rng, shape):
    return dense_rows(rng, shape) * (rng.random(shape) < 0.15)


def sparse_columns(rng, shape):
    """32 dense columns, 32 sparse ones, and so on; the last of 129 are sparse."""
    full = np.arange(shape[1]) // 32 % 2 == 0
    return dense_rows(rng, shape) * (full | (rng.random(shape) < 0.1))


def one_hot_beside_dense(rng, shape):
    x = dense_rows(rng, shape)
    first = shape[1] // 2
    x[:, first:-1] *= np.arange(first, shape[1] - 1) == rng.integers(first, shape[1], (shape[0], 1))
    return x


def zero_rows(rng, shape):
    """Three of four rows are zero."""
    return dense_rows(rng, shape) * (np.arange(shape[0]) % 4 == 0)[:, np.newaxis]


def nothing(rng, shape):
    return np.zeros(shape)


def negative_zeros(rng, shape):
    x = sparse_rows(rng, shape)
    return np.where((x == 0) & (rng.random(shape) < 0.5), -0.0, x)


def one_a_row(rng, shape):
    return dense_rows(rng, shape) * (np.arange(shape[1]) == rng.integers(0, shape[1], (shape[0], 1)))


def mixed_rows(rng, shape):
    """The first half of the rows is dense, the second sparse."""
    half = shape[0] // 2
    return np.concatenate([dense_rows(rng, (half, shape[1])), sparse_rows(rng, (shape[0] - half, shape[1]))])


MAKERS = (
    dense_rows,
    sparse_rows,
    sparse_columns,
    one_hot_beside_dense,
    zero_rows,
    nothing,
    negative_zeros,
    one_a_row,
    mixed_rows,
)
by_name = pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__name__)
every_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])
every_optimizer = pytest.mark.parametrize(
    "optimizer", [*OPTIMIZERS[:6], AROUND_A_RULE[0]], ids=lambda optimizer: optimizer["name"]
)


# --------------------------------------------------------------------------------------------------- what was skipped


def skipped_by_row(x, units, dtype="float32", threads=1):
    """For each row of x whether its product skipped the columns that are zero in all rows."""
    unused = ~x.any(axis=0)
    assert unused.any()
    with unchecked():
        network = Network(x.shape[1], [dense(units)], dtype=dtype)
    network.threads = threads
    network.set_weights([np.where(unused, np.inf, 1.0)[:, np.newaxis] * np.ones(units), np.zeros(units)])
    return of_rows(np.isfinite(network.predict(x)))


def skipped_by_column(x, units, dtype="float32", threads=1):
    """For each column of x whether the gradient of its weights skipped the rows that are zero."""
    with unchecked():
        network = Network(x.shape[1], [dense(units, use_bias=False)], "mean_squared_error", dtype=dtype)
    network.threads = threads
    network.set_weights([np.ones((x.shape[1], units))])
    return of_rows(np.isfinite(network.gradients(x, targets_of_zero_rows(x, units).astype(dtype))[1][0]))


def targets_of_zero_rows(x, units):
    """NaN where a row is zero, 0 elsewhere: of the gradients of the output only those of these rows are NaN."""
    unused = ~x.any(axis=1)
    assert unused.any()
    return np.where(unused, np.nan, 0.0)[:, np.newaxis] * np.ones(units)


def of_rows(finite):
    """What holds for all of a row, and for nothing of the others."""
    assert np.array_equal(finite.all(axis=1), finite.any(axis=1))
    return finite.all(axis=1)


def panel_of(dtype):
    """Columns of a panel: so many outputs are computed without a look at their input, one more are not."""
    return panel_on(kernels.isa.name(), dtype)


@functools.cache
def panel_on(isa, dtype):
    units = 1
    while not skipped_by_row(np.zeros((2, 1)), units + 1, dtype).any():
        units += 1
        assert units < 65, "zeros are never skipped"
    return units


@every_dtype
def test_a_panel_is_two_vectors(dtype, isa):
    assert panel_of(dtype) * np.dtype(dtype).itemsize in ({"avx512": 128, "avx2": 64}.get(isa, 32), 2 * 8, 2 * 4)


@every_dtype
@pytest.mark.parametrize("make", MAKERS[1:-1], ids=lambda make: make.__name__)
def test_zeros_are_skipped_where_there_are_many(make, dtype, isa):
    panel, rng = panel_of(dtype), np.random.default_rng(1)
    if make not in (sparse_columns, one_hot_beside_dense):
        for columns, threads in (2 * panel - 1, 1), (2 * panel + 1, 2), (67, 3), (131, 1):
            x = make(rng, (ROWS, columns))
            assert skipped_by_row(x, 8 * panel + 1, dtype, threads).all()
            assert skipped_by_column(x, 8 * panel + 1, dtype, threads).all()
    else:
        by_column = skipped_by_column(make(rng, (ROWS, 129)), 3 * panel, dtype, threads=2)
        assert by_column[96:].all()
        assert not by_column[:32].any()


@every_dtype
def test_zeros_of_dense_inputs_are_not_skipped(dtype, isa):
    panel = panel_of(dtype)
    for columns, threads in (67, 1), (131, 2):
        x = dense_rows(np.random.default_rng(2), (ROWS, columns))
        assert not skipped_by_row(x, 8 * panel, dtype, threads).any()
        by_column = skipped_by_column(x, 8 * panel, dtype, threads)
        assert not by_column[: (columns - 1) // panel * panel].any()  # the last panel may be little but the zero column


@every_dtype
def test_nothing_is_skipped_for_one_panel_of_outputs_or_when_it_is_turned_off(dtype, isa):
    panel = panel_of(dtype)
    x = one_a_row(np.random.default_rng(3), (ROWS, 67))
    x[ROWS // 2] = 0
    several = max(panel, NARROW) + 1
    for wanted, units, expected in (True, several, True), (True, panel, False), (False, 8 * panel, False):
        with skipping(wanted):
            assert skipped_by_row(x, units, dtype).tolist() == ROWS * [expected]
            assert skipped_by_column(x, units, dtype).tolist() == 67 * [expected]


@pytest.mark.parametrize(("setting", "expected"), [(None, "True"), ("1", "True"), ("0", "False")])
def test_the_environment_turns_skipping_off(setting, expected):
    environment = {name: value for name, value in os.environ.items() if name != "FASTMLP_SKIP_ZEROS"}
    environment |= {} if setting is None else {"FASTMLP_SKIP_ZEROS": setting}
    code = "from fastmlp.kernels.engine import network; print(network.SKIP_ZEROS)"
    run = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert run.stdout == expected + "\n"


@every_dtype
def test_each_group_of_rows_is_decided_by_itself(dtype, isa):
    by_row = skipped_by_row(mixed_rows(np.random.default_rng(4), (280, 67)), 8 * panel_of(dtype), dtype)
    assert not by_row[:56].any()  # whatever the tile, these are in groups of dense rows only
    assert by_row[256:].all()  # and these of sparse ones


@every_dtype
@pytest.mark.parametrize("l2", [0.0, 0.01])
@pytest.mark.parametrize("optimizer", OPTIMIZERS[:6], ids=lambda optimizer: optimizer["name"])  # none clips NaN
def test_each_panel_of_columns_is_decided_by_itself(optimizer, l2, dtype, isa):
    panel, threads = panel_of(dtype), 1 if l2 else 2
    rng = np.random.default_rng(5)
    x = np.concatenate([dense_rows(rng, (57, 2 * panel + 1))[:, :-1], one_a_row(rng, (57, panel + 3))], axis=1)
    x[57 // 2] = 0
    expected = 2 * panel * [False] + (panel + 3) * [True]
    units = 2 * panel + 3
    assert skipped_by_column(x, units, dtype, threads).tolist() == expected
    with unchecked():
        network = Network(x.shape[1], [dense(units, use_bias=False, l2=l2)], "mean_squared_error", optimizer, dtype)
    network.threads = threads
    network.set_weights([np.ones((x.shape[1], units))])
    network.train_epoch(x, targets_of_zero_rows(x, units).astype(dtype), np.arange(57), 57)
    assert of_rows(np.isfinite(network.get_weights()[0])).tolist() == expected
    for state in network.get_optimizer_state():
        assert of_rows(np.isfinite(state)).tolist() == expected


def test_more_zeros_and_more_outputs_make_it_pay_and_nothing_else_does(isa):
    panel, rng = panel_of("float32"), np.random.default_rng(6)

    def limits(skipped, rows, columns):
        """The most numbers in each row of which the zeros are skipped."""
        found = []
        for units in 2 * panel, 5 * panel, 20 * panel:
            decisions = []
            for kept in range(columns):
                x = np.zeros((rows, columns))
                x[:, rng.permutation(columns)[:kept]] = rng.normal(size=(rows, kept))
                decision = skipped(x, units)
                assert decision.all() == decision.any()
                decisions.append(decision.all())
            found.append(decisions.count(True))
            assert decisions == sorted(decisions, reverse=True)
        return found

    def of_columns(x, units):
        return skipped_by_column(np.ascontiguousarray(x.T), units)

    for skipped in skipped_by_row, of_columns:
        few = limits(skipped, 2, 41)
        assert 0 < few[0] < few[1] < few[2] < 40
        # a list of columns costs half a number by itself, which may show at the limit
        assert np.abs(np.subtract(limits(skipped, 6, 41), few)).max() <= (skipped is of_columns)


@every_dtype
def test_hidden_zeros_are_skipped(dtype, isa, threads):
    """A unit that relu has turned off everywhere meets infinite weights, in all that runs forward."""
    wide = 8 * panel_of(dtype) + 1
    rng = np.random.default_rng(7)
    x, y = rng.random((ROWS, 9)), rng.integers(0, 3, ROWS).astype(np.intc)
    for rate, off, expected in (0.0, 1, False), (0.0, wide - 5, True), (0.75, 1, True):
        layers = [dense(wide, "relu"), dropout(rate), dense(wide, "sigmoid"), dense(3, "softmax")]
        weights = initial(9, layers, rng)
        weights[0][:] = rng.random(weights[0].shape)
        weights[0][:, :off] *= -1
        weights[1][:] = 0
        weights[2][:off] = np.inf
        with unchecked():
            network = Network(9, layers, LOSS, OPTIMIZERS[0], dtype)
        network.threads = threads
        network.set_weights(weights)
        assert np.isfinite(network.train_epoch(x, y, np.arange(ROWS), 71)[0]) == expected
        if rate == 0:
            network.set_weights(weights)
            assert np.isfinite(network.predict(x)).all() == expected
            assert np.isfinite(network.evaluate(x, y)[0]) == expected
            assert np.isfinite(network.gradients(x, y)[0]) == expected


# -------------------------------------------------------------------------------------------------------- the same bits


def everything(x, y, layers, optimizer, dtype, batch_size, skip, threads):
    """All a network computes from the data, as bits."""
    rng = np.random.default_rng(8)
    with skipping(skip):
        network = Network(x.shape[1], layers, LOSS, optimizer, dtype)
    network.threads = threads
    network.set_weights(initial(x.shape[1], layers, rng))
    visited = 7 * batch_size + 1
    results = [network.train_epoch(x, y, rng.permutation(len(x))[:visited], batch_size, METRIC) for _ in range(3)]
    loss, gradients = network.gradients(x, y)
    results += [loss, network.evaluate(x, y, METRIC)]
    assert np.isfinite(network.predict(x)).all()
    arrays = [*network.get_weights(), *network.get_optimizer_state(), network.predict(x), *gradients]
    return results, [array.tobytes() for array in arrays]


def assert_skipping_shows_nowhere(*arguments):
    expected = everything(*arguments, skip=False, threads=1)
    for threads in THREADS:
        assert everything(*arguments, skip=True, threads=threads) == expected


@every_dtype
@by_name
def test_skipping_keeps_the_bits(make, dtype, isa):
    panel, rng = panel_of(dtype), np.random.default_rng(9)
    columns = (panel - 1, panel, panel + 1, 2 * panel + 3, 65, 129, 66, 131)
    units = (panel + 1, 2 * panel, 5 * panel - 1, 3 * panel + panel // 2, 33, 70, 65, 4 * panel + 1)
    for batch_size, inputs, wide in zip(BATCHES, columns, units, strict=True):
        x, y = make(rng, (ROWS, inputs)), rng.integers(0, 5, ROWS).astype(np.intc)
        layers = [dense(wide, "relu"), dropout(0.5), dense(2 * panel + 1, "relu"), dense(5, "softmax")]
        assert_skipping_shows_nowhere(x, y, layers, SLOW_SGD, dtype, batch_size)


@every_dtype
@pytest.mark.parametrize("l2", [0.0, 0.01])
@every_optimizer
def test_skipping_keeps_the_bits_of_every_optimizer(optimizer, l2, dtype, isa):
    rng = np.random.default_rng(10)
    x = np.concatenate([sparse_columns(rng, (77, 67)), negative_zeros(rng, (77, 34))], axis=1)
    layers = [dense(67, "relu", l2=l2), dropout(0.5), dense(35, "tanh", False, l2), dense(5, "softmax")]
    assert_skipping_shows_nowhere(x, rng.integers(0, 5, 77).astype(np.intc), layers, optimizer, dtype, 33)


@every_dtype
@pytest.mark.parametrize("zero", [0, 3])
def test_skipping_keeps_the_bits_of_bytes_that_are_rescaled(zero, dtype, isa):
    rng = np.random.default_rng(11)
    x = rng.integers(0, 256, (ROWS, 67)).astype(np.uint8)
    x[rng.random(x.shape) < 0.95] = zero
    x[:, 5] = zero
    layers = [{"kind": "rescaling", "scale": 0.25, "offset": -0.25 * zero}, dense(70, "relu"), dense(5, "softmax")]
    y = rng.integers(0, 5, ROWS).astype(np.intc)
    assert_skipping_shows_nowhere(x, y, layers, OPTIMIZERS[0], dtype, 71)
    with unchecked():
        network = Network(67, layers[:2], dtype=dtype)
    weights = initial(67, layers[:2], rng)
    weights[0][5] = np.inf
    network.set_weights(weights)
    assert np.isfinite(network.predict(x)).all()


@every_dtype
def test_rows_that_come_one_by_one_wait_for_their_list_with_skipping_turned_off_too(dtype, isa):
    rng = np.random.default_rng(12)
    x, y = sparse_rows(rng, (101, 67)), rng.integers(0, 5, 101).astype(np.intc)
    layers = [dense(70, "relu"), dense(130, "relu"), dense(70, "tanh"), dense(5, "softmax")]
    expected = everything(x, y, layers, SLOW_SGD, dtype, 1, skip=False, threads=1)
    for threads in THREADS[1:]:
        assert everything(x, y, layers, SLOW_SGD, dtype, 1, skip=False, threads=threads) == expected


# ---------------------------------------------------------------------------------- what a zero meets is not finite


def spoiled(make, dtype, skip, threads, rows=ROWS, where="kernel", optimizer=SLOW_SGD, lost=np.inf):
    """All a network computes where one number is not finite; NaN is NaN, whatever its bits."""
    rng = np.random.default_rng(13)
    x, layers = make(rng, (ROWS, 131)), [dense(67, "tanh", use_bias=False), dense(66, "relu"), dense(5)]
    weights, y = initial(131, layers, rng), rng.normal(size=(ROWS, 5)).astype(dtype)
    if where == "kernel":
        weights[0][-1, 3] = lost
    elif where == "targets":
        y[ROWS // 2] = lost
    with skipping(skip):
        network = Network(131, layers, "mean_squared_error", optimizer, dtype)
    network.threads = threads
    network.set_weights(weights)
    found = [network.predict(x), *network.gradients(x, y)[1]]
    found += [np.array([network.train_epoch(x, y, np.arange(ROWS), rows) for _ in range(2)])]
    found += [*network.get_weights(), *network.get_optimizer_state()]
    return [np.where(np.isnan(array), np.nan, array).tobytes() for array in found], found


@every_dtype
@pytest.mark.parametrize("lost", [np.inf, np.nan])
@pytest.mark.parametrize("where", ["kernel", "targets"])
@pytest.mark.parametrize("rows", [1, 71])
def test_nothing_is_skipped_that_meets_what_is_not_finite(rows, where, lost, dtype, isa):
    make = zero_rows if where == "targets" else sparse_rows
    expected, arrays = spoiled(make, dtype, False, 1, rows, where, lost=lost)
    assert np.isnan(arrays[0]).all() if where == "kernel" else np.isnan(arrays[1]).any(axis=0).all()
    for threads in THREADS:
        assert spoiled(make, dtype, True, threads, rows, where, lost=lost)[0] == expected


@every_dtype
@every_optimizer
def test_a_step_that_overflows_is_noticed(optimizer, dtype, isa):
    """The zeros of the next step meet weights that are not finite any more."""
    fast = optimizer | {"learning_rate": {"float32": 3e38, "float64": 1.7e308}[dtype]}
    expected, arrays = spoiled(one_a_row, dtype, False, 1, 71, "", fast)
    assert not all(np.isfinite(array).all() for array in arrays)
    for threads in THREADS:
        assert spoiled(one_a_row, dtype, True, threads, 71, "", fast)[0] == expected


@pytest.mark.parametrize("units", [1, 5, 70])  # narrow, one panel, lists
def test_steps_are_counted_until_one_is_not_finite(units):
    x, y = np.zeros((6, 67)), np.zeros((6, units))
    x[:, 4] = [1, 1, 1, 1e200, 1, 1]
    network = Network(67, [dense(units)], "mean_squared_error", {"name": "sgd", "learning_rate": 0.1}, "float64")
    network.set_weights(initial(67, [dense(units)], np.random.default_rng(16)))
    network.train_epoch(x, y, np.array([0, 1, 2]), 1)
    assert network.steps_finite == 3
    network.train_epoch(x, y, np.array([0, 3, 1, 2]), 1)
    assert network.steps_finite == 1
    network.set_weights([np.zeros((67, units)), np.zeros(units)])
    network.train_epoch(x, y + 1e200, np.array([0, 1, 2]), 1)  # the loss alone
    assert network.steps_finite == 0


@every_dtype
def test_finite_weights_that_are_set_again_are_noticed(dtype):
    network = Network(67, [dense(70)], dtype=dtype)
    x = one_a_row(np.random.default_rng(14), (ROWS, 67)).astype(dtype)
    weights = initial(67, [dense(70)], np.random.default_rng(15))
    network.set_weights(weights)
    expected = network.predict(x)
    network.set_weights([np.full((67, 70), np.inf), weights[1]])
    assert np.isnan(network.predict(x)).all()
    network.set_weights(weights)
    assert network.predict(x).tobytes() == expected.tobytes()


# ------------------------------------------------------------------------------------------ sums that end too small


@every_dtype
@pytest.mark.parametrize("rows", [1, 2, 15])
def test_a_sum_that_ends_below_the_smallest_number_ends_as_0(rows, dtype, isa):
    """Fused, a small product of unlike signs leaves -0, which zeros after it turn into 0: unless they are skipped."""
    tiny = {"float32": 1e-30, "float64": 1e-200}[dtype]
    x = np.zeros((rows, 67))
    x[:, 4] = tiny
    for sign in 1.0, -1.0:  # of the weights that meet the zeros
        for units in 3, 70:
            kernel = np.full((67, units), sign)
            kernel[4] = -tiny
            for skip in True, False:
                with skipping(skip):
                    network = Network(67, [dense(units, use_bias=False)], dtype=dtype)
                network.set_weights([kernel])
                y = network.predict(x)
                assert not y.any()
                assert not np.signbit(y).any()


@every_dtype
@pytest.mark.parametrize("l2", [0.0, 0.01])
def test_a_gradient_below_the_smallest_number_is_0(l2, dtype, isa):
    """A step of -0 would turn a weight of -0 into 0."""
    tiny = {"float32": 1e-30, "float64": 1e-200}[dtype]
    for units, rows in (3, 1), (70, 1), (70, 29):
        x = np.zeros((rows, 67))
        x[0, 4] = tiny
        y = np.full((rows, units), tiny, dtype)
        for skip in True, False:
            with skipping(skip):
                network = Network(67, [dense(units, use_bias=False, l2=l2)], "mean_squared_error", SLOW_SGD, dtype)
            network.set_weights([np.full((67, units), -0.0)])
            if l2 == 0:
                assert not np.signbit(network.gradients(x, y)[1][0]).any()
            network.train_epoch(x, y, np.arange(rows), rows)
            assert not network.get_weights()[0].any()
            assert np.signbit(network.get_weights()[0]).all()
