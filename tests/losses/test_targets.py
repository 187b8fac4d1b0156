"""The targets that a loss takes, how they reach the engine, and what the others are told."""

import numpy as np
import pytest

import fastmlp as keras
from fastmlp import losses
from tests.losses.targets import MSE, targets

ONE_HOT = losses.CategoricalCrossentropy()


@pytest.mark.parametrize("loss", [ONE_HOT, losses.BinaryCrossentropy(), losses.BinaryCrossentropy(from_logits=True)])
@pytest.mark.parametrize("wrong", [-0.5, 1.5, 7])
def test_targets_of_a_cross_entropy_lie_between_0_and_1(loss, wrong):
    y = np.eye(4, 3)
    assert np.array_equal(targets(y, loss=loss), y)
    y[2, 1] = wrong
    low, high = min(wrong, 0.0), max(wrong, 1.0)
    with pytest.raises(
        ValueError, match=f"y: got values from {low} to {float(high)}, needs 0 to 1 for '{loss.engine_name}'"
    ):
        targets(y, loss=loss)
    assert np.array_equal(targets(y, loss=MSE), y)


@pytest.mark.parametrize("loss", [ONE_HOT, losses.BinaryCrossentropy(), losses.CategoricalFocalCrossentropy()])
@pytest.mark.parametrize(
    ("model", "of"), [("float32", "float32"), ("float32", "float64"), ("float64", "float64"), ("float64", "float32")]
)
def test_what_rounding_has_moved_beyond_0_or_1_is_clipped(loss, model, of):
    unit = max(np.finfo(model).eps, np.finfo(of).eps)
    for few in (0.5, 1, 4):
        y = np.eye(4, 3).astype(of)
        y[1, 1] += np.asarray(few * unit, of)
        y[2, 0] -= np.asarray(few * unit, of)
        given = y.copy()
        assert np.array_equal(targets(y, loss=loss, dtype=model), np.eye(4, 3)) and np.array_equal(y, given)
    for wrong in (1 + 20 * unit, -20 * unit, 1.001):
        y = np.eye(4, 3).astype(of)
        y[2, 1] = wrong
        with pytest.raises(ValueError, match="y: got values from"):
            targets(y, loss=loss, dtype=model)


def test_scaled_columns_are_probabilities():
    """A table scaled by its minimum and maximum often ends a little above 1, wherever it is given."""
    beyond = 0
    for seed in range(40):
        x = np.random.default_rng(seed).normal(size=(30, 3))
        scale = 1 / (x.max(axis=0) - x.min(axis=0))
        y = x * scale + (0 - x.min(axis=0) * scale)
        beyond += y.max() > 1
        assert targets(y, rows=30, loss=losses.BinaryCrossentropy()).max() == 1
        model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(3, "sigmoid")])
        model.compile("sgd", "binary_crossentropy")
        model.fit(x, y, validation_data=(x, y), verbose=0)
        model.train_on_batch(x, y)
    assert beyond >= 3


@pytest.mark.parametrize("of", ["float32", "float64"])
def test_class_numbers_without_what_rounding_has_added(of):
    unit = np.finfo(of).eps
    y = np.array([0, 2, 1, 2], of) + np.array([-1, 2, 3, -2], of) * unit
    assert targets(y).tolist() == [0, 2, 1, 2]
    with pytest.raises(ValueError, match=r"y: got label 1\.0"):
        targets(np.array([0, 1 + 50 * unit, 2, 0], of))


@pytest.mark.parametrize(
    "make", [list, np.array, lambda y: np.array(y, float)[:, None], lambda y: np.array(y, np.uint64)]
)
def test_class_numbers_become_int32(make):
    result = targets(make([0, 2, 1, 2]))
    assert result.dtype == np.int32 and result.tolist() == [0, 2, 1, 2]


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([0, 1, 2, 3], "y: got labels from 0 to 3, needs integers from 0 to 2"),
        ([0, 1, 2, -1], "y: got labels from -1 to 2"),
        ([0, 1, 2**32, 0], "y: got labels from 0 to 4294967296"),
        ([0, 1, 1.5, 2], "y: got label 1.5, needs integers from 0 to 2"),
        ([0, 1, np.nan, 2], "y: got labels from nan to nan"),
        ([0, 1, np.inf, 2], "y: got labels from 0.0 to inf"),
        ([0, 1, 2], "y: got 3 rows, needs 4, one for each row of x"),
        (2, "y: got a single value, needs 4"),
        (np.eye(4, 3), r"y: got shape \(4, 3\), needs .*; for one-hot rows use loss 'categorical_crossentropy'"),
        (np.zeros((4, 2)), r"y: got shape \(4, 2\), needs \(4,\), class numbers"),
        (np.zeros((4, 0)), r"y: got shape \(4, 0\)"),
    ],
)
def test_class_numbers_that_do_not_fit(y, message):
    with pytest.raises(ValueError, match=message):
        targets(y)


def test_class_numbers_need_two_outputs():
    with pytest.raises(ValueError, match="loss: got 'sparse_categorical_crossentropy' for a model of one output"):
        targets([0, 0, 0, 0], units=1)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_columns_become_the_models_type(dtype):
    result = targets(np.asfortranarray(np.eye(4, 3, dtype=np.int8)), loss=ONE_HOT, dtype=dtype)
    assert result.dtype == dtype and result.flags.c_contiguous and np.array_equal(result, np.eye(4, 3))
    assert targets([True, False, True, True], units=1, loss=MSE).tolist() == [[1], [0], [1], [1]]


@pytest.mark.parametrize(
    ("y", "loss", "message"),
    [
        (
            [0, 1, 2, 0],
            ONE_HOT,
            r"got shape \(4,\), needs \(4, 3\), .*; for class numbers use loss 'sparse_categorical",
        ),
        ([[0], [1], [2], [0]], ONE_HOT, "for class numbers use loss 'sparse_categorical_crossentropy'"),
        (np.zeros((4, 2)), MSE, r"y: got shape \(4, 2\), needs \(4, 3\), a column for each output"),
        (np.zeros((4, 3, 1)), MSE, r"got shape \(4, 3, 1\)"),
    ],
)
def test_columns_that_do_not_fit(y, loss, message):
    with pytest.raises(ValueError, match=message):
        targets(y, loss=loss)
