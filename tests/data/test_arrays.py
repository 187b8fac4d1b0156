"""What arrays are accepted, how they reach the engine, and what the others are told."""

import numpy as np
import pytest

from fastmlp import losses
from fastmlp.data import arrays
from fastmlp.kernels.finite import all_finite

SPARSE = losses.SparseCategoricalCrossentropy()
ONE_HOT = losses.CategoricalCrossentropy()
MSE = losses.MeanSquaredError()


def features(x, shape=(3,), dtype="float32"):
    return arrays.features("x", x, shape, dtype)


def targets(y, rows=4, units=3, loss=SPARSE, dtype="float32"):
    return loss.targets("y", y, rows, units, dtype)


@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64"])
def test_engine_types_are_passed_without_a_copy(dtype):
    x = np.ones((4, 3), dtype)
    x.flags.writeable = False
    assert np.shares_memory(features(x), x) and features(x).dtype == dtype


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint16", "int64", "uint64", "float16", ">f4", ">f8", "longdouble"])
@pytest.mark.parametrize("to", ["float32", "float64"])
def test_other_numbers_become_the_models_type(dtype, to):
    x = np.eye(4, 3).astype(dtype)
    result = features(x, dtype=to)
    assert result.dtype == to and result.dtype.isnative and np.array_equal(result, np.eye(4, 3))


@pytest.mark.parametrize(
    "make",
    [
        lambda x: np.asfortranarray(x),
        lambda x: np.repeat(x, 2, axis=0)[::2],
        lambda x: x[::-1][::-1],
        lambda x: x.tolist(),
    ],
    ids=["fortran", "strided", "reversed", "list"],
)
def test_any_layout_becomes_contiguous(make):
    x = np.arange(12.0).reshape(4, 3)
    result = features(make(x))
    assert result.flags.c_contiguous and np.array_equal(result, x)


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


def test_a_model_of_one_input_takes_a_vector():
    assert features([1, 2, 3], shape=(1,)).shape == (3, 1)
    assert features(np.zeros((2, 28, 28), np.uint8), shape=None).shape == (2, 28, 28)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.zeros((4, 5)), r"x: got shape \(4, 5\), needs \(rows, 3\)"),
        (np.zeros((4, 3, 1)), r"got shape \(4, 3, 1\), needs \(rows, 3\)"),
        (np.zeros(3), r"got shape \(3,\), needs \(rows, 3\); a single row is x\[None\]"),
        (1.0, r"got shape \(\), needs"),
        (np.zeros((0, 3)), r"got an empty array of shape \(0, 3\)"),
        ([[1, 2, 3], [4, 5]], "x: .*needs rows of equal lengths"),
    ],
)
def test_shapes_that_do_not_fit(x, message):
    with pytest.raises(ValueError, match=message):
        features(x)


def test_without_a_known_shape_rows_are_needed():
    with pytest.raises(ValueError, match=r"got shape \(3,\), needs \(rows, features\)"):
        features(np.zeros(3), shape=None)
    with pytest.raises(ValueError, match="empty"):
        features(np.zeros((3, 0)), shape=None)


@pytest.mark.parametrize(
    "x",
    [
        np.zeros((4, 3), complex),
        np.full((4, 3), None),
        np.full((4, 3), "1.0"),
        np.zeros((4, 3), "datetime64[s]"),
        (row for row in range(3)),
        "text",
        None,
        {"x": 1},
    ],
    ids=["complex", "object", "string", "date", "generator", "text", "none", "dict"],
)
def test_what_is_not_numbers_is_a_type_error(x):
    with pytest.raises(TypeError, match=r"x: got .*, needs an array of real numbers"):
        features(x)
    with pytest.raises(TypeError, match=r"y: got .*, needs an array of real numbers"):
        targets(x)


@pytest.mark.parametrize(("dtype", "as_float32"), [("float32", True), ("float32", False), ("float64", False)])
def test_every_number_is_looked_at(dtype, as_float32, isa, threads):
    largest = np.finfo(dtype).max
    for n in 1, 16, 67:
        x = np.resize(np.array([largest, -largest, 0.0, -0.0, 5e-324], dtype), n)
        assert all_finite(x, as_float32, threads)
        for place in range(n):
            for value in np.nan, -np.nan, np.inf, -np.inf:
                wrong = x.copy()
                wrong[place] = value
                assert not all_finite(wrong, as_float32, threads)


def test_what_is_finite_as_float32(isa):
    largest = float(np.finfo("float32").max)
    for x, expected in (largest, True), (-largest, True), (np.nextafter(largest, np.inf), False), (-1e300, False):
        assert all_finite(np.array([x]), True, 1) == expected
        assert all_finite(np.array([x]), False, 1)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_values_that_are_not_finite_are_found(value, dtype):
    x = np.zeros((3000, 3), dtype)
    x[2047, 1] = value
    with pytest.raises(ValueError, match=f"x: got {value} in row 2047, needs finite numbers"):
        features(x)
    with pytest.raises(ValueError, match=f"y: got {value} in row 2047, needs finite numbers"):
        targets(x, rows=3000, loss=MSE)


def test_infinities_that_cancel_are_found():
    with pytest.raises(ValueError, match="got inf in row 0"):
        features([[np.inf, -np.inf, 0.0]])


def test_the_range_is_that_of_the_models_type():
    x = np.full((4, 3), 1e300)
    with pytest.raises(ValueError, match=r"x: got 1e\+300 in row 0, needs numbers within the range of float32"):
        features(x)
    assert features(x, dtype="float64") is x
    large = np.full((4, 3), 3e38, np.float32)  # whose sum overflows
    assert features(large) is large


def test_masked_values_are_refused():
    masked = np.ma.masked_equal(np.arange(12).reshape(4, 3), 7)
    with pytest.raises(ValueError, match="x: got masked values, needs an array without them"):
        features(masked)
    with pytest.raises(ValueError, match="y: got masked values"):
        targets(np.ma.masked_equal([0, 1, 2, 0], 2))
    with pytest.raises(ValueError, match=r"weights\[0\]: got masked values"):
        arrays.weight_arrays("weights", [masked], [(4, 3)], "float32")


def test_subclasses_become_plain_arrays():
    for array in (np.ma.masked_array(np.eye(4, 3)), np.eye(4, 3).view(np.matrix)):
        assert type(features(array)) is np.ndarray and np.array_equal(features(array), np.eye(4, 3))


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
