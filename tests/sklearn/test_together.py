"""Epochs that nobody watches follow each other in one call of the engine, and end as those that are watched."""

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="needs scikit-learn")

from scipy import sparse

from fastmlp.callbacks import Callback
from fastmlp.sklearn import MLPClassifier, MLPRegressor
from fastmlp.sklearn.epochs import Epochs
from tests.sklearn.small_fits import XR, YR, X, Y, same

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
FITS = {
    "classes": (MLPClassifier, {}, X, Y),
    "two classes": (MLPClassifier, {}, X, Y > 4),
    "sparse rows": (MLPClassifier, {}, sparse.csr_matrix(X), Y),
    "sgd": (MLPClassifier, {"solver": "sgd", "learning_rate_init": 0.1}, X, Y),
    "adaptive": (MLPClassifier, {"solver": "sgd", "learning_rate": "adaptive", "tol": 0.02}, X, Y),
    "invscaling": (MLPClassifier, {"solver": "sgd", "learning_rate": "invscaling"}, X, Y),
    "schedule": (MLPClassifier, {"learning_rate": lambda step: 0.01 / (1 + step)}, X, Y),
    "weights": (MLPClassifier, {"class_weight": "balanced"}, X, Y),
    "dropout and normalization": (MLPClassifier, {"dropout": 0.2, "batch_norm": True}, X, Y),
    "in order, no penalty": (MLPClassifier, {"shuffle": False, "alpha": 0.0}, X, Y),
    "held-out rows": (MLPClassifier, {"early_stopping": True}, X, Y),
    "held-out rows, two classes": (MLPClassifier, {"early_stopping": True, "restore_best": False}, X, Y > 4),
    "held-out rows, numbers": (MLPRegressor, {"early_stopping": True}, XR, YR[:, 0] / 100),
    "held-out rows, several targets": (MLPRegressor, {"early_stopping": True, "scoring": "loss"}, XR, YR / 100),
    "held-out rows, normalization": (MLPClassifier, {"early_stopping": True, "batch_norm": True}, X, Y),
    "held-out rows, a scorer": (MLPClassifier, {"early_stopping": True, "scoring": "accuracy"}, X, Y),
    "held-out sparse rows": (MLPClassifier, {"early_stopping": True}, sparse.csr_matrix(X), Y),
    "the best": (MLPClassifier, {"restore_best": True, "learning_rate_init": 0.5}, X, Y),
    "several targets": (MLPRegressor, {}, XR, YR / 100),
    "one target": (MLPRegressor, {}, XR, YR[:, 0] / 100),
    "counts": (MLPRegressor, {"loss": "poisson"}, XR, np.abs(YR[:, 0]) // 50),
    "quantiles": (MLPRegressor, {"loss": "quantile", "quantile": [0.1, 0.9]}, XR, YR[:, 0] / 100),
    "clipped": (MLPClassifier, {"learning_rate_init": 20.0, "tol": 0.0, "n_iter_no_change": 40}, X, Y > 4),
    "clipped classes": (MLPClassifier, {"learning_rate_init": 20.0, "tol": 0.0, "n_iter_no_change": 40}, X, Y),
}
ONE_BY_ONE = ("invscaling", "weights", "held-out rows, a scorer", "held-out sparse rows")


@pytest.fixture
def calls(monkeypatch):
    """Epochs of each call of the engine."""
    found, run = [], Epochs.run

    def counted(self, orders, losses, *more):
        found.append(len(orders))
        run(self, orders, losses, *more)

    monkeypatch.setattr(Epochs, "run", counted)
    return found


@pytest.mark.parametrize("name", FITS)
def test_a_fit_ends_as_one_that_is_watched(name, calls):
    kind, settings, x, y = FITS[name]
    settings = {"hidden_layer_sizes": (10,), "max_iter": 30, "tol": 0.01, "n_iter_no_change": 4} | settings
    one, other = (
        kind(**settings, random_state=np.random.RandomState(3), callbacks=own) for own in (None, [Callback()])
    )
    one.fit(x, y)
    together = calls.copy()
    calls.clear()
    other.fit(x, y)
    assert sum(together) == sum(calls) == len(calls) == one.n_iter_ == other.n_iter_ > 5
    assert (max(together) == 1) == (name in ONE_BY_ONE)
    assert same(one, other) and one.loss_curve_ == other.loss_curve_ and one.loss_ == other.loss_
    for attribute in ("t_", "best_loss_", "_no_improvement_count", "validation_scores_", "best_validation_score_"):
        assert getattr(one, attribute) == getattr(other, attribute)
    assert getattr(one, "validation_loss_curve_", None) == getattr(other, "validation_loss_curve_", None)
    assert one.random_state.random() == other.random_state.random()  # no number was drawn for an epoch that was not


def test_the_losses_that_scikit_learn_clips_are_there():
    from sklearn.neural_network import MLPClassifier as Theirs

    settings = {"hidden_layer_sizes": (10,), "max_iter": 8, "learning_rate_init": 20.0, "n_iter_no_change": 40}
    for y in (Y > 4, Y):
        ours, theirs = (kind(**settings, random_state=3).fit(X, y) for kind in (MLPClassifier, Theirs))
        assert max(ours.loss_curve_) > 5 and np.allclose(ours.loss_curve_, theirs.loss_curve_, rtol=1e-6)


def test_as_many_as_there_are_before_training_can_stop(calls):
    model = MLPClassifier((10,), random_state=0, tol=10.0, n_iter_no_change=4, max_iter=100).fit(X, Y)
    assert calls == [5, 1] and model.n_iter_ == 6  # the first is better than none
    calls.clear()
    model.set_params(warm_start=True, n_iter_no_change=2).fit(X, Y)  # which would have stopped before
    assert calls == [1] and model.n_iter_ == 1


@pytest.mark.parametrize("settings", [{"verbose": True}, {"verbose": True, "restore_best": True}])
def test_one_by_one_where_something_is_done_between(settings, calls, capsys):
    MLPClassifier((10,), random_state=0, max_iter=5, **settings).fit(X, Y)
    assert calls == [1] * 5
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[1] for line in lines if line.startswith("Iteration")] == ["1,", "2,", "3,", "4,", "5,"]


def test_few_at_once_of_many_rows(calls):
    x = np.random.default_rng(0).normal(size=(60_000, 2))
    MLPClassifier((2,), random_state=0, max_iter=9).fit(x, (x[:, 0] > 0).astype(int))
    assert calls == [4, 4, 1]


def test_those_finished_before_ctrl_c_are_recorded(monkeypatch):
    def interrupted(self, orders, losses, *more):
        run(self, orders[:2], losses, *more)
        raise KeyboardInterrupt

    run = Epochs.run
    monkeypatch.setattr(Epochs, "run", interrupted)
    model = MLPClassifier((10,), random_state=0)
    with pytest.warns(UserWarning, match="Training interrupted by user"):
        model.fit(X, Y)
    assert model.n_iter_ == len(model.loss_curve_) == 2 and model.best_loss_ == model.loss_curve_[-1]
    assert model.t_ == 2 * len(X)
