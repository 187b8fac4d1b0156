"""What features are accepted, how they reach the engine, and what the others are told."""

import numpy as np
import pytest

from fastmlp.data import arrays
from fastmlp.kernels.ranges import all_finite
from tests.losses.targets import MSE, targets


def features(x, shape=(3,), dtype="float32"):
    return arrays.features("x", x, shape, dtype)


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


def test_a_model_of_one_input_takes_a_vector():
    assert features([1, 2, 3], shape=(1,)).shape == (3, 1)
    assert features(np.zeros((2, 28, 28), np.uint8), shape=None).shape == (2, 28, 28)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.zeros((4, 5)), r"x: got shape \(4, 5\), needs \(rows, 3\)"),
        (np.zeros((4, 3, 2)), r"got shape \(4, 3, 2\), needs \(rows, 3\)"),
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
