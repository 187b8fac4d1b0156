"""Both commands on tables: a file in, a model that predicts another file out."""

import builtins
import csv
import json

import numpy as np
import pytest

from fastmlp.commands import options, predict_table
from fastmlp.datasets._fetch import given_folder
from tests.cli.command import is_error, posix

pl = pytest.importorskip("polars")
sklearn = pytest.importorskip("fastmlp.sklearn")

QUICK = ("--hidden", "8", "--epochs", "3", "--dropout", "0", "--threads", "1")
ROWS = 120
TABLES = given_folder("tables")


def table():
    """Classes and numbers that follow from the columns; every tenth class is missing."""
    random = np.random.default_rng(0)
    x, pay = random.normal(size=ROWS), random.choice(["card", "cash"], ROWS)
    score = 3 * x + 2 * (pay == "cash")
    return pl.DataFrame(
        {
            "row": np.arange(1, ROWS + 1),
            "x": x.round(3),
            "pay": pay,
            "amount": (100 + score).round(2),
            "bought": [
                None if place % 10 == 9 else ("yes" if value > 0 else "no") for place, value in enumerate(score)
            ],
        }
    )


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    table().write_csv("t.csv")
    return tmp_path


def test_choices_are_all_there_are():
    from fastmlp.tables import columns, task

    assert options.KINDS == columns.CHOSEN and options.TASKS == task.TASKS


def test_the_help_has_the_settings_of_the_recipe(command):
    from fastmlp.tables.recipe import Settings

    status, out, _ = command("--help")
    told, settings = " ".join(out.split()), Settings()
    assert status == 0
    assert f"tables at most {settings.epochs})" in told and f"tables {settings.learning_rate})" in told
    assert f"of a table drawn ones ({settings.held_out})" in told


def test_classes(command, folder):
    arguments = (
        "--target",
        "bought",
        "--drop",
        "amount",
        "--hidden",
        "16",
        "--learning-rate",
        "0.01",
        "--threads",
        "1",
    )
    status, out, err = command("t.csv", *arguments)
    assert status == 0
    assert "row     id " in err and "ignored: counts the rows" in err and "dropped" in err
    assert "predicted: binary: two values; missing rows left out: 12" in err
    test, baseline, trained = out.splitlines()
    assert test.startswith("test      accuracy ") and test.endswith(" 22 rows")
    assert baseline.startswith("baseline  accuracy ") and baseline.endswith(': always "yes", the commonest class')
    assert trained.startswith("trained 1 network of ") and trained.endswith(", 12 rows without a target left out")
    assert "on 86 rows in " in trained


@pytest.mark.parametrize("name", ["iris", "wine", "breast_cancer", "diabetes", "digits"])
def test_tables_of_scikit_learn(result, folder, name):
    datasets = pytest.importorskip("sklearn.datasets")
    pytest.importorskip("pandas")
    getattr(datasets, f"load_{name}")(as_frame=True).frame.to_csv("t.csv", index=False)
    found = result("t.csv", "--target", "target", "--threads", "1")
    loss = "root_mean_squared_error" if name == "diabetes" else "log_loss"
    assert found["test"][loss] < 0.8 * found["baseline"][loss]


@pytest.mark.skipif(TABLES is None, reason="needs a folder tables in FASTMLP_DATA")
@pytest.mark.parametrize(("name", "target"), [("penguins", "species"), ("titanic", "survived")])
def test_tables_as_people_have_them(result, predicted, folder, name, target):
    path = f"{TABLES}/{name}.csv.gz"
    found = result(path, "--target", target, "--output", "m.safetensors")
    assert found["test"]["log_loss"] < 0.8 * found["baseline"]["log_loss"]
    status, out, _ = predicted("m.safetensors", path)
    assert status == 0 and len(out.splitlines()) == 1 + len(pl.read_csv(path, infer_schema=False))


def test_the_network_is_better_than_the_baseline(result, folder):
    learning = ("--hidden", "16", "--learning-rate", "0.01", "--threads", "1")
    classes = result("t.csv", "--target", "bought", "--drop", "amount,row", *learning)
    assert classes["test"]["accuracy"] > classes["baseline"]["accuracy"] + 0.2
    assert classes["test"]["log_loss"] < classes["baseline"]["log_loss"] / 2
    assert classes["test"]["roc_auc"] > 0.9
    numbers = result("t.csv", "--target", "amount", "--drop", "bought", *learning)
    for name, value in numbers["test"].items():
        assert value < numbers["baseline"][name] / 2


def test_baselines_are_those_of_the_training_rows(result, folder):
    train, test = table()[:80], table()[80:]
    train.write_csv("train.csv")
    test.write_csv("test.csv")
    numbers = result("train.csv", "--test", "test.csv", "--target", "amount", *QUICK)["baseline"]
    differences = test["amount"].to_numpy() - train["amount"].mean()
    assert numbers["prediction"] == pytest.approx(train["amount"].mean())
    assert numbers["root_mean_squared_error"] == pytest.approx((differences**2).mean() ** 0.5)
    assert numbers["mean_absolute_error"] == pytest.approx(abs(differences).mean())
    found = result("train.csv", "--test", "test.csv", "--target", "bought", *QUICK)
    known, asked = train["bought"].drop_nulls(), test["bought"].drop_nulls()
    assert (found["train_samples"], found["test_samples"], found["left_out"]) == (72, 36, 8)
    share = (known == "yes").mean()
    accuracy = (asked == "yes").mean()
    loss = -accuracy * np.log(share) - (1 - accuracy) * np.log(1 - share)
    assert share > 0.5 and found["baseline"].pop("prediction") == "yes"
    assert found["baseline"] == pytest.approx({"accuracy": accuracy, "log_loss": loss})


def test_the_same_seed_gives_the_same_model(result, folder):
    arguments = ("t.csv", "--target", "amount", *QUICK, "--seed")
    first, again, other = (result(*arguments, seed)["test"] for seed in (1, 1, 2))
    assert first == again != other


def test_what_the_options_overrule(result, folder):
    path = folder / "m.safetensors"
    given = ("--type", "row=number", "--type", "x=category", "--drop", "bought", "--ensemble", 2, "--batch-size", 16)
    found = result("t.csv", "--target", "amount", *QUICK, *given, "--validation-split", "0.3", "--output", path)
    assert {each["name"]: each["kind"] for each in found["columns"]} == {
        "row": "number",
        "x": "category",
        "pay": "category",
        "amount": "target",
        "bought": "dropped",
    }
    model = sklearn.load(path)
    assert len(model.estimators_) == found["networks"] == 2
    settings = ("hidden_layer_sizes", "max_iter", "dropout", "batch_size", "validation_fraction")
    assert [getattr(model, name) for name in settings] == [[8], 3, 0.0, 16, 0.3]
    assert list(model.preparation_.columns_) == ["row", "x", "pay"]
    assert model.n_threads is None  # of this machine, not of those that predict


def test_tasks_that_are_told(result, folder):
    table().with_columns(stars=pl.int_range(ROWS) % 3).write_parquet("t.parquet")
    found = {}
    for task in ("classes", "numbers"):
        found[task] = result("t.parquet", "--target", "stars", "--task", task, *QUICK)
    assert "accuracy" in found["classes"]["test"] and found["classes"]["baseline"]["prediction"] in (0, 1, 2)
    assert "mean_absolute_error" in found["numbers"]["test"]


def test_rows_to_test_on_have_the_same_share_of_each_class(result, folder):
    table().with_columns(kind=pl.Series(["a"] * 70 + ["b"] * 49 + ["c"])).write_csv("rare.csv")
    found = result("rare.csv", "--target", "kind", "--test-split", "0.3", *QUICK)
    assert (found["train_samples"], found["test_samples"]) == (84, 36)
    assert found["baseline"]["accuracy"] == 21 / 36  # and "c" stays in training


def test_the_name_of_a_dataset_is_no_table(result, folder):
    table().write_csv("digits")
    assert result("digits", "--epochs", "1", "--hidden", "16", "--threads", "1")["classes"] == list(range(10))


@pytest.mark.parametrize("target", ["bought", "amount"])
def test_predictions_are_those_of_the_estimator(result, predicted, folder, monkeypatch, target):
    path, other = folder / "m.safetensors", "amount" if target == "bought" else "bought"
    result("t.csv", "--target", target, "--drop", other, *QUICK, "--output", path)
    asked = table().select("pay", "x", "row")  # another order, and without what is ignored or predicted
    asked.write_csv("asked.tsv", separator="\t")
    monkeypatch.setattr(predict_table, "AT_ONCE", 50)
    status, out, err = predicted(path, "asked.tsv", "--id", "row")
    assert (status, err) == (0, "")
    rows = list(csv.DictReader(out.splitlines()))
    model = sklearn.load(path)
    assert [row["row"] for row in rows] == [str(place) for place in range(1, ROWS + 1)]
    if target == "bought":
        assert list(rows[0]) == ["row", "prediction", "probability_no", "probability_yes"]
        assert [row["prediction"] for row in rows] == model.predict(asked).tolist()
        found = [[float(row[f"probability_{name}"]) for name in ("no", "yes")] for row in rows]
        np.testing.assert_allclose(found, model.predict_proba(asked), rtol=1e-5)
    else:
        assert list(rows[0]) == ["row", "prediction"]
        np.testing.assert_allclose([float(row["prediction"]) for row in rows], model.predict(asked), rtol=1e-6)
    assert predicted(path, "asked.tsv", "--id", "row", "--output", "out.csv") == (0, "", "")
    assert (folder / "out.csv").read_text() == out


def test_booleans_are_written_as_csv_has_them(command, predicted, folder):
    table().with_columns(warm=pl.col("x") > -0.5).write_parquet("t.parquet")
    _, out, _ = command("t.parquet", "--target", "warm", *QUICK, "--output", "m.safetensors")
    assert out.splitlines()[1].endswith(": always true, the commonest class")
    header, *rows = predicted("m.safetensors", "t.parquet")[1].splitlines()
    assert header == "prediction,probability_false,probability_true"
    assert {row.partition(",")[0] for row in rows} <= {"false", "true"} and len(rows) == ROWS


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["t.csv"], "--target: got none for t.csv, needs one of 'row', 'x', 'pay', 'amount', 'bought'"),
        (["t.csv", "--target", "price"], "--target: got 'price' for t.csv, needs one of 'row', 'x'"),
        (["t.csv", "--target", "row", "--type", "x=float"], "argument --type: got 'x=float', needs COLUMN=KIND with"),
        (["t.csv", "--target", "row", "--type", "number"], "argument --type: got 'number', needs COLUMN=KIND"),
        (["t.csv", "--target", "row", "--type", "y=number"], "--type: got 'y', needs a column of the table"),
        (["t.csv", "--target", "row", "--drop", "x,y"], "--drop: got 'y', needs a column of the table"),
        (["t.csv", "--target", "pay", "--task", "numbers"], "target 'pay': got values of type String, 'numbers' needs"),
        (["t.csv", "--target", "pay", "--validation-split", "0"], "--validation-split: got 0, needs a part of the"),
        (["t.csv", "--target", "pay", "--l2", "0.1"], "--l2: got it for t.csv, needs none: it is for images"),
        (["t.csv", "--target", "pay", "--dtype", "float64"], "--dtype: got it for t.csv, needs none: it is for images"),
        (["--target", "pay"], "--target: got it for digits, needs none: it is for tables"),
        (["--ensemble", "2"], "--ensemble: got it for digits, needs none: it is for tables"),
        (["t.csv", "--test", "no.csv"], "argument --test: got 'no.csv', needs a file that exists"),
        (["t.csv", "--target", "pay", "--test", "t.csv", "--test-split", "0.1"], "--test-split: got 0.1, needs none"),
        (["t.csv", "--target", "pay", "--test", "new.csv"], "--test: got 'coin' as target, needs only classes"),
        (["t.csv", "--target", "row", "--test", "new.csv"], "--target: got 'row' for new.csv, needs one of 'x', 'pay'"),
        (["t.csv", "--target", "x", "--test", "words.csv"], "--test: got 'x' of type String, needs Float64 as in"),
        (["one.csv", "--target", "pay"], "target 'pay': got 'cash' in every row, needs at least two different values"),
        (["damaged.csv", "--target", "a"], "damaged.csv: line 3: got 1 cells, needs 2"),
        (["binary", "--target", "a"], "binary: got a binary file, needs CSV"),
        (["nowhere.csv"], "argument DATASET: got 'nowhere.csv', needs one of digits"),
    ],
)  # fmt: skip
def test_bad_usage(command, folder, arguments, message):
    rest = pl.DataFrame({"x": [0.5, 1.5], "pay": ["coin", "cash"], "amount": [1.0, 2.0], "bought": ["no", "no"]})
    rest.write_csv("new.csv")
    rest.with_columns(x=pl.lit("word")).write_csv("words.csv")
    pl.DataFrame({"x": [1.5, 2.5], "pay": ["cash"] * 2}).write_csv("one.csv")
    (folder / "damaged.csv").write_text("a,b\n1,2\n3\n")
    (folder / "binary").write_bytes(bytes(range(256)))
    path = folder / "m.safetensors"
    status, out, err = command("--quiet", *QUICK[:4], *arguments, "--output", path)
    assert (status, out) == (2, "")
    assert not path.exists()
    assert is_error(err, message)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["m.safetensors", "few.csv"], "few.csv: got a table without 'pay', needs the columns of fit"),
        (["m.safetensors", "words.csv"], "words.csv: got 'word' in column 'x', needs a number in each row"),
        (["m.safetensors", "t.csv", "--id", "name"], "t.csv: got no column 'name' for --id, needs one of 'row', 'x'"),
        (["m.safetensors", "named.csv", "--id", "prediction"], "got 'prediction' for --id, needs a column"),
        (["m.safetensors", "t.csv", "--json"], "--json: got it for a model of a table, needs none"),
        (["m.safetensors", "t.csv", "--output", "no/where.csv"], "argument --output: got 'no/where.csv', needs a name"),
        (["other.safetensors", "t.csv"], "model: got MLPRegressor in 'other.safetensors', needs a TableClassifier or"),
        (["damaged.safetensors", "t.csv"], "needs a file of fastmlp.sklearn.save"),
    ],
)  # fmt: skip
def test_bad_usage_of_predict(result, predicted, folder, arguments, message):
    path = folder / "m.safetensors"
    result("t.csv", "--target", "bought", "--drop", "amount", *QUICK, "--output", path)
    table().select("row", "x").write_csv("few.csv")
    table().with_columns(x=pl.lit("word")).write_csv("words.csv")
    table().with_columns(prediction=1).write_csv("named.csv")
    sklearn.save(
        sklearn.MLPRegressor(hidden_layer_sizes=(4,), max_iter=30, tol=100).fit(np.eye(3), np.arange(3.0)),
        "other.safetensors",
    )
    (folder / "damaged.safetensors").write_bytes(path.read_bytes().replace(b'"version\\"', b'"wersion\\"'))
    status, out, err = predicted(*arguments)
    assert (status, out) == (2, "")
    assert err.startswith("fastmlp-predict: error: ") and message in err and err.count("\n") == 1


def test_an_error_leaves_the_file_that_was_there(result, predicted, folder):
    path = folder / "m.safetensors"
    result("t.csv", "--target", "bought", *QUICK, "--output", path)
    table().drop("pay").write_csv("few.csv")
    (folder / "out.csv").write_text("old")
    assert predicted(path, "few.csv", "--output", "out.csv")[0] == 2
    assert (folder / "out.csv").read_text() == "old"


@pytest.mark.parametrize("extra", ["tables", "sklearn"])
def test_extras_that_are_not_there(command, folder, monkeypatch, extra):
    needed = {"tables": "polars", "sklearn": "scikit-learn"}[extra]

    def without(name, *arguments, **settings):
        if name == "fastmlp" and "sklearn" in (arguments[2] or ()) and extra == "sklearn":
            raise ImportError("fastmlp.sklearn: got no scikit-learn, needs: pip install 'fastmlp[sklearn]'")
        if name == "fastmlp.tables" and extra == "tables":
            raise ImportError("tables.read: needs polars: pip install 'fastmlp[tables]'")
        return real(name, *arguments, **settings)

    real = builtins.__import__
    monkeypatch.setattr(builtins, "__import__", without)
    status, out, err = command("t.csv", "--target", "bought")
    assert (status, out) == (2, "") and is_error(err, f"fastmlp[{extra}]") and needed in err


@posix
def test_a_model_that_cannot_be_written_shows_before_training(command, folder, monkeypatch):
    def full(self, *arguments, **settings):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.touch", full)
    monkeypatch.setattr(sklearn.TableClassifier, "fit", None)
    status, out, err = command("t.csv", "--quiet", "--target", "bought", "--output", folder / "m.safetensors")
    assert (status, out) == (2, "") and is_error(err, "--output: cannot write")


def test_the_result_is_json(command, folder):
    status, out, err = command("t.csv", "--target", "bought", *QUICK, "--json")
    assert status == 0 and json.loads(out)["task"] == "binary" and "kind" in err


def test_tuning_chooses_networks_and_is_saved(command, predicted, folder):
    status, out, err = command(
        "t.csv", "--target", "amount", *QUICK, "--tune", "2", "--json", "--output", "m.safetensors"
    )
    assert status == 0 and "tune: " in err
    result = json.loads(out)
    model = sklearn.load("m.safetensors")
    assert result["networks"] == len(model.estimators_) == len(model.weights_) and sum(model.weights_) == pytest.approx(
        1
    )
    status, out, _ = predicted("m.safetensors", "t.csv")
    found = [float(line) for line in out.splitlines()[1:]]
    assert np.allclose(found, model.predict(pl.read_csv("t.csv")))


def test_tuning_goes_without_an_ensemble(command, folder):
    status, _, err = command("t.csv", "--target", "amount", "--tune", "2", "--ensemble", "3")
    assert status == 2 and is_error(err, "got 3 beside --tune, which chooses how many networks there are")


def test_a_column_weighs_the_rows_and_is_no_input(command, folder):
    rows = table().with_columns(w=(pl.col("row") % 3 == 0).cast(pl.Int64), amount=pl.col("row") % 3 * 100.0)
    rows.write_csv("w.csv")
    arguments = (
        "--target",
        "amount",
        "--task",
        "numbers",
        "--drop",
        "row",
        *QUICK,
        "--json",
        "--output",
        "m.safetensors",
    )
    status, out, _ = command("w.csv", *arguments, "--weight", "w")
    assert status == 0
    kinds = {column["name"]: column["kind"] for column in json.loads(out)["columns"]}
    assert kinds["w"] == "weight"
    model = sklearn.load("m.safetensors")
    assert "w" not in model.preparation_.columns_
    assert np.array_equal(model.predict(rows.drop("w", "amount")), np.zeros(ROWS))  # all that counts is 0


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        ("pay", "got 'pay' of type String, needs numbers of at least 0"),
        ("wt", "got 'wt', needs a column"),
    ],
)
def test_a_column_that_cannot_weigh_is_named(weight, message, command, folder):
    status, _, err = command("t.csv", "--target", "amount", "--weight", weight)
    assert status == 2 and message in err.splitlines()[-1]


def test_the_order_of_dates_is_that_of_training(command, predicted, folder):
    random = np.random.default_rng(0)
    days, months = random.integers(1, 29, ROWS), random.integers(1, 13, ROWS)
    dates = [f"{day:02}/{month:02}/2024" for day, month in zip(days, months, strict=True)]
    pl.DataFrame({"date": dates, "y": months + days / 100}).write_csv("d.csv")
    assert command("d.csv", "--target", "y", *QUICK, "--output", "m.safetensors")[0] == 0
    model = sklearn.load("m.safetensors")
    assert model.preparation_.day_first is True
    pl.DataFrame({"date": ["03/04/2024", "05/06/2024"]}).write_csv("new.csv")  # which might be of March and May
    status, out, _ = predicted("m.safetensors", "new.csv")
    assert status == 0
    dated = pl.DataFrame({"date": ["2024-04-03", "2024-06-05"]}).with_columns(pl.col("date").str.to_date())
    assert np.allclose([float(line) for line in out.splitlines()[1:]], model.predict(dated))
    assert np.array_equal(model.predict({"date": ["03/04/2024", "05/06/2024"]}), model.predict(dated))
    pl.DataFrame({"date": ["03/13/2024"]}).write_csv("new.csv")
    status, _, err = predicted("m.safetensors", "new.csv")
    assert status == 2 and "needs a date in each row" in err


def test_missing_values_that_are_told(command, predicted, folder):
    x = np.random.default_rng(0).normal(size=ROWS).round(3).tolist()
    lines = [f"{'>99' if place == 7 else value},{2 * value}" for place, value in enumerate(x)]
    (folder / "t.csv").write_text("\n".join(["x,y", *lines]))
    status, _, err = command("t.csv", "--target", "y", *QUICK)
    assert status == 0 and "used by its values: numbers but for '>99'" in err
    arguments = ("--missing", "none at all,>99", "--output", "m.safetensors")
    status, _, err = command("t.csv", "--target", "y", *QUICK, *arguments)
    assert status == 0 and "x       number        1 " in err
    (folder / "new.csv").write_text("x\n1\n>99\n")
    status, _, err = predicted("m.safetensors", "new.csv")
    assert status == 2 and "got '>99' in column 'x', needs a number in each row" in err
    status, out, _ = predicted("m.safetensors", "new.csv", "--missing", ">99")
    assert status == 0 and len(out.splitlines()) == 3
