"""Ensembles: scikit-learn's checks, members with the bits of `fit` alone, bags, settings of their own, and votes."""

import pickle
from collections import Counter

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="needs scikit-learn")

from joblib import Parallel, delayed, parallel_config
from sklearn.base import clone
from sklearn.datasets import load_digits, make_regression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.utils.estimator_checks import parametrize_with_checks

import fastmlp
from fastmlp.layers import Dense, Dropout, Input
from fastmlp.models import Sequential
from fastmlp.optimizers import Adam
from fastmlp.regularizers import L2
from fastmlp.sklearn import MLPEnsembleClassifier, MLPEnsembleRegressor

X, Y = load_digits(return_X_y=True)
X, Y = X[:600] / 16.0, Y[:600]
SMALL = {"n_estimators": 3, "hidden_layer_sizes": (16,), "max_iter": 10, "learning_rate_init": 0.01, "random_state": 0}


@parametrize_with_checks(
    [
        MLPEnsembleClassifier(3, max_iter=100),
        MLPEnsembleRegressor(3, max_iter=100),
        MLPEnsembleClassifier(2, voting="hard"),
    ]
)
@pytest.mark.filterwarnings("ignore")
def test_scikit_learns_checks(estimator, check):
    check(estimator)


def test_a_member_has_the_bits_of_its_own_fit():
    ensemble = MLPEnsembleClassifier(**SMALL, dropout=0.1, alpha=0.01, tol=0.0, n_iter_no_change=100).fit(X, Y)
    for member, bag in zip(ensemble.estimators_, ensemble.estimators_samples_, strict=True):
        penalty = L2(0.5 * 0.01 / 200)
        layers = [Input((64,)), Dense(16, "relu", kernel_regularizer=penalty), Dropout(0.1)]
        layers.append(Dense(10, "softmax", kernel_regularizer=penalty))
        alone = Sequential(layers, seed=member.seed, dtype="float64")
        alone.compile(Adam(0.01, epsilon=1e-8), "sparse_categorical_crossentropy")
        alone.fit(X[bag], Y[bag], 200, 10, verbose=0)
        for one, other in zip(member.get_weights(), alone.get_weights(), strict=True):
            assert one.tobytes() == other.tobytes()
    assert [len(curve) for curve in ensemble.loss_curves_] == [10] * 3 and ensemble.n_iter_ == 10
    assert len({member.seed for member in ensemble.estimators_}) == 3


def test_the_same_random_state_gives_the_same_ensemble_for_any_number_of_threads():
    first, second, other = (
        MLPEnsembleClassifier(**{**SMALL, "random_state": seed}, n_threads=threads).fit(X, Y).predict_proba(X)
        for seed, threads in ((0, 1), (0, 3), (1, 1))
    )
    assert first.tobytes() == second.tobytes() != other.tobytes()
    assert fastmlp.get_num_threads() > 0


def test_members_have_arguments_of_their_own():
    own = [{"hidden_layer_sizes": (8, 8), "activation": ["tanh", "gelu"]}, None, {"max_iter": 3, "batch_size": 50}]
    ensemble = MLPEnsembleClassifier(**SMALL, member_params=own).fit(X, Y)
    shapes = [[weight.shape for weight in member.get_weights()[::2]] for member in ensemble.estimators_]
    assert shapes == [[(64, 8), (8, 8), (8, 10)], [(64, 16), (16, 10)], [(64, 16), (16, 10)]]
    assert [len(curve) for curve in ensemble.loss_curves_] == [10, 10, 3]
    assert ensemble.estimators_[2].optimizer.iterations == 3 * 12


def test_bags():
    bags = MLPEnsembleClassifier(**SMALL).fit(X, Y).estimators_samples_
    assert all(len(bag) == 600 and 330 < len(set(bag)) < 430 for bag in bags)
    bags = MLPEnsembleClassifier(**SMALL, bootstrap=False, max_samples=0.5).fit(X, Y).estimators_samples_
    assert all(len(set(bag)) == 300 for bag in bags)
    bags = MLPEnsembleClassifier(**SMALL, bootstrap=False, max_samples=7).fit(X, Y).estimators_samples_
    assert all(len(set(bag)) == 7 for bag in bags)


def test_early_stopping_by_the_rows_outside_of_the_bag():
    settings = {**SMALL, "max_iter": 300, "n_iter_no_change": 3, "learning_rate_init": 0.03}
    ensemble = MLPEnsembleClassifier(**settings, early_stopping=True).fit(X, Y)
    for member, bag, curve in zip(
        ensemble.estimators_, ensemble.estimators_samples_, ensemble.validation_loss_curves_, strict=True
    ):
        assert len(curve) < 300
        rest = np.setdiff1d(np.arange(600), bag)
        assert member.evaluate(X[rest], Y[rest], verbose=0) == pytest.approx(min(curve), abs=1e-4)


def test_predictions_are_means_or_votes():
    soft = MLPEnsembleClassifier(**SMALL).fit(X, Y)
    outputs = [member.predict(X, verbose=0) for member in soft.estimators_]
    assert np.array_equal(soft.predict_proba(X), np.mean(outputs, axis=0))
    assert np.array_equal(soft.predict(X), np.mean(outputs, axis=0).argmax(axis=1))
    hard = clone(soft).set_params(voting="hard").fit(X, Y)
    votes = np.array([output.argmax(axis=1) for output in outputs]).T
    expected = [min(Counter(row).items(), key=lambda item: (-item[1], item[0]))[0] for row in votes.tolist()]
    assert hard.predict(X).tolist() == expected
    assert soft.score(X, Y) > 0.8
    assert not hasattr(hard, "predict_proba") and not hasattr(hard, "predict_log_proba")


def test_names_of_classes_and_two_classes():
    names = np.array(["no", "yes"])[(Y > 4).astype(int)]
    ensemble = MLPEnsembleClassifier(**SMALL).fit(X, names)
    assert set(ensemble.predict(X)) == {"no", "yes"} and ensemble.predict_proba(X).shape == (600, 2)


def test_regression_of_several_targets():
    x, y = make_regression(300, 8, n_targets=2, random_state=0)
    y = (y - y.mean(axis=0)) / y.std(axis=0)
    ensemble = MLPEnsembleRegressor(**{**SMALL, "max_iter": 60}, dtype="float32").fit(x, y)
    assert ensemble.predict(x).shape == (300, 2) and ensemble.predict(x).dtype == np.float32
    assert ensemble.score(x, y) > 0.9
    flat = MLPEnsembleRegressor(**{**SMALL, "max_iter": 60}).fit(x, y[:, 0])
    outputs = [member.predict(x, verbose=0)[:, 0] for member in flat.estimators_]
    assert np.array_equal(flat.predict(x), np.mean(outputs, axis=0))


def test_pickles_and_searches():
    ensemble = MLPEnsembleClassifier(**SMALL).fit(X, Y)
    again = pickle.loads(pickle.dumps(ensemble))
    assert np.array_equal(again.predict_proba(X), ensemble.predict_proba(X))
    with parallel_config(backend="threading", n_jobs=2):
        scores = cross_val_score(MLPEnsembleClassifier(**SMALL), X, Y, cv=3)
    assert np.array_equal(scores, cross_val_score(MLPEnsembleClassifier(**SMALL), X, Y, cv=3))
    search = GridSearchCV(MLPEnsembleClassifier(**SMALL), {"max_iter": [1, 10]}, cv=2).fit(X, Y)
    assert search.best_params_ == {"max_iter": 10}


def test_in_a_worker_of_joblib_it_has_one_thread(monkeypatch):
    seen = []
    monkeypatch.setattr("fastmlp.sklearn.members.fit_many", lambda *_, **__: seen.append(fastmlp.get_num_threads()))

    def fit(threads):
        with pytest.raises(TypeError):  # as nothing was trained
            MLPEnsembleClassifier(**SMALL, n_threads=threads).fit(X, Y)

    fastmlp.set_num_threads(5)
    try:
        fit(None)
        fit(2)
        Parallel(n_jobs=2, backend="threading")(delayed(fit)(threads) for threads in (None,))
    finally:
        fastmlp.set_num_threads(None)
    assert seen == [5, 2, 1]


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"n_estimators": 0}, ValueError, "The 'n_estimators' parameter of MLPEnsembleClassifier must be"),
        ({"max_samples": 601}, ValueError, "max_samples: got 601, needs at most the 600 rows of X"),
        ({"member_params": [{}]}, ValueError, "member_params: got 1 items, needs 3, one for each member"),
        ({"member_params": [3, {}, {}]}, TypeError, "member_params: got 3, needs dicts of arguments, or None"),
        (
            {"member_params": [{"voting": "hard"}, {}, {}]},
            ValueError,
            r"member_params: got \['voting'\], needs some of",
        ),
        ({"member_params": [{"alpha": -1}, {}, {}]}, ValueError, "The 'alpha' parameter .* must be"),
        ({"hidden_layer_sizes": (0,)}, ValueError, "hidden_layer_sizes must be > 0"),
        ({"activation": ["relu", "relu"]}, ValueError, "activation: got 2 values, needs one, or 1"),
        ({"bootstrap": False, "early_stopping": True}, ValueError, "early_stopping: got True, needs rows outside of"),
        ({"voting": "mean"}, ValueError, "The 'voting' parameter of MLPEnsembleClassifier must be"),
    ],
)
def test_bad_arguments_are_refused(settings, error, message):
    with pytest.raises(error, match=message):
        MLPEnsembleClassifier(**{**SMALL, **settings}).fit(X, Y)
