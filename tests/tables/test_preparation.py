"""Tables become arrays: every kind of column, of every library, in any order, also those that training rows had not."""

import datetime
import json
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy.sparse import csr_array

from fastmlp.tables.preparation import Preparation

ROWS = 60
RANDOM = np.random.default_rng(1)
TABLE = {
    "age": [None if i % 7 == 0 else float(i % 40) for i in range(ROWS)],
    "count": [i % 5 for i in range(ROWS)],
    "word": [None if i % 9 == 0 else "abc"[i % 3] for i in range(ROWS)],
    "rare": ["often" if i < 50 else f"once {i}" for i in range(ROWS)],
    "many": [f"name {i % 12}" for i in range(ROWS)],
    "flag": [i % 4 == 0 for i in range(ROWS)],
    "day": [datetime.datetime(2024, 1, 1) + datetime.timedelta(days=i, hours=i % 3) for i in range(ROWS)],
    "same": [3] * ROWS,
}


def of_arrow(table):
    pytest.importorskip("pyarrow", reason="needs PyArrow")
    return pl.DataFrame(table).to_arrow()


LIBRARIES = {
    "polars": pl.DataFrame,
    "pandas": pd.DataFrame,
    "pandas nullable": lambda table: pd.DataFrame(table).convert_dtypes(),
    "pandas category": lambda table: pd.DataFrame(table).astype({"word": "category", "many": "category"}),
    "polars category": lambda table: pl.DataFrame(table).with_columns(pl.col("word").cast(pl.Categorical)),
    "arrow": of_arrow,
    "columns": dict,
}


def prepared(**settings):
    return Preparation(indicators=10, embed_from=1, **settings).fit(pl.DataFrame(TABLE))


@pytest.mark.parametrize("make", LIBRARIES.values(), ids=LIBRARIES)
def test_every_library_gives_the_same_arrays(make):
    expected = prepared().transform(pl.DataFrame(TABLE))
    own = Preparation(indicators=10, embed_from=1).fit(make(TABLE))
    for found in (own.transform(make(TABLE)), prepared().transform(make(TABLE))):
        assert all(a.dtype == np.float32 and np.array_equal(a, b) for a, b in zip(found, expected, strict=True))
    assert own.codes_ == [13] and expected[0].shape == (ROWS, own.width_) and np.isfinite(expected[0]).all()


def test_kinds_and_widths():
    made = prepared()
    kinds = {name: each.kind for name, each in made.columns_.items()}
    expected = ["number", "number", "category", "category", "category", "boolean", "date", "number"]
    assert list(kinds.values()) == expected
    widths = {name: each.width for name, each in made.columns_.items()}
    # five numbers: 4 bins and the number itself; four words, a missing one among them, and the others; one word
    assert (widths["count"], widths["word"], widths["rare"], widths["many"], widths["same"]) == (5, 5, 1, 0, 0)
    assert made.columns_["word"].known == ["b", "c", "a", None]


def test_words_that_training_rows_had_not_or_seldom_share_a_place():
    made = prepared(types={"many": "ignore"})
    rows = {name: values[:3] for name, values in TABLE.items()} | {
        "word": ["new", None, "a"],
        "rare": ["x", "often", None],
    }
    own = Preparation().fit({"word": TABLE["word"], "rare": TABLE["rare"]})
    numbers, places = own.transform(rows)
    assert numbers.tolist() == [[1, 0, 0, 0, 0, 0], [0, 0, 0, 0, 1, 1], [0, 0, 0, 1, 0, 0]]
    assert places.shape == (3, 0) and "many" not in made.columns_


def test_places_of_several_columns_follow_each_other():
    table = {"a": ["x", "y"] * 10, "b": [1, 2, 2, 2] * 5}
    made = Preparation({"b": "category"}, indicators=0, embed_from=1).fit(table)
    numbers, places = made.transform({"b": [2.0, 1.0, 9.0], "a": ["y", "?", "x"]})
    assert made.codes_ == [3, 3] and numbers.shape == (3, 0)
    assert places.tolist() == [[2, 4], [0, 5], [1, 3]]


def test_words_of_few_rows_have_no_vector():
    words = ["x"] * 9 + ["y"] * 8 + ["z"] * 3
    for embed_from, known, embedded in ((1, "xyz", True), (9, "xy", False), (4, "xy", False)):
        made = Preparation(indicators=2, seldom=1, embed_from=embed_from).fit({"a": words}).columns_["a"]
        assert (made.known, made.embedded) == (list(known), embedded)


def test_whole_numbers_that_are_seen_often_are_names_too():
    shops = np.array([17.0, 3.0, 99.0, 4.0] * 5 + [np.nan] * 5)
    settings = {"indicators": 3, "embed_from": 5, "seldom": 5}
    made = Preparation(**settings).fit({"shop": shops})
    numbers, places = made.transform({"shop": [3, 4.0, 98.0, None]})
    assert made.columns_["shop"].kind == "number" and made.codes_ == [6] and numbers.shape[1] == made.width_ > 3
    assert places.tolist() == [[2], [3], [0], [5]]  # of equal counts in the order of their words: 17, 3, 4, 99
    again = Preparation.from_data(json.loads(json.dumps(made.to_data()))).transform({"shop": shops})
    assert all(map(np.array_equal, again, made.transform({"shop": shops})))
    for types, values in (({"shop": "number"}, shops), ({}, shops + 0.5), ({}, shops[:14])):
        assert Preparation(types, **settings).fit({"shop": values}).codes_ == []
    seldom = np.where(np.arange(400) % 2 == 0, np.nan, np.arange(400.0))  # the missing value alone is there often
    assert Preparation(indicators=0, embed_from=1).fit({"shop": seldom}).codes_ == []


def test_a_missing_number_is_flagged_and_has_no_code():
    made = Preparation().fit({"x": [1.0, 2.0, None, 4.0]})
    numbers = made.transform({"x": [None, 2.0]})[0]
    assert numbers[0].tolist() == [0] * (made.width_ - 1) + [1] and numbers[1, -1] == 0 and numbers[1].any()


def test_it_comes_back_from_plain_data():
    made = prepared(types={"count": "category"})
    again = Preparation.from_data(json.loads(json.dumps(made.to_data())))
    first, second = (each.transform(pl.DataFrame(TABLE)) for each in (made, again))
    assert all(map(np.array_equal, first, second)) and again.to_data() == made.to_data()
    for change in (
        {"version": 9},
        {"columns": 3},
        {"columns": [{"name": "a", "kind": "picture"}]},
        {"types": {"a": 1}},
    ):
        with pytest.raises(ValueError, match="data: got what is no preparation"):
            Preparation.from_data({**made.to_data(), **change})


NUMBERS = {"edges": [0.0, 1.0], "center": 0.5, "scale": 1.0, "flagged": False}


@pytest.mark.parametrize(
    "column",
    [
        {"kind": "number", **NUMBERS, "edges": [[0.0, 1.0]]},
        {"kind": "number", **NUMBERS, "edges": [1.0, 0.0]},
        {"kind": "number", **NUMBERS, "edges": "01"},
        {"kind": "number", **NUMBERS, "center": "0"},
        {"kind": "number", **NUMBERS, "center": float("nan")},
        {"kind": "number", **NUMBERS, "scale": 10**400},
        {"kind": "number", **NUMBERS, "flagged": 0.5},
        {"kind": "number", "least": "a", "greatest": 1.0, "flagged": False},
        {"kind": "number", "names": {"known": ["1"], "embedded": False}, **NUMBERS},
        {"kind": "date", "parts": [NUMBERS] * 4},
        {"kind": "category", "known": ["a", "a"], "embedded": False},
        {"kind": "category", "known": [["a"]], "embedded": False},
        {"kind": "category", "known": "ab", "embedded": False},
        {"kind": "category", "known": ["a"], "embedded": 3},
    ],
)
def test_plain_data_of_another_kind_is_refused(column):
    data = {**prepared().to_data(), "columns": [{"name": "a", **column}]}
    with pytest.raises(ValueError, match="data: got what is no preparation"):
        Preparation.from_data(data)


@pytest.mark.parametrize(
    "change", [{"bins": "x"}, {"seldom": None}, {"seldom": 0.5}, {"day_first": 3}, {"indicators": []}]
)
def test_plain_data_of_other_settings_is_refused(change):
    with pytest.raises(ValueError, match="data: got what is no preparation"):
        Preparation.from_data({**prepared().to_data(), **change})


def test_plain_data_with_a_column_twice_is_refused():
    data = prepared().to_data()
    with pytest.raises(ValueError, match="needs a name or a place, once"):
        Preparation.from_data({**data, "columns": data["columns"] * 2})


def test_a_table_without_columns_is_refused():
    with pytest.raises(ValueError, match="X: got a table with 0 feature"):
        Preparation().fit(pl.DataFrame())


def test_columns_come_in_any_order_and_others_are_not_looked_at():
    made, frame = prepared(), pl.DataFrame(TABLE)
    other = frame.select(reversed(frame.columns)).with_columns(new=pl.lit("text"))
    assert all(map(np.array_equal, made.transform(frame), made.transform(other)))
    with pytest.raises(ValueError, match="X: got a table without 'age' and additional ones, 'Age', needs"):
        made.transform(frame.rename({"age": "Age"}))


@pytest.mark.parametrize(
    ("table", "error", "message"),
    [
        ({"x": [1.0, np.inf]}, ValueError, "got infinity in column 'x'"),
        (csr_array(np.eye(2)), TypeError, "sparse"),
        (np.zeros(3), ValueError, "2D array"),
        ({"x": [1, 2], "y": [1]}, ValueError, r"got columns of \[1, 2\] rows"),
        (pd.DataFrame([[1, 2]], columns=["x", "x"]), ValueError, "two columns called 'x'"),
    ],
)
def test_what_is_refused(table, error, message):
    with pytest.raises(error, match=message):
        Preparation().fit(table)


def test_settings_that_do_not_fit():
    with pytest.raises(ValueError, match="types: got 'text' for column 'x', needs one of number"):
        Preparation({"x": "text"})
    with pytest.raises(ValueError, match="types: got z, needs names of columns, of 'x'"):
        Preparation({"z": "category"}).fit({"x": [1, 2]})
    with pytest.raises(ValueError, match="bins: got 0"):
        Preparation(bins=0)
    made = Preparation().fit({"x": [1, 2]})
    with pytest.raises(ValueError, match="got 'a' in column 'x', needs a number"):
        made.transform({"x": ["1", "a"]})
    assert np.array_equal(made.transform({"x": ["1", "2"]})[0], made.transform({"x": [Decimal(1), 2]})[0])


def pixels(count, greatest=255.0, prefix="pixel"):
    """Columns called alike that reach the same values, but for one that is darker and one that is constant."""
    random = np.random.default_rng(0)
    x = random.integers(0, int(greatest) + 1, (60, count)).astype(float)
    x[0], x[1] = 0, greatest
    x[:, 1] = np.minimum(x[:, 1], 30)
    x[:, 2] = 0
    x[5, 3] = np.nan
    return {f"{prefix}{place}": column for place, column in enumerate(x.T)}


def test_pixels_share_a_scale_and_have_no_code():
    table = pixels(60) | {"other": np.linspace(0, 1, 60)}
    made = Preparation().fit(table)
    own = [np.nan_to_num(table[f"pixel{place}"]) / 255 for place in range(60) if place != 2]
    numbers = made.transform(table)[0]
    flag = 3  # of pixel3, behind pixel0, pixel1 and itself
    np.testing.assert_allclose(np.delete(numbers[:, :60], flag, axis=1), np.transpose(own), rtol=1e-6)
    assert numbers[:, flag].tolist() == [float(row == 5) for row in range(60)]
    assert made.width_ == 60 + made.columns_["other"].width
    again = Preparation.from_data(json.loads(json.dumps(made.to_data())))
    np.testing.assert_array_equal(again.transform(table)[0], numbers)
    beyond = {name: np.array([1e9, -1e9, np.nan]) for name in table}
    assert made.transform(beyond)[0][:, 0].tolist() == [4.0, -3.0, 0.0]


@pytest.mark.parametrize(
    "table",
    [
        pixels(40),  # few
        {name.replace("pixel", "n" * (place + 1)): column for place, (name, column) in enumerate(pixels(60).items())},
        {name: column * (place + 1) for place, (name, column) in enumerate(pixels(60).items())},  # of other scales
        dict(enumerate(pixels(60).values())),  # without names
    ],
)
def test_other_columns_have_a_scale_of_their_own(table):
    made = Preparation().fit(table)
    assert made.columns_[next(iter(table))].width == 24 + 1


def test_many_columns_have_coarser_codes():
    random = np.random.default_rng(0)
    for columns, bins in ((100, 24), (200, 24), (400, 12), (5_000, 1)):
        table = {chr(200 + place): random.normal(size=30) for place in range(columns)}
        assert {each.width for each in Preparation().fit(table).columns_.values()} == {bins + 1}
    assert Preparation(bins=7).fit(table).width_ == 8 * 5_000


def test_words_are_chosen_anew_by_other_counts():
    made = Preparation(indicators=2, seldom=2, embed_from=10).fit({"word": ["a", "a", "b", "b"], "x": [1, 2, 3, 4]})
    assert made.columns_["word"].known == ["a", "b"] and not made.codes_
    made.recount({"word": {"a": 1, "b": 20, "c": 30, None: 15}})
    assert made.columns_["word"].known == ["c", "b", None] and made.codes_ == [4]
    assert made.transform({"word": ["b", "a", None], "x": [1, 2, 3]})[1].tolist() == [[2], [0], [3]]


def test_words_for_no_number_are_missing_ones():
    made = Preparation(types={"x": "number", "day": "date"})
    made.fit({"x": ["1.5", "-", "2", None], "day": ["2024-01-02", "unknown", "2024-03-04", None]})
    known = {"x": [1.5, np.nan, 2.0, np.nan], "day": np.array(["2024-01-02", "NaT", "2024-03-04", "NaT"], "M8[us]")}
    told = {"x": ["1.5", "N.A.", "2", "none"], "day": ["2024-01-02", "", "2024-03-04", "missing"]}
    told["day"][1] = "n/d"
    assert np.array_equal(made.transform(told)[0], made.transform(known)[0])
    gaps = {name: ["-"] * 4 for name in known}
    assert np.array_equal(made.transform(gaps)[0], made.transform({"x": [np.nan] * 4, "day": [None] * 4})[0])
