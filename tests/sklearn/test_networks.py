"""The networks that scikit-learn's have not: dropout, activations by layer, float32, threads."""

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="needs scikit-learn")

from fastmlp.kernels import Network
from fastmlp.sklearn import MLPClassifier, MLPRegressor
from tests.sklearn.small_fits import SHORT, XR, YR, X, Y, same

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def test_dropout_needs_its_rate_and_follows_random_state():
    plain = MLPClassifier(**SHORT).fit(X, Y)
    dropped = [MLPClassifier(dropout=0.5, **SHORT).fit(X, Y) for _ in range(2)]
    assert same(*dropped) and not same(dropped[0], plain)
    assert dropped[0].loss_ > plain.loss_
    assert (dropped[0].predict_proba(X[:9]) == dropped[0].predict_proba(X)[:9]).all()  # none in predictions
    assert len({MLPRegressor(dropout=0.1, max_iter=1, random_state=i).fit(XR, YR)._dropout_seed for i in range(3)}) == 3
    one = MLPClassifier((20, 10), dropout=[0.0, 0.3], **SHORT).fit(X, Y)
    assert not same(one, MLPClassifier((20, 10), dropout=[0.3, 0.0], **SHORT).fit(X, Y))


def test_partial_fits_draw_other_masks_each_time():
    runs = [MLPRegressor(dropout=0.5, shuffle=False, learning_rate_init=1e-12, random_state=0) for _ in range(2)]
    for _ in range(2):
        runs[0].partial_fit(XR, YR)
    assert runs[0].loss_curve_[0] != pytest.approx(runs[0].loss_curve_[1], rel=1e-6)


def test_dropout_may_begin_after_a_fit():
    model = MLPClassifier(random_state=0, max_iter=2, warm_start=True).fit(X, Y)
    before = model.predict_proba(X)
    assert np.array_equal(model.set_params(dropout=0.5).predict_proba(X), before)
    seeds = {model.set_params(random_state=i).partial_fit(X, Y)._dropout_seed for i in range(2)}
    again = MLPClassifier(dropout=0.5, random_state=0, max_iter=1).fit(X, Y)
    assert len(seeds) == 1 and again._dropout_seed not in seeds  # drawn once, after any new weights


def test_each_layer_may_have_its_activation():
    model = MLPClassifier((20, 10), activation=["gelu", "logistic"], **SHORT).fit(X, Y)
    network = Network(
        64,
        [
            {"kind": "dense", "units": units, "activation": name, "use_bias": True, "l2": 0.0}
            for units, name in ((20, "gelu"), (10, "sigmoid"), (10, "softmax"))
        ],
        dtype="float64",
    )
    network.set_weights([array for layer in zip(model.coefs_, model.intercepts_, strict=True) for array in layer])
    assert np.array_equal(model.predict_proba(X), network.predict(X))
    # each drawn within the bound of its activation
    settings = {"random_state": 0, "max_iter": 1, "learning_rate_init": 1e-12}
    drawn = [MLPClassifier((500, 400), ["relu", last], **settings).fit(X[:50], Y[:50]) for last in ("relu", "logistic")]
    bounds = [abs(model.coefs_[1]).max() for model in drawn]
    assert bounds[1] / bounds[0] == pytest.approx(np.sqrt(2 / 6), rel=1e-3)


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"activation": ["relu", "tanh"]}, "activation: got 2 values, needs one, or 1"),
        ({"activation": ["nothing"]}, "activation: got 'nothing', needs one of"),
        ({"dropout": [0.5, 0.5]}, "dropout: got 2 values, needs one, or 1"),
        ({"dropout": [1.0]}, "dropout: got 1.0, needs rates of at least 0 and below 1"),
        ({"dropout": 1.0}, "dropout"),
        ({"batch_norm": "yes"}, "batch_norm"),
        ({"dtype": "float16"}, "dtype"),
        ({"n_threads": 0}, "n_threads"),
        ({"n_threads": 257}, "n_threads"),
        ({"scoring": "nothing"}, "scoring"),
        ({"learning_rate": lambda step: -1.0}, "learning_rate: got .*, needs finite rates of at least 0"),
        ({"class_weight": "equal"}, "class_weight"),
    ],
)
def test_wrong_settings_are_named(settings, message):
    with pytest.raises(ValueError, match=message):
        MLPClassifier(**settings).fit(X, Y)


def test_float32_is_there_for_float64_data():
    model = MLPClassifier(dtype="float32", **SHORT).fit(X, Y)
    assert model.coefs_[0].dtype == model.predict_proba(X).dtype == np.float32
    assert same(model, MLPClassifier(**SHORT).fit(X.astype(np.float32), Y))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_any_number_of_threads_gives_the_same_bits(dtype):
    one, two = (MLPClassifier(n_threads=count, dtype=dtype, **SHORT).fit(X, Y) for count in (1, 3))
    assert same(one, two) and np.array_equal(one.predict_proba(X), two.predict_proba(X))
