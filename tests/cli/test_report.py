"""fastmlp-train --report: a page on what was trained, of pictures and of tables."""

import json

import numpy as np
import pytest

from fastmlp.commands import output
from tests.cli.command import QUICK, X, Y, is_error, write_folder
from tests.report.parsed import Parsed


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_of_pictures(command, tmp_path):
    pytest.importorskip("sklearn")
    status, out, _ = command(*QUICK, "--quiet", "--output", "m.safetensors", "--report", "r.html")
    assert status == 0 and {path.name for path in tmp_path.iterdir()} == {"m.safetensors", "r.html"}
    page = Parsed((tmp_path / "r.html").read_text("utf-8"))
    accuracy = out.partition("accuracy ")[2].partition(",")[0]
    assert f"accuracy{accuracy}" in page.words and "class of digits" in page.words
    assert "fastmlp-predict m.safetensors IMAGES.idx" in page.words
    data = json.loads(page.scripts[0])
    assert (data["height"], data["width"], data["classes"]) == (8, 8, [str(i) for i in range(10)])
    assert "training, seconds" in page.words and "trained on 1,437." in page.words


def test_of_rows_that_are_no_pictures(command, tmp_path):
    write_folder(tmp_path, X, Y)
    assert command(tmp_path, *QUICK, "--quiet", "--report", "r.htm")[0] == 0
    page = Parsed((tmp_path / "r.htm").read_text("utf-8"))
    assert "one of 3 classes, from 5 columns" in page.words and "Draw" not in page.titles


@pytest.mark.parametrize("target", ["bought", "amount"])
def test_of_tables(command, tmp_path, target):
    pl = pytest.importorskip("polars")
    pytest.importorskip("sklearn")
    random = np.random.default_rng(0)
    x = random.normal(size=120)
    table = {"row": range(1, 121), "x": x, "pay": random.choice(["card", "<b>cash</b>"], 120), "amount": 9 + 3 * x}
    pl.DataFrame(table | {"bought": np.where(x > 0, "yes", "no")}).write_csv("t.csv")
    other = {"bought": "amount", "amount": "bought"}[target]
    quick = ("--hidden", "8", "--epochs", "30", "--dropout", "0", "--threads", "1", "--learning-rate", "0.01")
    status, out, _ = command("t.csv", "--target", target, "--drop", other, *quick, "--report", "r.html", "--json")
    result = json.loads(out)
    assert status == 0
    page = Parsed((tmp_path / "r.html").read_text("utf-8"))
    assert f"What is predicted is {target}, " in page.words and "from 2 columns" in page.words
    assert "ignored: counts the rows" in page.words and f"{target} of t.csv" in page.words
    assert "read('TABLE.csv')" in page.words and "<b>cash</b>" in page.words and page.all("b") == [{}]
    name = "log loss" if target == "bought" else "root mean squared error"
    assert f"{name}{result['test'][name.replace(' ', '_')]:.4g}" in page.words
    gains = page.words.partition(f"What the {name} gains")[2]
    assert gains.partition("x")[0] == "columnmeandeviation"  # the one that it follows from comes first
    assert "row" not in gains.partition("Speed and size")[0].replace("rows", "")  # what is ignored is not tried


@pytest.mark.parametrize("test", [False, True], ids=["a part", "a file"])
@pytest.mark.parametrize("target", ["bought", "amount"])
def test_of_tables_larger_than_memory(command, tmp_path, monkeypatch, target, test):
    pl = pytest.importorskip("polars")
    pytest.importorskip("sklearn")
    monkeypatch.setattr("fastmlp.tables.large.MOST_MEMORY", 0)
    monkeypatch.setattr("fastmlp.commands.drawn_rows.MOST", 60)
    random = np.random.default_rng(0)
    x = random.normal(size=1200)
    table = {"row": range(1, 1201), "x": x, "pay": random.choice(["card", "cash"], 1200), "amount": 9 + 3 * x}
    table |= {"bought": np.where(x > 0, "yes", "no"), "counts": random.integers(0, 3, 1200)}
    pl.DataFrame(table).write_csv("t.csv")
    other = {"bought": "amount", "amount": "bought"}[target]
    arguments = ("--drop", other, "--hidden", "8", "--epochs", "9", "--threads", "1", "--learning-rate", "0.01")
    tested = ("--test", "t.csv") if test else ()
    status, out, _ = command("t.csv", "--target", target, *arguments, *tested, "--report", "r.html", "--json")
    result = json.loads(out)
    page = Parsed((tmp_path / "r.html").read_text("utf-8"))
    rows = (
        f"Tested on {result['test_samples']:,} rows and trained on {result['train_samples']:,}. All that is shown here"
    )
    assert status == 0 and rows in page.words and "of them, which were drawn." in page.words
    assert "ignored: counts the rows" in page.words and f"{target} of t.csv" in page.words
    gains = page.words.partition("What the ")[2].partition("gains")[2]
    assert gains.partition("x")[0] == "columnmeandeviation"
    assert "Rows count by their weights." not in page.words
    assert command("t.csv", "--target", target, *arguments, *tested, "--weight", "counts", "--report", "r.html")[0] == 0
    assert "Rows count by their weights." in Parsed((tmp_path / "r.html").read_text("utf-8")).words


def test_weights_count_in_the_importance(command, tmp_path):
    pl = pytest.importorskip("polars")
    pytest.importorskip("sklearn")
    x = np.random.default_rng(0).normal(size=(200, 2))
    first = np.arange(200) % 2 == 0
    y = np.where(first, 5 * x[:, 0], 5 * x[:, 1])  # only the second column is of use where rows count
    pl.DataFrame({"a": x[:, 0], "b": x[:, 1], "first": first, "y": y, "w": np.where(first, 0, 1)}).write_csv("t.csv")
    arguments = ("--target", "y", "--epochs", "20", "--threads", "1", "--quiet", "--report", "r.html")
    assert command("t.csv", *arguments, "--weight", "w")[0] == 0
    page = Parsed((tmp_path / "r.html").read_text("utf-8"))
    gains = page.words.partition("What the root mean squared error gains")[2]
    assert "Rows count by their weights." in page.words and gains.startswith("columnmeandeviationb")


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("r.txt", "argument --report: got 'r.txt', needs a name ending in .html"),
        ("no/r.html", "argument --report: got 'no/r.html', needs a name in a folder that exists"),
    ],
)
def test_bad_names(command, path, message):
    status, out, err = command("--report", path)
    assert (status, out) == (2, "") and is_error(err, message)


def test_a_full_disk_shows_before_training(command, tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(output, "TemporaryDirectory", full)
    status, out, err = command(*QUICK, "--quiet", "--report", "r.html")
    assert (status, out) == (2, "") and is_error(err, "--report: cannot write 'r.html': No space left on device")
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_is_full_after_training_leaves_the_model(command, tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("fastmlp.report.write_whole", full)
    status, _, err = command(*QUICK, "--quiet", "--output", "m.safetensors", "--report", "r.html")
    assert status == 1 and is_error(err, "cannot write 'r.html': No space left on device")
    assert [path.name for path in tmp_path.iterdir()] == ["m.safetensors"]
