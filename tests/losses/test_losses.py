"""The losses of the Python face: names, settings, functions of arrays, and what a model makes of them."""

import numpy as np
import pytest

import reference
from fastmlp import Input, Sequential, load_model, losses
from fastmlp.layers import Dense
from fastmlp.losses.functions import FUNCTIONS
from tests.reference.test_losses import GOLDEN

NAMES = {
    "mse": "mean_squared_error",
    "MAE": "mean_absolute_error",
    "mape": "mean_absolute_percentage_error",
    "MSLE": "mean_squared_logarithmic_error",
    "MeanAbsoluteError": "mean_absolute_error",
    "huber": "huber",
    "Huber": "huber",
    "log_cosh": "log_cosh",
    "logcosh": "log_cosh",
    "LogCosh": "log_cosh",
    "Poisson": "poisson",
    "hinge": "hinge",
    "SquaredHinge": "squared_hinge",
    "categorical_hinge": "categorical_hinge",
    "kld": "kl_divergence",
    "KLD": "kl_divergence",
    "KLDivergence": "kl_divergence",
    "kullback_leibler_divergence": "kl_divergence",
    "cosine_similarity": "cosine_similarity",
    "bce": "binary_crossentropy",
}
CLASSES = sorted(set(losses.LOSSES.values()), key=lambda cls: cls.__name__)
PLAIN = [cls for cls in CLASSES if not cls.sparse]


@pytest.mark.parametrize(("alias", "name"), NAMES.items())
def test_names_of_keras(alias, name):
    assert losses.get(alias).engine_name == losses.get(alias).name == name


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_stand_for_the_losses_of_their_names(name):
    assert losses.get(getattr(losses, name)).engine_name == name


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_arguments_that_change_nothing(cls):
    loss = cls(reduction="mean", name="mine", dtype=None)
    assert loss.name == "mine" and loss.reduction == "mean" and cls().reduction == "sum_over_batch_size"
    assert cls.from_config(loss.get_config()).get_config() == loss.get_config()
    for other in "sum", None, "none", "mean_with_sample_weight":
        assert cls(reduction=other).reduction == other
    with pytest.raises(ValueError, match=r"reduction: got 'median', needs 'sum_over_batch_size' or 'mean' or 'sum' or"):
        cls(reduction="median")
    with pytest.raises(ValueError, match="dtype: got 'float16', needs None: losses are computed in the model's"):
        cls(dtype="float16")
    if "axis" in loss.get_config():
        with pytest.raises(ValueError, match="axis: got 0, needs -1: columns are the last axis"):
            cls(axis=0)


def test_settings_are_checked():
    for wrong in -0.1, 1.5, float("nan"):
        with pytest.raises(ValueError, match=r"label_smoothing: got .*, needs a finite number in \[0, 1\]"):
            losses.CategoricalCrossentropy(label_smoothing=wrong)
    with pytest.raises(TypeError, match=r"label_smoothing: got .0\.1."):
        losses.BinaryCrossentropy(label_smoothing="0.1")
    with pytest.raises(ValueError, match=r"delta: got -1\.0, needs a finite number of at least 0"):
        losses.Huber(-1.0)
    with pytest.raises(ValueError, match=r"gamma: got -1\.0, needs a finite number of at least 0"):
        losses.CategoricalFocalCrossentropy(gamma=-1.0)
    with pytest.raises(TypeError, match=r"alpha: got \[0\.25, 0\.5\]"):
        losses.CategoricalFocalCrossentropy([0.25, 0.5])
    for make in (
        losses.CategoricalFocalCrossentropy,
        lambda **given: losses.categorical_focal_crossentropy(1, 1, **given),
    ):
        with pytest.raises(ValueError, match="from_logits: got True, needs False: end the model with a softmax"):
            make(from_logits=True)
    with pytest.raises(ValueError, match="ignore_class: got 0, needs None"):
        losses.SparseCategoricalCrossentropy(ignore_class=0)


# ----------------------------------------------------------------------------------------------- functions of arrays


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("name", "settings", "y_true", "y_pred", "values", "_"), GOLDEN)
def test_functions_and_calls_give_the_values_of_keras(name, settings, y_true, y_pred, values, _, dtype):
    function, tolerance = getattr(losses, name), 4e-6 if dtype == np.float32 else 1e-13
    got = function(np.array(y_true), np.array(y_pred, dtype), **settings)
    assert got.dtype == dtype and got == pytest.approx(values, rel=tolerance, abs=tolerance)
    loss = losses.LOSSES[name](**settings)
    assert np.array_equal(loss.call(y_true, np.array(y_pred, dtype)), got)
    mean = loss(y_true, np.array(y_pred, dtype))
    assert isinstance(mean, float) and mean == pytest.approx(np.mean(values), rel=tolerance, abs=tolerance)


def test_sample_weight_multiplies_and_the_mean_is_over_all_rows():
    loss = losses.MeanAbsoluteError()
    y_true, y_pred = [[0.0], [0.0], [0.0]], [[1.0], [2.0], [4.0]]
    assert loss(y_true, y_pred) == pytest.approx(7 / 3)
    assert loss(y_true, y_pred, [1, 0, 2]) == loss(y_true, y_pred, [[1], [0], [2]]) == 3.0
    assert loss(y_true, y_pred, sample_weight=3) == 7.0
    with pytest.raises(ValueError, match=r"sample_weight: got shape \(2,\), needs \(3,\), one for each row"):
        loss(y_true, y_pred, [1, 2])


def test_shapes_of_the_functions():
    assert losses.mean_squared_error([0, 0], [1, 2]).tolist() == 2.5
    assert losses.mean_squared_error([0, 0], [[1], [2]]).tolist() == [1.0, 4.0]
    assert losses.mean_squared_error([[0], [0]], [1, 2]).tolist() == [1.0, 4.0]
    assert losses.mean_squared_error(np.zeros((2, 3, 4)), np.ones((2, 3, 4))).tolist() == [[1.0] * 3] * 2
    with pytest.raises(ValueError, match=r"y_true: got shape \(2,\), needs \(3,\), that of y_pred"):
        losses.huber([0, 0], [1, 2, 3])
    with pytest.raises(ValueError, match="y_pred: got a single value"):
        losses.poisson(1, 2)
    with pytest.raises(ValueError, match="y_pred: got an empty array"):
        losses.poisson([], [])
    with pytest.raises(TypeError, match="y_true: got list, needs an array of real numbers"):
        losses.hinge(["a"], [1.0])
    with pytest.raises(ValueError, match="delta: got -2"):
        losses.huber([0], [1], delta=-2)
    with pytest.raises(ValueError, match="axis: got 0, needs -1"):
        losses.cosine_similarity([0], [1], axis=0)


def test_sparse_crossentropy_of_labels():
    y_pred = np.array([[0.2, 0.8], [0.5, 0.5]])
    expected = losses.categorical_crossentropy(np.eye(2)[[1, 0]], y_pred)
    for labels in [1, 0], [[1.0], [0.0]], np.array([1, 0], np.uint8):
        assert np.array_equal(losses.sparse_categorical_crossentropy(labels, y_pred), expected)
    logits = losses.sparse_categorical_crossentropy([1, 0], y_pred, from_logits=True)
    assert logits == pytest.approx(losses.categorical_crossentropy(np.eye(2)[[1, 0]], y_pred, from_logits=True))
    assert losses.SparseCategoricalCrossentropy()([1, 0], y_pred) == pytest.approx(np.mean(expected))
    with pytest.raises(ValueError, match=r"y_true: got shape \(3,\), needs \(2,\), a label for each row"):
        losses.sparse_categorical_crossentropy([0, 1, 1], y_pred)
    with pytest.raises(ValueError, match="y_true: got numbers from 0 to 2, needs 0 to 1"):
        losses.sparse_categorical_crossentropy([0, 2], y_pred)
    for labels in ([0, 0.5], [0, np.nan]):
        with pytest.raises(ValueError, match="y_true: got numbers with fractions"):
            losses.sparse_categorical_crossentropy(labels, y_pred)


@pytest.mark.parametrize("name", ["hinge", "squared_hinge"])
def test_hinge_takes_bits_for_signs(name):
    y_pred = [[0.5, -0.5, 2.0]]
    function, loss = getattr(losses, name), losses.get(name)
    assert np.array_equal(function([[0, 1, 1]], y_pred), function([[-1, 1, 1]], y_pred))
    assert loss([[0, 1, 1]], y_pred) == loss([[-1, 1, 1]], y_pred)
    assert function([[0, 2, 1]], y_pred)[0] != function([[-1, 2, 1]], y_pred)[0]
    bits = np.array([[0], [1], [1]], np.uint8)
    assert evaluated(name, bits) == evaluated(name, 2.0 * bits - 1)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_nan_is_not_hidden(name, dtype):
    y_true = [1, 1] if name.startswith("sparse") else [[0.0, 1.0], [0.0, 1.0]]
    values = getattr(losses, name)(y_true, np.array([[0.25, np.nan], [0.25, 0.75]], dtype))
    assert np.isnan(values).tolist() == [True, False]


# --------------------------------------------------------------------------------------------------------- in a model


def evaluated(loss, y, activation=None, metrics=None):
    """What a small model of one or more outputs gives for these targets."""
    y = np.asarray(y)
    model = Sequential([Input(2), Dense(y.shape[1], activation)], seed=3, dtype="float64")
    model.compile("sgd", loss, metrics)
    return model.evaluate(np.linspace(-1, 1, 2 * len(y)).reshape(-1, 2), y, verbose=0)


@pytest.mark.parametrize("activation", ["softmax", "sigmoid", "softplus", "exponential"])
@pytest.mark.parametrize("cls", PLAIN, ids=lambda cls: cls.__name__)
def test_a_model_trains_with_every_loss_after_any_activation(cls, activation):
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(30, 4)), np.eye(3)[rng.integers(0, 3, 30)]
    model = Sequential([Input(4), Dense(3, activation)], seed=2, dtype="float64")
    loss = cls()
    model.compile("adam", loss)
    model.optimizer.learning_rate = 0.02
    before = model.evaluate(x, y, verbose=0)
    p = model.predict(x, verbose=0)
    fused = cls.__name__ == "Poisson" and activation == "exponential"  # without the 1e-7 in the logarithm
    assert before == pytest.approx(np.mean(p - y * np.log(p)) if fused else loss(y, p), rel=1e-9)
    model.fit(x, y, epochs=10, verbose=0)
    assert model.evaluate(x, y, verbose=0) < before


@pytest.mark.parametrize(
    ("name", "activation", "classes"),
    [
        ("categorical_crossentropy", "softmax", 3),
        ("categorical_crossentropy", "sigmoid", 3),
        ("categorical_crossentropy_from_logits", None, 3),
        ("categorical_focal_crossentropy", "softmax", 3),
        ("binary_crossentropy", "sigmoid", 2),
        ("binary_crossentropy", "softmax", 2),
        ("binary_crossentropy_from_logits", None, 2),
    ],
)
def test_labels_are_smoothed_for_the_loss_alone(name, activation, classes):
    y = np.eye(3)[[0, 2, 2, 1]]
    kept = y.copy()
    cls = losses.LOSSES[name.removesuffix("_from_logits")]
    settings = {"from_logits": name.endswith("logits")}
    smoothed = reference.smooth_labels(y.tolist(), 0.4, classes)
    loss, accuracy = evaluated(cls(label_smoothing=0.4, **settings), y, activation, ["binary_accuracy"])
    assert loss == pytest.approx(evaluated(cls(**settings), smoothed, activation), rel=1e-14)
    assert np.array_equal(y, kept)
    # all of it shared out: the loss sees the same target everywhere, the metric still sees y
    assert evaluated(cls(label_smoothing=1.0, **settings), y, activation, ["binary_accuracy"])[1] == accuracy
    assert accuracy == evaluated(cls(**settings), y, activation, ["binary_accuracy"])[1] not in (0.0, 1.0)


@pytest.mark.parametrize(
    "loss",
    [
        losses.Huber(0.25, name="robust"),
        losses.CategoricalCrossentropy(label_smoothing=0.1),
        losses.CategoricalFocalCrossentropy(0.5, 1.5, label_smoothing=0.1),
        losses.BinaryCrossentropy(from_logits=True, label_smoothing=0.3),
    ],
    ids=lambda loss: loss.name,
)
def test_settings_come_back_from_a_file(loss, tmp_path):
    model = Sequential([Input(3), Dense(2, "sigmoid")], seed=1)
    model.compile("sgd", loss)
    model.save(tmp_path / "model.safetensors")
    twin = load_model(tmp_path / "model.safetensors")
    assert type(twin.loss) is type(loss) and twin.loss.get_config() == loss.get_config()
    x, y = np.ones((4, 3)), np.eye(2)[[0, 1, 1, 0]]
    assert twin.evaluate(x, y, verbose=0) == model.evaluate(x, y, verbose=0)
    assert twin.loss.spec == loss.spec


def test_a_divergence_needs_distributions():
    with pytest.raises(ValueError, match=r"y: got values from -1\.0 to 1\.0, needs 0 to 1 for 'kl_divergence'"):
        evaluated("kld", [[-1.0, 1.0]], "softmax")


def test_the_engine_refuses_settings_that_a_loss_does_not_take():
    from fastmlp.kernels import Network

    layer = {"kind": "dense", "units": 2, "activation": "linear", "use_bias": True, "l2": 0.0}
    assert Network(3, [layer], {"name": "huber"}).loss == "huber"
    for loss in (
        {"name": "sparse_categorical_crossentropy", "label_smoothing": 0.1},
        {"name": "mean_squared_error", "delta": 1.0},
        {"name": "huber", "label_smoothing": 0.1},
        {"name": "categorical_focal_crossentropy", "delta": 0.1},
    ):
        with pytest.raises(
            ValueError, match=r"loss: got \['(delta|label_smoothing)'\] for .*, which takes no such thing"
        ):
            Network(3, [layer], loss)


def test_a_focal_loss_without_settings_has_those_of_keras():
    y, cls = [[1.0, 0.0], [0.0, 1.0]], losses.CategoricalFocalCrossentropy
    found = [
        evaluated(loss, y, "softmax") for loss in ("categorical_focal_crossentropy", cls(0.25, 2.0), cls(0.25, 1.0))
    ]
    assert found[0] == found[1] != found[2]
    entropy = evaluated("categorical_crossentropy", y, "softmax")
    assert evaluated(cls(0.5, 0.0), y, "softmax") == pytest.approx(entropy / 2, rel=1e-14)


def test_huber_without_delta_has_that_of_keras():
    y = [[3.0], [-0.2]]
    assert evaluated("huber", y) == evaluated(losses.Huber(1.0), y) != evaluated(losses.Huber(0.5), y)


# ------------------------------------------------------------------------------------------------------------ quantiles


def test_quantiles_are_scikit_learns_pinball_loss():
    metrics = pytest.importorskip("sklearn.metrics", reason="needs scikit-learn")
    rng = np.random.default_rng(0)
    y, p = rng.normal(size=(40, 3)), rng.normal(size=(40, 3))
    for q in 0.0, 0.1, 0.5, 0.9, 1.0:
        expected = metrics.mean_pinball_loss(y, p, alpha=q)
        assert losses.Quantile(q)(y, p) == pytest.approx(expected, rel=1e-14)
        assert evaluated(losses.Quantile(q), y) == pytest.approx(losses.Quantile(q)(y, outputs_of(y)), rel=1e-12)
    several = losses.Quantile([0.1, 0.5, 0.9])(y[:, :1], p)
    expected = [metrics.mean_pinball_loss(y[:, 0], p[:, j], alpha=q) for j, q in enumerate((0.1, 0.5, 0.9))]
    assert several == pytest.approx(np.mean(expected), rel=1e-14) == losses.Quantile([0.1, 0.5, 0.9])(y[:, 0], p)
    assert losses.quantile(y[:, 0], p, [0.1, 0.5, 0.9]).shape == (40,)


def outputs_of(y):
    """What the model of `evaluated` gives."""
    model = Sequential([Input(2), Dense(y.shape[1])], seed=3, dtype="float64")
    return model.predict(np.linspace(-1, 1, 2 * len(y)).reshape(-1, 2), verbose=0)


def test_a_model_of_several_quantiles_finds_them(tmp_path):
    rng = np.random.default_rng(1)
    x, y = np.ones((2000, 1)), rng.exponential(size=2000)
    model = Sequential([Input(1), Dense(3)], seed=0, dtype="float64")
    loss = losses.Quantile([0.1, 0.5, 0.9])
    model.compile("adam", loss)
    model.optimizer.learning_rate = 0.03
    model.fit(x, y, epochs=30, batch_size=100, verbose=0)
    model.optimizer.learning_rate = 0.003
    model.fit(x, y, epochs=10, batch_size=100, verbose=0)
    found = model.predict(x[:1], verbose=0)[0]
    assert found == pytest.approx(np.quantile(y, [0.1, 0.5, 0.9]), abs=0.04)
    model.save(tmp_path / "model.safetensors")
    assert load_model(tmp_path / "model.safetensors").evaluate(x, y, verbose=0) == model.evaluate(x, y, verbose=0)
    with pytest.raises(ValueError, match="loss: got 3 quantiles for a model of 2 outputs, needs one for each"):
        evaluated(loss, np.ones((4, 2)))


@pytest.mark.parametrize("wrong", [-0.1, 1.5, [0.5, 2.0], [], float("nan")])
def test_quantiles_that_cannot_be(wrong):
    with pytest.raises(ValueError, match="quantiles: got"):
        losses.Quantile(wrong)
