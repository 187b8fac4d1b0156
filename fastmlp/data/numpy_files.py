"""Files of NumPy, .npy and .npz: read within the bounds of what a file holds; nothing in them is unpickled."""

from __future__ import annotations

import math
import os
import sys
import zipfile
import zlib
from typing import IO, Any

import numpy as np

from fastmlp.data.whole_files import require_regular

BLOCK = 1 << 20  # bytes asked for at once: memory grows with what a file holds, not with what its header claims
OF_ARCHIVES = (EOFError, zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError)
DAMAGES = (ValueError, OSError, MemoryError, *OF_ARCHIVES)
START = b"\x93NUMPY"

Array = np.ndarray[Any, Any]


def read_npy(path: str | os.PathLike[str]) -> Array:
    """Return the array of an .npy file; ValueError, which names the file, for a damaged one."""
    require_regular(path, "path")
    with open(path, "rb") as file:
        try:
            return _array(file)
        except DAMAGES as error:
            raise ValueError(f"{path}: needs an .npy file: {_reason(error)}") from error


def read_npz(path: str | os.PathLike[str], names: tuple[str, ...]) -> list[Array]:
    """Return the arrays of those names in an .npz file.

    Raises
    ------
    ValueError
        Naming the file, when it is no .npz, is damaged, or has no such arrays.
    OSError
        The file cannot be opened.
    """
    require_regular(path, "path")
    with open(path, "rb") as file:
        try:
            if file.peek(len(START)).startswith(START):
                raise ValueError("it has one array alone")
            with zipfile.ZipFile(file) as archive:
                there = _names(archive)
                missing = [name for name in names if name not in there]
                if missing:
                    raise ValueError(f"it has {', '.join(there) or 'nothing'}, and no {', '.join(missing)}")
                return [_part(archive, name) for name in names]
        except DAMAGES as error:
            raise ValueError(f"{path}: needs an .npz file with {', '.join(names)}: {_reason(error)}") from error


def names_in(path: str | os.PathLike[str]) -> list[str]:
    """Return the names of the arrays in an .npz file; none of what is no such file."""
    try:
        require_regular(path, "path")
        with zipfile.ZipFile(path) as archive:
            return _names(archive)
    except DAMAGES:
        return []


def axes_of(path: str | os.PathLike[str], name: str) -> int:
    """Return the number of axes of an array in an .npz file, from its header alone; 0 where it is damaged."""
    try:
        require_regular(path, "path")
        with zipfile.ZipFile(path) as archive, archive.open(f"{name}.npy") as part:
            return len(_header(part)[1])
    except (KeyError, *DAMAGES):
        return 0


def _names(archive: zipfile.ZipFile) -> list[str]:
    return [name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy")]


def _part(archive: zipfile.ZipFile, name: str) -> Array:
    with archive.open(f"{name}.npy") as part:
        array = _array(part)
        if part.read(1):  # which also reaches the checksum
            raise ValueError(f"{name}: it goes on after its values")
        return array


def _header(stream: IO[bytes]) -> tuple[np.dtype[Any], tuple[int, ...], bool]:
    """Return type and shape of an array, and whether its first axis is the fast one; ValueError where it has none."""
    form = np.lib.format
    version = form.read_magic(stream)
    if version not in ((1, 0), (2, 0), (3, 0)):
        raise ValueError(f"it is of version {version}, needs 1.0, 2.0 or 3.0")
    try:
        parse = form.read_array_header_1_0 if version == (1, 0) else form.read_array_header_2_0
        shape, is_turned, dtype = parse(stream)
    except DAMAGES:
        raise
    except Exception as error:  # what its text leads Python's parser to has no end of types
        raise ValueError(f"its header is no description of an array: {error}") from error
    if dtype.hasobject or not dtype.itemsize:
        raise ValueError(f"it has values of type {dtype}, which are not read")
    if not all(type(size) is int and size >= 0 for size in shape):
        raise ValueError(f"it has shape {shape}")
    return dtype, shape, is_turned


def _array(stream: IO[bytes]) -> Array:
    dtype, shape, is_turned = _header(stream)
    needed = math.prod(shape) * dtype.itemsize
    values = bytearray()
    while len(values) < needed:
        block = stream.read(min(BLOCK, needed - len(values)))
        if not block:
            raise ValueError(f"it holds {len(values)} bytes of values; shape {shape} of {dtype} needs {needed}")
        values += block
    if not needed:
        return np.empty(shape, dtype)
    flat = np.frombuffer(values, dtype)
    for field in [flat[name] for name in dtype.names] if dtype.names else [flat]:
        is_text = field.dtype.kind == "U" and field.size > 0
        if is_text and np.ascontiguousarray(field).view(f"{field.dtype.str[0]}u4").max() > sys.maxunicode:
            raise ValueError("it has words of what are no characters")
    return flat.reshape(shape[::-1]).T if is_turned else flat.reshape(shape)


def _reason(error: BaseException) -> str:
    return "its values do not fit into memory" if isinstance(error, MemoryError) else str(error) or type(error).__name__
