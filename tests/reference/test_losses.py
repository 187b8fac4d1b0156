"""The oracle's losses against values worked out by hand and finite differences."""

import math

import pytest

import reference
from reference import losses
from tests.by_hand import ACTIVATIONS, close, numeric_gradient, random_matrix


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


def test_a_binary_focal_loss_of_logits_does_not_saturate():
    loss, gradient = (getattr(reference, "binary_focal_crossentropy_from_logits" + end) for end in ("", "_gradient"))
    for z in (-60.0, -1000.0):
        close(loss([[1.0, 0.0]], [[z, -z]], 1.0, 1.0, 2.0), [-z])
        close(gradient([[1.0, 0.0]], [[z, -z]], 1.0, 1.0, 2.0), [[-0.5, 0.5]])
        assert loss([[0.0, 1.0]], [[z, -z]], 1.0, 1.0, 2.0)[0] < 1e-50


# Keras' function, its settings, y_true, y_pred, then the loss of each row and the gradient of their mean: computed in
# float64 by Keras 3.15 (keras.losses) and TensorFlow 2.21 (GradientTape), the focal ones by JAX (grad); the values of
# log_cosh by PyTorch 2.13 as log(cosh(e)), for Keras rounds log(2) to float32
GOLDEN = [
    (
        "mean_absolute_error",
        {},
        [[0.5, 2.0, -1.0], [1.0, 0.0, 3.0]],
        [[1.0, -0.5, -1.25], [0.25, 0.5, 6.0]],
        [1.0833333333333333, 1.4166666666666667],
        [
            [0.16666666666666666, -0.16666666666666666, -0.16666666666666666],
            [-0.16666666666666666, 0.16666666666666666, 0.16666666666666666],
        ],
    ),
    (
        "mean_absolute_percentage_error",
        {},
        [[0.5, 2.0, -1.0], [1.0, 0.0, 3.0]],
        [[1.0, -0.5, -1.25], [0.25, 0.5, 6.0]],
        [83.33333333333334, 166666725.0],
        [
            [33.333333333333336, -8.333333333333334, -16.666666666666668],
            [-16.666666666666668, 166666666.6666667, 5.555555555555556],
        ],
    ),
    (
        "mean_squared_logarithmic_error",
        {},
        [[0.5, 2.0, 0.0], [1.0, 0.0, 3.0]],
        [[1.0, 0.5, 1.25], [0.25, 0.5, 6.0]],
        [0.4069405473716626, 0.2328250381369679],
        [
            [0.047947012075296815, -0.15403270679109893, 0.12013779499501222],
            [-0.12533430113219612, 0.09010333513514848, 0.026648370854067745],
        ],
    ),
    (
        "huber",
        {"delta": 0.75},
        [[0.5, 2.0, -1.0], [1.0, 0.0, 3.0]],
        [[1.0, -0.5, -1.25], [0.25, 0.5, 6.0]],
        [0.5833333333333334, 0.7916666666666666],
        [[0.08333333333333333, -0.125, -0.041666666666666664], [-0.125, 0.08333333333333333, 0.125]],
    ),
    (
        "log_cosh",
        {},
        [[0.5, 2.0, -1.0], [1.0, 0.0, 3.0]],
        [[1.0, -0.5, -1.25], [0.25, 0.5, 6.0]],
        [0.6548708261692038, 0.8959030363196233],
        [
            [0.07701952621000163, -0.1644357163585717, -0.040819777067284874],
            [-0.10585815873121454, 0.07701952621000163, 0.1658424589477884],
        ],
    ),
    (
        "poisson",
        {},
        [[0.5, 2.0, 0.0], [1.0, 0.0, 3.0]],
        [[1.0, 0.5, 1.25], [0.25, 0.5, 6.0]],
        [1.3787646370399778, 0.9203385011452685],
        [
            [0.08333334166666584, -0.4999998666666934, 0.16666666666666666],
            [-0.49999973333343994, 0.16666666666666666, 0.0833333347222222],
        ],
    ),
    (
        "hinge",
        {},
        [[1.0, -1.0, 1.0], [-1.0, -1.0, 1.0]],
        [[0.75, -0.5, -1.25], [0.25, 0.5, 6.0]],
        [1.0, 0.9166666666666666],
        [
            [-0.16666666666666666, 0.16666666666666666, -0.16666666666666666],
            [0.16666666666666666, 0.16666666666666666, -0.0],
        ],
    ),
    (
        "squared_hinge",
        {},
        [[1.0, -1.0, 1.0], [-1.0, -1.0, 1.0]],
        [[0.75, -0.5, -1.25], [0.25, 0.5, 6.0]],
        [1.7916666666666667, 1.2708333333333333],
        [[-0.08333333333333333, 0.16666666666666666, -0.75], [0.41666666666666663, 0.5, -0.0]],
    ),
    (
        "categorical_hinge",
        {},
        [[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
        [[1.0, -0.5, -1.25], [0.25, 0.5, 6.0]],
        [2.5, 0.0],
        [[0.5, -0.5, 0.0], [0.0, 0.0, 0.0]],
    ),
    (
        "kl_divergence",
        {},
        [[0.2, 0.5, 0.3], [0.0, 1.0, 0.0]],
        [[0.1, 0.6, 0.3], [0.25, 0.5, 0.25]],
        [0.04746865771501177, 0.6931442341996873],
        [[-1.0, -0.4166666666666667, -0.5], [-2e-07, -1.0, -2e-07]],
    ),
    (
        "cosine_similarity",
        {},
        [[0.5, 2.0, -1.0], [1.0, 0.0, 3.0]],
        [[1.0, -0.5, -1.25], [0.25, 0.5, 6.0]],
        [-0.1951800145897066, -0.9577117019013038],
        [
            [-0.030361335602843258, -0.2775893540831384, 0.08674667315098074],
            [-0.022941906706239235, 0.0065935401163600945, 0.00040645110306328225],
        ],
    ),
    (
        "categorical_crossentropy",
        {"label_smoothing": 0.1},
        [[0.2, 0.5, 0.3], [0.0, 1.0, 0.0]],
        [[0.1, 0.6, 0.3], [0.25, 0.5, 0.25]],
        [1.1033222886378258, 0.7393569925972749],
        [
            [-0.5666666666666667, 0.09722222222222221, -0.005555555555555647],
            [0.43333333333333335, -0.43333333333333335, 0.43333333333333335],
        ],
    ),
    (
        "categorical_crossentropy",
        {"label_smoothing": 0.1, "from_logits": True},
        [[0.2, 0.5, 0.3], [0.0, 1.0, 0.0]],
        [[1.0, -0.5, -1.25], [0.25, 0.5, 6.0]],
        [1.6915726046861714, 5.332243256402506],
        [
            [0.26968932948544894, -0.15769029297242326, -0.11199903651302569],
            [-0.015086761471752568, -0.46463802824044, 0.47972478971219257],
        ],
    ),
    (
        "categorical_focal_crossentropy",
        {"alpha": 0.5, "gamma": 1.5, "label_smoothing": 0.25},
        [[0.2, 0.5, 0.3], [0.0, 1.0, 0.0]],
        [[0.1, 0.6, 0.3], [0.25, 0.75, 0.25]],
        [0.3676858600372181, 0.14981408401637236],
        [
            [-0.47788559622032856, 0.10746923339480331, -0.055643268049497124],
            [0.03325491277727681, -0.022169941851517883, 0.03325491277727681],
        ],
    ),
    (
        "categorical_focal_crossentropy",
        {"alpha": 0.25, "gamma": 2.0},
        [[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
        [[0.1, 0.6, 0.3], [-0.25, 0.75, 0.5]],
        [0.020433024950639634, 0.04332169878499658],
        [
            [0.05064953742595944, -0.033766358283972966, 0.05064953742595944],
            [0.07457169878499659, 0.07457169878499659, -0.07457169878499659],
        ],
    ),
    (
        "binary_crossentropy",
        {"label_smoothing": 0.2},
        [[0.0, 1.0, 1.0], [1.0, 0.0, 0.25]],
        [[0.1, 0.6, 0.7], [0.25, 0.5, 0.875]],
        [0.43928661264856933, 1.1550829365920887],
        [
            [0.0, -0.20833333333333334, -0.15873015873015872],
            [-0.5777777777777777, 0.26666666666666666, 0.8761904761904761],
        ],
    ),
    (
        "binary_crossentropy",
        {"label_smoothing": 0.2, "from_logits": True},
        [[0.0, 1.0, 1.0], [1.0, 0.0, 0.25]],
        [[1.0, -0.5, -1.25], [0.25, 0.5, 6.0]],
        [1.1714225843479007, 1.9091640297322268],
        [
            [0.10517642977166748, -0.08707655520030909, -0.11288331019578185],
            [-0.056303916519033645, 0.08707655520030909, 0.11625456280722753],
        ],
    ),
]


@pytest.mark.parametrize(("name", "settings", "y_true", "y_pred", "row_losses", "gradient"), GOLDEN)
def test_losses_are_those_of_keras(name, settings, y_true, y_pred, row_losses, gradient):
    settings = dict(settings)
    smoothing = settings.pop("label_smoothing", 0.0)
    if smoothing:
        y_true = reference.smooth_labels(y_true, smoothing, 2 if name.startswith("binary") else 3)
    if settings.pop("from_logits", False):
        name += "_from_logits"
    close(getattr(reference, name)(y_true, y_pred, **settings), row_losses, 1e-13)
    close(getattr(reference, name + "_gradient")(y_true, y_pred, **settings), gradient, 1e-13)


def test_labels_are_smoothed_by_hand():
    assert reference.smooth_labels([[0.0, 1.0, 0.0, 0.0]], 0.5, 4) == [[0.125, 0.625, 0.125, 0.125]]
    assert reference.smooth_labels([[0.0, 1.0]], 0.5, 2) == [[0.25, 0.75]]
    assert reference.smooth_labels([[0.0, 1.0]], 0.0, 2) == [[0.0, 1.0]]


def test_losses_at_their_edges():
    zero = [[0.0]]
    assert reference.mean_absolute_error_gradient(zero, zero) == zero
    assert reference.huber(zero, [[2.0]], 2.0) == [2.0]
    assert reference.huber(zero, [[3.0]], 2.0) == [4.0]
    assert reference.huber_gradient(zero, [[-2.0]], 2.0) == reference.huber_gradient(zero, [[-3.0]], 2.0) == [[-2.0]]
    close(reference.log_cosh(zero, [[-1000.0]]), [1000.0 - math.log(2.0)])
    assert reference.poisson([[1.0]], zero) == [-math.log(losses.EPSILON)]
    assert reference.hinge([[1.0], [-1.0]], [[1.0], [-2.0]]) == [0.0, 0.0]
    assert reference.hinge_gradient([[1.0], [-1.0]], [[1.0], [-2.0]]) == [[0.0], [0.0]]
    assert reference.mean_squared_logarithmic_error(zero, [[-5.0]]) == [0.0]
    assert reference.mean_squared_logarithmic_error_gradient([[2.0]], [[-5.0]]) == zero
    assert reference.kl_divergence(zero, zero) == [0.0]
    assert reference.kl_divergence_gradient([[1.0]], zero) == zero
    assert reference.categorical_hinge_gradient([[1.0, 0.0]], [[2.0, 1.0]]) == [[0.0, 0.0]]
    # of equal rivals the first one has the slope
    assert reference.categorical_hinge_gradient([[0.0, 0.0, 1.0]], [[1.0, 1.0, 0.0]]) == [[1.0, 0.0, -1.0]]
    assert reference.cosine_similarity([[3.0, 4.0]], [[0.0, 0.0]]) == [0.0]
    close(reference.cosine_similarity_gradient([[3.0, 4.0]], [[0.0, 0.0]]), [[-0.6e7, -0.8e7]])


SHARES = reference.softmax(random_matrix(4, 3, seed=3))
BITS = [[1.0, 0.0, 1.0], [0.0, 0.0, 1.0], [0.25, 0.5, 0.75], [0.0, 1.0, 0.0]]
LABELS = [2, 0, 1, 1]
POSITIVE = random_matrix(4, 3, 0.2, 0.9, seed=4)  # rows do not sum to 1
PARTLY_CLIPPED = [[0.6, -0.1, 0.5], [0.2, 0.3, 0.4], [-0.2, 1.5, 0.3], [0.3, 0.4, -0.2]]
ANY = random_matrix(4, 3, -3.0, 3.0, seed=5)
SIDES = [[1.0 if b > 0.3 else -1.0 for b in row] for row in BITS]
SETTINGS = {
    "huber": [0.9],
    "categorical_focal_crossentropy": [0.4, 1.5],
    "binary_focal_crossentropy": [0.4, 0.6, 1.5],
    "quantile": [[0.1, 0.5, 0.8]],
}
LOSSES = [
    ("mean_squared_error", ANY, random_matrix(4, 3, seed=6)),
    ("categorical_crossentropy", SHARES, POSITIVE),
    ("categorical_crossentropy", BITS, POSITIVE),
    ("categorical_crossentropy", SHARES, PARTLY_CLIPPED),
    ("categorical_focal_crossentropy", SHARES, POSITIVE),
    ("categorical_focal_crossentropy", BITS, PARTLY_CLIPPED),
    ("binary_focal_crossentropy", BITS, POSITIVE),
    ("binary_focal_crossentropy", SHARES, POSITIVE),
    ("binary_focal_crossentropy_from_logits", BITS, ANY),
    ("quantile", ANY, random_matrix(4, 3, seed=6)),
    ("sparse_categorical_crossentropy", LABELS, POSITIVE),
    ("sparse_categorical_crossentropy", LABELS, PARTLY_CLIPPED),
    ("binary_crossentropy", BITS, POSITIVE),
    ("binary_crossentropy", SHARES, PARTLY_CLIPPED),
    ("categorical_crossentropy_from_logits", SHARES, ANY),
    ("categorical_crossentropy_from_logits", BITS, ANY),
    ("sparse_categorical_crossentropy_from_logits", LABELS, ANY),
    ("binary_crossentropy_from_logits", BITS, ANY),
    ("poisson_from_logits", SHARES, ANY),
    ("kl_divergence_from_logits", SHARES, ANY),
    ("kl_divergence_from_logits", BITS, ANY),
    ("categorical_focal_crossentropy_from_logits", SHARES, ANY),
    ("categorical_focal_crossentropy_from_logits", BITS, ANY),
    *[(name, ANY, random_matrix(4, 3, seed=6)) for name in ("mean_absolute_error", "huber", "log_cosh")],
    *[(name, ANY, random_matrix(4, 3, seed=6)) for name in ("mean_absolute_percentage_error", "cosine_similarity")],
    *[(name, SHARES, POSITIVE) for name in ("mean_squared_logarithmic_error", "poisson", "kl_divergence")],
    ("mean_squared_logarithmic_error", SHARES, PARTLY_CLIPPED),
    ("kl_divergence", BITS, PARTLY_CLIPPED),
    *[(name, SIDES, ANY) for name in ("hinge", "squared_hinge")],
    ("categorical_hinge", SHARES, ANY),
    ("categorical_hinge", [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]], ANY),
]


@pytest.mark.parametrize(("name", "y_true", "y_pred"), LOSSES)
def test_loss_gradient_is_the_slope_of_the_mean(name, y_true, y_pred):
    loss, gradient = getattr(reference, name), getattr(reference, name + "_gradient")
    settings = SETTINGS.get(name.removesuffix("_from_logits"), [])

    def mean(y_pred):
        return math.fsum(loss(y_true, y_pred, *settings)) / len(y_pred)

    numeric = numeric_gradient(mean, [list(row) for row in y_pred])
    assert any(abs(v) > 1e-3 for row in numeric for v in row)
    close(gradient(y_true, y_pred, *settings), numeric, 1e-7)


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
        ("categorical_focal_crossentropy", "softmax", SHARES),
        ("kl_divergence", "softmax", SHARES),
        ("poisson", "exponential", SHARES),
    ],
)
def test_from_logits_agrees_with_activation_and_loss_apart(name, activation, y_true, monkeypatch):
    monkeypatch.setattr(losses, "EPSILON", 0.0)  # which the Poisson loss adds
    function, gradient = ACTIVATIONS[activation]
    y_pred = function(ANY)
    settings = [0.4, 1.5] if "focal" in name else []
    close(
        getattr(reference, name + "_from_logits")(y_true, ANY, *settings),
        getattr(reference, name)(y_true, y_pred, *settings),
        1e-13,
    )
    apart = gradient(y_pred, getattr(reference, name + "_gradient")(y_true, y_pred, *settings))
    close(getattr(reference, name + "_from_logits_gradient")(y_true, ANY, *settings), apart, 1e-13)


def test_from_logits_nothing_saturates():
    """Where the prediction is too small for its logarithm, in a loss of 800 or more and in float64."""
    far = [[-800.0, 0.0]]
    close(reference.poisson_from_logits([[1.0, 1.0]], far), [(800.0 + 1.0) / 2])
    assert reference.poisson_from_logits_gradient([[1.0, 1.0]], far) == [[-0.5, 0.0]]
    close(reference.kl_divergence_from_logits([[1.0, 0.0]], far), [800.0 + 1e-7 * math.log(1e-7)])
    close(reference.kl_divergence_from_logits_gradient([[1.0, 0.0]], far), [[-1.0, 1.0]])
    for gamma in (0.0, 0.5, 2.0):
        focal = [[1.0, 0.0]], far, 0.25, gamma
        close(reference.categorical_focal_crossentropy_from_logits(*focal), [200.0])
        assert reference.categorical_focal_crossentropy_from_logits_gradient(*focal) == [[-0.25, 0.25]]
        other = [[0.0, 1.0]], far, 0.25, gamma
        assert reference.categorical_focal_crossentropy_from_logits(*other) == [0.0]
        assert not any(reference.categorical_focal_crossentropy_from_logits_gradient(*other)[0])
