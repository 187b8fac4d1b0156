"""Tables: columns of their own types, and the errors that name them."""

import datetime

import numpy as np
import pytest

import fastmlp as keras
from fastmlp.data.arrays import features, numeric

pandas = pytest.importorskip("pandas", reason="needs pandas")
polars = pytest.importorskip("polars", reason="needs polars")

NUMBERS = np.arange(6.0)
DAYS = [datetime.date(2020, 1, 1) + datetime.timedelta(days) for days in range(6)]
STAMPS = pandas.date_range("2020-01-01", periods=6)
TIMES = [datetime.time(hour) for hour in range(6)]
SPANS = [datetime.timedelta(hours) for hours in range(6)]


def beside(library, column, **settings):
    """A frame of a column of numbers and this one."""
    return library.DataFrame({"a": NUMBERS, "column": column}, **settings)


READ = {
    "dummies": (pandas.get_dummies(pandas.DataFrame({"a": NUMBERS, "b": list("xyxyxy")})), [0, 1, 0]),
    "pandas bool": (beside(pandas, [True, False] * 3), [0, 1]),
    "Int64": (beside(pandas, pandas.array([7] * 6, dtype="Int64")), [0, 7]),
    "Float64": (beside(pandas, pandas.array([0.5] * 6, dtype="Float64")), [0, 0.5]),
    "boolean": (beside(pandas, pandas.array([True] * 6, dtype="boolean")), [0, 1]),
    "objects": (beside(pandas, pandas.Series([2] * 6, dtype=object)), [0, 2]),
    "categories": (beside(pandas, pandas.Categorical([3] * 6)), [0, 3]),
    "named alike": (pandas.DataFrame(np.ones((6, 2)), columns=["a", "a"]).astype({"a": "Int64"}), [1, 1]),
    "polars": (polars.DataFrame({"a": NUMBERS, "b": [True] * 6, "c": range(6)}), [0, 1, 0]),
    "values of dummies": (
        pandas.get_dummies(pandas.DataFrame({"a": NUMBERS, "b": list("xyxyxy")})).values,
        [0, 1, 0],
    ),
}


@pytest.mark.parametrize(("frame", "row"), READ.values(), ids=READ)
def test_columns_of_numbers_of_any_type(frame, row):
    found = numeric("x", frame)
    assert found.dtype.kind in "uif" and found.shape == (6, len(row)) and found[0].tolist() == row
    model = keras.Sequential([keras.layers.Dense(1)], seed=1)
    model.compile("sgd", "mse")
    plain = np.array(found, dtype="float64")
    model.fit(frame, NUMBERS, verbose=0)
    assert np.array_equal(model.predict(frame, verbose=0), model.predict(plain, verbose=0))


def test_what_is_no_table_is_refused():
    for value in (polars.LazyFrame({"a": NUMBERS}), pandas.DataFrame(), polars.DataFrame()):
        with pytest.raises((TypeError, ValueError), match="x: got"):
            features("x", value, None, "float32")


def test_single_columns():
    nullable = pandas.Series([1, 0, 1], dtype="Int64", name="y")
    for column in (nullable, nullable.astype("boolean"), polars.Series("y", [True, False, True]), nullable.array):
        assert numeric("y", column).tolist() == [1, 0, 1]
    assert numeric("y", nullable.to_frame()).shape == (3, 1)
    frame = pandas.DataFrame({"a": NUMBERS})
    assert np.shares_memory(numeric("x", frame), frame["a"].to_numpy())


WRONG = {
    "pandas text": (beside(pandas, list("abcdef")), TypeError, "column 'column' of dtype str"),
    "pandas objects": (
        beside(pandas, pandas.Series([1, "b", 3, 4, 5, 6], dtype=object)),
        TypeError,
        "column 'column' of dtype object with values of type str",
    ),
    "pandas categories": (
        beside(pandas, pandas.Categorical(list("abcdef"))),
        TypeError,
        "column 'column' of dtype category",
    ),
    "polars text": (beside(polars, list("abcdef")), TypeError, "column 'column' of dtype String"),
    "Int64": (
        beside(pandas, pandas.array([1, None, 2, None, 3, 4], dtype="Int64")),
        ValueError,
        "2 missing values in column 'column' of dtype Int64, needs a number in every row",
    ),
    "boolean": (
        beside(pandas, pandas.array([True, None] * 3, dtype="boolean")),
        ValueError,
        "3 missing values in column 'column' of dtype boolean",
    ),
    "None": (
        beside(pandas, pandas.Series([1, None, 2, 3, 4, 5], dtype=object)),
        ValueError,
        "1 missing value in column 'column' of dtype object",
    ),
    "polars null": (
        beside(polars, [1, None, 2, 3, 4, 5]),
        ValueError,
        "1 missing value in column 'column' of dtype Int64",
    ),
    "NaN": (
        beside(pandas, [1.0, 2.0, np.nan, 4.0, 5.0, 6.0]),
        ValueError,
        "nan in row 2 of column 'column' of dtype float64, needs finite numbers",
    ),
    "polars NaN": (
        beside(polars, [1.0, 2.0, np.nan, 4.0, 5.0, 6.0]),
        ValueError,
        "nan in row 2 of column 'column' of dtype Float64",
    ),
}


@pytest.mark.parametrize(("frame", "error", "message"), WRONG.values(), ids=WRONG)
def test_errors_name_the_column_and_its_type(frame, error, message):
    with pytest.raises(error, match=f"x: got {message}"):
        features("x", frame, None, "float32")
    with pytest.raises(error, match=f"data: got {message}"):
        keras.layers.Normalization().adapt(frame)
    model = keras.Sequential([keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    with pytest.raises(error, match=f"validation_data x: got {message}"):
        model.fit(np.zeros((6, 2)), NUMBERS, validation_data=(frame, NUMBERS), verbose=0)
    if error is TypeError or "missing" in message:
        with pytest.raises(error, match=f"y: got .*{message[-20:]}"):
            model.fit(np.zeros((6, 2)), frame["column"], verbose=0)
        with pytest.raises(error, match="sample_weight: got"):
            model.fit(np.zeros((6, 2)), NUMBERS, sample_weight=frame["column"], verbose=0)


DATES = {
    "pandas stamps": pandas.Series(STAMPS),
    "pandas spans": pandas.Series(STAMPS - STAMPS[0]),
    "pandas zones": pandas.Series(STAMPS.tz_localize("UTC")),
    "pandas periods": pandas.Series(STAMPS.to_period("D")),
    "pandas objects": pandas.Series(DAYS, dtype=object),
    "polars days": polars.Series(DAYS),
    "polars stamps": polars.Series(list(STAMPS.to_pydatetime())),
    "polars times": polars.Series(TIMES),
    "polars spans": polars.Series(SPANS),
    "array of stamps": STAMPS.to_numpy(),
    "array of spans": (STAMPS - STAMPS[0]).to_numpy(),
    "array of objects": np.array(DAYS, dtype=object),
    "list of stamps": list(STAMPS.to_numpy()),
    "list of days": DAYS,
}


def frames_of(column):
    """The column as a table, alone and beside numbers."""
    if isinstance(column, (pandas.Series, polars.Series)):
        library = pandas if isinstance(column, pandas.Series) else polars
        return [library.DataFrame({"when": column}), beside(library, column)]
    return [[[value] for value in column] if isinstance(column, list) else column.reshape(-1, 1)]


@pytest.mark.parametrize("column", DATES.values(), ids=DATES)
def test_dates_and_times_are_no_numbers(column):
    model = keras.Sequential([keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    for frame in frames_of(column):
        with pytest.raises(TypeError, match=r"x: got .*, needs an array of real numbers"):
            model.fit(frame, NUMBERS, verbose=0)
        with pytest.raises(TypeError, match=r"x: got .*, needs an array of real numbers"):
            keras.Sequential([keras.layers.Dense(1)]).predict(frame, verbose=0)
    with pytest.raises(TypeError, match=r"y: got .*, needs an array of real numbers"):
        model.fit(NUMBERS.reshape(-1, 1), column, verbose=0)


@pytest.mark.parametrize("column", DATES.values(), ids=DATES)
def test_estimators_take_no_dates_and_times_for_numbers(column):
    sklearn = pytest.importorskip("fastmlp.sklearn", reason="needs scikit-learn")
    plain = NUMBERS.reshape(-1, 1)
    for estimator, y in ((sklearn.MLPRegressor(max_iter=1), NUMBERS), (sklearn.MLPClassifier(max_iter=1), [0, 1] * 3)):
        fitted = type(estimator)(max_iter=1).partial_fit(plain, y, **({"classes": [0, 1]} if y is not NUMBERS else {}))
        for frame in frames_of(column):
            with pytest.raises(TypeError):
                estimator.fit(frame, y)
            with pytest.raises(TypeError):
                fitted.partial_fit(frame, y)
            with pytest.raises(TypeError):
                fitted.predict(frame)
    for y in (column, *frames_of(column)):
        with pytest.raises(TypeError):
            sklearn.MLPRegressor(max_iter=1).fit(plain, y)


def test_estimators_name_the_column_with_missing_values():
    sklearn = pytest.importorskip("fastmlp.sklearn", reason="needs scikit-learn")
    frame = WRONG["Int64"][0]
    with pytest.raises(ValueError, match="X: got 2 missing values in column 'column' of dtype Int64"):
        sklearn.MLPRegressor().fit(frame, NUMBERS)
    with pytest.raises(ValueError, match="y: got 2 missing values in column 'column' of dtype Int64"):
        sklearn.MLPRegressor().fit(frame[["a"]], frame["column"])


def test_tables_of_arrow():
    arrow = pytest.importorskip("pyarrow", reason="needs PyArrow")
    table = arrow.table({"a": NUMBERS, "b": [True, False] * 3, "c": range(6)})
    assert numeric("x", table)[1].tolist() == [1, 0, 1]
    assert numeric("y", table["b"]).tolist() == numeric("y", arrow.array([True, False] * 3)).tolist() == [1, 0] * 3
    for column, error, message in (
        ([1, None, 2, None, 3, 4], ValueError, "2 missing values in column 'd' of dtype int64"),
        (["x"] * 6, TypeError, "column 'd' of dtype string"),
        (DAYS, TypeError, "column 'd' of dtype date32"),
        (TIMES, TypeError, "column 'd' of dtype time64"),
        (SPANS, TypeError, "column 'd' of dtype duration"),
        ([np.nan] * 6, ValueError, "nan in row 0 of column 'd' of dtype double"),
    ):
        with pytest.raises(error, match=f"x: got {message}"):
            features("x", table.append_column("d", [column]), None, "float32")
