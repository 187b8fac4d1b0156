"""What public kernels do with arguments that do not fit."""

import numpy as np
import pytest

from fastmlp import kernels

X = np.ones((3, 4))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: kernels.add(X, np.ones((4, 3))), ValueError, r"add: y must have shape \(m=3, n=4\), got \(4, 3\)"),
        (lambda: kernels.matrix_dot(X, X), ValueError, r"matrix_dot: y must have shape \(k=4, n\), got \(3, 4\)"),
        (lambda: kernels.relu(X[0]), ValueError, r"relu: x must have shape \(m, n\), got \(4,\)"),
        (lambda: kernels.relu(X[:0]), ValueError, "relu: x must not be empty"),
        (lambda: kernels.relu(X.astype(int)), TypeError, "relu: x must be float32 or float64, got int64"),
        (lambda: kernels.relu(X.astype(complex)), TypeError, "relu: x must be float32 or float64, got complex128"),
        (lambda: kernels.relu("x"), TypeError, "relu: x must be float32 or float64"),
        (lambda: kernels.relu([[1.0], [1.0, 2.0]]), (TypeError, ValueError), "."),
        (lambda: kernels.add(X, X.astype(np.float32)), TypeError, "add: y must be float64 like .*, got float32"),
        (lambda: kernels.relu(X, threads=0), ValueError, "relu: threads must be from 1 to 256, got 0"),
        (lambda: kernels.relu(X, threads=1.5), TypeError, "relu: threads must be int, got 1.5"),
        (lambda: kernels.relu(), TypeError, "x"),
        (lambda: kernels.relu(X, outt=X), TypeError, "outt"),
        (lambda: kernels.reshape(X, 5, 2), ValueError, "reshape: x must have rows \\* columns elements"),
        (lambda: kernels.reshape(X, -3, -4), ValueError, "every dimension must be at least 1"),
        (lambda: kernels.reshape(X, 6.0, 2), TypeError, "reshape: rows must be int, got 6.0"),
        (lambda: kernels.dropout(X, 1.5, 0, 0, 0), ValueError, "dropout: rate must be from 0 to 1, got 1.5"),
        (lambda: kernels.dropout(X, float("nan"), 0, 0, 0), ValueError, "dropout: rate must be from 0 to 1, got nan"),
        (lambda: kernels.dropout(X, 0.5, -1, 0, 0), ValueError, "dropout: seed must be from 0 to .*, got -1"),
        (lambda: kernels.dropout(X, "0.5", 0, 0, 0), TypeError, "dropout: rate must be float, got '0.5'"),
        (lambda: kernels.sgd(X.copy(), X, 10**400), TypeError, "sgd: learning_rate must be float, got 10000"),
        (lambda: kernels.philox4x32([0, 1, 2], [0, 0]), ValueError, r"counter must have shape \(4\), got \(3,\)"),
        (
            lambda: kernels.philox4x32([0, 1, 2, 2**32], [0, 0]),
            ValueError,
            "counter must hold numbers from 0 to 42949672",
        ),
        (
            lambda: kernels.sparse_categorical_crossentropy([0, 4, 1], X),
            ValueError,
            "y_true must hold numbers from 0 to 3, got 0 to 4",
        ),
        (
            lambda: kernels.sparse_categorical_crossentropy_from_logits_gradient([0, -1, 1], X),
            ValueError,
            "y_true must hold numbers from 0 to 3, got -1 to 1",
        ),
        (lambda: kernels.sparse_categorical_crossentropy([0.0, 1, 1], X), TypeError, "y_true must hold integers"),
        (lambda: kernels.sgd(X[:, ::2], X[:, ::2], 0.1), ValueError, "sgd: w is changed in place: it must be"),
        (lambda: kernels.sgd([1.0], [1.0], 0.1), ValueError, "sgd: w is changed in place: it must be"),
        (lambda: kernels.sgd(X, X[0], 0.1), ValueError, "sgd: g must have shape"),
        (lambda: kernels.adam(X, X, X, X, 0.1, 0.9, 0.9, 1e-7, 0), ValueError, "adam: step must be from 1"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_masked_labels_do_not_hide_what_lies_under_the_mask():
    labels = np.ma.array([0, 10**8, 1], mask=[0, 1, 0], dtype=np.intc)
    with pytest.raises(ValueError, match="y_true must hold numbers from 0 to 3, got 0 to 100000000"):
        kernels.sparse_categorical_crossentropy(labels, X)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda a: kernels.relu(a, out=a), "relu: out must not share memory with x"),
        (lambda a: kernels.transpose(a, out=a), "transpose: out must not share memory with x"),
        (lambda a: kernels.sigmoid_gradient(X[:3, :3].copy(), a, out=a), "sigmoid_gradient: out must not .* with dy"),
        (lambda a: kernels.sgd(a, a, 0.1), "sgd: w must not share memory with g"),
        (lambda a: kernels.momentum(a, a.copy(), a, 0.1, 0.9), "momentum: w must not share memory with m"),
        (lambda a: kernels.relu(a[1:], out=a[:-1]), "relu: out must not share memory with x"),
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
