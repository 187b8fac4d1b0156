"""The estimators in searches, ensembles, workers and threads, and at Ctrl-C."""

import subprocess
import sys
import threading

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="needs scikit-learn")

import joblib
from sklearn import datasets
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import BaggingClassifier
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fastmlp.sklearn import MLPClassifier, networks

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
X, Y = datasets.load_digits(return_X_y=True)
X, Y = X[:500], Y[:500]
SHORT = {"random_state": 0, "max_iter": 12, "hidden_layer_sizes": (20,), "learning_rate_init": 0.01}


def threads_used():
    """Threads that an estimator with much work takes where this runs."""
    model = MLPClassifier(hidden_layer_sizes=(2000,))
    model.coefs_, model.intercepts_ = [np.zeros((2000, 2000))], [np.zeros(2000)]
    return networks.threads_of_steps(model, 1000)


def fitted_in_a_worker(model):
    return model.fit(X, Y), threads_used()


def test_a_search_in_two_workers_finds_what_one_finds():
    model = make_pipeline(StandardScaler(), MLPClassifier(**SHORT))
    grid = {"mlpclassifier__alpha": [1e-4, 1.0], "mlpclassifier__activation": ["relu", "gelu"]}
    one, two = (GridSearchCV(model, grid, cv=2, n_jobs=jobs).fit(X, Y) for jobs in (1, 2))
    assert np.array_equal(one.cv_results_["mean_test_score"], two.cv_results_["mean_test_score"])
    assert two.best_score_ > 0.7 and two.best_params_ == one.best_params_


@pytest.mark.parametrize("backend", ["loky", "threading", "multiprocessing"])
def test_a_worker_of_joblib_has_one_thread_and_the_same_bits(backend, monkeypatch):
    monkeypatch.setattr("fastmlp.config.threads._explicit", 2)
    assert threads_used() == 2
    here = MLPClassifier(**SHORT).fit(X, Y)
    with joblib.parallel_config(backend, n_jobs=2):
        for model, threads in joblib.Parallel()(joblib.delayed(fitted_in_a_worker)(clone(here)) for _ in range(3)):
            assert np.array_equal(model.coefs_[0], here.coefs_[0]) and threads == 1


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_workers_of_dask_have_one_thread_and_the_same_bits():
    distributed = pytest.importorskip("distributed", reason="needs dask.distributed")
    here = MLPClassifier(**SHORT).fit(X, Y)
    with (
        distributed.Client(n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None) as client,
        joblib.parallel_config("dask"),
    ):
        assert np.array_equal(cross_val_score(here, X, Y, cv=3), cross_val_score(here, X, Y, cv=3, n_jobs=1))
        model, threads = client.submit(fitted_in_a_worker, clone(here)).result()
    assert np.array_equal(model.coefs_[0], here.coefs_[0]) and threads == 1


def test_ensembles_and_calibration():
    assert cross_val_score(MLPClassifier(**SHORT), X, Y, cv=3).mean() > 0.6
    bagged = BaggingClassifier(MLPClassifier(**SHORT), n_estimators=3, n_jobs=2, random_state=0).fit(X, Y)
    assert bagged.score(X, Y) > 0.8
    calibrated = CalibratedClassifierCV(MLPClassifier(**SHORT), cv=2).fit(X, Y)
    assert np.allclose(calibrated.predict_proba(X).sum(axis=1), 1) and calibrated.score(X, Y) > 0.8
    several = MultiOutputClassifier(MLPClassifier(**SHORT)).fit(X, np.stack([Y, Y % 2], axis=1))
    assert several.predict(X).shape == (500, 2)


def test_threads_share_an_estimator():
    model, found = MLPClassifier(**SHORT).fit(X, Y), []
    workers = [threading.Thread(target=lambda: found.append(model.predict_proba(X))) for _ in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(found) == 8 and all(np.array_equal(each, model.predict_proba(X)) for each in found)


def test_ctrl_c_keeps_what_was_learnt():
    program = (
        "import signal, threading, time, os, numpy as np, warnings\n"
        "from fastmlp.sklearn import MLPRegressor\n"
        "x = np.random.default_rng(0).normal(size=(3000, 50))\n"
        "model = MLPRegressor(max_iter=10**6, tol=0, n_iter_no_change=10**6)\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)  # which a shell turns off for its background jobs\n"
        "def interrupt():\n"
        "    while not getattr(model, 'loss_curve_', None):\n"
        "        time.sleep(0.01)\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "threading.Thread(target=interrupt).start()\n"
        "with warnings.catch_warnings(record=True) as caught:\n"
        "    warnings.simplefilter('always')\n"
        "    model.fit(x, x[:, 0])\n"
        "print([str(warning.message) for warning in caught], len(model.loss_curve_) == model.n_iter_ > 0)\n"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=300)
    assert run.stdout == "['Training interrupted by user.'] True\n", run.stderr
