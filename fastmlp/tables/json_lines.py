"""JSON lines: an object a line, whose names may differ from line to line; damaged lines by their numbers."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from fastmlp.tables.blocks import blocks_of_lines
from fastmlp.tables.values import Frames

DEEPEST = 100  # objects and lists in each other


def frames_of_objects(path: Path, called: str) -> Frames:
    """Return what gives the table some rows at a time, first its columns without any.

    All lines are read for the types. polars takes what is JSON; what Python writes besides, NaN, is missing.

    Raises
    ------
    ValueError
        For a line that is no object, with its number.
    """
    schema: dict[str, Any] = {}
    line = 1
    for block in blocks_of_lines(path):
        schema = merged(schema, schema_of(block, called, line))
        line += block.count(b"\n")
    if not schema:
        raise ValueError(f"{called}: it has no columns, needs a table")
    schema = {name: pl.Float64 if kind == pl.Int128 else kind for name, kind in schema.items()}  # which NumPy has not

    def frames() -> Iterator[pl.DataFrame]:
        yield pl.DataFrame(schema=schema)
        for block in blocks_of_lines(path):
            yield frame_of(block, called, 1, schema)

    return frames


def schema_of(block: bytes, called: str, line: int) -> dict[str, Any]:
    """Return the types of whole lines, of which the first has this number."""
    try:
        return dict(frame_of(block, called, line).schema)
    except pl.exceptions.PolarsError:  # an object in one line and a number in another, say
        schema: dict[str, Any] = {}
        for at, one in enumerate(block.splitlines(), line):
            if one.strip():
                schema = merged(schema, frame_of(one, called, at).schema)
        return schema


def frame_of(block: bytes, called: str, line: int, schema: dict[str, Any] | None = None) -> pl.DataFrame:
    """Return the rows of whole lines, of which the first has this number."""
    try:
        if is_deep(block):
            raise RecursionError
        return pl.read_ndjson(block, schema=schema, infer_schema_length=None)
    except (pl.exceptions.PolarsError, RecursionError):
        plain = (as_polars_takes_it(one, f"{called}: line {at}") for at, one in enumerate(block.split(b"\n"), line))
        return pl.read_ndjson(b"\n".join(plain), schema=schema, infer_schema_length=None)


def is_deep(block: bytes) -> bool:
    """Whether there may be objects in objects so deep that polars has no stack for them; braces in words count too."""
    letters = np.frombuffer(block, np.uint8)
    at = np.flatnonzero((letters == ord("{")) | (letters == ord("}")))
    depths = np.cumsum(np.where(letters[at] == ord("{"), 1, -1))
    return bool((depths > DEEPEST).any())


def depth_of(value: Any) -> int:
    """Return how deep lists and objects lie in each other."""
    depth, level = 0, [value]
    while level := [each for each in level if isinstance(each, (dict, list))]:
        depth += 1
        level = [inner for each in level for inner in (each.values() if isinstance(each, dict) else each)]
    return depth


def as_polars_takes_it(line: bytes, called: str) -> bytes:
    """Return an object of JSON without NaN; ValueError, which begins as given, for what is none. Blank lines stay."""

    def constant(name: str) -> None:
        if name != "NaN":
            raise ValueError(f"got {name}")

    line = line.strip()
    if not line:
        return b""
    try:
        found = json.loads(line, parse_constant=constant)
    except json.JSONDecodeError as error:
        raise ValueError(f"{called}: {error.msg} at column {error.colno}, needs an object of JSON") from None
    except UnicodeDecodeError:
        raise ValueError(f"{called}: got bytes that are no UTF-8, needs an object of JSON") from None
    except (ValueError, RecursionError) as error:  # of numbers with thousands of digits, and lists in lists as deep
        raise ValueError(f"{called}: {error}, needs an object of JSON") from None
    if not isinstance(found, dict):
        raise ValueError(f'{called}: got {type(found).__name__}, needs an object: {{"name": value}}')
    if depth_of(found) > DEEPEST:
        raise ValueError(f"{called}: got objects more than {DEEPEST} deep in each other, needs fewer")
    return json.dumps(found).encode()


def merged(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns of both with types that hold the values of both: words where no other does."""
    found = dict(first)
    for name, kind in second.items():
        found[name] = common(found[name], kind) if name in found else kind
    return found


def common(one: Any, other: Any) -> Any:
    """Return a type that holds the values of two."""
    if one == other:
        return one
    if one.is_nested() != other.is_nested() and pl.Null not in (one, other):
        return pl.String
    empty = [pl.DataFrame(schema={"value": kind}) for kind in (one, other)]
    try:
        return pl.concat(empty, how="vertical_relaxed").schema["value"]
    except pl.exceptions.PolarsError:
        return pl.String
