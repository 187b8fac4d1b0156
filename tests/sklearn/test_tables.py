"""Estimators of tables: scikit-learn's checks, frames as they are, the choice of dropout, ensembles, files."""

import json
import pickle

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="needs scikit-learn")

import pandas as pd
import polars as pl
from safetensors.numpy import load as tensors_in
from safetensors.numpy import save as file_of
from sklearn.inspection import permutation_importance
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

import fastmlp.sklearn
from fastmlp.data.files import KEY
from fastmlp.sklearn import TableClassifier, TableRegressor

RANDOM = np.random.default_rng(0)
ROWS = 300
WORDS = RANDOM.choice(["red", "green", "blue"], ROWS)
AGE = np.where(RANDOM.random(ROWS) < 0.1, np.nan, RANDOM.normal(40, 12, ROWS))
FRAME = pd.DataFrame(
    {
        "colour": pd.Categorical(WORDS),
        "age": AGE,
        "shop": RANDOM.integers(100, 112, ROWS),
        "noise": RANDOM.normal(size=ROWS),
        "text": pd.Series([None if i % 11 == 0 else f"row {i}" for i in range(ROWS)], dtype=object),
    }
)


def of_polars(frame):
    columns = {name: [None if pd.isna(value) else value for value in frame[name]] for name in frame}
    return pl.DataFrame(columns).with_columns(pl.col("colour").cast(pl.Categorical))


def of_arrow(frame):
    pytest.importorskip("pyarrow", reason="needs PyArrow")
    return of_polars(frame).to_arrow()


NUMBERS = 3.0 * (WORDS == "red") + np.nan_to_num(AGE, nan=60) / 20 + FRAME["shop"].to_numpy() % 3
NAMES = np.where(np.median(NUMBERS) < NUMBERS, "above", "below")
SMALL = {"hidden_layer_sizes": (32,), "dropout": 0.0, "max_iter": 25, "learning_rate": 0.01, "random_state": 0}
EQUIVALENCE = "check_sample_weight_equivalence_on_dense_data"
REASON = "a row of weight 2 is in one batch and on one side of the held-out rows, two rows may be in two"


@parametrize_with_checks(
    [
        TableClassifier(hidden_layer_sizes=(64, 64), dropout=0.0),
        TableRegressor(hidden_layer_sizes=(64, 64), dropout=0.0),
    ],
    expected_failed_checks=lambda estimator: {EQUIVALENCE: REASON},
)
@pytest.mark.filterwarnings("ignore")
def test_scikit_learns_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize("make", [pd.DataFrame, of_polars, of_arrow])
def test_frames_are_learned_as_they_are(make):
    frame = make(FRAME)
    classifier = TableClassifier(2, **SMALL, types={"shop": "category"}).fit(frame, NAMES)
    assert classifier.score(frame, NAMES) > 0.85 and list(classifier.classes_) == ["above", "below"]
    assert np.allclose(classifier.predict_proba(frame).sum(axis=1), 1, atol=1e-5)
    regressor = TableRegressor(**SMALL, indicators=2, embed_from=1, types={"shop": "category"}).fit(frame, NUMBERS)
    assert regressor.preparation_.codes_ == [4, 13] and regressor.score(frame, NUMBERS) > 0.8
    assert regressor.predict(frame).max() <= NUMBERS.max()


def test_columns_come_in_any_order_and_a_missing_one_is_named():
    model = TableRegressor(**SMALL).fit(FRAME, NUMBERS)
    expected = model.predict(FRAME)
    assert np.array_equal(model.predict(FRAME[FRAME.columns[::-1]].assign(more=1)), expected)
    assert np.array_equal(model.predict(of_polars(FRAME)), expected)
    with pytest.raises(ValueError, match="X: got a table without 'age' and additional ones, 'Age', needs"):
        model.predict(FRAME.rename(columns={"age": "Age"}))


def test_rows_are_predicted_some_at_a_time(monkeypatch):
    model = TableRegressor(**SMALL).fit(FRAME, NUMBERS)
    expected = model.predict(FRAME)
    monkeypatch.setattr("fastmlp.sklearn.tables.AT_ONCE", 7)
    frames = [FRAME, FRAME.set_index(np.arange(ROWS) / 2), of_polars(FRAME)]
    assert all(np.array_equal(model.predict(frame), expected) for frame in frames)


def test_the_dropout_that_held_out_rows_like_best_is_chosen():
    rates = [0.0, 0.95]
    model = TableRegressor(3, **{**SMALL, "dropout": rates}).fit(FRAME, NUMBERS)
    assert len(model.estimators_) == 3
    assert not [layer for each in model.estimators_ for layer in each.layers if hasattr(layer, "rate")]


def test_an_ensemble_predicts_the_mean_of_networks_that_differ():
    model = TableRegressor(3, **SMALL).fit(FRAME, NUMBERS)
    (inputs,) = model.preparation_.inputs(FRAME)
    each = [member.predict(inputs, verbose=0)[:, 0] for member in model.estimators_]
    assert np.allclose(model.predict(FRAME), model.target_.decode(np.mean(each, axis=0)), rtol=1e-5)
    assert not np.allclose(each[0], each[1]) and not np.allclose(each[1], each[2])


def test_the_same_random_state_gives_the_same_bits_for_any_number_of_threads():
    first, second, other = (
        TableClassifier(2, **{**SMALL, "random_state": seed}, n_threads=threads).fit(FRAME, NAMES).predict_proba(FRAME)
        for seed, threads in ((0, 1), (0, 2), (1, 1))
    )
    assert first.tobytes() == second.tobytes() != other.tobytes()


def test_tuning_gives_networks_and_how_much_each_counts():
    model = TableClassifier(tune=2, **SMALL).fit(FRAME, NAMES)
    assert len(model.weights_) == len(model.estimators_) and sum(model.weights_) == pytest.approx(1)
    assert model.score(FRAME, NAMES) > 0.8
    with pytest.raises(ValueError, match="tune: got 2 beside n_estimators=3, needs one of them"):
        TableClassifier(3, tune=2).fit(FRAME, NAMES)


def test_networks_count_as_their_weights_say(tmp_path):
    model = TableClassifier(2, **SMALL).fit(FRAME, NAMES)
    model.weights_ = [0.25, 0.75]
    (inputs,) = model.preparation_.inputs(FRAME)
    one, other = (member.predict(inputs, verbose=0) for member in model.estimators_)
    assert np.allclose(model.predict_proba(FRAME), 0.25 * one + 0.75 * other, atol=1e-6)
    fastmlp.sklearn.save(model, tmp_path / "tuned.safetensors")
    again = fastmlp.sklearn.load(tmp_path / "tuned.safetensors")
    assert np.array_equal(again.predict_proba(FRAME), model.predict_proba(FRAME))


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame])
def test_columns_of_frames_are_looked_at(make):
    random = np.random.default_rng(1)
    film, row = random.integers(0, 120, 2000), random.permutation(10_000)[:2000]
    levels = random.normal(size=120)[film]
    columns = {
        "film": film,  # a name by what it is called
        "code": film * 7 % 120 + 1000,  # and by how it behaves
        "level": levels,
        "receipt_id": row,
        "told": film,
        "remark": [f"number {place} of all that were said" for place in row],
    }
    frame, target = make(columns), levels + random.normal(size=2000) / 10
    model = TableRegressor(**SMALL, types={"told": "number"}).fit(frame, target)
    expected = {"film": "category", "code": "category", "receipt_id": "ignore", "remark": "ignore", "told": "number"}
    assert model.preparation_.types == expected and model.types == {"told": "number"}
    array = TableRegressor(**SMALL).fit(np.stack([film, row], axis=1), target)
    assert array.preparation_.types == {}


def test_rows_of_weight_0_are_not_learned_from():
    wrong = NUMBERS.copy()
    wrong[::3] = -50.0
    weight = np.ones(ROWS)
    weight[::3] = 0
    model = TableRegressor(**SMALL).fit(FRAME, wrong, sample_weight=weight)
    assert np.mean((model.predict(FRAME) - NUMBERS) ** 2) < 1


def test_searches_pipelines_and_permutations():
    search = GridSearchCV(make_pipeline(TableRegressor(**SMALL)), {"tableregressor__bins": [2, 8]}, cv=2)
    assert search.fit(FRAME, NUMBERS).best_score_ > 0.5
    found = permutation_importance(search.best_estimator_, FRAME, NUMBERS, n_repeats=2, random_state=0).importances_mean
    assert found[0] > 0.2 > found[3]


def fitted(kind):
    if kind == "classes":
        return TableClassifier(2, **SMALL, types={"shop": "category"}, indicators=2, embed_from=1).fit(FRAME, NAMES)
    if kind == "array":
        return TableClassifier(**SMALL).fit(RANDOM.normal(size=(40, 3)), np.arange(40) % 3)
    return TableRegressor(**SMALL).fit(FRAME, NUMBERS)


@pytest.mark.parametrize("kind", ["classes", "array", "numbers"])
def test_it_comes_back_from_a_file_and_from_pickle(kind, tmp_path):
    model = fitted(kind)
    rows = FRAME if kind != "array" else np.zeros((5, 3))
    fastmlp.sklearn.save(model, tmp_path / "table.safetensors")
    for again in (fastmlp.sklearn.load(tmp_path / "table.safetensors"), pickle.loads(pickle.dumps(model))):
        assert type(again) is type(model) and again.get_params() == model.get_params()
        assert vars(again).keys() == vars(model).keys()
        assert np.array_equal(again.predict(rows), model.predict(rows))


CHANGES = [
    (lambda header: header.update(version=9), "format version 9, this version reads 1"),
    (lambda header: header.update({"class": "MLPRegressor"}), "unexpected keyword argument 'bins'"),
    (lambda header: header["members"].clear(), "arrays: got"),
    (lambda header: header["preparation"]["columns"].pop(1), "needs a network from"),
    (lambda header: header["preparation"].update(version=7), "no preparation of version"),
    (lambda header: header["target"].pop("mean"), "what are no targets"),
    (lambda header: header["parameters"].update(bins=0), "The 'bins' parameter"),
    (lambda header: header["attributes"].update(n_iter_=-1), "n_iter_: got -1"),
    (
        lambda header: header["attributes"].update(weights_=[0.5]),
        "weights_: got .*, needs one for each network, 1 in all",
    ),
    (
        lambda header: header["attributes"].update(weights_=[-1.0]),
        "weights_: got .*, needs a list of numbers from 0 to 1",
    ),
    (lambda header: header["attributes"].update(n_features_in_=3), "feature_names_in_: got another number, needs 3"),
]


@pytest.mark.parametrize(("change", "message"), CHANGES)
def test_a_file_that_does_not_fit_together_is_refused(change, message, tmp_path):
    path = tmp_path / "table.safetensors"
    fastmlp.sklearn.save(fitted("numbers"), path)
    content = path.read_bytes()
    size = int.from_bytes(content[:8], "little")
    header = json.loads(json.loads(content[8 : 8 + size])["__metadata__"][KEY])
    change(header)
    path.write_bytes(file_of(tensors_in(content), {KEY: json.dumps(header)}))
    with pytest.raises(ValueError, match=message):
        fastmlp.sklearn.load(path)


def test_what_cannot_be_saved(tmp_path):
    with pytest.raises(ValueError, match="not fitted"):
        fastmlp.sklearn.save(TableRegressor(), tmp_path / "a")
    model = fitted("numbers")
    model.mine = 3
    with pytest.raises(TypeError, match="mine: got an attribute that is none of TableRegressor's"):
        fastmlp.sklearn.save(model, tmp_path / "a")
