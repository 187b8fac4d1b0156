"""Calls with a row or a few: the network is kept between them, and nobody can tell but by the clock."""

import copy
import pickle
import threading

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="needs scikit-learn")

from sklearn.base import clone

from fastmlp.sklearn import MLPClassifier, MLPRegressor, plain
from tests.sklearn.small_fits import XR, YR, X, Y, same

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

SMALL = {"hidden_layer_sizes": (9, 5), "random_state": 0}


def through_pickle(model):
    return pickle.loads(pickle.dumps(model))


def falling(step):
    return 0.01 / (1 + step)


def rows_of(number):
    return slice(number, number + (1, 32, 7)[number % 3])


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"solver": "sgd", "learning_rate": "invscaling"},
        {"solver": "sgd", "nesterovs_momentum": False, "batch_size": 3},
        {"dropout": 0.3, "batch_norm": True},
        {"learning_rate": falling, "dtype": "float32"},
        {"random_state": None, "shuffle": False, "alpha": 0},
    ],
)
@pytest.mark.parametrize("kind", [MLPRegressor, MLPClassifier])
def test_a_kept_network_learns_as_a_new_one(kind, settings):
    x, y, given = (XR, YR[:, 0], {}) if kind is MLPRegressor else (X, Y, {"classes": range(10)})
    kept = kind(**{**SMALL, **settings}).partial_fit(x[:40], y[:40], **given)
    new = through_pickle(kept)
    for number in range(7):
        rows = rows_of(number)
        kept.partial_fit(x[rows], y[rows])
        new = through_pickle(new).partial_fit(x[rows], y[rows])
        assert same(kept, new) and kept.loss_curve_ == new.loss_curve_
        assert np.array_equal(kept.predict(x[:1]), through_pickle(new).predict(x[:1]))
    assert kept.t_ == new.t_ and kept._optimizer.step == new._optimizer.step


def test_the_network_is_kept_and_is_in_no_copy():
    model = MLPRegressor(**SMALL).partial_fit(XR, YR)
    network = model._optimizer.network
    size = len(pickle.dumps(model))
    assert network is not None
    assert model.partial_fit(XR[:1], YR[:1])._optimizer.network is network
    assert model.partial_fit(XR[:32], YR[:32])._optimizer.network is network
    for other in (copy.deepcopy(model), through_pickle(model)):
        assert other._optimizer.network is None
        assert len(other._optimizer.state) == len(model._optimizer.state) > 0
        assert same(other.partial_fit(XR[:5], YR[:5]), copy.deepcopy(model).partial_fit(XR[:5], YR[:5]))
    assert abs(len(pickle.dumps(model)) - size) < 100
    assert not hasattr(clone(model), "_optimizer")


@pytest.mark.parametrize(
    "change",
    [
        lambda model: model.set_params(alpha=3.0),
        lambda model: model.set_params(activation="tanh"),
        lambda model: model.set_params(activation=["relu", "gelu"]),
        lambda model: model.set_params(dropout=0.5),
        lambda model: model.set_params(batch_size=2),
        lambda model: model.set_params(n_threads=2),
        lambda model: model.coefs_[0].__setitem__((0, 0), 7.0),
        lambda model: model.intercepts_[1].__setitem__(0, 7.0),
        lambda model: setattr(model, "coefs_", [np.asfortranarray(2 * kernel) for kernel in model.coefs_]),
    ],
)
def test_a_change_between_calls_is_seen(change):
    model = MLPRegressor(**SMALL).partial_fit(XR, YR).partial_fit(XR, YR)
    before = model.predict(XR[:1])
    other = through_pickle(model)
    change(model)
    change(other)
    assert np.array_equal(model.predict(XR[:1]), other.predict(XR[:1]))
    unchanged = through_pickle(model)
    for each in (model, other):
        each.partial_fit(XR[:9], YR[:9])
    assert same(model, other) and not same(model, unchanged)
    assert not np.array_equal(model.predict(XR[:1]), before)


def test_a_changed_weight_changes_the_next_prediction():
    model = MLPRegressor(hidden_layer_sizes=(3,), random_state=0, max_iter=1).fit(XR, YR)
    before = model.predict(XR[:1])
    model.intercepts_[-1] += 1.0  # in place
    assert model.predict(XR[:1]) == pytest.approx(before + 1.0)


@pytest.mark.parametrize("dtype", ["float32", "float64", ">f8", "float16", "int64"])
@pytest.mark.parametrize("order", ["C", "F", "strided"])
def test_any_array_of_rows_predicts_the_same(dtype, order):
    model = MLPRegressor(**SMALL).partial_fit(XR, YR)
    x = XR[:6].round().astype(dtype)
    given = np.repeat(x, 2, axis=1)[:, ::2] if order == "strided" else np.array(x, order=order)
    expected = model.predict(x.astype(np.float64).tolist())
    assert np.array_equal(model.predict(given), expected)
    alike = [through_pickle(model).partial_fit(rows, YR[:6]) for rows in (given, x.astype(np.float64).tolist())]
    assert same(*alike)


@pytest.mark.parametrize(
    "x, message",
    [
        (np.full((1, 7), np.nan), "NaN"),
        (np.full((1, 7), np.inf), "infinity"),
        (np.zeros((1, 6)), "6 features"),
        (np.zeros(7), "1D array"),
        (np.zeros((0, 7)), "0 sample"),
        (np.array([["a"] * 7]), "numeric|convert"),
    ],
)
def test_rows_that_are_wrong_have_the_errors_of_scikit_learn(x, message):
    model = MLPRegressor(**SMALL).partial_fit(XR, YR[:, 0])
    for call in (model.predict, lambda x: model.partial_fit(x, np.zeros(len(x)))):
        with pytest.raises(ValueError, match=message):
            call(x)
    with pytest.raises(ValueError, match="NaN"):
        model.partial_fit(XR[:1], np.array([np.nan]))
    with pytest.raises(ValueError, match="inconsistent"):
        model.partial_fit(XR[:2], YR[:1, 0])


def test_names_of_columns_are_missed():
    pandas = pytest.importorskip("pandas")
    model = MLPRegressor(**SMALL).partial_fit(pandas.DataFrame(XR, columns=list("abcdefg")), YR)
    with pytest.warns(UserWarning, match="valid feature names"):
        model.predict(XR[:1])


@pytest.mark.parametrize("labels", [np.array(["no", "yes"]), np.array([0.0, 1.0]), np.array([3, 5], np.uint8)])
def test_labels_of_any_kind_are_known_again(labels):
    y = labels[Y % 2]
    model = MLPClassifier(**SMALL).partial_fit(X, y, classes=labels)
    other = through_pickle(model).partial_fit(X[:9].tolist(), y[:9].tolist())
    assert same(model.partial_fit(X[:9], y[:9]), other)
    assert set(model.predict(X[:50])) <= set(labels)
    for wrong in (labels[:1].astype(str).astype(object) + "x", np.array([np.nan]), np.array([9])):
        assert not plain.are_among(wrong, 1, labels)


def test_a_class_that_is_new_is_refused():
    model = MLPClassifier(**SMALL).partial_fit(X, Y, classes=range(10))
    for wrong in (np.array([10]), np.array([-1])):
        with pytest.raises(ValueError, match="classes not in"):
            model.partial_fit(X[:1], wrong)


def test_threads_that_share_an_estimator_do_not_stop_each_other():
    model, failures, turn = MLPRegressor(**SMALL).partial_fit(XR, YR), [], threading.Lock()

    def learn():
        try:
            for _ in range(50):
                with turn:
                    model.partial_fit(XR[:2], YR[:2])
                model.predict(XR[:2])
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=learn) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_a_fit_that_ends_by_an_error_leaves_the_optimizer_as_it_was():
    class Failing(Exception):
        pass

    def rate(step):
        if step > 12:
            raise Failing
        return 0.01

    settings = {"learning_rate": rate, "warm_start": True, "keep_optimizer": True, "max_iter": 20, "batch_size": 100}
    model = MLPRegressor(**SMALL, **settings).partial_fit(XR, YR)
    before = [array.copy() for array in (*model.coefs_, *model._optimizer.state)]
    step = model._optimizer.step
    with pytest.raises(Failing):
        model.fit(XR, YR)
    assert model._optimizer.step == step
    for a, b in zip(before, (*model.coefs_, *model._optimizer.state), strict=True):
        assert np.array_equal(a, b)
