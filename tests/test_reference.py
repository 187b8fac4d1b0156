"""The oracle as a package, its operations, dense layer and activations, against values worked out by hand."""

import ast
import inspect
import math
import pathlib
import sys

import pytest

import reference
from tests.by_hand import ACTIVATIONS, close, numeric_gradient, random_matrix

NAN = math.nan


# The package


def test_exports_every_function_of_the_modules_but_their_helpers():
    helpers = {
        *("pairs", "add_vectors", "vector_sum", "divide", "exponential", "logistic", "subtract_maximum", "softmax_row"),
        *("clip", "is_inside", "logarithm_slope", "surprises", "philox_round", "random_words"),
    }
    found = {"Network"}
    for name in ("ops", "activations", "losses", "optimizers", "dropout", "dense"):
        module = sys.modules["reference." + name]
        found |= {name for name, f in inspect.getmembers(module, inspect.isfunction) if f.__module__ == module.__name__}
    assert set(reference.__all__) == found - helpers
    assert reference.__all__ == sorted(reference.__all__)
    assert all(hasattr(reference, name) for name in reference.__all__)


def test_needs_only_the_standard_library():
    for path in pathlib.Path(reference.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                assert name.partition(".")[0] in {"reference", *sys.stdlib_module_names}, path


# Operations


def test_relu_keeps_nan_and_the_sign_of_zero():
    y = reference.relu([[-1.5, 2.0, 0.0], [-0.0, NAN, -math.inf]])
    assert repr(y) == "[[0.0, 2.0, 0.0], [-0.0, nan, 0.0]]"


def test_add():
    assert reference.add([[1.0, 2.0], [3.0, 4.0]], [[10.0, 20.0], [30.0, 40.0]]) == [[11.0, 22.0], [33.0, 44.0]]


def test_add_matrix_and_vector():
    assert reference.add_matrix_and_vector([[1.0, 2.0], [3.0, 4.0]], [10.0, 20.0]) == [[11.0, 22.0], [13.0, 24.0]]


def test_vector_dot():
    assert reference.vector_dot([1.0, 2.0, 3.0], [4.0, -5.0, 6.0]) == 12.0
    assert reference.vector_dot([], []) == 0.0


def test_matrix_vector_dot():
    assert reference.matrix_vector_dot([[1.0, 2.0], [3.0, 4.0], [10.0, 0.0]], [3.0, -1.0]) == [1.0, 5.0, 30.0]


def test_matrix_dot():
    x = [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]
    y = [[1.0, 0.0], [0.0, 1.0], [2.0, -1.0]]
    assert reference.matrix_dot(x, y) == [[7.0, -1.0], [16.0, -1.0]]


def test_unequal_lengths_are_refused():
    for function in (reference.vector_dot, reference.matrix_vector_dot, reference.add, reference.add_matrix_and_vector):
        x = [1.0, 2.0] if function is reference.vector_dot else [[1.0, 2.0]]
        y = [[1.0, 2.0, 3.0]] if function is reference.add else [1.0, 2.0, 3.0]
        with pytest.raises(ValueError, match="argument 2 is longer"):
            function(x, y)


def test_transpose():
    assert reference.transpose([[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]]) == [[0.0, 2.0, 4.0], [1.0, 3.0, 5.0]]


def test_reshape():
    x = [[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]]
    assert reference.reshape(x, 2, 3) == [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]
    assert reference.reshape(x, 6, 1) == [[0.0], [1.0], [2.0], [3.0], [4.0], [5.0]]


def test_sums_run_in_index_order_from_zero():
    large = [1e16, 1.0, -1e16]  # (1e16 + 1) rounds to 1e16; an exact or reversed sum gives 1 or 0
    ones = [1.0, 1.0, 1.0]
    column = [[v] for v in large]
    assert reference.vector_dot(large, ones) == 0.0
    assert reference.vector_dot([1e16, -1e16, 1.0], ones) == 1.0
    assert math.copysign(1.0, reference.vector_dot([-0.0], [1.0])) == 1.0
    assert reference.matrix_vector_dot([large], ones) == [0.0]
    assert reference.matrix_dot([large], [[1.0]] * 3) == [[0.0]]
    assert reference.dense_forward([large], [[1.0]] * 3, [0.5]) == [[0.5]]
    assert reference.dense_kernel_gradient([[1.0]] * 3, column) == [[0.0]]
    assert reference.dense_kernel_gradient([[1.0]] * 3, [[1e16], [-1e16], [1.0]]) == [[1.0]]
    assert reference.dense_bias_gradient(column) == [0.0]
    assert reference.dense_bias_gradient([[1e16], [-1e16], [1.0]]) == [1.0]
    assert reference.dense_input_gradient([large], [ones]) == [[0.0]]
    assert reference.dense_input_gradient([[1e16, -1e16, 1.0]], [ones]) == [[1.0]]


# Dense


def test_dense_by_hand():
    x = [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]
    kernel = [[1.0, -1.0], [0.5, 2.0]]
    assert reference.dense_forward(x, kernel, [10.0, 20.0]) == [[12.0, 23.0], [15.0, 25.0], [18.0, 27.0]]
    dz = [[1.0, 0.0], [0.0, 1.0], [2.0, -1.0]]
    assert reference.dense_kernel_gradient(x, dz) == [[11.0, -2.0], [14.0, -2.0]]
    assert reference.dense_bias_gradient(dz) == [3.0, 0.0]
    assert reference.dense_input_gradient(dz, kernel) == [[1.0, 0.5], [-1.0, 2.0], [3.0, -1.0]]


def test_dense_adds_the_bias_last():
    assert reference.dense_forward([[1.0, 1.0]], [[1e16], [-1e16]], [1.0]) == [[1.0]]


# Activations


def test_linear_copies():
    x = [[1.0, -2.0]]
    y = reference.linear(x)
    assert y == x
    assert y is not x
    assert y[0] is not x[0]


def test_sigmoid():
    assert reference.sigmoid([[0.0, 1000.0, -1000.0, -math.inf]]) == [[0.5, 1.0, 0.0, 0.0]]
    close(reference.sigmoid([[math.log(3.0), -math.log(3.0)]]), [[0.75, 0.25]])
    assert math.isnan(reference.sigmoid([[NAN]])[0][0])


def test_tanh():
    assert reference.tanh([[0.0, 1000.0, -1000.0]]) == [[0.0, 1.0, -1.0]]
    close(reference.tanh([[math.log(2.0)]]), [[0.6]])


def test_softmax():
    assert reference.softmax([[7.0, 7.0], [1000.0, -1000.0]]) == [[0.5, 0.5], [1.0, 0.0]]
    close(reference.softmax([[math.log(1.0), math.log(2.0), math.log(5.0)]]), [[0.125, 0.25, 0.625]])
    close(reference.softmax([[1000.0, 1000.0 + math.log(3.0)]]), [[0.25, 0.75]], 1e-12)
    assert reference.softmax([[800.0, 100.0], [-800.0, -800.0]]) == [[1.0, math.exp(-700.0)], [0.5, 0.5]]
    assert all(math.isnan(v) for v in reference.softmax([[1.0, NAN]])[0] + reference.softmax([[NAN, 1.0]])[0])


def test_activation_gradients_by_hand():
    y, dy = [[0.5, 0.0, -0.5]], [[2.0, 3.0, 4.0]]
    assert reference.linear_gradient(y, dy) == dy
    assert reference.relu_gradient(y, dy) == [[2.0, 0.0, 0.0]]
    assert reference.sigmoid_gradient(y, dy) == [[0.5, 0.0, -3.0]]
    assert reference.tanh_gradient(y, dy) == [[1.5, 3.0, 3.0]]
    assert reference.softmax_gradient([[0.5, 0.25, 0.25]], dy) == [[-0.375, 0.0625, 0.3125]]


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation_gradient_is_the_slope(name):
    function, gradient = ACTIVATIONS[name]
    x = random_matrix(4, 5, seed=1)
    dy = random_matrix(4, 5, seed=2)

    def weighted(x):
        return math.fsum(
            a * b for row_a, row_b in zip(function(x), dy, strict=True) for a, b in zip(row_a, row_b, strict=True)
        )

    close(gradient(function(x), dy), numeric_gradient(weighted, x), 1e-8)
