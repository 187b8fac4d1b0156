"""The importance of columns, of every kind of table, within the time."""

import time

import numpy as np
import pytest

pytest.importorskip("sklearn")

from fastmlp import report
from fastmlp.report import permutation, pictures
from fastmlp.report.permutation import measure
from fastmlp.report.rows import Rows, rows_of
from tests.report.models import Adder, of_digits

PATIENT = {"seconds": 600}  # whatever else the machine does meanwhile
RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(300, 4))
Y = X[:, 0] + 0.5 * X[:, 1]


def test_columns_that_matter_and_those_that_do_not():
    found = report.importance(Adder(), X, Y, **PATIENT)
    assert found.names == [f"column {i}" for i in range(4)] and found.score == "root mean squared error"
    assert (found.rows, found.repeats, found.left_out) == (300, 5, 0)
    assert found.means[2:].tolist() == found.deviations[2:].tolist() == [0.0, 0.0]
    np.testing.assert_allclose(found.means[:2], [2**0.5, 2**0.5 / 2], rtol=0.1)  # of two that are independent
    assert (found.deviations[:2] > 0).all()


def test_it_is_scikit_learns():
    from sklearn.inspection import permutation_importance

    class Plain(Adder):
        def fit(self, x, y):
            return self

    def score(model, x, y):
        return -(((model.predict(x) - y) ** 2).mean() ** 0.5)

    expected = permutation_importance(Plain(), X, Y, scoring=score, n_repeats=5, random_state=3)
    found = report.importance(Adder(), X, Y, seed=3, **PATIENT)
    np.testing.assert_allclose(found.means, expected.importances_mean, atol=1e-12)
    np.testing.assert_allclose(found.deviations, expected.importances_std, atol=1e-12)


def test_rows_count_by_their_weights():
    weights = RANDOM.integers(0, 4, 300)
    found = report.importance(Adder(), X, Y, sample_weight=weights, **PATIENT)
    assert found.rows == np.count_nonzero(weights)
    same = report.importance(Adder(), X[weights > 0], Y[weights > 0], sample_weight=[7.0] * found.rows, **PATIENT)
    plain = report.importance(Adder(), X[weights > 0], Y[weights > 0], **PATIENT)
    np.testing.assert_allclose(same.means, plain.means)
    assert abs(found.means - plain.means).max() > 1e-3
    halves = np.where(X[:, 1] > 0, 1.0, 0.0)  # of half of the rows, which is as good as to have no others
    part = report.importance(Adder(), X, Y, sample_weight=halves, **PATIENT)
    alone = report.importance(Adder(), X[X[:, 1] > 0], Y[X[:, 1] > 0], **PATIENT)
    np.testing.assert_array_equal(part.means, alone.means)
    for wrong in ([1.0], [-1.0] * 300, [0.0] * 300, [np.nan] * 300):
        with pytest.raises(ValueError, match="sample_weight: got "):
            report.importance(Adder(), X, Y, sample_weight=wrong)


@pytest.mark.parametrize("library", ["pandas", "polars", "dict", "pyarrow"])
def test_every_kind_of_table_has_the_same(library):
    columns = dict(zip("abcd", X.T, strict=True))
    if library == "dict":
        frame = columns
    elif library == "pandas":
        frame = pytest.importorskip("pandas").DataFrame(columns, index=np.arange(300) * 7)
    elif library == "polars":
        frame = pytest.importorskip("polars").DataFrame(columns)
    else:
        frame = pytest.importorskip("pyarrow").table(columns)

    class Framed(Adder):
        def predict(self, x):
            return super().predict({name: np.asarray(x[name]) for name in "abcd"})

    found = report.importance(Framed(), frame, Y, **PATIENT)
    expected = report.importance(Adder(), X, Y, **PATIENT)
    assert found.names == list("abcd")
    np.testing.assert_array_equal(found.means, expected.means)
    assert rows_of(frame).cells(5) == pytest.approx(X[5].tolist())


def test_rows_are_taken_from_others_column_by_column():
    rows = Rows(np.arange(12.0).reshape(3, 2, 2))
    given = rows.with_columns_of([np.array([0, 3]), np.array([1])], np.array([[2, 1], [0, 0], [1, 2]]))
    assert given.reshape(3, 4).tolist() == [[8, 5, 2, 11], [0, 1, 6, 3], [4, 9, 10, 7]]
    assert rows.flat[0].tolist() == [0, 1, 2, 3]


def test_of_very_many_columns_those_that_matter_are_found():
    x = RANDOM.normal(size=(100, 800))
    matter = [17, 345, 799]

    def loss(given, numbers):
        return float(abs(given[:, matter].sum(axis=1) - x[numbers][:, matter].sum(axis=1)).mean())

    found = measure(Rows(x), loss, "error", **PATIENT)
    assert {f"column {i}" for i in matter} <= set(found.names)
    assert len(found.names) == 30 and found.left_out == 770
    assert sorted(np.argsort(-found.means)[:3].tolist()) == sorted(found.names.index(f"column {i}") for i in matter)


def test_the_time_is_kept(monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(permutation.time, "perf_counter", lambda: clock[0])

    def slow(given, numbers):
        clock[0] += 0.001 * len(numbers)
        return 0.0

    found = measure(Rows(np.zeros((5000, 60))), slow, "error", seconds=15.0)
    assert clock[0] < 20
    assert (found.rows, found.repeats) == (100, 3)
    assert 0 < len(found.names) < 60 and found.left_out == 60 - len(found.names)
    assert time.perf_counter() == clock[0]


def test_pictures_are_tried_by_patches():
    model, x, y = of_digits()
    found = report.importance(model, x, y, **PATIENT)
    assert len(found.names) == 64 and found.names[0] == "row 4, column 4" and found.score == "log loss"
    means = np.zeros((8, 8))
    for place, mean in zip(pictures.patches((8, 8, 1)).values(), found.means, strict=True):
        means[place] = mean
    assert means[2:6, 2:6].mean() > 10 * abs(means[:, [0, 7]]).mean()


def test_the_same_seed_gives_the_same():
    model, x, y = of_digits()
    first, again, other = (report.importance(model, x, y, seed=seed, **PATIENT).means.tolist() for seed in (0, 0, 1))
    assert first == again != other
