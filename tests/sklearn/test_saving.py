"""The estimators in files and copies, which go on alike, and weights that are set."""

import copy
import pickle
import subprocess
import sys
import warnings

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="needs scikit-learn")

from sklearn import datasets
from sklearn.base import clone
from sklearn.pipeline import make_pipeline

import fastmlp.sklearn
from fastmlp import callbacks
from fastmlp.sklearn import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
X, Y = datasets.load_digits(return_X_y=True)
X, Y = X[:500], Y[:500]
SHORT = {"random_state": 0, "max_iter": 12, "hidden_layer_sizes": (20,), "learning_rate_init": 0.01}


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
    with pytest.raises(TypeError, match="estimator: got Pipeline, needs an estimator of fastmlp: MLPClassifier"):
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


WITHOUT_POLARS = """
import sys
sys.modules["polars"] = None
import numpy as np
import fastmlp.sklearn
estimator = fastmlp.sklearn.MLPClassifier(max_iter=1).fit(np.eye(4), [0, 1, 0, 1])
fastmlp.sklearn.save(estimator, PATH)
assert (fastmlp.sklearn.load(PATH).predict(np.eye(4)) == estimator.predict(np.eye(4))).all()
for call in (lambda: fastmlp.sklearn.TableClassifier, lambda: fastmlp.sklearn.load(TABLE)):
    try:
        call()
    except ImportError as error:
        print(error)
"""


def test_estimators_but_those_of_tables_need_no_polars(tmp_path):
    polars = pytest.importorskip("polars", reason="needs polars")
    table = fastmlp.sklearn.TableClassifier(max_iter=1).fit(polars.DataFrame({"a": range(30)}), [0, 1] * 15)
    fastmlp.sklearn.save(table, tmp_path / "table.safetensors")
    code = WITHOUT_POLARS.replace("PATH", repr(str(tmp_path / "one.safetensors")))
    code = code.replace("TABLE", repr(str(tmp_path / "table.safetensors")))
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=False)
    needs = "needs polars: pip install 'fastmlp[tables]'"
    assert done.stdout == f"sklearn.TableClassifier: {needs}\nload: {needs}\n", done.stderr
