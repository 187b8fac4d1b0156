"""Sparse rows give a network the bits that the same rows give it whole."""

import tracemalloc

import numpy as np
import pytest

pytest.importorskip("scipy", reason="needs SciPy")

import scipy.sparse as sp

import reference
from fastmlp import kernels
from fastmlp.kernels import Network
from fastmlp.kernels.engine.arena import is_transposed
from fastmlp.kernels.engine.sparse_product import sparse_product
from fastmlp.kernels.engine.sparse_rows import SparseRows, sparse_rows
from tests.conftest import THREADS
from tests.kernels.engine.comparing import assert_same, lists
from tests.networks import AROUND_A_RULE, OPTIMIZERS, batch_normalization, dense, dropout, initial

LOSS, METRIC = "sparse_categorical_crossentropy", "sparse_categorical_accuracy"
ROWS = 61
every_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])
every_optimizer = pytest.mark.parametrize(
    "optimizer", OPTIMIZERS + AROUND_A_RULE, ids=lambda one: one["name"] + "_around" * ("clipvalue" in one)
)


def rows_of(rng, shape, density=0.1):
    """Rows with numbers of either sign in a few places, one row and one column without any."""
    x = rng.normal(size=shape) * (rng.random(shape) < density)
    x[len(x) // 2] = 0
    x[:, shape[1] // 3] = 0
    return x


def columns_of_a_panel(dtype):
    width = {"avx512": 64, "avx2": 32}.get(kernels.isa.name(), 16)
    return 2 * width // np.dtype(dtype).itemsize


def everything(x, y, layers, optimizer, dtype, batch_size, threads=1):
    """All a network computes from the rows, as bits."""
    rng = np.random.default_rng(8)
    columns = x.shape[1]
    network = Network(columns, layers, LOSS, optimizer, dtype)
    network.threads = threads
    network.set_weights(initial(columns, layers, rng))
    predictions = np.zeros((len(x), network.outputs), dtype)
    results = [
        network.train_epoch(x, y, rng.permutation(len(x)), batch_size, METRIC, predictions=predictions)
        for _ in range(3)
    ]
    loss, gradients = network.gradients(x, y, training=True)
    results += [loss, network.evaluate(x, y, METRIC)]
    arrays = [*network.get_weights(), *network.get_optimizer_state(), *gradients, predictions]
    arrays += [network.predict(x), network.predict(x, training=True)]
    assert np.isfinite(arrays[-1]).all()
    return results, [array.tobytes() for array in arrays]


def assert_same_as_whole(x, layers, optimizer, dtype, batch_size, threads=THREADS):
    x = x.astype(dtype)
    y = np.random.default_rng(9).integers(0, layers[-1]["units"], len(x)).astype(np.intc)
    expected = everything(x, y, layers, optimizer, dtype, batch_size)
    for count in threads:
        found = everything(sparse_rows(sp.csr_matrix(x), dtype), y, layers, optimizer, dtype, batch_size, count)
        assert found == expected


@every_dtype
def test_what_is_not_stored_meets_no_infinite_weight(dtype, isa, threads):
    x = rows_of(np.random.default_rng(10), (ROWS, 67)).astype(dtype)
    unused, units = 67 // 3, 35  # so many that nothing is stored transposed
    weights = initial(67, [dense(units)], np.random.default_rng(11))
    weights[0][unused] = np.inf
    network = Network(67, [dense(units)], "mean_squared_error", OPTIMIZERS[0], dtype)
    network.threads = threads
    network.set_weights(weights)
    assert np.isnan(network.predict(x)).all()
    stored = sparse_rows(sp.csr_matrix(x), dtype)
    assert np.isfinite(network.predict(stored)).all()
    with_zero = x.copy()
    with_zero[3, unused] = 1
    with_zero = sparse_rows(sp.csr_matrix(with_zero), dtype)
    with_zero.data[with_zero.data == 1] = 0
    assert np.isnan(network.predict(with_zero)).all(axis=1).tolist() == [row == 3 for row in range(ROWS)]


@every_dtype
@every_optimizer
def test_a_step_by_sparse_rows_that_overflows_is_noticed(optimizer, dtype, isa, threads):
    """The zeros of whole rows meet the weights then."""
    x = rows_of(np.random.default_rng(12), (ROWS, 67)).astype(dtype)
    units = 35
    fast = optimizer | {"learning_rate": {"float32": 3e38, "float64": 1.7e308}[dtype], "clipvalue": 0.0}
    network = Network(67, [dense(units, use_bias=False)], "mean_squared_error", fast, dtype)
    network.threads = threads
    y = np.full((ROWS, units), np.finfo(dtype).max / 4, dtype)
    network.train_epoch(sparse_rows(sp.csr_matrix(x), dtype), y, np.arange(ROWS), ROWS)
    infinite = ~np.isfinite(network.get_weights()[0])
    if optimizer == OPTIMIZERS[0]:
        assert infinite.any()
    if infinite.any():
        columns = infinite.any(axis=0)
        assert not np.isfinite(network.predict(x)[:, columns]).any()


@every_dtype
@pytest.mark.parametrize("l2", [0.0, 0.01])
@every_optimizer
def test_every_optimizer_has_the_bits_of_whole_rows(optimizer, l2, dtype, isa):
    x = rows_of(np.random.default_rng(1), (ROWS, 67))
    layers = [dense(35, "relu", l2=l2), dropout(0.5), dense(5, "softmax")]
    assert_same_as_whole(x, layers, optimizer, dtype, 24, [2 if l2 else 3])


@every_dtype
def test_every_shape_has_the_bits_of_whole_rows(dtype, isa):
    panel = columns_of_a_panel(dtype)
    rng = np.random.default_rng(2)
    shapes = [(1, 1, 1), (2, 7, 3), (14, panel, panel), (15, panel + 1, panel + 1), (33, 2 * panel + 3, 3 * panel - 1)]
    shapes += [(20, 65, 4 * panel), (20, 300, 5 * panel + 1), (3, 2500, 3)]
    for rows, columns, units in shapes:
        x = rows_of(rng, (rows, columns))
        for optimizer in OPTIMIZERS[0], OPTIMIZERS[5]:
            layers = [dense(units, "tanh"), dense(4, "softmax")]
            assert_same_as_whole(x, layers, optimizer, dtype, rows // 2 + 1, [1, 2])
            layers = [dense(max(2, units), "softmax", use_bias=False)]
            assert_same_as_whole(x, layers, optimizer, dtype, rows // 3 + 1, [2])


@every_dtype
def test_rows_one_by_one_have_the_bits_of_whole_rows(dtype):
    x = rows_of(np.random.default_rng(12), (7, 67))
    for units in 3, 70:
        for optimizer in OPTIMIZERS[0], OPTIMIZERS[5]:
            assert_same_as_whole(x, [dense(units, "tanh"), dense(4, "softmax")], optimizer, dtype, 1)


@every_dtype
@pytest.mark.parametrize("density", [0.0, 0.02, 0.5, 1.0])
def test_any_density_has_the_bits_of_whole_rows(density, dtype):
    x = rows_of(np.random.default_rng(3), (ROWS, 131), density)
    for optimizer in OPTIMIZERS[0], OPTIMIZERS[5]:
        assert_same_as_whole(x, [dense(40, "relu"), dense(5, "softmax")], optimizer, dtype, 13, [1, 2])


def test_the_oracle_has_the_same_bits(isa, threads):
    rng = np.random.default_rng(4)
    x, y = rows_of(rng, (ROWS, 37)), rng.integers(0, 3, ROWS).astype(np.intc)
    layers = [dense(18, "tanh", l2=0.01), batch_normalization(), dense(3, "softmax")]
    weights = initial(37, layers, rng)
    for optimizer in OPTIMIZERS[0], OPTIMIZERS[5]:
        network, oracle = (
            Network(37, layers, LOSS, optimizer, "float64"),
            reference.Network(37, layers, LOSS, optimizer),
        )
        network.threads = threads
        network.set_weights(weights)
        oracle.set_weights(lists(weights))
        order = rng.permutation(ROWS)
        results = [
            network.train_epoch(sparse_rows(sp.csr_matrix(x), "float64"), y, order, 13),
            oracle.train_epoch(x.tolist(), y.tolist(), order.tolist(), 13),
        ]
        assert results[0] == results[1]
        assert_same(network.get_weights(), oracle.get_weights())


@every_dtype
def test_numbers_in_any_order_and_of_one_place_are_added_and_kept_as_they_were(dtype):
    data, columns = np.array([1.0, 2.0, 4.0, 8.0], dtype), np.array([3, 0, 3, 1])
    for layout in sp.csr_matrix, sp.csr_array, sp.csc_matrix, sp.coo_matrix, sp.bsr_matrix, sp.lil_matrix:
        given = sp.csr_matrix((data.copy(), columns.copy(), [0, 3, 3, 4]), shape=(3, 5))
        rows = sparse_rows(layout(given.copy()) if layout is sp.lil_matrix else layout(given), dtype)
        assert (rows.indices.dtype, rows.indptr.dtype, rows.dtype) == (np.int32, np.int64, dtype)
        assert (rows.indices.tolist(), rows.indptr.tolist()) == ([0, 3, 1], [0, 2, 2, 3])
        assert rows.data.tolist() == [2.0, 5.0, 8.0]
        assert given.data.tolist() == data.tolist() and given.indices.tolist() == columns.tolist()


def test_numbers_that_fit_are_not_copied():
    given = sp.csr_matrix(rows_of(np.random.default_rng(5), (9, 11)))
    rows = sparse_rows(given, "float64")
    assert np.shares_memory(rows.data, given.data)  # unlike places, which must stay what they are


def test_memory_is_that_of_the_numbers_and_of_the_optimizer():
    """Neither rows made whole, nor lists or gradients of the size of the kernel."""
    columns, units = 200_000, 16
    x = sp.random(40, columns, 1e-4, "csr", random_state=0)
    network = Network(columns, [dense(units, "tanh"), dense(1)], "mean_squared_error", OPTIMIZERS[5], "float64")
    y = np.zeros((40, 1))
    tracemalloc.start()
    network.train_epoch(sparse_rows(x, "float64"), y, np.arange(40), 20)
    network.predict(sparse_rows(x, "float64"))
    assert tracemalloc.get_traced_memory()[1] < columns * 8
    tracemalloc.stop()


def test_dense_and_sparse_rows_may_alternate():
    rng = np.random.default_rng(6)
    x = rows_of(rng, (ROWS, 40))
    rows = sparse_rows(sp.csr_matrix(x), "float64")
    network = Network(40, [dense(20, "tanh"), dense(3)], dtype="float64")
    network.set_weights(initial(40, [dense(20, "tanh"), dense(3)], rng))
    expected = network.predict(x)
    for one in rows, x, x[:3].copy(), rows, x:
        assert network.predict(one).tobytes() == expected[: len(one)].tobytes()
        out = np.zeros((2, 3))
        assert network.predict_small(x[:2].copy(), out) and out.tobytes() == expected[:2].tobytes()


def test_one_of_several_inputs_may_be_sparse_with_the_gradient_by_the_other():
    rng = np.random.default_rng(7)
    x, z, y = rows_of(rng, (ROWS, 40)), rng.normal(size=(ROWS, 3)), rng.normal(size=(ROWS, 2))
    layers = [
        dense(17, "tanh") | {"inputs": [0]},
        dense(17, "relu") | {"inputs": [1]},
        {"kind": "add", "inputs": [2, 3]},
        dense(2),
    ]
    network = Network([40, 3], layers, "mean_squared_error", None, "float64")
    shapes = [weight.shape for weight in network.get_weights()]
    network.set_weights([rng.normal(size=shape) for shape in shapes])
    assert network.takes_sparse == (True, True)
    found = []
    for first in x, sparse_rows(sp.csr_matrix(x), "float64"):
        by_z = np.zeros_like(z)
        loss, gradients = network.gradients([first, z], y, input_gradient=[None, by_z])
        found.append((loss, [array.tobytes() for array in [*gradients, by_z]]))
    assert found[0] == found[1]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"data": np.ones(4, np.float32)}, "x: got data of float32 .4,., needs a C-contiguous vector of float64"),
        ({"indices": np.zeros(4, np.int64)}, "x: got indices of int64"),
        ({"indices": np.array([0, 1, 2, 5], np.int32)}, "x: got columns from 0 to 5, needs 0 to 4"),
        ({"indices": np.array([0, -1, 2, 4], np.int32)}, "x: got columns from -1 to 4, needs 0 to 4"),
        ({"indices": np.zeros(3, np.int32)}, "x: got an indptr that does not increase from 0 to 3 over 3 rows"),
        ({"indptr": np.array([0, 2, 1, 4])}, "x: got an indptr that does not increase"),
        ({"indptr": np.array([-1, 2, 3, 4])}, "x: got an indptr that does not increase"),
        ({"indptr": np.array([0, 2, 4])}, "x: got an indptr that does not increase"),
        ({"shape": (3, 6)}, r"x: got sparse rows \(3, 6\), needs shape \(rows, 5\)"),
        ({"shape": (0, 5), "indptr": np.array([0])}, r"x: got sparse rows \(0, 5\)"),
    ],
)
def test_what_does_not_fit_is_refused(change, message):
    good = {
        "data": np.ones(4),
        "indices": np.array([0, 1, 2, 4], np.int32),
        "indptr": np.array([0, 2, 2, 4]),
        "shape": (3, 5),
    }
    network = Network(5, [dense(2)], dtype="float64")
    network.predict(SparseRows(**good))
    with pytest.raises(ValueError, match=message):
        network.predict(SparseRows(**good | change))


def test_rows_that_not_only_dense_layers_read_cannot_be_sparse():
    rows = sparse_rows(sp.eye(4, format="csr"), "float64")
    network = Network(4, [dropout(0.5), dense(2)], dtype="float64")
    assert network.takes_sparse == (False,)
    with pytest.raises(ValueError, match="x: got sparse rows, needs an array, as not only dense layers read it"):
        network.predict(rows)
    network = Network(4, [dense(2)], dtype="float64")
    with pytest.raises(ValueError, match="input_gradient: got memory for sparse x, needs None"):
        network.vjp(rows, np.zeros((4, 2)), input_gradient=np.zeros((4, 4)))


@every_dtype
def test_a_product_with_a_matrix_as_it_lies_has_the_bits_of_a_network(dtype, isa, threads):
    rng, panel = np.random.default_rng(13), columns_of_a_panel(dtype)
    for columns in 1, 3, 70:
        x = rows_of(rng, (9, columns), 0.5).astype(dtype)
        x[3] = rng.normal(size=columns)  # to the last column, behind which no memory may be read
        rows = sparse_rows(sp.csr_matrix(x), dtype)
        for units in {1, 2, panel - 1, panel, panel + 1, 2 * panel + 3, 7 * panel - 1}:
            if is_transposed("kernel", (columns, units)):
                continue
            network = Network(columns, [dense(units)], dtype=dtype)
            kernel, bias = rng.normal(size=(columns, units)).astype(dtype), rng.normal(size=units).astype(dtype)
            network.set_weights([kernel, bias])
            assert sparse_product(rows, kernel, bias, threads).tobytes() == network.predict(x).tobytes()
    with pytest.raises(ValueError, match=r"bias: got shape \(1,\), needs"):
        sparse_product(rows, kernel, bias[:1])
    with pytest.raises(ValueError, match="rows: got sparse rows"):
        sparse_product(rows, kernel[1:], bias)


def test_epochs_together_have_room_for_the_fullest_batch_of_each():
    """Batches end with an epoch, and do not go on in the next."""
    x = np.zeros((5, 4000))
    x[3:] = np.random.default_rng(14).normal(size=(2, 4000))
    orders = np.array([[0, 1, 2, 3, 4], [3, 4, 0, 1, 2], [0, 3, 4, 1, 2]])
    found = []
    for rows in x, sparse_rows(sp.csr_matrix(x), "float64"):
        network, results = Network(4000, [dense(3, "tanh")], "mean_squared_error", OPTIMIZERS[5], "float64"), []
        network.train_epochs(rows, np.ones((5, 3)), orders, 2, results)
        found.append((results, network.get_weights()[0].tobytes()))
    assert found[0] == found[1]
    assert sparse_rows(sp.csr_matrix(x), "float64").most_together(orders.reshape(-1), 2, 3) == 8000
