"""What public kernels do with arguments that do not fit."""

import numpy as np
import pytest

from fastmlp import kernels

X = np.ones((3, 4))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: kernels.add(X, np.ones((4, 3))), ValueError, r"add: y: got shape \(4, 3\), needs \(m=3, n=4\)"),
        (lambda: kernels.matrix_dot(X, X), ValueError, r"matrix_dot: y: got shape \(3, 4\), needs \(k=4, n\)"),
        (lambda: kernels.relu(X[0]), ValueError, r"relu: x: got shape \(4,\), needs \(m, n\)"),
        (lambda: kernels.relu(X[:0]), ValueError, "relu: x: got shape \\(0, 4\\), needs at least one element"),
        (lambda: kernels.relu(X.astype(int)), TypeError, "relu: x: got int64, needs float32 or float64"),
        (lambda: kernels.relu(X.astype(complex)), TypeError, "relu: x: got complex128, needs float32 or float64"),
        (lambda: kernels.relu("x"), TypeError, "relu: x: got <U1, needs float32 or float64"),
        (lambda: kernels.relu([[1.0], [1.0, 2.0]]), (TypeError, ValueError), "."),
        (lambda: kernels.add(X, X.astype(np.float32)), TypeError, "add: y: got float32, needs float64 like"),
        (lambda: kernels.relu(X, threads=0), ValueError, "relu: threads: got 0, needs 1 to 256"),
        (lambda: kernels.relu(X, threads=1.5), TypeError, "relu: threads: got 1.5, needs int"),
        (lambda: kernels.relu(), TypeError, "x"),
        (lambda: kernels.relu(X, outt=X), TypeError, "outt"),
        (lambda: kernels.reshape(X, 5, 2), ValueError, "reshape: got .*, needs rows \\* columns elements in x"),
        (lambda: kernels.reshape(X, -3, -4), ValueError, "needs at least 1 in every dimension"),
        (lambda: kernels.reshape(X, 6.0, 2), TypeError, "reshape: rows: got 6.0, needs int"),
        (lambda: kernels.dropout(X, 1.5, 0, 0, 0), ValueError, "dropout: rate: got 1.5, needs 0 to 1"),
        (lambda: kernels.dropout(X, float("nan"), 0, 0, 0), ValueError, "dropout: rate: got nan, needs 0 to 1"),
        (lambda: kernels.dropout(X, 0.5, -1, 0, 0), ValueError, "dropout: seed: got -1, needs 0 to"),
        (lambda: kernels.dropout(X, "0.5", 0, 0, 0), TypeError, "dropout: rate: got '0.5', needs float"),
        (lambda: kernels.sgd(X.copy(), X, 10**400), TypeError, "sgd: learning_rate: got 10000.*, needs float"),
        (lambda: kernels.philox4x32([0, 1, 2], [0, 0]), ValueError, r"counter: got shape \(3,\), needs \(4\)"),
        (
            lambda: kernels.philox4x32([0, 1, 2, 2**32], [0, 0]),
            ValueError,
            "counter: got numbers from 0 to 4294967296, needs 0 to 4294967295",
        ),
        (
            lambda: kernels.sparse_categorical_crossentropy([0, 4, 1], X),
            ValueError,
            "y_true: got numbers from 0 to 4, needs 0 to 3",
        ),
        (
            lambda: kernels.sparse_categorical_crossentropy_from_logits_gradient([0, -1, 1], X),
            ValueError,
            "y_true: got numbers from -1 to 1, needs 0 to 3",
        ),
        (
            lambda: kernels.sparse_categorical_crossentropy([0.0, 1, 1], X),
            TypeError,
            "y_true: got float64, needs integers",
        ),
        (
            lambda: kernels.sgd(X[:, ::2], X[:, ::2], 0.1),
            ValueError,
            "sgd: w: got .*, needs a C-contiguous, aligned, writable array",
        ),
        (
            lambda: kernels.sgd([1.0], [1.0], 0.1),
            ValueError,
            "sgd: w: got .*, needs a C-contiguous, aligned, writable array",
        ),
        (lambda: kernels.sgd(X, X[0], 0.1), ValueError, "sgd: g: got shape"),
        (lambda: kernels.adam(X, X, X, X, 0.1, 0.9, 0.9, 1e-7, 0), ValueError, "adam: step: got 0, needs 1 to"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_masked_labels_do_not_hide_what_lies_under_the_mask():
    labels = np.ma.array([0, 10**8, 1], mask=[0, 1, 0], dtype=np.intc)
    with pytest.raises(ValueError, match="y_true: got numbers from 0 to 100000000, needs 0 to 3"):
        kernels.sparse_categorical_crossentropy(labels, X)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda a: kernels.relu(a, out=a), "relu: out: got memory of x, needs its own"),
        (lambda a: kernels.transpose(a, out=a), "transpose: out: got memory of x, needs its own"),
        (lambda a: kernels.sigmoid_gradient(X[:3, :3].copy(), a, out=a), "sigmoid_gradient: out: got memory of dy"),
        (lambda a: kernels.sgd(a, a, 0.1), "sgd: w: got memory of g, needs its own"),
        (lambda a: kernels.momentum(a, a.copy(), a, 0.1, 0.9), "momentum: w: got memory of m, needs its own"),
        (lambda a: kernels.relu(a[1:], out=a[:-1]), "relu: out: got memory of x, needs its own"),
    ],
)
def test_memory_that_is_written_is_not_shared(call, message):
    with pytest.raises(ValueError, match=message):
        call(np.ones((3, 3)))


def test_neighbours_in_one_block_share_nothing():
    block = np.ones((2, 3, 3))
    kernels.relu(block[0], out=block[1])


def test_lists_are_taken_as_float64():
    assert kernels.matrix_dot([[1.0, 2.0]], [[3.0], [4.0]]).tolist() == [[11.0]]


def test_optimizers_change_arrays_of_any_shape_in_place():
    w, g = np.ones((2, 3, 4), np.float32), np.full((2, 3, 4), 2, np.float32)
    assert kernels.sgd(w, g, 0.25) is None
    assert (w == 0.5).all()
