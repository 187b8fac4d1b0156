"""Tables from files: what kind of file it is, its rows at once or some at a time, and its damage in words."""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple

import polars as pl

from fastmlp.errors import told
from fastmlp.settings import boolean, file_path, is_among, listed
from fastmlp.tables.arrays import PARTS, read_arrays
from fastmlp.tables.blocks import opened
from fastmlp.tables.json_lines import frames_of_objects
from fastmlp.tables.text import PACKED_ERRORS, frames_of, layout_of, unpacked_errors
from fastmlp.tables.values import MISSING, Frames, typed

AT_ONCE = 1 << 16  # rows of Parquet

Source = str | os.PathLike[str] | IO[bytes] | IO[str]


def read(
    source: Source,
    *,
    separator: str | None = None,
    header: bool | None = None,
    missing: Sequence[str] = MISSING,
    day_first: bool | None = None,
    part: str = "train",
) -> pl.DataFrame:
    """Read a table: CSV, TSV and semicolons, JSON lines, all of them gzipped too, Parquet, .npy and .npz.

    What kind of file it is, its bytes tell. Files of text are looked at for their encoding (UTF-8, UTF-16, Latin-1),
    separator and header. A column is of numbers, dates or booleans where all its values are; digits that are names,
    as "02134", stay texts. Empty and duplicate names of columns get a number, with a warning.

    Parameters
    ----------
    source : path or file
        A file need not be able to seek: `sys.stdin.buffer` is one.
    separator : str, default None
        One character; None finds a tab, a semicolon, a bar or a comma.
    header : bool, default None
        Whether the first row has the names of the columns; None looks. Columns without are "column_1" and so on.
    missing : sequence of str, default MISSING
        What stands for a missing value: "", "NA", "NaN", "null", "?" and relatives of theirs.
    day_first : bool, default None
        Whether the day is first in dates as "3/4/2024"; None finds it, and takes the month where both fit.
    part : {"train", "test"}, default "train"
        Which rows of an .npz file that has x_train, y_train, x_test and y_test, as Keras' mnist.npz.

    Returns
    -------
    polars.DataFrame
        With null where a value is missing. An array x has columns "x0", "x1" and so on, or "pixel_0_0" of pictures.

    Raises
    ------
    ImportError
        Without polars, of the extra `[tables]`.
    OSError
        The file cannot be opened.
    ValueError
        The file is of another kind, or is damaged; with the number of the line where it has lines.
    """
    with open_table(
        source, separator=separator, header=header, missing=missing, day_first=day_first, part=part
    ) as table:
        return table.whole()


def read_batches(
    source: Source,
    rows: int,
    *,
    separator: str | None = None,
    header: bool | None = None,
    missing: Sequence[str] = MISSING,
    day_first: bool | None = None,
) -> Iterator[pl.DataFrame]:
    """Yield a table in frames of so many rows, the last of fewer, in bounded memory; arguments are those of `read`.

    All frames have the columns and types that `read` gives. The file is read twice, first for the types.
    """
    if isinstance(rows, bool) or not isinstance(rows, int) or rows < 1:
        raise ValueError(f"rows: got {told(rows)}, needs a whole number of at least 1")
    return _batches(source, rows, separator, header, missing, day_first)


def _batches(
    source: Source,
    rows: int,
    separator: str | None,
    header: bool | None,
    missing: Sequence[str],
    day_first: bool | None,
) -> Iterator[pl.DataFrame]:
    with open_table(source, separator=separator, header=header, missing=missing, day_first=day_first) as table:
        yield from table.batches(rows)


class Table(NamedTuple):
    """A table that may be larger than memory.

    Attributes
    ----------
    frames : function
        What gives it some rows at a time, as often as it is asked; at least one frame.
    rows : int
    day_first : bool or None
        Whether the day is first in dates as 3/4/2024, if there are any.
    """

    frames: Frames
    rows: int
    day_first: bool | None = None

    @property
    def schema(self) -> pl.Schema:
        """The types of its columns, by name."""
        return next(self.frames()).schema

    def whole(self) -> pl.DataFrame:
        """Return all of it."""
        return pl.concat(list(self.frames()))

    def batches(self, rows: int) -> Iterator[pl.DataFrame]:
        """Yield it in frames of so many rows, the last of fewer."""
        held: list[pl.DataFrame] = []
        for frame in self.frames():
            held.append(frame)
            if sum(map(len, held)) >= rows:
                whole = pl.concat(held)
                end = len(whole) // rows * rows
                yield from whole[:end].iter_slices(rows)
                held = [whole[end:]]
        rest = pl.concat(held)
        if len(rest):
            yield rest


@contextmanager
def open_table(
    source: Source,
    *,
    separator: str | None = None,
    header: bool | None = None,
    missing: Sequence[str] = MISSING,
    day_first: bool | None = None,
    part: str = "train",
) -> Iterator[Table]:
    """Give a table whose rows are read when asked for, in the context; arguments and errors are those of `read`."""
    if separator is not None and (not isinstance(separator, str) or len(separator.encode()) != 1):
        raise ValueError(f"separator: got {told(separator)}, needs one character, or None to find it")
    for argument, value in (("header", header), ("day_first", day_first)):
        if value is not None:
            boolean(argument, value)
    missing = listed("missing", missing)
    if not all(isinstance(word, str) for word in missing):
        raise TypeError(f"missing: got {told(missing)}, needs a list of strings")
    if not is_among(part, PARTS):
        raise ValueError(f"part: got {told(part)}, needs one of {', '.join(PARTS)}")
    with tempfile.TemporaryDirectory(prefix="fastmlp-") as folder:
        path, called = _on_disk(source, Path(folder))
        try:
            yield _scanned(path, called, Path(folder), separator, header, missing, day_first, part)
        except PACKED_ERRORS as error:
            raise ValueError(f"{called}: {unpacked_errors(error)}") from error
        except pl.exceptions.PolarsError as error:
            raise ValueError(f"{called}: {str(error).splitlines()[0]}") from error


def _on_disk(source: Source, folder: Path) -> tuple[Path, str]:
    """Return the path of a file, and what errors call it; what is no path is copied into a folder."""
    if isinstance(source, (str, os.PathLike)):
        name = file_path("source", source)
        return Path(name), name
    if not hasattr(source, "read"):
        raise TypeError(f"source: got {type(source).__name__}, needs a path or a file")
    copy: Any
    with open(folder / "source", "wb") as copy:
        first: Any = source.read(1 << 16)
        if isinstance(first, str):
            while first:
                copy.write(first.encode())
                first = source.read(1 << 20)
        else:
            copy.write(first)
            shutil.copyfileobj(source, copy)
    return folder / "source", str(getattr(source, "name", "source"))


def _scanned(
    path: Path,
    called: str,
    folder: Path,
    separator: str | None,
    header: bool | None,
    missing: Sequence[str],
    day_first: bool | None,
    part: str,
) -> Table:
    """Return the table of a file of any kind, of the types that its values have."""
    with opened(path) as file:
        start = file.read(4096)
    comma = False
    frames: Frames
    if start.startswith(b"PAR1"):
        frames = _frames_of(pl.scan_parquet(path), called)
    elif start.startswith((b"PK\x03\x04", b"\x93NUMPY")):
        arrays = read_arrays(path, called, part)
        frames = lambda: iter([arrays])  # noqa: E731
    elif start.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{"):
        frames = frames_of_objects(path, called)
    else:
        layout = layout_of(path, called, separator, header)
        comma = layout.separator != ","
        frames = frames_of(path, called, layout, folder)
    return Table(*typed(frames, missing, comma, day_first))


def _frames_of(table: pl.LazyFrame, called: str) -> Frames:
    """Return what gives a table of polars some rows at a time, first its columns without any."""
    table = table.with_columns(pl.col(pl.Int128).cast(pl.Float64))  # which NumPy has not
    empty = pl.DataFrame(schema=table.collect_schema())
    if not empty.width:
        raise ValueError(f"{called}: it has no columns, needs a table")
    return lambda: itertools.chain([empty], table.collect_batches(chunk_size=AT_ONCE, maintain_order=True))
