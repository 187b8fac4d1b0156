"""Members of an ensemble that joblib's workers train, in processes here or on a cluster: the bits of training here."""

import joblib
import numpy as np
import pytest

pytest.importorskip("sklearn", reason="needs scikit-learn")

from sklearn.model_selection import cross_val_score

from fastmlp.sklearn import MLPEnsembleClassifier, MLPEnsembleRegressor, members
from tests.sklearn.small_fits import XR, YR, X, Y

SMALL = {"n_estimators": 3, "hidden_layer_sizes": (8,), "max_iter": 12, "learning_rate_init": 0.01, "random_state": 0}
OWN = [{"dropout": 0.2}, {"batch_size": 50, "activation": "tanh"}, None]
ENSEMBLES = [
    (MLPEnsembleClassifier(**SMALL, member_params=OWN, early_stopping=True, n_iter_no_change=2), X, Y),
    (MLPEnsembleRegressor(**SMALL, dtype="float32"), XR, YR / 100),
]


def assert_same(found, expected):
    for one, other in zip(found.estimators_, expected.estimators_, strict=True):
        for a, b in zip(one.get_weights(), other.get_weights(), strict=True):
            assert a.tobytes() == b.tobytes()
        assert one.seed == other.seed and one.history.history == other.history.history
    assert found.loss_curves_ == expected.loss_curves_
    assert found.validation_loss_curves_ == expected.validation_loss_curves_


def fitted(ensemble, x, y):
    return type(ensemble)(**ensemble.get_params()).fit(x, y)


@pytest.mark.parametrize(("ensemble", "x", "y"), ENSEMBLES, ids=["classes", "targets"])
def test_processes_of_this_machine(ensemble, x, y, monkeypatch):
    expected = fitted(ensemble, x, y)
    monkeypatch.setattr(members, "fit_many", None)  # of this process alone
    with joblib.parallel_config("loky", n_jobs=2):
        found = fitted(ensemble, x, y)
    assert_same(found, expected)
    found.estimators_[0].fit(x, y if y.ndim == 2 else y.astype(np.intc), verbose=0)  # what came back goes on


def test_where_they_are_shared_out():
    assert not members.are_shared_out()
    with joblib.parallel_config("threading", n_jobs=2):
        assert not members.are_shared_out()  # fit_many has threads of its own
    with joblib.parallel_config("loky", n_jobs=1):
        assert not members.are_shared_out()
    with joblib.parallel_config("loky", n_jobs=2):
        assert members.are_shared_out()
        assert joblib.Parallel()(joblib.delayed(members.are_shared_out)() for _ in range(2)) == [False, False]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_cluster_of_dask(monkeypatch):
    distributed = pytest.importorskip("distributed", reason="needs dask.distributed")
    expected = [fitted(*each) for each in ENSEMBLES]
    scores = cross_val_score(ENSEMBLES[0][0], X, Y, cv=2)
    monkeypatch.setattr(members, "fit_many", None)
    sent, scatter = [], distributed.Client.scatter

    def noted(client, data, **settings):
        sent.append(data)
        return scatter(client, data, **settings)

    monkeypatch.setattr(distributed.Client, "scatter", noted)
    with distributed.Client(n_workers=2, threads_per_worker=1, dashboard_address=None), joblib.parallel_config("dask"):
        for each, alone in zip(ENSEMBLES, expected, strict=True):
            sent.clear()
            assert_same(fitted(*each), alone)
            _, x, y = each
            assert sum(np.shape(one) == x.shape for one in sent) == 1  # however many members there are
            assert sum(np.shape(one) == y.shape for one in sent) == 1
        assert np.array_equal(cross_val_score(ENSEMBLES[0][0], X, Y, cv=2), scores)
