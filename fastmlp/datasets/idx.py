"""IDX, the file format of MNIST: a header of big-endian integers, then the values of one array.

    offset  size      content
    0       2         zero
    2       1         type of the values, see ``DTYPES``
    3       1         rank (number of dimensions)
    4       4 * rank  size of each dimension, unsigned
    ...               the values in row-major order, big-endian

A file may be gzip-compressed. Source of the format: the MNIST page of Y. LeCun, C. Cortes and C. Burges.
"""

from __future__ import annotations

import gzip
import io
import math
import os
import struct
import zlib
from typing import IO, Any

import numpy as np

from fastmlp.data.whole_files import require_regular, write_whole

DTYPES: dict[int, np.dtype[Any]] = {
    0x08: np.dtype("uint8"),
    0x09: np.dtype("int8"),
    0x0B: np.dtype(">i2"),
    0x0C: np.dtype(">i4"),
    0x0D: np.dtype(">f4"),
    0x0E: np.dtype(">f8"),
}
MAX_RANK = 32  # what every numpy can hold; the format itself goes up to 255
GZIP_MAGIC = b"\x1f\x8b"
OTHER_KINDS = {  # by their first bytes
    b"PK\3\4": "a zip archive (as .zip, .npz and .xlsx are)",
    b"\x93NUM": "a .npy file",
    b"\x89PNG": "a PNG picture",
    b"\xff\xd8\xff": "a JPEG picture",
    b"GIF8": "a GIF picture",
    b"MATL": "a MATLAB file",
    b"\x89HDF": "an HDF5 file",
    b"PAR1": "a Parquet file",
    b"BZh": "compressed by bzip2",
    b"\xfd7zX": "compressed by xz",
    b"\x28\xb5\x2f\xfd": "compressed by zstd",
    b"7z\xbc\xaf": "a 7z archive",
    b"Rar!": "a RAR archive",
    b"\x80\x04\x95": "a pickle",
    b"\xef\xbb\xbf": "text",
}
BLOCK = 1 << 20  # bytes asked for at once: memory grows with what a file holds, not with what its header claims


def read_idx(path: str | os.PathLike[str]) -> np.ndarray[Any, Any]:
    """Read an array from an IDX file.

    Parameters
    ----------
    path : str or path
        The file, raw or gzip-compressed (told apart by its first bytes, not by its name).

    Returns
    -------
    array : ndarray
        uint8, int8, int16, int32, float32 or float64, of the shape in the header (no dimension is 0); in native byte
        order, C-contiguous and writable.

    Raises
    ------
    ValueError
        The file is not IDX, is longer or shorter than its header says, or its compressed data is damaged.
    OSError
        The file cannot be opened or read.
    """
    require_regular(path, "path")
    with open(path, "rb") as file:
        stream = _unpacked(file)
        try:
            dtype, shape = _read_header(stream, path)
            values = _read_values(stream, path, dtype, shape)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise ValueError(f"{path}: damaged or truncated gzip data ({error}), needs a complete gzip file") from error
        except MemoryError as error:
            raise ValueError(f"{path}: its values do not fit into memory") from error
    array = np.frombuffer(values, dtype).reshape(shape)
    return array if dtype.isnative else array.byteswap(inplace=True).view(dtype.newbyteorder("="))


def other_kind(path: str | os.PathLike[str]) -> str | None:
    """Return what a file is that is known not to be IDX, in words; else None, also for a damaged or an empty one."""
    require_regular(path, "path")
    with open(path, "rb") as file:
        try:
            return _kind(_unpacked(file).read(4))
        except (EOFError, gzip.BadGzipFile, zlib.error):
            return None


def _kind(magic: bytes) -> str | None:
    for start, kind in OTHER_KINDS.items():
        if magic.startswith(start):
            return kind
    return "text" if magic and all(byte in b"\t\n\r" or 32 <= byte < 127 for byte in magic) else None


def _unpacked(file: io.BufferedReader) -> IO[bytes]:
    """Return what a file that is open at its start holds, without the compression that its first bytes tell."""
    return gzip.GzipFile(fileobj=file, mode="rb") if file.peek(2)[:2] == GZIP_MAGIC else file  # type: ignore[return-value]


def _read_header(stream: IO[bytes], path: str | os.PathLike[str]) -> tuple[np.dtype[Any], tuple[int, ...]]:
    magic = stream.read(4)
    if len(magic) < 4:
        raise ValueError(f"{path}: got a file of {len(magic)} bytes; an IDX file needs a header of at least 8")
    if magic[:2] != b"\0\0":
        kind = _kind(magic)
        start = f"is {kind}: it starts" if kind else "starts"
        raise ValueError(f"{path}: {start} with bytes {magic.hex(' ')}; an IDX file needs to start with 00 00")
    code, rank = magic[2], magic[3]
    if code not in DTYPES:
        known = ", ".join(f"0x{known:02x} ({dtype.name})" for known, dtype in DTYPES.items())
        raise ValueError(f"{path}: got IDX type 0x{code:02x}, needs one of {known}")
    if not 1 <= rank <= MAX_RANK:
        raise ValueError(f"{path}: got {rank} dimensions, needs 1 to {MAX_RANK}")
    sizes = stream.read(4 * rank)
    if len(sizes) < 4 * rank:
        raise ValueError(f"{path}: ends within its header; {rank} dimensions need {4 + 4 * rank} bytes")
    shape = struct.unpack(f">{rank}I", sizes)
    if 0 in shape:
        raise ValueError(f"{path}: got shape {shape}; every dimension needs to be at least 1")
    return DTYPES[code], shape


def _read_values(
    stream: IO[bytes], path: str | os.PathLike[str], dtype: np.dtype[Any], shape: tuple[int, ...]
) -> bytearray:
    """Return the bytes of the values, exactly as many as the header claims."""
    needed = math.prod(shape) * dtype.itemsize  # Python integers: no overflow
    values = bytearray()
    while len(values) < needed:
        block = stream.read(min(BLOCK, needed - len(values)))
        if not block:
            raise ValueError(
                f"{path}: holds {len(values)} bytes of values; shape {shape} of {dtype.name} needs {needed}"
            )
        values += block
    if stream.read(1):  # for gzip this also reaches the checksum at the end, which is compared then
        raise ValueError(f"{path}: goes on after the {needed} bytes of values that shape {shape} of {dtype.name} needs")
    return values


def write_idx(path: str | os.PathLike[str], array: np.ndarray[Any, Any]) -> None:
    """Write an array as an IDX file, whole or not at all.

    Parameters
    ----------
    path : str or path
        The file; compressed with gzip when the name ends in ``.gz``. The same array always gives the same bytes.
    array : ndarray
        uint8, int8, int16, int32, float32 or float64, of rank 1 or more, not empty. No dtype is converted.

    Raises
    ------
    TypeError
        ``array`` is not a numpy array.
    ValueError
        ``array`` has a dtype, rank or size that the format does not hold.
    """
    header = _header(array)
    values = np.ascontiguousarray(array, array.dtype.newbyteorder(">")).reshape(-1).view(np.uint8)

    def write(file: Any) -> None:
        file.write(header)
        file.write(values.data)

    def write_compressed(file: IO[bytes]) -> None:
        # no file name and no time in the gzip header, so that the bytes depend on the array alone
        with gzip.GzipFile(filename="", mode="wb", compresslevel=9, fileobj=file, mtime=0) as stream:
            write(stream)

    write_whole(path, write_compressed if os.fspath(path).endswith(".gz") else write)


def _header(array: np.ndarray[Any, Any]) -> bytes:
    if not isinstance(array, np.ndarray):
        raise TypeError(f"array: got {type(array).__name__}, needs a numpy array")
    codes = {dtype.newbyteorder("="): code for code, dtype in DTYPES.items()}
    code = codes.get(array.dtype.newbyteorder("="))
    if code is None:
        names = ", ".join(dtype.name for dtype in codes)
        raise ValueError(f"array: got dtype {array.dtype}; an IDX file needs one of {names}")
    if not 1 <= array.ndim <= MAX_RANK:
        raise ValueError(f"array: got {array.ndim} dimensions; an IDX file needs 1 to {MAX_RANK}")
    if not all(1 <= size < 2**32 for size in array.shape):
        raise ValueError(f"array: got shape {array.shape}; an IDX file needs dimensions from 1 to {2**32 - 1}")
    return struct.pack(f">2xBB{array.ndim}I", code, array.ndim, *array.shape)
