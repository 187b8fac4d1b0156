"""Files of text in blocks: of whole rows, whatever is in the cells, and the same table by small blocks as by one."""

import csv
import gzip
import io

import numpy as np
import pytest

from fastmlp.tables import blocks, read

PIECES = ["x", "7", '"', '""', ",", "\n", "\r\n", " ", "é"]


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(blocks, "BYTES", 7)
    monkeypatch.setattr(blocks, "ROWS", 0)


def texts():
    random = np.random.default_rng(0)
    for _ in range(30):
        rows = [["".join(["x", *random.choice(PIECES, random.integers(6)), "x"]) for _ in "abc"] for _ in range(9)]
        file = io.StringIO(newline="")
        csv.writer(file, lineterminator="\n").writerows([list("abc"), *rows])
        yield file.getvalue()


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["", "mark"])
def test_blocks_end_with_rows(tmp_path, small, packed, mark):
    path, several = tmp_path / "t.csv", 0
    for text in texts():
        content = (mark + text).encode()
        path.write_bytes(gzip.compress(content) if packed else content)
        found = list(blocks.blocks(path))
        several += len(found) > 1
        assert b"".join(found) == text.encode()
        parts = [list(csv.reader(io.StringIO(block.decode(), newline=""))) for block in found]
        assert [row for part in parts for row in part] == list(csv.reader(io.StringIO(text, newline="")))
        assert all(len(row) == 3 for part in parts for row in part)
    assert several == 30


def test_tables_are_the_same_by_blocks_of_any_size(tmp_path, monkeypatch):
    path, expected = tmp_path / "t.csv", []
    files = [*texts(), "a,b\n1,2\n\n\n3,x\n", "a,b\n" + "1,2020-01-01\n" * 30 + "x,\n"]
    for text in files:
        path.write_text(text, encoding="utf-8", newline="")
        expected.append(read(path))
    monkeypatch.setattr(blocks, "BYTES", 7)
    monkeypatch.setattr(blocks, "ROWS", 0)
    for text, whole in zip(files, expected, strict=True):
        path.write_text(text, encoding="utf-8", newline="")
        assert read(path).equals(whole)
