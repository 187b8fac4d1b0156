"""Rows to validate on: curves, early stopping, and the weights that are kept."""

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="needs scikit-learn")

from sklearn import datasets
from sklearn.metrics import f1_score
from sklearn.model_selection import train_test_split

from fastmlp.sklearn import MLPClassifier, MLPRegressor
from tests.sklearn.small_fits import SHORT, XR, YR, X, Y, same

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def test_rows_to_validate_on_are_watched_and_change_nothing():
    train, test, y_train, y_test = train_test_split(X, Y, random_state=0)
    watched = MLPClassifier(**SHORT).fit(train, y_train, X_val=test, y_val=y_test)
    assert same(watched, MLPClassifier(**SHORT).fit(train, y_train))
    assert len(watched.validation_loss_curve_) == len(watched.validation_scores_) == 6
    assert watched.validation_scores_[-1] == watched.score(test, y_test)
    found = watched.predict_proba(test)[np.arange(len(test)), y_test]
    assert watched.validation_loss_curve_[-1] == pytest.approx(-np.log(found).mean())


def test_validation_rows_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="X_val, y_val: got one of them"):
        MLPClassifier().fit(X, Y, X_val=X)
    with pytest.raises(ValueError, match=r"X_val, y_val: got .* weights without them, needs both or none"):
        MLPClassifier().fit(X, Y, sample_weight_val=np.ones(600))
    with pytest.raises(ValueError, match=r"y: got shape \(300,\), needs 2 columns"):
        MLPRegressor(max_iter=1).fit(XR, YR, X_val=XR, y_val=YR[:, 0])
    with pytest.raises(ValueError, match="X_val: got rows for solver='lbfgs'"):
        MLPRegressor(solver="lbfgs").fit(X, Y, X_val=X, y_val=Y)
    with pytest.raises(ValueError, match="has classes not in"):
        MLPClassifier(max_iter=1).fit(X, Y, X_val=X, y_val=Y + 1)
    for labels in Y, Y % 2:
        with pytest.raises(ValueError, match=r"y: got shape \(600, 2\), needs \[rows\], as in the fit before"):
            MLPClassifier(max_iter=1).fit(X, labels, X_val=X, y_val=np.stack([Y % 2, Y % 2], axis=1))
    with pytest.raises(ValueError, match="X has 3 features"):
        MLPClassifier(max_iter=1).fit(X, Y, X_val=X[:, :3], y_val=Y)


def test_given_rows_stop_early_and_the_best_weights_come_back():
    train, test, y_train, y_test = train_test_split(X, Y, random_state=0)
    settings = {"random_state": 0, "early_stopping": True, "n_iter_no_change": 3, "max_iter": 100}
    model = MLPClassifier(**settings).fit(train, y_train, X_val=test, y_val=y_test)
    assert model.n_iter_ < 100
    assert model.score(test, y_test) == max(model.validation_scores_) == model.best_validation_score_
    last = MLPClassifier(restore_best=False, **settings).fit(train, y_train, X_val=test, y_val=y_test)
    assert last.validation_scores_ == model.validation_scores_
    assert last.score(test, y_test) == last.validation_scores_[-1]


@pytest.mark.parametrize("scoring", ["f1_macro", "neg_log_loss", "loss"])
def test_the_score_to_stop_by_is_chosen_by_name(scoring):
    x, y = datasets.load_digits(return_X_y=True, as_frame=True)
    model = MLPClassifier(random_state=0, max_iter=8, early_stopping=True, scoring=scoring).fit(x, y.astype(str))
    held = train_test_split(np.arange(len(y)), random_state=after_the_weights(model), test_size=0.1)[1]
    if scoring == "loss":
        assert model.validation_scores_ == [-loss for loss in model.validation_loss_curve_]
    elif scoring == "neg_log_loss":
        assert np.allclose(model.validation_scores_, [-loss for loss in model.validation_loss_curve_])
    else:
        truth, found = y.astype(str).iloc[held], model.predict(x.iloc[held])
        assert model.best_validation_score_ == f1_score(truth, found, average="macro")


def after_the_weights(model):
    """The random numbers as they are when rows are held out."""
    random = np.random.RandomState(0)
    for kernel in model.coefs_:
        random.uniform(size=kernel.size + kernel.shape[1])
    return random


def test_the_least_loss_can_be_kept_without_validation():
    settings = {"random_state": 0, "solver": "sgd", "learning_rate_init": 0.2, "max_iter": 12, "shuffle": False}
    model = MLPRegressor(restore_best=True, **settings).fit(XR[:20], YR[:20] / 100)
    best = int(np.argmin(model.loss_curve_))
    settings["max_iter"] = best + 1
    assert 0 < best < 11 and same(model, MLPRegressor(**settings).fit(XR[:20], YR[:20] / 100))
