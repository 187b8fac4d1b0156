"""Model files: arrays by name and a header of JSON in one safetensors file, written whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np

from fastmlp.data.whole_files import require_regular, write_whole
from fastmlp.errors import told
from fastmlp.settings import boolean, file_path

KEY = "fastmlp"  # of the metadata
CHECKSUM = "checksum"  # of the header
SUFFIX = ".safetensors"
STATES = "callbacks//"  # begins the names of arrays that callbacks of a run have kept
MODELS = (SUFFIX, ".keras", ".h5", ".hdf5")  # what names of whole models end in
WEIGHTS = (SUFFIX, ".weights.h5")  # and of weights alone

Tensors = dict[str, np.ndarray]
T = TypeVar("T")


class Kind(NamedTuple):
    """What files hold, and how errors speak of them."""

    name: str  # in the header
    argument: str  # that takes the path
    file: str


MODEL = Kind("model", "filepath", "a model file of fastmlp")


def checked_path(filepath: str | os.PathLike[str], overwrite: bool = True, endings: Sequence[str] = MODELS) -> Path:
    """Return a path to write to, or raise ValueError for another ending, or a file that is to stay."""
    path = Path(file_path("filepath", filepath))
    if not path.name.endswith(tuple(endings)):
        needs = " or ".join(map(repr, endings))
        raise ValueError(f"filepath: got {str(path)!r}, needs a name ending in {needs}")
    if not boolean("overwrite", overwrite) and path.exists():
        raise ValueError(f"overwrite: got False and {str(path)!r}, which is there, needs another name")
    return path


def write(path: Path, kind: Kind, header: dict[str, Any], tensors: Tensors) -> None:
    """Write arrays by name, and all else as JSON, to a file, whole or not at all; equal content gives equal bytes."""
    from safetensors.numpy import save

    if not tensors:
        raise ValueError("save: got a model without weights, needs one with Dense layers and a known input shape")
    header = {"kind": kind.name, **header}
    try:
        text = json.dumps({**header, CHECKSUM: checksum(header, tensors)})
    except (TypeError, ValueError) as error:
        raise TypeError(f"save: got settings that are no values of JSON, needs these alone: {error}") from None
    content = save(tensors, metadata={KEY: text})  # one entry: safetensors keeps no order of several
    write_whole(path, lambda file: file.write(content))


def read(
    path: str | os.PathLike[str], kind: Kind, use: Callable[[dict[str, Any], Tensors], T], changes: bool = False
) -> T:
    """Return what `use` makes of a file's header and arrays; one that changes something has undamaged ones alone.

    Raises
    ------
    OSError
        When the file cannot be read.
    ValueError
        Naming the file, when it is of another kind or damaged: for whatever `use` raises.
    """
    from safetensors import safe_open

    path = os.fspath(path)  # no file descriptor
    require_regular(path, kind.argument)
    with open(path, "rb"):  # for Python's errors when it is missing, a folder or not readable
        pass
    with damage_named(kind.argument, path, kind.file, (OSError, MemoryError, ImportError)):
        with safe_open(path, framework="np") as file:
            header = header_of(file.metadata() or {}, kind)
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118, it is no dict
        summed = header.pop(CHECKSUM, None)  # which older files do not have
        is_whole = summed is None or summed == checksum(header, tensors)
        damage = "it is damaged: its content is not that of its checksum"
        if changes and not is_whole:
            raise ValueError(damage)
        found = use(header, tensors)  # what is wrong in particular is said first
        if not is_whole:
            raise ValueError(damage)
        return found


@contextmanager
def damage_named(
    argument: str, path: str | os.PathLike[str], needs: str, passed: tuple[type[Exception], ...] = (MemoryError,)
) -> Iterator[None]:
    """Raise ValueError, naming the file, for whatever is raised meanwhile but errors to be passed on.

    What a damage leads to has no end of types.
    """
    try:
        yield
    except passed:
        raise
    except Exception as error:
        raise ValueError(f"{argument}: got {told(os.fspath(path))}, needs {needs}: {reason(error)}") from error


def reason(error: Exception) -> str:
    """Return in words what an error says of a description or a file."""
    return f"entry {error} is missing" if isinstance(error, KeyError) else str(error) or type(error).__name__


def checksum(header: Mapping[str, Any], tensors: Mapping[str, np.ndarray]) -> str:
    """Return what all that a file holds adds up to."""
    found = hashlib.blake2b(json.dumps(header).encode(), digest_size=8)
    for name in sorted(tensors):
        array = np.ascontiguousarray(tensors[name])
        found.update(f"{name} {array.dtype.name} {array.shape}".encode())
        found.update(array.reshape(-1).view(np.uint8).data)
    return found.hexdigest()


def is_of_kind(path: str | os.PathLike[str], name: str) -> bool:
    """Whether a file says of itself that it is of a kind; what it holds besides is not looked at."""
    from safetensors import SafetensorError, safe_open

    try:
        require_regular(path, "path")
        with safe_open(os.fspath(path), framework="np") as file:
            return bool(json.loads((file.metadata() or {}).get(KEY, "{}")).get("kind") == name)
    except (SafetensorError, ValueError, AttributeError):
        return False


def header_of(metadata: dict[str, str], kind: Kind) -> dict[str, Any]:
    """Return the header, or raise ValueError for a file that is none, or one of another kind."""
    if KEY not in metadata:
        raise ValueError("a safetensors file of another program, or of an older form")
    header = json.loads(metadata[KEY])
    if not isinstance(header, dict):
        raise ValueError(f"header: got {type(header).__name__}, needs a dict")
    found = header.get("kind", MODEL.name)  # older model files do not say it
    if found != kind.name:
        raise ValueError(f"kind: got {told(found)}, needs {kind.name!r}")
    return header


def require_same(expected: Mapping[str, tuple[tuple[int, ...], str]], tensors: Mapping[str, np.ndarray]) -> None:
    """Raise ValueError unless the arrays have the expected names, shapes and dtypes."""
    found = {name: (array.shape, array.dtype.name) for name, array in tensors.items()}
    for name in sorted({*expected, *found}):
        if expected.get(name) != found.get(name):
            got, needs = found.get(name, "none"), expected.get(name, "none")
            raise ValueError(f"weights: got {got} for {name!r}, needs {needs}")
