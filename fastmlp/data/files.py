"""Model files: arrays by name and a header of JSON in one safetensors file, written whole or not at all."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, TypeVar

import numpy as np

from fastmlp.settings import boolean

KEY = "fastmlp"  # of the metadata
SUFFIX = ".safetensors"

Tensors = dict[str, np.ndarray]
T = TypeVar("T")


@contextmanager
def written_whole(path: str | os.PathLike[str]) -> Iterator[IO[bytes]]:
    """Give a file to write to, which takes the name `path` only when the block has ended well.

    At every moment there is the old file or the new one under that name.
    """
    target = Path(os.path.realpath(path))  # a symbolic link stays one
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(8)}.part")
    try:
        with open(temporary, "xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def checked_path(filepath: str | os.PathLike[str], overwrite: bool = True) -> Path:
    """Return a path to write to, or raise ValueError for another suffix, or a file that is to stay."""
    path = Path(filepath)
    if path.suffix != SUFFIX:
        raise ValueError(f"filepath: got {str(path)!r}, needs a name ending in {SUFFIX!r}")
    if not boolean("overwrite", overwrite) and path.exists():
        raise ValueError(f"overwrite: got False and {str(path)!r}, which is there, needs another name")
    return path


def write(path: Path, header: dict[str, Any], tensors: Tensors) -> None:
    """Write arrays by name, and all else as JSON, to a file, whole or not at all."""
    from safetensors.numpy import save

    if not tensors:
        raise ValueError("save: got a model without weights, needs one with Dense layers and a known input shape")
    content = save(tensors, metadata={KEY: json.dumps(header)})  # one entry: safetensors keeps no order of several
    with written_whole(path) as file:
        file.write(content)


def read(filepath: str | os.PathLike[str], use: Callable[[dict[str, Any], Tensors], T]) -> T:
    """Return what `use` makes of a file's header and arrays; errors as of `load_model`."""
    from safetensors import SafetensorError, safe_open

    with open(filepath, "rb"):  # for Python's errors when it is missing, a folder or not readable
        pass
    try:
        with safe_open(filepath, framework="np") as file:
            metadata = file.metadata() or {}
            if KEY not in metadata:
                raise ValueError("a safetensors file of another program")
            header = json.loads(metadata[KEY])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118, it is no dict
        return use(header, tensors)
    except (SafetensorError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        reason = f"entry {error} is missing" if isinstance(error, KeyError) else error
        raise ValueError(f"filepath: got {os.fspath(filepath)!r}, needs a model file of fastmlp: {reason}") from error
