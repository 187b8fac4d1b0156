"""Files of text in blocks of whole rows: what is in memory at once has no more to do with a file's length."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast

from fastmlp.data.whole_files import require_regular

BYTES = 1 << 22
ROWS = 1_000  # of a block, at least: one has some work by each column, however few its rows


def opened(path: Path) -> IO[bytes]:
    """Open a file, unpacked where it is gzip's; ValueError for a pipe or a device, which can be read once at most."""
    require_regular(path, "source")
    with open(path, "rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    return cast(IO[bytes], gzip.open(path)) if packed else open(path, "rb")


def blocks(path: Path) -> Iterator[bytes]:
    """Yield a file in blocks that end where a line does, outside of quotes; without the mark of its byte order."""
    with opened(path) as file:
        first = file.read(BYTES).removeprefix(b"\xef\xbb\xbf")
        size = max(BYTES, ROWS * (first.find(b"\n") + 1))
        held = [first]  # of which no row ends but in the last
        quoted = False  # whether what is held before the last ends within quotes
        while held[-1]:
            end = end_of_rows(held[-1], quoted)
            if end:
                yield b"".join([*held[:-1], held[-1][:end]])
                held, quoted = [held[-1][end:]], False
            quoted ^= held[-1].count(b'"') % 2 == 1
            held.append(file.read(size))
        rest = b"".join(held)
        if rest:
            yield rest


def blocks_of_lines(path: Path) -> Iterator[bytes]:
    """Yield a file in blocks that end where a line does; without the mark of its byte order."""
    with opened(path) as file:
        held = [file.read(BYTES).removeprefix(b"\xef\xbb\xbf")]  # of which no line ends but in the last
        while held[-1]:
            end = held[-1].rfind(b"\n") + 1
            if end:
                yield b"".join([*held[:-1], held[-1][:end]])
                held = [held[-1][end:]]
            held.append(file.read(BYTES))
        rest = b"".join(held)
        if rest:
            yield rest


def end_of_rows(piece: bytes, quoted: bool) -> int:
    """Return the place after the last line break outside of quotes; 0 without one.

    A quote within quotes is written twice, which changes nothing: outside are places with an even number before them.
    """
    end = len(piece)
    odd = (piece.count(b'"') % 2 == 1) ^ quoted
    while (place := piece.rfind(b"\n", 0, end)) >= 0:
        odd ^= piece.count(b'"', place, end) % 2 == 1
        if not odd:
            return place + 1
        end = place
    return 0
