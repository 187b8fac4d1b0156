"""The oracle's functions against values worked out by hand, exact fractions and finite differences."""

import ast
import inspect
import math
import pathlib
import random
import sys
from decimal import Decimal, localcontext
from fractions import Fraction

import pytest

import reference
from reference import losses

NAN = math.nan
STEP = 1e-5  # of the finite differences: their error is about STEP^2 f''' / 6 + eps f / STEP, below the tolerance


def close(got, expected, tolerance=1e-14):
    """Assert that two numbers, vectors or matrices have the same shape and about the same values."""
    if isinstance(expected, (list, tuple)):
        assert len(got) == len(expected)
        for a, b in zip(got, expected, strict=True):
            close(a, b, tolerance)
    else:
        assert abs(got - expected) <= tolerance * max(1.0, abs(expected)), (got, expected)


def random_matrix(rows, columns, low=-2.0, high=2.0, seed=0):
    generator = random.Random(seed)
    return [[generator.uniform(low, high) for _ in range(columns)] for _ in range(rows)]


def numeric_gradient(function, x):
    """Central finite differences of a number with respect to the elements of a matrix."""
    gradient = []
    for row in x:
        slopes = []
        for j, value in enumerate(row):
            row[j] = value + STEP
            above = function(x)
            row[j] = value - STEP
            slopes.append((above - function(x)) / (2.0 * STEP))
            row[j] = value
        gradient.append(slopes)
    return gradient


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

ACTIVATIONS = {
    "linear": (reference.linear, reference.linear_gradient),
    "relu": (reference.relu, reference.relu_gradient),
    "sigmoid": (reference.sigmoid, reference.sigmoid_gradient),
    "tanh": (reference.tanh, reference.tanh_gradient),
    "softmax": (reference.softmax, reference.softmax_gradient),
}


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


# Losses


def test_mean_squared_error():
    y_true, y_pred = [[0.0, 1.0], [2.0, 2.0]], [[3.0, 1.0], [1.0, 4.0]]
    assert reference.mean_squared_error(y_true, y_pred) == [4.5, 2.5]
    assert reference.mean_squared_error_gradient(y_true, y_pred) == [[1.5, 0.0], [-0.5, 1.0]]


def test_categorical_crossentropy():
    y_true, y_pred = [[0.0, 1.0], [0.5, 0.5]], [[0.75, 0.25], [1.0, 1.0]]
    close(reference.categorical_crossentropy(y_true, y_pred), [math.log(4.0), math.log(2.0)])
    # s = 1, q = p, g = (0, -4), sum g q = -1; s = 2, q = (1/2, 1/2), g = (-1, -1), sum g q = -1; then / s / 2
    assert reference.categorical_crossentropy_gradient(y_true, y_pred) == [[0.5, -1.5], [0.0, 0.0]]


def test_sparse_categorical_crossentropy():
    y_pred = [[0.75, 0.25], [3.0, 1.0]]
    close(reference.sparse_categorical_crossentropy([1, 0], y_pred), [math.log(4.0), math.log(4.0 / 3.0)])
    close(reference.sparse_categorical_crossentropy_gradient([1, 0], y_pred), [[0.5, -1.5], [-1.0 / 24.0, 0.125]])


def test_binary_crossentropy():
    y_true, y_pred = [[1.0, 0.0]], [[0.5, 0.75]]
    close(reference.binary_crossentropy(y_true, y_pred), [1.5 * math.log(2.0)])
    assert reference.binary_crossentropy_gradient(y_true, y_pred) == [[-1.0, 2.0]]


def test_crossentropies_clip_probabilities():
    lowest, highest = -math.log(losses.EPSILON), -math.log(1.0 - losses.EPSILON)
    assert reference.sparse_categorical_crossentropy([0, 1], [[0.0, 1.0]] * 2) == [lowest, highest]
    assert reference.categorical_crossentropy([[1.0, 0.0], [0.0, 1.0]], [[0.0, 1.0]] * 2) == [lowest, highest]
    close(reference.binary_crossentropy([[1.0], [0.0], [1.0]], [[0.0], [0.0], [2.0]]), [lowest, highest, highest])
    assert reference.sparse_categorical_crossentropy_gradient([0, 1], [[0.0, 1.0]] * 2) == [[0.0, 0.0]] * 2
    assert reference.binary_crossentropy_gradient([[1.0], [1.0]], [[0.0], [1.0]]) == [[0.0], [0.0]]
    edges = [[losses.EPSILON], [1.0 - losses.EPSILON]]  # the bounds themselves still have a slope
    assert all(row[0] != 0.0 for row in reference.binary_crossentropy_gradient([[1.0], [1.0]], edges))


def test_crossentropies_of_a_row_without_any_share_are_not_a_number():
    y_pred = [[0.0, 0.0]]
    results = [
        reference.categorical_crossentropy([[0.0, 1.0]], y_pred),
        reference.sparse_categorical_crossentropy([1], y_pred),
        reference.categorical_crossentropy_gradient([[0.0, 1.0]], y_pred)[0],
        reference.sparse_categorical_crossentropy_gradient([1], y_pred)[0],
    ]
    assert all(math.isnan(v) for values in results for v in values)


def test_categorical_crossentropy_from_logits():
    y_true = [[0.0, 1.0], [0.5, 0.5], [1.0, 0.0]]
    logits = [[math.log(3.0), 0.0], [7.0, 7.0], [-1000.0, 1000.0]]
    close(
        reference.categorical_crossentropy_from_logits(y_true, logits),
        [math.log(4.0), math.log(2.0), 2000.0],
    )
    close(
        reference.categorical_crossentropy_from_logits_gradient(y_true, logits),
        [[0.25, -0.25], [0.0, 0.0], [-1.0 / 3.0, 1.0 / 3.0]],
    )


def test_sparse_categorical_crossentropy_from_logits():
    logits = [[math.log(3.0), 0.0], [1000.0, -1000.0]]
    close(reference.sparse_categorical_crossentropy_from_logits([1, 1], logits), [math.log(4.0), 2000.0])
    close(
        reference.sparse_categorical_crossentropy_from_logits_gradient([1, 1], logits),
        [[0.375, -0.375], [0.5, -0.5]],
    )


def test_binary_crossentropy_from_logits():
    y_true, logits = [[1.0, 0.0], [0.0, 1.0]], [[0.0, math.log(3.0)], [1000.0, -1000.0]]
    close(reference.binary_crossentropy_from_logits(y_true, logits), [1.5 * math.log(2.0), 1000.0])
    close(reference.binary_crossentropy_from_logits_gradient(y_true, logits), [[-0.125, 0.1875], [0.25, -0.25]])


SHARES = reference.softmax(random_matrix(4, 3, seed=3))
BITS = [[1.0, 0.0, 1.0], [0.0, 0.0, 1.0], [0.25, 0.5, 0.75], [0.0, 1.0, 0.0]]
LABELS = [2, 0, 1, 1]
POSITIVE = random_matrix(4, 3, 0.2, 0.9, seed=4)  # rows do not sum to 1
PARTLY_CLIPPED = [[0.6, -0.1, 0.5], [0.2, 0.3, 0.4], [-0.2, 1.5, 0.3], [0.3, 0.4, -0.2]]
ANY = random_matrix(4, 3, -3.0, 3.0, seed=5)
LOSSES = [
    ("mean_squared_error", ANY, random_matrix(4, 3, seed=6)),
    ("categorical_crossentropy", SHARES, POSITIVE),
    ("categorical_crossentropy", BITS, POSITIVE),
    ("categorical_crossentropy", SHARES, PARTLY_CLIPPED),
    ("sparse_categorical_crossentropy", LABELS, POSITIVE),
    ("sparse_categorical_crossentropy", LABELS, PARTLY_CLIPPED),
    ("binary_crossentropy", BITS, POSITIVE),
    ("binary_crossentropy", SHARES, PARTLY_CLIPPED),
    ("categorical_crossentropy_from_logits", SHARES, ANY),
    ("categorical_crossentropy_from_logits", BITS, ANY),
    ("sparse_categorical_crossentropy_from_logits", LABELS, ANY),
    ("binary_crossentropy_from_logits", BITS, ANY),
]


@pytest.mark.parametrize(("name", "y_true", "y_pred"), LOSSES)
def test_loss_gradient_is_the_slope_of_the_mean(name, y_true, y_pred):
    loss, gradient = getattr(reference, name), getattr(reference, name + "_gradient")

    def mean(y_pred):
        return math.fsum(loss(y_true, y_pred)) / len(y_pred)

    numeric = numeric_gradient(mean, [list(row) for row in y_pred])
    assert any(abs(v) > 1e-3 for row in numeric for v in row)
    close(gradient(y_true, y_pred), numeric, 1e-7)


@pytest.mark.parametrize("suffix", ["", "_gradient", "_from_logits", "_from_logits_gradient"])
def test_sparse_crossentropy_is_the_one_of_one_hot_rows(suffix):
    one_hot = [[1.0 if j == label else 0.0 for j in range(3)] for label in LABELS]
    sparse = getattr(reference, "sparse_categorical_crossentropy" + suffix)
    close(sparse(LABELS, POSITIVE), getattr(reference, "categorical_crossentropy" + suffix)(one_hot, POSITIVE))


@pytest.mark.parametrize(
    ("name", "activation", "y_true"),
    [
        ("categorical_crossentropy", "softmax", SHARES),
        ("sparse_categorical_crossentropy", "softmax", LABELS),
        ("binary_crossentropy", "sigmoid", BITS),
    ],
)
def test_from_logits_agrees_with_activation_and_loss_apart(name, activation, y_true):
    function, gradient = ACTIVATIONS[activation]
    y_pred = function(ANY)
    close(getattr(reference, name + "_from_logits")(y_true, ANY), getattr(reference, name)(y_true, y_pred), 1e-13)
    apart = gradient(y_pred, getattr(reference, name + "_gradient")(y_true, y_pred))
    close(getattr(reference, name + "_from_logits_gradient")(y_true, ANY), apart, 1e-13)


# Optimizers: two steps of each, against exact fractions or fifty decimal digits of the formulas in another form

WEIGHTS = [1.0, -2.0, 0.5]
GRADIENTS = ([0.3, -0.7, 0.0], [-0.2, 0.4, 1.5])


def two_steps(rule, slots, start=0.0, **settings):
    """Weights and slots after two steps; settings of the form name=(first, second) change from step to step."""
    w = list(WEIGHTS)
    state = [[start] * len(w) for _ in range(slots)]
    for i in range(2):
        rule(w, list(GRADIENTS[i]), *state, **{k: v[i] if isinstance(v, tuple) else v for k, v in settings.items()})
    return w, state


def per_weight(formula, number):
    """formula(w, g1, g2) of each weight in exact or decimal arithmetic, as floats."""
    with localcontext() as context:
        context.prec = 50
        return [float(formula(*map(number, values))) for values in zip(WEIGHTS, *GRADIENTS, strict=True)]


def test_sgd():
    w, _ = two_steps(reference.sgd, 0, learning_rate=0.1)
    rate = Fraction(0.1)
    close(w, per_weight(lambda w, g1, g2: w - rate * (g1 + g2), Fraction))


def test_momentum():
    w, (m,) = two_steps(reference.momentum, 1, learning_rate=0.1, momentum=0.9)
    rate, mu = Fraction(0.1), Fraction(0.9)
    close(m, per_weight(lambda w, g1, g2: -rate * (mu * g1 + g2), Fraction))
    close(w, per_weight(lambda w, g1, g2: w - rate * ((1 + mu) * g1 + g2), Fraction))


def test_nesterov():
    w, (m,) = two_steps(reference.nesterov, 1, learning_rate=0.1, momentum=0.9)
    rate, mu = Fraction(0.1), Fraction(0.9)

    def look_ahead(w, g1, g2):  # the point of plain momentum, plus one more stride of the velocity
        velocity = -rate * (mu * g1 + g2)
        return w - rate * ((1 + mu) * g1 + g2) + mu * velocity

    close(m, per_weight(lambda w, g1, g2: -rate * (mu * g1 + g2), Fraction))
    close(w, per_weight(look_ahead, Fraction))


def test_rmsprop():
    w, (v,) = two_steps(reference.rmsprop, 1, learning_rate=0.1, rho=0.9, epsilon=1e-7)
    rate, rho, epsilon = map(Decimal, (0.1, 0.9, 1e-7))

    def square(g1, g2):
        return (1 - rho) * (rho * g1**2 + g2**2)

    def weight(w, g1, g2):
        first = g1 / (((1 - rho) * g1**2) + epsilon).sqrt()
        return w - rate * (first + g2 / (square(g1, g2) + epsilon).sqrt())

    close(v, per_weight(lambda w, g1, g2: square(g1, g2), Decimal))
    close(w, per_weight(weight, Decimal))


def test_adagrad():
    w, (a,) = two_steps(reference.adagrad, 1, start=0.1, learning_rate=0.5, epsilon=1e-7)
    rate, start, epsilon = map(Decimal, (0.5, 0.1, 1e-7))

    def weight(w, g1, g2):
        first = g1 / (start + g1**2 + epsilon).sqrt()
        return w - rate * (first + g2 / (start + g1**2 + g2**2 + epsilon).sqrt())

    close(a, per_weight(lambda w, g1, g2: start + g1**2 + g2**2, Decimal))
    close(w, per_weight(weight, Decimal))


def test_adam():
    """The formula of the paper's algorithm 1, m^ / (sqrt(v^) + e), with the e that Keras' form amounts to."""
    w, (m, v) = two_steps(reference.adam, 2, learning_rate=0.1, beta_1=0.9, beta_2=0.999, epsilon=1e-7, step=(1, 2))
    rate, beta_1, beta_2, epsilon = map(Decimal, (0.1, 0.9, 0.999, 1e-7))

    def mean(g1, g2):
        return (1 - beta_1) * (beta_1 * g1 + g2)

    def square(g1, g2):
        return (1 - beta_2) * (beta_2 * g1**2 + g2**2)

    def stride(mean, square, step):
        mean_hat, square_hat = mean / (1 - beta_1**step), square / (1 - beta_2**step)
        return rate * mean_hat / (square_hat.sqrt() + epsilon / (1 - beta_2**step).sqrt())

    def weight(w, g1, g2):
        return w - stride((1 - beta_1) * g1, (1 - beta_2) * g1**2, 1) - stride(mean(g1, g2), square(g1, g2), 2)

    close(m, per_weight(lambda w, g1, g2: mean(g1, g2), Decimal))
    close(v, per_weight(lambda w, g1, g2: square(g1, g2), Decimal))
    close(w, per_weight(weight, Decimal), 1e-12)  # 1 - beta_2 loses three digits


def test_epsilon_is_inside_the_root_except_for_adam():
    settings = {"learning_rate": 1.0, "epsilon": 0.25}
    inside, outside = [0.0], [0.0]
    reference.rmsprop(inside, [1.0], [0.0], rho=1.0, **settings)
    assert inside == [-2.0]
    reference.adagrad(inside, [2.0], [-4.0], **settings)
    assert inside == [-6.0]
    reference.adam(outside, [1.0], [0.0], [0.0], beta_1=0.5, beta_2=0.75, step=1, **settings)
    assert outside == [-0.5 / 0.75]  # alpha = 1, m = 1/2, sqrt(v) + epsilon = 1/2 + 1/4


# Dropout


@pytest.mark.parametrize(
    ("counter", "key", "expected"),
    [
        ("00000000 00000000 00000000 00000000", "00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
        ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"),
        ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"),
    ],
    ids=["zeros", "ones", "pi"],
)
def test_philox_known_answers(counter, key, expected):
    """The philox4x32 vectors of ten rounds in Random123's kat_vectors."""
    words = [[int(word, 16) for word in text.split()] for text in (counter, key, expected)]
    assert reference.philox4x32(words[0], words[1]) == words[2]


def test_dropout_uses_one_word_an_element():
    rows, columns, rate, seed, step, layer = 3, 5, 0.4, 7 + 9 * 2**32, 11 + 13 * 2**32, 3
    x = random_matrix(rows, columns)
    y = reference.dropout(x, rate, seed, step, layer)
    for i in range(rows):
        for j in range(columns):
            e = i * columns + j
            word = reference.philox4x32([e // 4, 3, 11, 13], [7, 9])[e % 4]
            assert y[i][j] == (x[i][j] * (1.0 / (1.0 - rate)) if word >= int(rate * 2**32) else 0.0)


def test_dropout_keeps_a_word_at_the_threshold(monkeypatch):
    module = sys.modules["reference.dropout"]  # the name reference.dropout is the function
    monkeypatch.setattr(module, "random_words", lambda *_: [2**31 - 1, 2**31])
    assert reference.dropout([[1.0, 1.0]], 0.5, 0, 0, 0) == [[0.0, 2.0]]


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.8])
def test_dropout_drops_about_the_rate(rate):
    count = 100 * 100
    y = reference.dropout([[1.0] * 100 for _ in range(100)], rate, 1, 2, 3)
    dropped = sum(row.count(0.0) for row in y)
    assert abs(dropped - rate * count) < 4.0 * math.sqrt(count * rate * (1.0 - rate))
    assert {v for row in y for v in row} == {0.0, 1.0 / (1.0 - rate)}
    by_column = [sum(row[j] == 0.0 for row in y) for j in range(100)]
    assert max(by_column) - min(by_column) < 100 * 8.0 * math.sqrt(rate * (1.0 - rate) / 100)


def test_dropout_depends_on_seed_step_and_layer_alone():
    x = [[1.0] * 16 for _ in range(4)]
    first = reference.dropout(x, 0.5, 1, 2, 3)
    assert reference.dropout(x, 0.5, 1, 2, 3) == first
    others = [reference.dropout(x, 0.5, *key) for key in ((2, 2, 3), (1, 3, 3), (1, 2, 4), (2**32 + 1, 2, 3))]
    assert all(other != first for other in others)
    assert reference.dropout(x[:2], 0.5, 1, 2, 3) == first[:2]


def test_dropout_at_the_ends():
    x = random_matrix(3, 3)
    assert reference.dropout(x, 0.0, 1, 2, 3) == x
    assert reference.dropout(x, 1.0, 1, 2, 3) == [[0.0] * 3] * 3
