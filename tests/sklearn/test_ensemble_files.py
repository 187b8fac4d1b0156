"""Ensembles in files: they come back as they were, and go on alike; what does not fit is refused."""

import json

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="needs scikit-learn")

import pandas as pd
from safetensors.numpy import load as tensors_in
from safetensors.numpy import save as file_of
from sklearn.pipeline import make_pipeline

import fastmlp.sklearn
from fastmlp.data.files import KEY
from fastmlp.sklearn import MLPEnsembleClassifier, MLPEnsembleRegressor
from tests.sklearn.small_fits import XR, YR, X, Y

SMALL = {"n_estimators": 3, "hidden_layer_sizes": (6,), "max_iter": 3, "random_state": 0}
OWN = [{"activation": "tanh"}, None, {"hidden_layer_sizes": (4, 3), "dropout": 0.1, "max_iter": 2}]
NAMES = np.array(["no", "yes"])[(Y > 4).astype(int)]


@pytest.mark.parametrize(
    ("ensemble", "x", "y"),
    [
        (MLPEnsembleClassifier(**SMALL, member_params=OWN, early_stopping=True), X, Y),
        (MLPEnsembleClassifier(**SMALL, voting="hard", dtype="float32"), X, NAMES),
        (MLPEnsembleClassifier(**SMALL, max_samples=0.5), pd.DataFrame(X).add_prefix("pixel"), NAMES.astype(object)),
        (MLPEnsembleRegressor(**SMALL), XR, YR),
        (MLPEnsembleRegressor(**SMALL), XR, YR[:, 0]),
    ],
    ids=["own settings", "votes", "frame", "targets", "one target"],
)
def test_a_saved_ensemble_goes_on_alike(ensemble, x, y, tmp_path):
    ensemble.fit(x, y)
    fastmlp.sklearn.save(ensemble, tmp_path / "ensemble.safetensors")
    again = fastmlp.sklearn.load(tmp_path / "ensemble.safetensors")
    assert type(again) is type(ensemble) and again.get_params() == ensemble.get_params()
    assert vars(again).keys() == vars(ensemble).keys() and np.array_equal(again.predict(x), ensemble.predict(x))
    assert again.predict(x).dtype == ensemble.predict(x).dtype and again.score(x, y) == ensemble.score(x, y)
    for name in ("loss_curves_", "validation_loss_curves_", "n_iter_", "n_features_in_"):
        assert getattr(again, name) == getattr(ensemble, name)
    assert all(map(np.array_equal, again.estimators_samples_, ensemble.estimators_samples_))
    rows, bag = np.asarray(x), ensemble.estimators_samples_[0]
    targets = np.unique(y, return_inverse=True)[1] if isinstance(ensemble, MLPEnsembleClassifier) else y
    for one in (ensemble, again):
        one.estimators_[0].fit(rows[bag], targets[bag], verbose=0)
    for one, other in zip(*(each.estimators_[0].get_weights() for each in (ensemble, again)), strict=True):
        assert one.tobytes() == other.tobytes()
    assert np.array_equal(again.fit(x, y).predict(x), ensemble.fit(x, y).predict(x))


def test_what_cannot_be_saved(tmp_path):
    ensemble, path = MLPEnsembleClassifier(**SMALL), tmp_path / "ensemble.safetensors"
    with pytest.raises(ValueError, match="not fitted"):
        fastmlp.sklearn.save(ensemble, path)
    ensemble.fit(X, Y)
    with pytest.raises(TypeError, match="estimator: got Pipeline, needs an estimator of fastmlp"):
        fastmlp.sklearn.save(make_pipeline(ensemble), path)
    for change, error, message in (
        ({"random_state": np.random.RandomState(0)}, TypeError, "random_state: got RandomState, needs numbers"),
        ({"mine": 3}, TypeError, "mine: got an attribute that is none of MLPEnsembleClassifier's"),
        ({"n_estimators": 0}, ValueError, "The 'n_estimators' parameter"),
        ({"estimators_": ensemble.estimators_[:2]}, ValueError, "got 3, needs one for each of 2 members"),
        (
            {"n_features_in_": 3},
            ValueError,
            "needs a Sequential from 3 features to 10 outputs",
        ),
    ):
        kept = dict(vars(ensemble))
        vars(ensemble).update(change)
        with pytest.raises(error, match=message):
            fastmlp.sklearn.save(ensemble, path)
        vars(ensemble).clear()
        vars(ensemble).update(kept)
    assert not path.exists()


CHANGES = [
    (lambda header, arrays: header.update(version=9), "format version 9, this version reads 1"),
    (lambda header, arrays: header.update({"class": "MLPEnsembleRegressor"}), "unexpected keyword argument 'voting'"),
    (lambda header, arrays: header.update({"class": "Pipeline"}), "class: got unknown name 'Pipeline'"),
    (lambda header, arrays: header.update({"class": []}), "unhashable"),
    (lambda header, arrays: header["members"].pop(), "arrays: got .*member.2/"),
    (lambda header, arrays: header["members"].append(header["members"][0]), "weights: got none"),
    (lambda header, arrays: header["parameters"].update(voting="both"), "The 'voting' parameter"),
    (lambda header, arrays: header["parameters"].update(member_params=[{"dict": []}]), "member_params: got 1 items"),
    (lambda header, arrays: header["attributes"].pop("classes_"), "attributes: got none called 'classes_'"),
    (lambda header, arrays: header["attributes"].update(n_iter_=-1), "n_iter_: got -1"),
    (lambda header, arrays: header["attributes"].update(n_features_in_=3), "needs a Sequential from 3 features"),
    (
        lambda header, arrays: header["attributes"].update(loss_curves_=[[0.5]]),
        "loss_curves_: got 1, needs one",
    ),
    (
        lambda header, arrays: header["attributes"].update(loss_curves_=[3, 3, 3]),
        r"loss_curves_\[0\]: got 3",
    ),
    (lambda header, arrays: arrays.update(classes_=arrays["classes_"][::-1].copy()), "different labels in order"),
    (lambda header, arrays: arrays.update(classes_=arrays["classes_"][:4].copy()), "to 4 outputs"),
    (lambda header, arrays: arrays.pop("estimators_samples_.0"), "entry 'estimators_samples_.0' is missing"),
    (
        lambda header, arrays: arrays.update({"estimators_samples_.0": np.ones(3)}),
        "estimators_samples_: got",
    ),
    (lambda header, arrays: arrays.update(more=np.ones(3)), r"arrays: got \['more'\], needs those of 3 members alone"),
]


@pytest.mark.parametrize(("change", "message"), CHANGES, ids=[message[:30] for _, message in CHANGES])
def test_damaged_files_are_refused(change, message, tmp_path):
    path = tmp_path / "ensemble.safetensors"
    fastmlp.sklearn.save(MLPEnsembleClassifier(**{**SMALL, "max_iter": 1}).fit(X[:60], Y[:60]), path)
    content = path.read_bytes()
    size = int.from_bytes(content[:8], "little")
    header, arrays = json.loads(json.loads(content[8 : 8 + size])["__metadata__"][KEY]), tensors_in(content)
    change(header, arrays)
    path.write_bytes(file_of(arrays, {KEY: json.dumps(header)}))
    with pytest.raises(ValueError, match=f"path: got .*{message}"):
        fastmlp.sklearn.load(path)
