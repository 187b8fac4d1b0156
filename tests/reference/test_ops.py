"""The oracle as a package, its operations, dense layer and activations, against values worked out by hand."""

import ast
import inspect
import math
import pathlib
import sys

import pytest

import reference
from reference.stages import FROM_INPUT, SETTINGS
from tests.by_hand import ACTIVATIONS, close, numeric_gradient, random_matrix
from tests.cases import SCALARS

NAN = math.nan


# The package


def test_exports_every_function_of_the_modules_but_their_helpers():
    helpers = {
        *(
            "pairs",
            "add_vectors",
            "vector_sum",
            "divide",
            "exponential_of",
            "logistic",
            "subtract_maximum",
            "softmax_row",
        ),
        *(
            "each_pair",
            "clipped_at_six",
            "softplus_of",
            "normal_share",
            "hard_logistic",
            "gelu_argument",
            "sparsemax_row",
            "nadam_product",
            "nadam_share",
            "power",
        ),
        *(
            "clip",
            "is_inside",
            "logarithm_slope",
            "focal_logarithm",
            "focal_slope",
            "focal_weight",
            "surprises",
            "philox_round",
            "random_words",
        ),
        *("row_means", "slopes_of_mean", "each_column", "sign", "magnitude", "logarithmic_error", "logarithmic_slope"),
        *(
            "huber_of",
            "huber_slope",
            "pinball",
            "pinball_slope",
            "binary_focal",
            "binary_focal_slope",
            "binary_focal_logit",
            "binary_focal_logit_slope",
            "wrongness",
            "surprise",
            "power_of",
            "alpha_scale",
            "alpha_shift",
            "random_normals",
            "log_cosh_of",
            "shortfall",
            "share",
            "rivals",
            "lag",
            "length",
            "direction",
        ),
    }
    found = {"Network"}
    for name in (
        "ops",
        "activations",
        "rectifiers",
        "pieces",
        "curves",
        "losses",
        "crossentropies",
        "similarities",
        "optimizers",
        "dropout",
        "dense",
    ):
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


# PyTorch 2.13 in float64, torch.nn.functional: y and, by its automatic differentiation, dy/dx at the points of POINTS
# (but for the slope of hard_sigmoid, 1 / 6, which PyTorch keeps in float32)
POINTS = [-4.0, -1.25, -0.5, 0.25, 1.5, 7.0]
GOLDEN = {
    "leaky_relu": (
        [-0.8, -0.25, -0.1, 0.25, 1.5, 7.0],
        [0.2, 0.2, 0.2, 1.0, 1.0, 1.0],
    ),
    "relu6": (
        [0.0, 0.0, 0.0, 0.25, 1.5, 6.0],
        [0.0, 0.0, 0.0, 1.0, 1.0, 0.0],
    ),
    "elu": (
        [-0.9816843611112658, -0.7134952031398099, -0.3934693402873666, 0.25, 1.5, 7.0],
        [0.01831563888873418, 0.2865047968601901, 0.6065306597126334, 1.0, 1.0, 1.0],
    ),
    "selu": (
        [
            -1.7258986281898945,
            -1.2543954463378648,
            -0.6917581878028713,
            0.2626752468388701,
            1.5760514810332207,
            7.354906911488364,
        ],
        [
            0.03220071265748214,
            0.5037038945095117,
            1.0663411530445053,
            1.0507009873554805,
            1.0507009873554805,
            1.0507009873554805,
        ],
    ),
    "softplus": (
        [
            0.018149927917809738,
            0.2519290813453729,
            0.4740769841801067,
            0.8259394198788436,
            1.7014132779827524,
            7.000911466453774,
        ],
        [
            0.017986209962091555,
            0.22270013882530884,
            0.37754066879814546,
            0.5621765008857981,
            0.8175744761936437,
            0.9990889488055994,
        ],
    ),
    "silu": (
        [
            -0.07194483984836623,
            -0.27837517353163604,
            -0.1887703343990727,
            0.14054412522144952,
            1.2263617142904655,
            6.993622641639196,
        ],
        [
            -0.05266461489107291,
            0.00631915508468757,
            0.2600388126973482,
            0.6237100215701977,
            1.041294154299143,
            1.0054604970664518,
        ],
    ),
    "gelu": (
        [
            -0.00012668496733247991,
            -0.13206221708356905,
            -0.15426876936299344,
            0.14967658142073093,
            1.399789198096713,
            6.999999999991041,
        ],
        [
            -0.0005036496612264215,
            -0.12266158306942215,
            0.13250487534383712,
            0.695373354883636,
            1.1274691922299795,
            1.0000000000626632,
        ],
    ),
    "mish": (
        [
            -0.07259174079202535,
            -0.30841396114152775,
            -0.22074377465173,
            0.1695724096638176,
            1.4033782663958028,
            6.999988379809741,
        ],
        [
            -0.05377320979348033,
            -0.014697562473019468,
            0.28951067791351226,
            0.7541726677205928,
            1.0884879850078475,
            1.000021559160889,
        ],
    ),
    "hard_silu": (
        [0.0, -0.3645833333333333, -0.20833333333333334, 0.13541666666666666, 1.125, 7.0],
        [0.0, 0.08333333333333333, 0.3333333333333333, 0.5833333333333334, 1.0, 1.0],
    ),
    "softsign": (
        [-0.8, -0.5555555555555556, -0.3333333333333333, 0.2, 0.6, 0.875],
        [0.04000000000000001, 0.19753086419753083, 0.4444444444444444, 0.64, 0.16000000000000003, 0.015625],
    ),
    "hard_sigmoid": (
        [0.0, 0.2916666666666667, 0.4166666666666667, 0.5416666666666666, 0.75, 1.0],
        [0.0, 0.16666666666666666, 0.16666666666666666, 0.16666666666666666, 0.16666666666666666, 0.0],
    ),
    "exponential": (
        [
            0.01831563888873418,
            0.2865047968601901,
            0.6065306597126334,
            1.2840254166877414,
            4.4816890703380645,
            1096.6331584284585,
        ],
        [
            0.01831563888873418,
            0.2865047968601901,
            0.6065306597126334,
            1.2840254166877414,
            4.4816890703380645,
            1096.6331584284585,
        ],
    ),
    "log_softmax": (
        [
            -11.006070234478464,
            -8.256070234478464,
            -7.506070234478464,
            -6.756070234478464,
            -5.506070234478464,
            -0.006070234478464331,
        ],
        [
            0.9999003962521684,
            0.9984419352383849,
            0.9967015768737771,
            0.9930172381869906,
            0.9756277664823293,
            -4.96368891303365,
        ],
    ),
}


@pytest.mark.parametrize("name", GOLDEN)
def test_activations_and_slopes_are_those_of_pytorch(name):
    function, gradient = ACTIVATIONS[name]
    values, slopes = GOLDEN[name]
    y = function([POINTS])
    close(y, [values], 1e-14)
    close(gradient([POINTS] if name in FROM_INPUT else y, [[1.0] * 6]), [slopes], 1e-14)


def test_far_from_zero_rectifiers_stay_straight():
    far = [[-1000.0, 1000.0]]
    assert reference.softplus(far) == [[0.0, 1000.0]]
    for function in (reference.silu, reference.gelu, reference.mish, reference.hard_silu, reference.gelu_tanh):
        close(function(far), [[0.0, 1000.0]])
    for name in ("silu", "gelu", "mish", "hard_silu", "gelu_tanh", "sparse_plus"):
        gradient = getattr(reference, name + "_gradient")
        assert gradient(far, [[2.0, 2.0]]) == [[0.0, 2.0]]
    assert reference.relu6(far) == [[0.0, 6.0]]
    assert reference.hard_sigmoid(far) == [[0.0, 1.0]]
    assert reference.elu([[-1000.0]]) == [[-1.0]]
    close(reference.log_softmax(far), [[-2000.0, 0.0]])


def test_an_exponential_that_overflows_is_infinite():
    assert reference.exponential([[1000.0]]) == [[math.inf]]


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation_gradient_is_the_slope(name):
    function, gradient = ACTIVATIONS[name]
    settings = {one: SCALARS[one] for one in SETTINGS[name]}
    x = random_matrix(4, 5, seed=1)
    dy = random_matrix(4, 5, seed=2)

    def weighted(x):
        y = function(x, **settings)
        return math.fsum(a * b for row_a, row_b in zip(y, dy, strict=True) for a, b in zip(row_a, row_b, strict=True))

    found = gradient(x if name in FROM_INPUT else function(x, **settings), dy, **settings)
    close(found, numeric_gradient(weighted, x), 1e-8)
