"""CSV and its relatives: how a file of text is written, found by looking at its beginning, and its damaged lines."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import re
import warnings
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import polars as pl

from fastmlp.tables.blocks import blocks, opened

SEPARATORS = "\t;|,"  # where several fit, the first
SAMPLE_BYTES = 1 << 18
SAMPLE_ROWS = 200
CELL_BYTES = 1 << 27  # of a cell at most, for the csv module
LINE = pl.col("line")
TOLD = re.compile(r"sep=(.)\r?\n?$")


class Layout(NamedTuple):
    """How a file of text is written."""

    encoding: str
    separator: str
    header: bool
    names: list[str]
    told: bool  # by a first line "sep=;", as Excel reads it


def layout_of(path: Path, called: str, separator: str | None, header: bool | None) -> Layout:
    """Return how a file is written; what is given is not looked for.

    Raises
    ------
    ValueError
        For an empty file, and one that is no text.
    """
    encoding = encoding_of(path, called)
    with opened(path) as file:
        sample = codecs.getincrementaldecoder(encoding)().decode(file.read(SAMPLE_BYTES))
        whole = not file.read(1)
    lines = sample.splitlines(keepends=True)
    if not whole and len(lines) > 1:
        lines.pop()  # it may go on
    if not "".join(lines).strip():
        raise ValueError(f"{called}: it is empty, needs a table")
    found = TOLD.match(lines[0])
    if found:
        lines, separator = lines[1:], separator or found[1]
        if not "".join(lines).strip():
            raise ValueError(f"{called}: it has a separator alone, needs a table")
    if separator is None:
        separator = separator_of(lines)
    rows = first_rows(lines, separator)
    if header is None:
        header = is_header(rows)
    names = unique(rows[0], called) if header else [f"column_{place}" for place in range(1, len(rows[0]) + 1)]
    return Layout(encoding, separator, header, names, bool(found))


def encoding_of(path: Path, called: str) -> str:
    """Return the encoding of a file: UTF-16 by its mark, UTF-8, or Latin-1 as Windows has it."""
    with opened(path) as file:
        start = file.read(4096)
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        if not decodes(path, "utf-16"):
            raise ValueError(f"{called}: got bytes that are no UTF-16, as its first two say, needs a table of text")
        return "utf-16"
    if b"\0" in start:
        raise ValueError(f"{called}: got a binary file, needs CSV, TSV, JSON lines, Parquet, .npy or .npz")
    return next(encoding for encoding in ("utf-8-sig", "cp1252", "latin-1") if decodes(path, encoding))


def decodes(path: Path, encoding: str) -> bool:
    """Whether the whole of a file is of an encoding."""
    decoder = codecs.getincrementaldecoder(encoding)()
    with opened(path) as file:
        try:
            while piece := file.read(1 << 20):
                decoder.decode(piece)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
    return True


def reader(lines: Iterator[str], separator: str) -> csv._reader:  # type: ignore[name-defined]
    """Return the rows of lines, as lists of cells."""
    csv.field_size_limit(CELL_BYTES)
    return csv.reader(lines, delimiter=separator, skipinitialspace=separator != "\t", strict=True)


def first_rows(lines: list[str], separator: str) -> list[list[str]]:
    """Return the first rows that are not blank, up to one that is damaged."""
    rows = []
    cells = reader(iter(lines), separator)
    try:
        for row in cells:
            if any(cell.strip() for cell in row):
                rows.append(row)
            if len(rows) == SAMPLE_ROWS:
                break
    except csv.Error:
        pass  # said where all rows are read
    return rows or [[]]


def separator_of(lines: list[str]) -> str:
    """Return the separator by which most of the first rows have as many cells as the very first."""
    best, best_share = ",", 0.0
    for separator in SEPARATORS:
        rows = first_rows(lines, separator)
        width = len(rows[0])
        share = sum(len(row) == width for row in rows) / len(rows)
        if width > 1 and share > best_share:
            best, best_share = separator, share
    return best


def is_header(rows: list[list[str]]) -> bool:
    """Whether the first row has names: no numbers above numbers, and no words that the rows below repeat."""
    first, below = rows[0], rows[1:]
    if len(first) > 2 and first == [str(place) for place in range(len(first))]:
        return True  # what pandas calls columns without a name
    votes = 0
    for place, name in enumerate(first):
        cells = [row[place].strip() for row in below if place < len(row)]
        cells = [cell for cell in cells if cell]
        if is_number(name):
            votes -= 1
        elif cells and all(map(is_number, cells)):
            votes += 1
        elif name.strip() in cells:
            votes -= 1
    return votes >= 0


def is_number(cell: str) -> bool:
    """Whether a cell has a number, with a decimal comma too."""
    try:
        float(cell.replace(",", "."))
    except ValueError:
        return False
    return True


def unique(names: list[str], called: str) -> list[str]:
    """Return names without blanks around them; empty and duplicate ones get a number, with a warning that says so."""
    found: list[str] = []
    taken = {name.strip() for name in names}
    seen: set[str] = set()
    for place, written in enumerate(names, start=1):
        name = written.strip()
        if not name or name in seen:
            stem, number = (f"{name}_", 2) if name else ("column_", place)
            while f"{stem}{number}" in taken:
                number += 1
            new = f"{stem}{number}"
            what = f"a second column {name!r}" if name else f"column {place} has no name"
            warnings.warn(f"{called}: {what}: it is called {new!r}", stacklevel=2)
            name = new
        taken.add(name)
        seen.add(name)
        found.append(name)
    return found


def frames_of(path: Path, called: str, layout: Layout, folder: Path) -> Callable[[], Iterator[pl.DataFrame]]:
    """Return what gives a table of texts, some rows at a time, as often as it is asked.

    polars reads files of UTF-8 whose lines are rows. Others are written anew in `folder` by Python's csv module, which
    is slower, knows every encoding and line break, and says which line is damaged.

    Raises
    ------
    ValueError
        For a damaged line, with its number.
    """
    encoding, separator, header, names, told = layout
    plain, blanks = shape_of_lines(path, layout) if encoding == "utf-8-sig" and not told else (False, False)
    if not plain:
        path, separator, blanks = rewritten(path, called, layout, folder / "rewritten.csv"), ",", False
    if not names:  # blanks alone
        raise ValueError(f"{called}: it is empty, needs a table")

    def frames() -> Iterator[pl.DataFrame]:
        with_names = header
        for block in blocks(path):
            frame = pl.read_csv(
                block,
                separator=separator,
                has_header=with_names,
                infer_schema=False,
                new_columns=names,
                schema=None if with_names else dict.fromkeys(names, pl.String),
                raise_if_empty=False,
            )
            with_names = False
            if blanks and len(names) > 1:
                frame = frame.filter(~pl.all_horizontal(pl.all().is_null()))
            yield frame

    return frames


def shape_of_lines(path: Path, layout: Layout) -> tuple[bool, bool]:
    """Return whether each line is a row with all its cells, and whether there are blank lines."""
    quoted = LINE.str.contains('"', literal=True)
    bare = pl.when(quoted).then(LINE.str.replace_all('"(?:[^"]|"")*"', "\x02")).otherwise(LINE)
    cells = bare.str.count_matches(layout.separator, literal=True) + 1
    between = re.escape(layout.separator)
    wrong = f'"|[^{between}]\x02|\x02[^{between}\r]'  # quotes elsewhere than around a whole cell
    blank = LINE.is_null() | LINE.str.contains(r"^\s*$")
    unquoted = ~(quoted & bare.str.contains(wrong))
    fits = (blank | ((cells == len(layout.names)) & unquoted)).fill_null(True)
    has_blanks = False
    for block in blocks(path):
        try:
            lines = pl.read_csv(
                block,
                separator="\x1f",
                has_header=False,
                quote_char=None,
                schema={"line": pl.String},
                truncate_ragged_lines=True,
                raise_if_empty=False,
            )
            fits_all, has_blank = lines.select(fits.all().alias("fits"), blank.any().alias("blank")).row(0)
        except pl.exceptions.PolarsError:
            return False, False
        if not fits_all:
            return False, False
        has_blanks |= bool(has_blank)
    return True, has_blanks


def rewritten(path: Path, called: str, layout: Layout, target: Path) -> Path:
    """Write a table anew: UTF-8, commas, no blank lines; ValueError with the number of a line that is damaged."""
    width = len(layout.names)
    with (
        opened(path) as raw,
        io.TextIOWrapper(raw, layout.encoding, newline=None) as lines,
        open(target, "w", encoding="utf-8", newline="") as file,
    ):
        write = csv.writer(file, lineterminator="\n").writerow
        before = len([lines.readline()]) if layout.told else 0
        rows = reader(lines, layout.separator)
        line = before + 1
        try:
            for row in rows:
                if len(row) == width:
                    write(row)
                elif any(cell.strip() for cell in row) or (row and width == 1):
                    raise ValueError(f"{called}: line {line}: got {len(row)} cells, needs {width} as in the first row")
                line = before + rows.line_num + 1
        except csv.Error as error:
            raise ValueError(f"{called}: line {line}: {error}, needs a quote at the end of a quoted cell") from None
    return target


def unpacked_errors(error: Exception) -> str:
    """Return what is wrong with a packed file."""
    return f"damaged or truncated gzip data ({error}), needs a complete gzip file"


PACKED_ERRORS = (EOFError, zlib.error, gzip.BadGzipFile)
