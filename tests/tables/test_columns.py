"""What columns of a table are, found from their values and names."""

import datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from fastmlp.datasets._fetch import given_folder
from fastmlp.tables import describe, find_columns, read

ROWS = 400
RANDOM = np.random.default_rng(0)
DAY = datetime.date(2020, 1, 1)


def draw(values, rows=ROWS):
    return RANDOM.choice(values, rows)


KINDS = {
    "decimals": ("x", RANDOM.normal(size=ROWS), "number"),
    "whole numbers": ("rooms", draw(range(1, 9)), "number"),
    "whole numbers, all different": ("income", np.arange(ROWS)[::-1] * 7, "number"),
    "years": ("year", draw([2007, 2008, 2009]), "number"),
    "0 and 1": ("is_new", draw([0, 1]), "boolean"),
    "0 and 1, counted": ("num_accidents", draw([0, 1]), "number"),
    "booleans": ("x", draw([True, False]), "boolean"),
    "shops": ("shop", draw(range(40)), "category"),
    "ids that repeat": ("filmId", draw(range(90)), "category"),
    "ids of rows": ("customer_id", RANDOM.permutation(ROWS) + 10_000, "id"),
    "ids with missing ones": ("agent", [*map(float, draw(range(40), ROWS - 1)), None], "category"),
    "not an id": ("humid", draw(range(40)), "number"),
    "an id's words in other words": ("nights_per_guest_order", draw(range(9)), "number"),
    "zip codes": ("Zip Code", draw(range(10_000, 10_090)), "category"),
    "zip codes in words": ("x", draw([f"{place:05}" for place in range(90)]), "category"),
    "places of rows": ("column_1", np.arange(ROWS), "id"),
    "words": ("color", draw(["red", "green"]), "category"),
    "many words": ("job", draw([f"job {place}" for place in range(300)]), "category"),
    "words that do not repeat": ("ticket", [f"T{place}" for place in range(ROWS)], "id"),
    "free text": ("review", [f"it was number {place} of all of them" for place in range(ROWS)], "text"),
    "long words that repeat": ("plan", draw(["all that one can ask for", "less than you may need"]), "category"),
    "dates": ("x", [DAY + datetime.timedelta(place) for place in range(ROWS)], "date"),
    "one value": ("x", [3] * ROWS, "constant"),
    "one value or none": ("x", [3, None] * (ROWS // 2), "number"),
    "no value": ("x", [None] * ROWS, "constant"),
    "lists": ("x", [[1, 2]] * ROWS, "text"),
    "NaN for missing": ("x", [float("nan"), 1.5] * (ROWS // 2), "number"),
}


@pytest.mark.parametrize(("name", "values", "kind"), KINDS.values(), ids=KINDS)
def test_kinds_are_what_a_person_would_say(name, values, kind):
    column = find_columns(pl.DataFrame({name: values, "other": RANDOM.normal(size=ROWS)}))[0]
    assert (column.name, column.kind) == (name, kind)
    missing = [value is None or value != value for value in values] if isinstance(values, list) else []
    assert column.missing == sum(missing)


def table_of_names(rows=4000):
    """A number that is a name of which the target hangs, and one that measures."""
    names, measure = RANDOM.integers(0, 150, rows), RANDOM.integers(0, 150, rows)
    of_names = RANDOM.normal(size=150)
    y = of_names[names] + (measure / 60.0) ** 2 + 0.5 * RANDOM.normal(size=rows)
    return pl.DataFrame({"a": names, "b": measure, "distance": names, "y": y})


@pytest.mark.parametrize("classes", [False, True])
def test_numbers_that_behave_as_names_are_categories(classes):
    frame = table_of_names()
    if classes:
        frame = frame.with_columns(pl.when(pl.col("y") > 1.5).then(pl.lit("high")).otherwise(pl.lit("low")).alias("y"))
    kinds = {column.name: column.kind for column in find_columns(frame, "y")}
    assert kinds == {"a": "category", "b": "number", "distance": "number", "y": "target"}
    assert {column.kind for column in find_columns(frame.drop("y"))} == {"number"}


def test_columns_called_alike_are_alike():
    frame = pl.DataFrame({f"pixel_{place}": draw(range(17)) for place in range(9)})
    frame = frame.with_columns(pl.Series("pixel_9", draw([0, 1])), pl.Series("pixel_10", [0] * ROWS))
    kinds = [column.kind for column in find_columns(frame)]
    assert kinds == ["number"] * 10 + ["constant"]
    assert find_columns(frame, types={"pixel_9": "category"})[9].kind == "category"


def test_what_is_given_is_taken():
    frame = pl.DataFrame({"a": draw(range(9)), "b": draw(range(9)), "w": draw([1.0, 2.0]), "y": draw(["u", "v"])})
    columns = find_columns(frame, "y", {"a": "category"}, ["b"], weight="w")
    assert [column.kind for column in columns] == ["category", "dropped", "weight", "target"]
    assert find_columns(frame.with_columns(y=draw([1, 2, 3])), "y", task="numbers")[3].note == "numbers: as given"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"target": "Y"}, "target: got 'Y', needs a column of the table$"),
        ({"target": "colour"}, "target: got 'colour', needs a column of the table: 'color'?"),
        ({"drop": ["z"]}, "drop: got 'z', needs a column"),
        ({"drop": "color"}, "drop: got 'color', needs a list of names"),
        ({"types": {"color": "int"}}, "types: got 'int' for 'color', needs one of number, category"),
        ({"types": {"color": "text"}, "target": "color"}, "types: got 'color', which target has too"),
        ({"weight": "color"}, "weight: got 'color' of type String, needs numbers of at least 0"),
        ({"weight": "x"}, "weight: got 'x' of type Int64, needs numbers of at least 0"),
        ({"target": "one"}, "target 'one': got 1 in every row, needs at least two"),
    ],
)
def test_wrong_arguments(arguments, message):
    frame = pl.DataFrame({"color": ["red", "green"], "x": [-1, 1], "one": [1, 1]})
    with pytest.raises(ValueError, match=message):
        find_columns(frame, **arguments)


def test_the_table_of_columns():
    frame = pl.DataFrame({f"p{place}": draw([0.0, 0.5, 1.0]) for place in range(1200)})
    frame = frame.with_columns(shop=pl.Series(draw(range(40))), y=pl.Series([None, *draw(["u", "v"], ROWS - 1)]))
    assert describe(find_columns(frame, "y")).splitlines() == [
        "column               kind      missing  distinct  what is done with it",
        "p0 to p1199 (1,200)  number          0         3  used as a number",
        "shop                 category        0        40  used by its values: numbers that are names",
        "y                    target          1         2  predicted: binary: two values; missing rows left out: 1",
    ]


CATEGORIES = {
    "penguins": "species island sex",
    "titanic": "survived sex passengerClass",
    "wages": "ethnicity smsa region parttime",
    "loans": "emp_title state homeownership verified_income verification_income_joint loan_purpose application_type",
    "lending": "term sub_grade addr_state verification_status emp_length Class",
    "hotel": "meal country market_segment distribution_channel reserved_room_type assigned_room_type agent company "
    "customer_type",
    "diamonds": "cut color clarity",
    "flights": "carrier flight tailnum origin dest late",
}
OTHERS = {
    "loans": {"current_accounts_delinq": "boolean", "issue_month": "date"},
    "hotel": {"is_repeated_guest": "boolean", "near_christmas": "boolean", "near_new_years": "boolean"}
    | {"arrival_date": "date"},
}
TABLES = given_folder("tables")


@pytest.mark.skipif(TABLES is None, reason="needs a folder tables in FASTMLP_DATA")
@pytest.mark.parametrize("name", CATEGORIES)
def test_tables_as_people_have_them(name):
    frame = read(Path(TABLES) / f"{name}.csv.gz")
    expected = dict.fromkeys(frame.columns, "number")
    expected |= dict.fromkeys(CATEGORIES[name].split(), "category") | OTHERS.get(name, {})
    assert {column.name: column.kind for column in find_columns(frame)} == expected


@pytest.mark.skipif(TABLES is None, reason="needs a folder tables in FASTMLP_DATA")
def test_a_number_is_found_to_be_a_name_by_how_it_behaves():
    frame = read(Path(TABLES) / "flights.csv.gz").rename({"flight": "f"})
    kinds = {column.name: column.kind for column in find_columns(frame, "late")}
    assert kinds["f"] == "category"
    assert {kinds[name] for name in ("month", "day", "sched_dep_time", "sched_arr_time", "distance")} == {"number"}


@pytest.mark.parametrize("name", ["iris", "wine", "breast_cancer", "diabetes", "digits"])
def test_tables_of_scikit_learn(tmp_path, name):
    datasets = pytest.importorskip("sklearn.datasets")
    getattr(datasets, f"load_{name}")(as_frame=True).frame.to_csv(tmp_path / "t.csv", index=False)
    *features, target = find_columns(read(tmp_path / "t.csv"), "target")
    constant = [column.name for column in features if column.kind == "constant"]
    assert {column.kind for column in features} - {"constant"} == {"number"}
    assert constant == (["pixel_0_0", "pixel_4_0", "pixel_4_7"] if name == "digits" else [])
    task = {"breast_cancer": "binary", "diabetes": "numbers"}.get(name, "classes")
    assert target.note.startswith(f"{task}:")
