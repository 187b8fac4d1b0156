"""Tables from files: how they are written is found, what their values are, and where they are damaged."""

import csv
import datetime
import gzip
import io
import sys

import numpy as np
import polars as pl
import pytest

from fastmlp import tables
from fastmlp.tables import read, read_batches
from fastmlp.tables.frames import is_gap

TEXTS = {
    "commas": ("a,b\n1,x\n2,y\n", [(1, "x"), (2, "y")]),
    "tabs": ("a\tb\n1\tx\n2\ty, z\n", [(1, "x"), (2, "y, z")]),
    "semicolons": ("a;b\n1,5;x\n2,25;y\n", [(1.5, "x"), (2.25, "y")]),
    "semicolons and zip codes": ("a;b\n1;02134\n2;10001\n", [(1, "02134"), (2, "10001")]),
    "bars": ("a|b\n1|x\n", [(1, "x")]),
    "quotes": ('a,b\n1,"x, ""y"""\n2,z\n', [(1, 'x, "y"'), (2, "z")]),
    "line breaks in cells": ('a,b\r\n1,"x\r\ny"\r\n2,z\r\n', [(1, "x\ny"), (2, "z")]),
    "a quote within a cell": ('a,b\n1,5" pipe\n2,z\n', [(1, '5" pipe'), (2, "z")]),
    "blanks after commas": ('a, b\n1, "x, y"\n2, z\n', [(1, "x, y"), (2, "z")]),
    "blank lines": ("\na,b\n\n1,x\n\n2,y\n\n", [(1, "x"), (2, "y")]),
    "old line ends": ("a,b\r1,x\r2,y\r", [(1, "x"), (2, "y")]),
    "a byte order mark": ("\ufeffa,b\n1,x\n", [(1, "x")]),
    "a separator that is told": ("\ufeffsep=;\r\na;b\r\n1,5;x\r\n", [(1.5, "x")]),
    "formulas": ('a,b\n1,=1+2\n2,"=SUM(A1,B2)"\n', [(1, "=1+2"), (2, "=SUM(A1,B2)")]),
    "missing values": ("a,b\n1,NA\n?,x\nNaN,null\n", [(1, None), (None, "x"), (None, None)]),
    "no rows": ("a,b\n", []),
}
VALUES = {
    "integers": (["1", "-2", ""], pl.Int64, 1),
    "floats": (["1", "2.5e3", "-.5"], pl.Float64, 1.0),
    "zip codes": (["02134", "10001"], pl.String, "02134"),
    "long digits": (["12345678901234567890", "1"], pl.String, "12345678901234567890"),
    "thousands": (['"1,234"', '"1,234,567.5"'], pl.Float64, 1234.0),
    "thousands and less": (['"1,234"', "999"], pl.Float64, 1234.0),
    "dollars": (['"$1,234.50"', "-$2", "$3"], pl.Float64, 1234.5),
    "euros": (["5 €", "7.5 €", "EUR 3"], pl.Float64, 5.0),
    "money that is owed": (['"(1,234)"', "5"], pl.Float64, -1234.0),
    "percentages": (["12.5%", "3 %", ""], pl.Float64, 12.5),
    "some percentages": (["12.5%", "3"], pl.String, "12.5%"),
    "zip codes of dollars": (["$02134", "$10001"], pl.String, "$02134"),
    "numbers and words for none": (["1.5", "-", "n.a.", "None"], pl.Float64, 1.5),
    "days and words for none": (["2020-02-01", "unknown"], pl.Date, datetime.date(2020, 2, 1)),
    "words for none alone": (["none", "unknown"], pl.String, "none"),
    "truth and words for none": (["true", "unknown"], pl.String, "true"),
    "booleans": (["True", "FALSE", ""], pl.Boolean, True),
    "words": (["yes", "no"], pl.String, "yes"),
    "decimals in the end": (["1"] * 1100 + ["2.5"], pl.Float64, 1.0),
    "a number that is none": (["1"] * 1100 + ["one"], pl.String, "1"),
    "days": (["2020-02-01", "2020-03-01"], pl.Date, datetime.date(2020, 2, 1)),
    "days with the month first": (["02/13/2020", "3/1/2020"], pl.Date, datetime.date(2020, 2, 13)),
    "days with the day first": (["3/1/2020", "13/2/2020"], pl.Date, datetime.date(2020, 1, 3)),
    "days first, as the end shows": (["3/1/2020"] * 1100 + ["13/1/2020"], pl.Date, datetime.date(2020, 1, 3)),
    "days with dots": (["13.2.2020"], pl.Date, datetime.date(2020, 2, 13)),
    "days of short years": (["13.02.20", "01.03.99"], pl.Date, datetime.date(2020, 2, 13)),
    "versions": (["1.2.3", "1.10.4"], pl.String, "1.2.3"),
    "times": (["10:30", "23:59"], pl.Duration("us"), datetime.timedelta(hours=10, minutes=30)),
    "times before and after noon": (["1:30 PM", "11:59 am"], pl.Duration("us"), datetime.timedelta(hours=13.5)),
    "moments before and after noon": (
        ["02/13/2020 1:30 PM", "3/1/2020 9:05 AM"],
        pl.Datetime("us"),
        datetime.datetime(2020, 2, 13, 13, 30),
    ),
    "months": (["Mar-2018", "Feb-2018"], pl.Date, datetime.date(2018, 3, 1)),
    "moments": (["2020-02-01 10:30", ""], pl.Datetime("us"), datetime.datetime(2020, 2, 1, 10, 30)),
    "moments of zones": (["2020-02-01T10:30:00+02:00"], pl.Datetime("us"), datetime.datetime(2020, 2, 1, 8, 30)),
}
DAMAGED = {
    "few cells": ("a,b,c\n1,2,3\n4,5\n", "line 3: got 2 cells, needs 3 as in the first row"),
    "many cells": ("a,b\n1,2\n\n3,4,5\n", "line 4: got 3 cells, needs 2"),
    "many cells after a line break in one": ('a,b\n1,"x\ny"\n3,4,5\n', "line 4: got 3 cells, needs 2"),
    "few cells below a separator": ("sep=;\na;b\n1;2\n3\n", "line 4: got 1 cells, needs 2"),
    "a separator alone": ("sep=;\n\n", "it has a separator alone"),
    "an open quote": ('a,b\n1,2\n3,"4\n5,6\n', "line 3: unexpected end of data"),
    "no line": ("", "it is empty"),
    "blank lines alone": (" \n\n", "it is empty"),
    "JSON": ('{"a": 1}\n{"a": \n', "line 2: Expecting value at column 6"),
    "JSON without an object": ('{"a": 1}\n\n[1]\n', "line 3: got list, needs an object"),
    "JSON of objects in objects": (
        '{"a": 1}\n' + '{"a":' * 600 + "1" + "}" * 600,
        "line 2: got objects more than 100 deep",
    ),
    "JSON without columns": ("{}\n{}\n", "it has no columns"),
    "bytes": (b"\0\1\2", "got a binary file, needs CSV"),
    "a truncated gzip file": (gzip.compress(b"a,b\n" + b"1,2\n" * 9)[:-9], "damaged or truncated gzip data"),
    "a damaged Parquet file": (b"PAR1" + b"x" * 40, "Parquet|parquet"),
    "a damaged npz file": (b"PK\x03\x04" + b"x" * 40, "zip"),
}


def file_of(tmp_path, content, name="table"):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize(("text", "rows"), TEXTS.values(), ids=TEXTS)
def test_how_a_file_is_written_is_found(tmp_path, text, rows, packed):
    path = file_of(tmp_path, gzip.compress(text.encode()) if packed else text)
    frame = read(path)
    assert frame.columns == ["a", "b"] and frame.rows() == rows
    batches = list(read_batches(path, 1))
    assert [row for batch in batches for row in batch.rows()] == rows
    assert all(batch.schema == frame.schema and len(batch) <= 1 for batch in batches)


@pytest.mark.parametrize(("cells", "dtype", "first"), VALUES.values(), ids=VALUES)
def test_what_values_are_is_found(tmp_path, cells, dtype, first):
    frame = read(file_of(tmp_path, "v,w\n" + "".join(f"{cell},x\n" for cell in cells)))
    assert frame.schema["v"] == dtype and frame["v"][0] == first
    gaps = 0 if dtype in (pl.String, pl.Boolean) else sum(map(is_gap, cells))
    assert frame["v"].null_count() == cells.count("") + gaps


@pytest.mark.parametrize(("content", "message"), DAMAGED.values(), ids=DAMAGED)
def test_damage_is_told_with_file_and_line(tmp_path, content, message):
    path = file_of(tmp_path, content)
    with pytest.raises(ValueError, match=message) as caught:
        read(path)
    assert str(caught.value).startswith(f"{path}: ")
    with pytest.raises(ValueError, match=message):
        list(read_batches(path, 10))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a,b\n1,2\n".encode("utf-16")[:-1], "got bytes that are no UTF-16"),
        (b"\xff\xfea\0\0\xd8,\0\n\0", "got bytes that are no UTF-16"),
        (" , \n\n".encode("utf-16"), "it is empty, needs a table"),
        (b'{"a": ' + b"1" * 5000 + b"}\n", "line 1: Exceeds the limit"),
        (b'{"a": ' + b"[" * 100_000 + b"}\n", "line 1: maximum recursion depth exceeded"),
        (b"{}\n", "it has no columns, needs a table"),
    ],
)
def test_what_cannot_be_read_is_told_with_the_file(tmp_path, content, message):
    path = tmp_path / "table"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=f"table: {message}") as caught:
        read(path)
    assert type(caught.value) is ValueError


def test_integers_that_numpy_has_not_are_floats(tmp_path):
    pl.DataFrame({"a": pl.Series([2**70], dtype=pl.Int128), "b": [1]}).write_parquet(tmp_path / "table")
    found = read(tmp_path / "table")
    assert found.schema == {"a": pl.Float64, "b": pl.Int64} and found["a"].to_list() == [2.0**70]


def test_cells_of_any_text_come_back(tmp_path):
    random = np.random.default_rng(0)
    pieces = ["x", "7", '"', '""', ",", ";", "\t", "\n", "\r\n", " ", "é", "=", "'", "\\", "|", "#"]
    for _ in range(60):
        separator, end = random.choice([",", ";", "\t", "|"]), random.choice(["\n", "\r\n"])
        quoting = int(random.choice([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
        rows = [["".join(["x", *random.choice(pieces, random.integers(5)), "x"]) for _ in "abc"] for _ in range(5)]
        file = io.StringIO(newline="")
        csv.writer(file, delimiter=separator, lineterminator=end, quoting=quoting).writerows([list("abc"), *rows])
        frame = read(file_of(tmp_path, file.getvalue()))
        assert frame.columns == list("abc")
        assert [[cell.replace("\r\n", "\n") for cell in row] for row in frame.rows()] == [
            [cell.replace("\r\n", "\n") for cell in row] for row in rows
        ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1", "cp1252", "utf-16"])
def test_encodings_are_found(tmp_path, encoding):
    words = "naïve" if encoding == "latin-1" else "naïve€“"
    frame = read(file_of(tmp_path, f"größe,b\n{words},1\n".encode(encoding)))
    assert frame.columns == ["größe", "b"] and frame.row(0) == (words, 1)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("5.1,3.5,setosa\n4.9,3.0,setosa\n", ["column_1", "column_2", "column_3"]),
        ("p,x,s\ne,x,s\np,b,y\n", ["column_1", "column_2", "column_3"]),
        ("0,1,2,label\n3,4,5,a\n", ["column_1", "column_2", "column_3", "column_4"]),
        ("0,1,2,3\n9,9,9,9\n", ["0", "1", "2", "3"]),  # of pandas, without names
        ("name,size\nx,1\n", ["name", "size"]),
        ("name,kind\nx,y\nz,y\n", ["name", "kind"]),
    ],
)
def test_a_header_is_found(tmp_path, text, names):
    path = file_of(tmp_path, text)
    assert read(path).columns == names
    assert len(read(path, header=True)) + 1 == len(read(path, header=False)) == text.count("\n")


def test_a_separator_may_be_given(tmp_path):
    path = file_of(tmp_path, "a b;c\n1 2;3\n")
    assert read(path, separator=" ").columns == ["a", "b;c"]
    with pytest.raises(ValueError, match=r"separator: got ';;', needs one character"):
        read(path, separator=";;")


def test_missing_markers_may_be_given(tmp_path):
    path = file_of(tmp_path, "a,b\n-9,NA\n1,x\n")
    assert read(path, missing=["-9"]).rows() == [(None, "NA"), (1, "x")]


def test_names_are_made_unique_and_said(tmp_path):
    path = file_of(tmp_path, "a,a,,a_2\n1,2,3,4\n")
    with pytest.warns(UserWarning) as warned:
        assert read(path).columns == ["a", "a_3", "column_3", "a_2"]
    messages = [str(each.message) for each in warned]
    assert messages == [
        f"{path}: a second column 'a': it is called 'a_3'",
        f"{path}: column 3 has no name: it is called 'column_3'",
    ]


def test_json_lines_of_different_names(tmp_path):
    path = file_of(tmp_path, '{"a": 1, "b": "x"}\n\n{"b": "?", "c": "2020-01-31"}\n')
    rows = [(1, "x", None), (None, None, datetime.date(2020, 1, 31))]
    assert read(path).rows() == rows
    assert [batch.rows() for batch in read_batches(path, 1)] == [[row] for row in rows]


def test_json_lines_in_blocks_have_types_that_hold_all_values(tmp_path, monkeypatch):
    lines = ['{"a": 1, "b": {"c": 1}}', '{"a": 2.5, "d": NaN}', "", '{"a": null, "b": 3}', '{"e": "x y", "d": 7}']
    path = file_of(tmp_path, "\ufeff" + "\r\n".join(lines))
    whole = read(path)
    assert whole.drop("b").rows() == [(1.0, None, None), (2.5, None, None), (None, None, None), (None, 7, "x y")]
    assert whole.schema["b"] == pl.String and whole["b"][2] == "3"
    monkeypatch.setattr("fastmlp.tables.blocks.BYTES", 10)  # less than a line
    assert read(path).equals(whole)
    path.write_text("\n".join([*lines, '{"a": Infinity}']))
    with pytest.raises(ValueError, match="line 6: got Infinity, needs an object of JSON"):
        read(path)


def test_parquet(tmp_path):
    frame = pl.DataFrame({"a": [1.5, float("nan"), None], "b": ["x", " ", "2"], "c": [1, 2, 3]})
    frame.write_parquet(tmp_path / "t.parquet")
    expected = frame.with_columns(pl.Series("a", [1.5, None, None]), pl.Series("b", ["x", None, "2"]))
    assert read(tmp_path / "t.parquet").equals(expected)
    assert pl.concat(list(read_batches(tmp_path / "t.parquet", 2))).equals(expected)


def test_arrays(tmp_path):
    x, y = np.arange(6.0).reshape(3, 2), np.array([1, 0, 1])
    np.savez(tmp_path / "t.npz", x=x, y=y)
    assert read(tmp_path / "t.npz").rows(named=True)[1] == {"x0": 2.0, "x1": 3.0, "y": 0}
    np.save(tmp_path / "t.npy", x)
    assert read(tmp_path / "t.npy").columns == ["x0", "x1"]
    pictures = np.arange(8, dtype=np.uint8).reshape(2, 2, 2)
    np.savez(tmp_path / "k.npz", x_train=pictures, y_train=y[:2], x_test=pictures + 1, y_test=y[1:])
    assert read(tmp_path / "k.npz").row(1, named=True) == {
        "pixel_0_0": 4, "pixel_0_1": 5, "pixel_1_0": 6, "pixel_1_1": 7, "y": 0,
    }  # fmt: skip
    assert read(tmp_path / "k.npz", part="test")["pixel_0_0"].to_list() == [1, 5]


@pytest.mark.parametrize(
    ("arrays", "part", "message"),
    [
        ({"z": np.ones(3)}, "train", "it has z, needs x and y, or x_train and y_train"),
        ({"x": np.ones((3, 2)), "y": np.ones(2)}, "train", "got 3 rows of x and 2 of y, needs as many"),
        ({"x": np.ones((3, 2))}, "test", "needs x_test and y_test"),
        ({"x": np.array([{}], object)}, "train", "values of type object, which are not read"),
        ({"x": np.ones((0, 2))}, "train", r"got shape \(0, 2\) of x, needs rows of values"),
    ],
)
def test_arrays_that_are_no_table(tmp_path, arrays, part, message):
    np.savez(tmp_path / "t.npz", **arrays)
    with pytest.raises(ValueError, match=message) as caught:
        read(tmp_path / "t.npz", part=part)
    assert str(caught.value).count(str(tmp_path)) == 1


def test_files_in_place_of_paths(tmp_path):
    text = "a,b\n1,x\n"
    for source in (io.BytesIO(text.encode()), io.StringIO(text)):
        assert read(source).rows() == [(1, "x")]
    with open(file_of(tmp_path, text), "rb") as source:
        assert read(source).rows() == [(1, "x")]
    with pytest.raises(ValueError, match="line 3: got 1 cells"):
        read(io.StringIO(text + "2\n"))
    with pytest.raises(TypeError, match="source: got list, needs a path or a file"):
        read([1])
    with pytest.raises(FileNotFoundError):
        read(tmp_path / "none.csv")


@pytest.mark.slow
def test_ten_thousand_columns(tmp_path):
    names = [f"c{place}" for place in range(10_000)]
    lines = [",".join(names), *(",".join(str(row * place % 7) for place in range(10_000)) for row in range(3))]
    frame = read(file_of(tmp_path, "\n".join(lines)))
    assert frame.shape == (3, 10_000) and frame["c9999"].to_list() == [0, 9999 % 7, 2 * 9999 % 7]


def test_batches_have_the_types_of_the_whole(tmp_path):
    path = file_of(tmp_path, "a,b\n" + "1,2020-01-01\n" * 2000 + "x,2020-01-01\n")
    batches = list(read_batches(path, 500))
    assert [len(batch) for batch in batches] == [500] * 4 + [1]
    assert all(batch.dtypes == [pl.String, pl.Date] for batch in batches)
    assert batches[-1]["a"][0] == "x"
    with pytest.raises(ValueError, match="rows: got 0, needs a whole number of at least 1"):
        read_batches(path, 0)


def test_nothing_is_left_on_disk(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    path = file_of(tmp_path, "a,b\n1,é\n2,x\n".encode("latin-1"))
    read(path)
    assert len(list(read_batches(path, 1))) == 2
    with pytest.raises(ValueError, match="line 2"):
        read(file_of(tmp_path, "a,b\n1\n"))
    assert not list((tmp_path / "temporary").iterdir())


def test_without_polars_the_extra_is_named(monkeypatch):
    for name in [name for name in sys.modules if name.startswith("fastmlp.tables.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "polars", None)
    for name in ("read", "find_columns"):
        with pytest.raises(ImportError, match=rf"tables.{name}: needs polars: pip install 'fastmlp\[tables\]'"):
            getattr(tables, name)
    with pytest.raises(AttributeError, match="has no attribute 'write'"):
        tables.write  # noqa: B018
