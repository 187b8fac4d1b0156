"""Estimators whose weights were not trained but set, with the attributes that scikit-learn's have."""

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="needs scikit-learn")

from sklearn import neural_network
from sklearn.exceptions import NotFittedError

import fastmlp.sklearn
from tests.sklearn.small_fits import XR, YR

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

WEIGHTS = ("coefs_", "intercepts_", "n_layers_", "n_outputs_", "out_activation_")
SMALL = {"hidden_layer_sizes": (6, 5), "activation": "tanh", "random_state": 0}
TARGETS = {
    "one": ("MLPRegressor", YR[:, 0]),
    "two": ("MLPRegressor", YR),
    "binary": ("MLPClassifier", np.array(["no", "yes"])[(XR[:, 0] > 0).astype(int)]),
    "multiclass": ("MLPClassifier", np.arange(300) % 3),
    "multilabel": ("MLPClassifier", (XR[:, :3] > 0).astype(int)),
}


def trained_and_set(kind, *more):
    """scikit-learn's estimator after a fit, and ours with its attributes."""
    name, y = TARGETS[kind]
    theirs = getattr(neural_network, name)(max_iter=9, **SMALL).fit(XR, y)
    ours = getattr(fastmlp.sklearn, name)(**SMALL)
    for attribute in (*WEIGHTS, *more):
        setattr(ours, attribute, getattr(theirs, attribute))
    return theirs, ours, y


@pytest.mark.parametrize("kind", ["one", "two"])
def test_a_regressor_predicts_scores_and_learns(kind):
    theirs, ours, y = trained_and_set(kind)
    assert np.allclose(ours.predict(XR), theirs.predict(XR))
    assert ours.score(XR, y) == pytest.approx(theirs.score(XR, y))
    before = ours.predict(XR)
    assert not np.array_equal(ours.partial_fit(XR, y).predict(XR), before)
    warm = trained_and_set(kind)[1].set_params(warm_start=True, max_iter=2).fit(XR, y)
    assert abs(warm.predict(XR) - before).max() < abs(before).max()


@pytest.mark.parametrize("kind", ["binary", "multiclass", "multilabel"])
@pytest.mark.parametrize("more", ["classes_", "_label_binarizer"])
def test_a_classifier_needs_its_classes_besides(kind, more):
    theirs, ours, y = trained_and_set(kind, more)
    assert np.array_equal(ours.predict(XR), theirs.predict(XR))
    assert np.allclose(ours.predict_proba(XR), theirs.predict_proba(XR))
    assert ours.score(XR, y) == theirs.score(XR, y)
    if more == "classes_":
        ours.partial_fit(XR, y).predict(XR)
    trained_and_set(kind, more)[1].set_params(warm_start=True, max_iter=1).fit(XR, y).predict(XR)


def test_without_classes_there_are_probabilities_but_no_labels():
    theirs, ours, _ = trained_and_set("multiclass")
    assert np.allclose(ours.predict_proba(XR), theirs.predict_proba(XR))
    with pytest.raises(AttributeError, match="classes_: got weights without classes"):
        ours.predict(XR)
    with pytest.raises(NotFittedError):
        fastmlp.sklearn.MLPClassifier().predict(XR)


def test_two_classes_may_have_a_softmax():
    model = fastmlp.sklearn.MLPClassifier(hidden_layer_sizes=())
    kernel, bias = np.eye(7, 2), np.zeros(2)
    model.coefs_, model.intercepts_, model.n_layers_, model.n_outputs_ = [kernel], [bias], 2, 2
    model.out_activation_, model.classes_ = "softmax", np.array(["left", "right"])
    assert np.array_equal(model.predict(XR), model.classes_[(XR @ kernel).argmax(axis=1)])
    assert model.predict_proba(XR).shape == (300, 2)


@pytest.mark.parametrize("form", [lambda array: array.tolist(), lambda array: array.round().astype(int)])
def test_weights_may_be_lists_or_whole_numbers(form):
    _, ours, _ = trained_and_set("two")
    ours.coefs_, ours.intercepts_ = ([form(array) for array in part] for part in (ours.coefs_, ours.intercepts_))
    values = XR
    for kernel, bias in zip(ours.coefs_[:-1], ours.intercepts_[:-1], strict=True):
        values = np.tanh(values @ np.array(kernel) + bias)
    assert np.allclose(ours.predict(XR), values @ np.array(ours.coefs_[-1]) + ours.intercepts_[-1])
    ours.partial_fit(XR, YR)


@pytest.mark.parametrize("sizes", [(6,), (6, 4), (5, 6), (), 6])
def test_other_sizes_than_those_of_the_weights_are_refused(sizes):
    model = fastmlp.sklearn.MLPRegressor(warm_start=True, max_iter=1, **SMALL).fit(XR, YR)
    before = [kernel.copy() for kernel in model.coefs_]
    model.set_params(hidden_layer_sizes=sizes)
    for call in (model.fit, model.partial_fit):
        with pytest.raises(ValueError, match=r"hidden_layer_sizes: got .* for weights of another fit, needs \[6, 5\]"):
            call(XR, YR)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.coefs_, strict=True))
    model.set_params(warm_start=False).fit(XR, YR)  # which draws new weights
    assert [len(bias) for bias in model.intercepts_[:-1]] == list(np.atleast_1d(sizes).astype(int))


def test_counts_below_zero_are_refused():
    y = abs(YR)
    y[3, 1] = -1e-9
    model = fastmlp.sklearn.MLPRegressor("poisson", max_iter=1)
    for call in (model.fit, model.partial_fit, lambda x, y: model.fit(x, abs(y), X_val=x, y_val=y)):
        with pytest.raises(ValueError, match="y: got -1e-09 for loss='poisson', needs numbers of at least 0"):
            call(XR, y)
    model.fit(XR, abs(y)).partial_fit(XR[:4], abs(y)[:4])
    with pytest.raises(ValueError, match="y: got -1e-09"):
        model.partial_fit(XR[:4], y[:4])
