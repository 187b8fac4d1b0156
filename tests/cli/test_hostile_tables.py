"""Tables and model files as they are when something is odd or wrong: the right answer, or an error of one line."""

import csv
import json
import struct

import numpy as np
import pytest

from tests.cli.command import is_error

pl = pytest.importorskip("polars")
sklearn = pytest.importorskip("fastmlp.sklearn")

QUICK = ("--hidden", "8", "--epochs", "3", "--dropout", "0", "--threads", "1")
ROWS = 60
ODD = ("=1+2", 'a "quoted", word', "two\nlines", "naïve")


def columns():
    random = np.random.default_rng(0)
    return {
        "x": random.normal(size=ROWS).round(3).tolist(),
        "word": [ODD[place % 4] for place in range(ROWS)],
        "y": ["=yes()" if place % 3 else 'no, "never"' for place in range(ROWS)],
    }


def write(path, names, rows, encoding="utf-8", separator=","):
    with open(path, "w", encoding=encoding, newline="") as file:
        csv.writer(file, delimiter=separator).writerows([names, *rows])


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("large", [False, True], ids=["in memory", "from disk"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1", "utf-16"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_cells_of_any_text(result, predicted, monkeypatch, encoding, separator, large):
    if large:
        monkeypatch.setattr("fastmlp.tables.large.MOST_MEMORY", 0)
    table = columns()
    write("t.csv", table, zip(*table.values(), strict=True), encoding, separator)
    result("t.csv", "--target", "y", "--type", "word=category", *QUICK, "--output", "m.safetensors")
    model = sklearn.load("m.safetensors")
    assert model.classes_.tolist() == ["=yes()", 'no, "never"']
    assert set(model.preparation_.columns_["word"].known) == set(ODD)
    status, out, _ = predicted("m.safetensors", "t.csv", "--id", "word")
    rows = list(csv.DictReader(out.splitlines(keepends=True)))
    assert status == 0 and [row["word"] for row in rows] == table["word"]
    assert {row["prediction"] for row in rows} <= set(table["y"])
    assert list(rows[0])[2:] == ["probability_=yes()", 'probability_no, "never"']


def test_duplicate_and_empty_names_of_columns(command, predicted, folder):
    table = columns()
    rows = list(zip(table["x"], table["x"], table["word"], table["y"], strict=True))
    write("t.csv", ["x", "x", "", "y"], rows)
    status, _, err = command("t.csv", "--target", "y", *QUICK, "--output", "m.safetensors")
    assert status == 0 and "x_2 " in err and "column_3 " in err
    assert err.startswith(
        "fastmlp-train: t.csv: a second column 'x': it is called 'x_2'\nfastmlp-train: t.csv: column 3"
    )
    assert sklearn.load("m.safetensors").feature_names_in_.tolist() == ["x", "x_2", "column_3"]
    status, _, err = predicted("m.safetensors", "t.csv")
    assert status == 0 and "fastmlp-predict: t.csv: column 3 has no name: it is called 'column_3'\n" in err


@pytest.mark.parametrize("large", [False, True], ids=["in memory", "from disk"])
def test_an_infinite_number_names_its_file(command, monkeypatch, large):
    if large:
        monkeypatch.setattr("fastmlp.tables.large.MOST_MEMORY", 0)
    table = columns()
    write("t.csv", table, zip(*table.values(), strict=True))
    table["x"][5] = "-inf"
    write("infinite.csv", table, zip(*table.values(), strict=True))
    arguments = ("--quiet", "--target", "y", *QUICK)
    _, out, err = command("infinite.csv", *arguments)
    assert not out and is_error(err, "infinite.csv: got infinity in column 'x', needs finite numbers")
    _, out, err = command("t.csv", "--test", "infinite.csv", *arguments)
    assert not out and is_error(err, "infinite.csv: got infinity in column 'x', needs finite numbers")


def test_a_constant_column_is_ignored_and_may_change(command, predicted):
    table = columns() | {"same": [7] * ROWS, "empty": [""] * ROWS}
    write("t.csv", table, zip(*table.values(), strict=True))
    status, _, err = command("t.csv", "--target", "y", *QUICK, "--output", "m.safetensors")
    assert status == 0 and "ignored: one value" in err and "ignored: no values" in err
    expected = predicted("m.safetensors", "t.csv")
    changed = table | {"same": ["a word"] * ROWS, "empty": list(range(ROWS))}
    write("t.csv", changed, zip(*changed.values(), strict=True))
    assert predicted("m.safetensors", "t.csv") == expected and expected[0] == 0


def test_columns_that_are_all_constant(result):
    write("t.csv", ["same", "y"], [[7, "a" if place % 3 else "b"] for place in range(ROWS)])
    found = result("t.csv", "--target", "y", *QUICK)
    assert found["test"]["accuracy"] == found["baseline"]["accuracy"]


def test_a_category_that_only_the_test_rows_have(result, predicted):
    table = columns()
    write("t.csv", table, zip(*table.values(), strict=True))
    other = table | {"word": ["never seen"] * ROWS}
    write("test.csv", other, zip(*other.values(), strict=True))
    found = result("t.csv", "--test", "test.csv", "--target", "y", *QUICK, "--output", "m.safetensors")
    assert found["test_samples"] == ROWS and np.isfinite(found["test"]["log_loss"])
    model = sklearn.load("m.safetensors")
    assert not model.preparation_.columns_["word"].places_of(np.array(["never seen"], object)).any()
    assert predicted("m.safetensors", "test.csv")[0] == 0


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (["a"] * ROWS, "target 'y': got 'a' in every row, needs at least two different values"),
        ([""] * ROWS, "target 'y': got no values, needs at least two different values"),
        ([f"row {place}" for place in range(2 * ROWS)], "target 'y': got 120 different words in 120 rows"),
    ],
)  # fmt: skip
def test_targets_that_cannot_be_learned(command, y, message):
    write("t.csv", ["x", "y"], [[place * 0.37, one] for place, one in enumerate(y)])
    status, out, err = command("t.csv", "--quiet", "--target", "y", *QUICK)
    assert (status, out) == (2, "") and is_error(err, message)


def test_a_number_beyond_all_others(command, predicted):
    table = columns()
    write("t.csv", table, zip(*table.values(), strict=True))
    command("t.csv", "--target", "y", *QUICK, "--output", "m.safetensors")
    write("odd.csv", ["x", "word"], [[1e300, "=1+2"], [-1e300, "=1+2"], ["", "=1+2"]])
    status, out, _ = predicted("m.safetensors", "odd.csv")
    assert status == 0 and "nan" not in out.lower() and out.count("\n") == 4
    write("odd.csv", ["x", "word"], [["inf", "=1+2"], [1, "=1+2"]])
    status, out, err = predicted("m.safetensors", "odd.csv")
    assert (status, out) == (2, "") and "odd.csv: got infinity in column 'x', needs finite numbers" in err


@pytest.mark.slow
def test_ten_thousand_columns(result, predicted):
    random = np.random.default_rng(0)
    x = random.integers(0, 1000, (80, 10_000))
    y = np.where(x[:, :50].sum(axis=1) > x[:, :50].sum(axis=1).mean(), "many", "few")
    write("t.csv", [*(f"c{place}" for place in range(10_000)), "y"], np.column_stack([x.astype(str), y]).tolist())
    found = result("t.csv", "--target", "y", *QUICK, "--output", "m.safetensors")
    assert len(found["columns"]) == 10_001 and found["parameters"] < 8 * 21_000
    assert predicted("m.safetensors", "t.csv")[1].count("\n") == 81


def header_of(content):
    """The header of a safetensors file, and the bytes after it."""
    size = struct.unpack("<Q", content[:8])[0]
    return json.loads(content[8 : 8 + size]), content[8 + size :]


def with_header(header, rest):
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + rest


def changed(content, **entries):
    header, rest = header_of(content)
    ours = json.loads(header["__metadata__"]["fastmlp"])
    header["__metadata__"]["fastmlp"] = json.dumps(ours | entries)
    return with_header(header, rest)


def flipped(content):
    """With a bit of a weight changed, whose file is one all the same."""
    return content[:-3] + bytes([content[-3] ^ 1]) + content[-2:]


FOREIGN = {"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}
DAMAGES = {
    "another version": (lambda content: changed(content, version=99), "format version 99, this version reads 1"),
    "another class": (lambda content: changed(content, **{"class": "TableRanker"}), "TableRanker"),
    "another preparation": (lambda content: changed(content, preparation={"version": 2}), "preparation of version 1"),
    "no members": (lambda content: changed(content, members=[]), "needs a file of fastmlp.sklearn.save"),
    "another weight": (flipped, "it is damaged: its content is not that of its checksum"),
    "truncated": (lambda content: content[:-100], "needs a"),
    "a truncated header": (lambda content: content[:50], "needs a"),
    "nothing": (lambda content: b"", "needs a"),
    "text": (lambda content: b"x,y\n1,2\n", "needs a"),
    "of another program": (lambda content: with_header(FOREIGN, b"1234"), "needs a"),
}  # fmt: skip


@pytest.fixture
def model(result, folder):
    table = columns()
    write("t.csv", table, zip(*table.values(), strict=True))
    result("t.csv", "--target", "y", *QUICK, "--output", "m.safetensors")
    return folder / "m.safetensors"


@pytest.mark.parametrize(("damage", "message"), DAMAGES.values(), ids=DAMAGES)
def test_damaged_model_files(model, predicted, damage, message):
    model.write_bytes(damage(model.read_bytes()))
    status, out, err = predicted("m.safetensors", "t.csv", "--output", "out.csv")
    assert (status, out) == (2, "") and message in err and "m.safetensors" in err
    assert err.startswith("fastmlp-predict: error: ") and err.count("\n") == 1
    assert not model.with_name("out.csv").exists()


def test_weights_that_are_no_numbers(model, predicted):
    header, rest = header_of(model.read_bytes())
    model.write_bytes(with_header(header, struct.pack("<f", np.nan) * (len(rest) // 4)))
    status, out, err = predicted("m.safetensors", "t.csv")
    assert (status, out) == (2, "") and "m.safetensors" in err and err.count("\n") == 1


def test_a_model_file_of_another_machine(model, predicted, monkeypatch):
    """It says little-endian numbers, and nothing of the threads or the instruction set that it was trained with."""
    expected = predicted("m.safetensors", "t.csv")
    header, _ = header_of(model.read_bytes())
    ours = json.loads(header.pop("__metadata__")["fastmlp"])
    assert {entry["dtype"] for entry in header.values()} <= {"F32", "U32"}
    assert ours["parameters"]["n_threads"] is None
    for threads in ("1", "2"):
        assert predicted("m.safetensors", "t.csv", "--threads", threads) == expected
