"""The estimators inside of what others build from estimators: searches, ensembles, workers, files, data frames."""

import copy
import pickle
import subprocess
import sys
import threading
import warnings

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

import fastmlp.sklearn
from fastmlp import callbacks
from fastmlp.sklearn import MLPClassifier, MLPRegressor, networks

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
X, Y = datasets.load_digits(return_X_y=True)
X, Y = X[:500], Y[:500]
SHORT = {"random_state": 0, "max_iter": 12, "hidden_layer_sizes": (20,), "learning_rate_init": 0.01}


def threads_used():
    """Threads that an estimator with much work takes where this runs."""
    model = MLPClassifier(hidden_layer_sizes=(2000,))
    model.coefs_, model.intercepts_ = [np.zeros((2000, 2000))], [np.zeros(2000)]
    return networks.thread_count(model, 1000)


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


def test_predictions_follow_the_weights_that_are_set():
    model = MLPRegressor(**SHORT).fit(X, Y)
    assert not (model.predict(X) == 3).any()
    model.coefs_[-1][:] = 0
    model.intercepts_[-1] = np.array([3.0])
    assert (model.predict(X) == 3).all()


COPIES = {"pickle": lambda model: pickle.loads(pickle.dumps(model)), "deepcopy": copy.deepcopy, "copy": copy.copy}


def goes_on_alike(model, again):
    """Whether the two predict alike, and learn alike."""
    assert np.array_equal(model.predict(X), again.predict(X)) and repr(model) == repr(again)
    if isinstance(model, MLPClassifier):
        assert np.array_equal(model.predict_proba(X), again.predict_proba(X))
    model, again = (copy.deepcopy(each).partial_fit(X, Y) for each in (model, again))
    assert np.array_equal(model.coefs_[0], again.coefs_[0]) and model.loss_curve_ == again.loss_curve_
    assert np.array_equal(model.predict(X), again.predict(X))
    return True


@pytest.mark.parametrize("way", COPIES)
def test_copies_go_on_alike(way):
    for model in MLPClassifier(**SHORT).fit(X, Y), MLPRegressor(dropout=0.1, batch_norm=True, **SHORT).fit(X, Y):
        assert goes_on_alike(model, COPIES[way](model))
    assert not hasattr(clone(model), "coefs_")


def test_a_saved_estimator_goes_on_alike(tmp_path):
    path = tmp_path / "model.safetensors"
    for model in (
        MLPClassifier(class_weight={1: 2.0}, activation=["tanh"], **SHORT).fit(X, Y),
        MLPRegressor(dropout=0.1, batch_norm=True, dtype="float32", **SHORT).fit(X, Y),
    ):
        fastmlp.sklearn.save(model, path)
        again = fastmlp.sklearn.load(path)
        assert goes_on_alike(model, again)
        assert vars(again).keys() == vars(model).keys() and again.get_params() == model.get_params()
    words, two = np.array(["no", "yes"])[Y % 2], np.stack([Y % 2, Y % 3], axis=1)
    for labels in words, words.astype(object), words == "no", two % 2, two:
        model = MLPClassifier(**SHORT).fit(X, labels)
        fastmlp.sklearn.save(model, path)
        assert np.array_equal(fastmlp.sklearn.load(path).predict(X), model.predict(X))


def test_labels_names_and_arrays_come_back_as_they_were(tmp_path):
    path = tmp_path / "model.safetensors"
    many, wide = np.arange(500) % 30, np.array(["no", "yes", "\u00fc"], "U9")[Y % 3]
    for labels in (many, wide, wide.astype(object), many.astype(">f8"), Y > 4, np.stack([wide, wide[::-1]], 1)):
        model = MLPClassifier(np.array([5]), max_iter=1, random_state=1).fit(X, labels)
        fastmlp.sklearn.save(model, path)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            again = fastmlp.sklearn.load(path)
        ours, theirs = (
            each.classes_ if isinstance(each.classes_, list) else [each.classes_] for each in (model, again)
        )
        assert all(np.array_equal(a, b) and a.dtype == b.dtype for a, b in zip(ours, theirs, strict=True))
        assert repr(again) == repr(model) and np.array_equal(again.predict_proba(X), model.predict_proba(X))
        assert again.hidden_layer_sizes.dtype == model.hidden_layer_sizes.dtype


def test_a_subclass_is_loaded_as_the_estimator_that_it_is_made_from(tmp_path):
    class Mine(MLPRegressor):
        def predict(self, X):
            return super().predict(X) + 1

    path = tmp_path / "model.safetensors"
    model = Mine(**SHORT).fit(X, Y)
    fastmlp.sklearn.save(model, path)
    again = fastmlp.sklearn.load(path)
    assert type(again) is MLPRegressor and np.array_equal(again.predict(X) + 1, model.predict(X))


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        ({"hidden_layer_sizes": (7,)}, ValueError, r"weights: got \(\(64, 20\), .* for 'coefs_.0', needs \(\(64, 7\)"),
        ({"batch_norm": True}, ValueError, "weights: got none for 'batch_norm_.beta.0'"),
        ({"alpha": -1}, ValueError, "alpha"),
        ({"tol": 10**400}, ValueError, "tol: got 1000"),
        ({"activation": ["relu", "relu"]}, ValueError, "activation: got 2 values"),
        ({"loss": "poisson"}, ValueError, "loss: got 'poisson' for weights of another fit"),
        ({"random_state": np.random.RandomState(1)}, TypeError, "random_state: got RandomState, needs numbers"),
    ],
)
def test_what_would_not_be_loaded_is_not_saved(tmp_path, changed, error, message):
    path = tmp_path / "model.safetensors"
    model = MLPRegressor(**SHORT).fit(X, Y).set_params(**changed)
    with pytest.raises(error, match=message):
        fastmlp.sklearn.save(model, path)
    assert not path.exists()


def test_an_attribute_of_ones_own_is_not_lost_in_silence(tmp_path):
    model = MLPRegressor(**SHORT).fit(X, Y)
    model.note = "mine"
    with pytest.raises(TypeError, match="note: got an attribute that is none of MLPRegressor's"):
        fastmlp.sklearn.save(model, tmp_path / "model.safetensors")


def test_what_cannot_be_saved_is_named(tmp_path):
    path = tmp_path / "model.safetensors"
    model = MLPClassifier(learning_rate=lambda step: 0.01, **SHORT).fit(X, Y)
    with pytest.raises(TypeError, match="learning_rate: got function, needs numbers"):
        fastmlp.sklearn.save(model, path)
    assert not path.exists()
    with pytest.raises(TypeError, match="estimator: got Pipeline, needs an MLPClassifier or MLPRegressor"):
        fastmlp.sklearn.save(make_pipeline(model), path)
    path.write_bytes(b"nothing of the kind")
    with pytest.raises(ValueError, match=r"path: got .*, needs a file of fastmlp\.sklearn\.save"):
        fastmlp.sklearn.load(path)


def test_a_checkpoint_is_an_estimator(tmp_path):
    path = tmp_path / "best.safetensors"
    keep = callbacks.ModelCheckpoint(str(path), monitor="loss", save_best_only=True)
    model = MLPClassifier(**SHORT)
    model.set_params(callbacks=keep).fit(X, Y)
    assert pickle.loads(pickle.dumps(model)).callbacks.best == clone(model).callbacks.best == min(model.loss_curve_)
    model.set_params(callbacks=None)
    assert np.array_equal(fastmlp.sklearn.load(path).predict_proba(X), model.predict_proba(X))


def test_skops_reads_what_it_writes():
    skops = pytest.importorskip("skops.io", reason="needs skops")
    model = MLPClassifier(batch_norm=True, **SHORT).fit(X, Y)
    written = skops.dumps(model)
    unknown = skops.get_untrusted_types(data=written)
    assert all(name.startswith("fastmlp.sklearn.") for name in unknown)
    assert goes_on_alike(model, skops.loads(written, trusted=unknown))


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_data_frames_have_their_columns_checked(library):
    module = pytest.importorskip(library, reason=f"needs {library}")
    names = [f"pixel {i}" for i in range(64)]
    frame = module.DataFrame(dict(zip(names, X.T, strict=True)))
    model = MLPClassifier(early_stopping=True, **SHORT).fit(frame, module.Series(Y))
    assert list(model.feature_names_in_) == names and model.n_features_in_ == 64
    assert np.array_equal(model.predict(frame), MLPClassifier(early_stopping=True, **SHORT).fit(X, Y).predict(X))
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(frame[names[::-1]])
    scaled = make_pipeline(StandardScaler().set_output(transform=library), MLPRegressor(**SHORT)).fit(frame, Y)
    assert list(scaled[-1].feature_names_in_) == names


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
