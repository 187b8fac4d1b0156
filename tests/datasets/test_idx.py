"""The IDX reader and writer: every type, every way a file can lie, and no memory for what is not there."""

import gzip
import os
import struct
import tracemalloc
from contextlib import contextmanager

import numpy as np
import pytest

from fastmlp.datasets import idx
from fastmlp.datasets.idx import read_idx, write_idx

# code, numpy's name, struct's letter, values at the ends of the range
TYPES = [
    (0x08, "uint8", "B", [0, 1, 2, 127, 128, 255]),
    (0x09, "int8", "b", [0, 1, -1, 127, -128, 3]),
    (0x0B, "int16", "h", [0, 1, -2, 32767, -32768, 258]),
    (0x0C, "int32", "i", [0, 1, -2, 2**31 - 1, -(2**31), 16909060]),
    (0x0D, "float32", "f", [0.0, -0.0, 1.5, float("inf"), -3.25, 2.0**-149]),
    (0x0E, "float64", "d", [0.0, -0.0, 0.1, float("-inf"), 1e300, 5e-324]),
]
SHAPES = [(1,), (7,), (2, 3), (1, 1, 1), (3, 5, 7), (2, 1, 3, 1, 2)]


def idx_bytes(shape, values=b"", code=0x08):
    """A file put together by hand, so that the reader is not tested against the writer."""
    return struct.pack(f">2xBB{len(shape)}I", code, len(shape), *shape) + values


def write(folder, data, compress=False):
    path = folder / "x-idx"
    path.write_bytes(gzip.compress(data) if compress else data)
    return path


@contextmanager
def memory_below(limit):
    tracemalloc.start()
    try:
        yield
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert 0 < peak < limit


@pytest.mark.parametrize("compress", [False, True], ids=["raw", "gzip"])
@pytest.mark.parametrize("code, name, letter, values", TYPES, ids=[name for _, name, _, _ in TYPES])
def test_reads_every_type(tmp_path, code, name, letter, values, compress):
    path = write(tmp_path, idx_bytes((2, 3), struct.pack(f">6{letter}", *values), code), compress)
    array = read_idx(path)
    assert array.dtype == np.dtype(name) and array.dtype.isnative
    assert array.tobytes() == struct.pack(f"=6{letter}", *values)
    assert array.shape == (2, 3)
    assert array.flags.c_contiguous and array.flags.writeable and array.flags.aligned
    array += 1  # writable indeed


@pytest.mark.parametrize("name", [name for _, name, _, _ in TYPES])
def test_writes_the_bytes_of_the_format(tmp_path, name):
    code, letter, values = next((c, f, v) for c, n, f, v in TYPES if n == name)
    write_idx(tmp_path / "x", np.array(values, name).reshape(3, 2))
    assert (tmp_path / "x").read_bytes() == idx_bytes((3, 2), struct.pack(f">6{letter}", *values), code)


@pytest.mark.parametrize("ending", ["", ".gz"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("name", [name for _, name, _, _ in TYPES])
def test_round_trip(tmp_path, name, shape, ending):
    array = np.random.default_rng(0).integers(0, 100, shape).astype(name)
    path = tmp_path / f"x{ending}"
    write_idx(path, array)
    back = read_idx(path)
    assert back.dtype == array.dtype and back.shape == shape and back.any()
    np.testing.assert_array_equal(back, array)
    assert (path.read_bytes()[:2] == b"\x1f\x8b") == bool(ending)
    assert os.listdir(tmp_path) == [path.name]


def test_writes_any_memory_layout(tmp_path):
    array = np.arange(60, dtype="int32").reshape(3, 4, 5)
    readonly = array.copy()
    readonly.flags.writeable = False
    byte_orders = [array.astype(">i4"), array.astype("<i4")]
    for variant in (np.asfortranarray(array), array[::-1, ::2, 1:4], readonly, *byte_orders):
        write_idx(tmp_path / "x", variant)
        np.testing.assert_array_equal(read_idx(tmp_path / "x"), variant)


def test_reads_more_than_one_block(tmp_path, monkeypatch):
    array = np.arange(1000, dtype="int16").reshape(10, 100)
    write_idx(tmp_path / "x.gz", array)
    monkeypatch.setattr(idx, "BLOCK", 7)
    np.testing.assert_array_equal(read_idx(tmp_path / "x.gz"), array)


def test_reads_a_gzip_file_of_several_members(tmp_path):
    data = idx_bytes((4,), bytes([1, 2, 3, 4]))
    path = tmp_path / "x"
    path.write_bytes(gzip.compress(data[:5]) + gzip.compress(data[5:9]) + gzip.compress(data[9:]))
    assert read_idx(path).tolist() == [1, 2, 3, 4]


def test_compression_is_told_by_the_bytes_not_the_name(tmp_path):
    data = idx_bytes((2,), b"\5\6")
    (tmp_path / "raw.gz").write_bytes(data)
    (tmp_path / "compressed").write_bytes(gzip.compress(data))
    assert read_idx(tmp_path / "raw.gz").tolist() == read_idx(str(tmp_path / "compressed")).tolist() == [5, 6]


def test_compressed_files_are_reproducible(tmp_path, monkeypatch):
    array = np.arange(100, dtype="uint8")
    write_idx(tmp_path / "a.gz", array)
    monkeypatch.setattr("time.time", lambda: 2e9)
    write_idx(tmp_path / "b.gz", array)
    assert (tmp_path / "a.gz").read_bytes() == (tmp_path / "b.gz").read_bytes()


HUGE = 2**32 - 1
LIES = {
    "empty file": (b"", r"0 bytes; an IDX file needs a header of at least 8"),
    "half a magic number": (b"\0\0\x08", r"3 bytes; an IDX file needs a header"),
    "bad magic": (b"\0\1\x08\1\0\0\0\1\0", r"starts with bytes 00 01 08 01; an IDX file needs to start with 00 00"),
    "text": (b"label,pixel1\n", r"needs to start with 00 00"),
    "unknown type": (idx_bytes((1,), b"\0", code=0x0A), r"got IDX type 0x0a, needs one of 0x08 \(uint8\), 0x09"),
    "no dimensions": (idx_bytes((), b"\0"), r"got 0 dimensions, needs 1 to 32"),
    "255 dimensions": (idx_bytes((1,) * 255, b"\0"), r"got 255 dimensions, needs 1 to 32"),
    "header ends early": (idx_bytes((2, 2))[:-3], r"ends within its header; 2 dimensions need 12 bytes"),
    "a dimension of 0": (idx_bytes((0, 28, 28)), r"got shape \(0, 28, 28\); every dimension needs to be at least 1"),
    "0 times absurd": (idx_bytes((HUGE, 0, HUGE)), r"every dimension needs to be at least 1"),
    "no values": (idx_bytes((2, 3)), r"holds 0 bytes of values; shape \(2, 3\) of uint8 needs 6"),
    "a value missing": (idx_bytes((2, 3), bytes(5)), r"holds 5 bytes of values; shape \(2, 3\) of uint8 needs 6"),
    "half a value": (idx_bytes((2,), bytes(15), 0x0E), r"holds 15 bytes .* of float64 needs 16"),
    "a byte too many": (idx_bytes((2, 3), bytes(7)), r"goes on after the 6 bytes of values that shape \(2, 3\)"),
    "gigabytes": (idx_bytes((HUGE,), bytes(9)), rf"holds 9 bytes of values; shape \({HUGE},\) of uint8 needs {HUGE}"),
    "2**64 bytes": (idx_bytes((2**31, 2**31, 4), bytes(9)), rf"holds 9 bytes .* needs {2**64}"),
    "2**67 bytes": (idx_bytes((2**31, 2**31, 4), bytes(9), 0x0E), rf"holds 9 bytes .* needs {2**67}"),
    "32 absurd dimensions": (idx_bytes((HUGE,) * 32, bytes(9)), rf"holds 9 bytes .* needs {HUGE**32}"),
}


@pytest.mark.parametrize("compress", [False, True], ids=["raw", "gzip"])
@pytest.mark.parametrize("lie", LIES)
def test_a_lying_file_is_a_clear_error_and_takes_no_memory(tmp_path, lie, compress):
    data, message = LIES[lie]
    path = write(tmp_path, data, compress)
    with memory_below(4 << 20), pytest.raises(ValueError, match=message) as caught:
        read_idx(path)
    assert str(caught.value).startswith(f"{path}: ")


def test_a_gzip_bomb_is_not_expanded(tmp_path):
    path = tmp_path / "bomb"
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(idx_bytes((10, 10)))
        for _ in range(64):
            file.write(bytes(1 << 20))
    with memory_below(4 << 20), pytest.raises(ValueError, match="goes on after the 100 bytes of values"):
        read_idx(path)


@pytest.mark.parametrize("compress", [False, True], ids=["raw", "gzip"])
def test_every_truncation_is_an_error(tmp_path, compress):
    data = idx_bytes((3, 4), bytes(range(12)))
    whole = write(tmp_path, data, compress).read_bytes()
    for size in range(len(whole)):
        (tmp_path / "cut").write_bytes(whole[:size])
        with pytest.raises(ValueError, match="cut: "):
            read_idx(tmp_path / "cut")


def test_a_damaged_gzip_file_gives_the_values_or_an_error(tmp_path):
    array = np.random.default_rng(0).integers(0, 4, (20, 20)).astype("uint8")
    write_idx(tmp_path / "x.gz", array)
    whole = (tmp_path / "x.gz").read_bytes()
    errors = 0
    for position in range(len(whole)):
        for bit in range(8):
            damaged = bytearray(whole)
            damaged[position] ^= 1 << bit
            (tmp_path / "damaged").write_bytes(damaged)
            try:
                np.testing.assert_array_equal(read_idx(tmp_path / "damaged"), array)
            except ValueError as error:
                assert "damaged: " in str(error)
                errors += 1
    # all but some bits of the gzip header (time, flags, operating system) matter
    assert errors >= 8 * (len(whole) - 10)


def test_garbage_behind_a_gzip_file_is_an_error(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(gzip.compress(idx_bytes((1,), b"\0")) + b"garbage")
    with pytest.raises(ValueError, match="damaged or truncated gzip data"):
        read_idx(path)


def test_too_little_memory_is_a_clear_error(tmp_path, monkeypatch):
    def no_memory(*_):
        raise MemoryError

    path = write(tmp_path, idx_bytes((1,), b"\0"))
    monkeypatch.setattr(idx, "_read_values", no_memory)
    with pytest.raises(ValueError, match="do not fit into memory"):
        read_idx(path)


def test_a_missing_file_is_the_usual_error(tmp_path):
    with pytest.raises(FileNotFoundError, match="nothing-here"):
        read_idx(tmp_path / "nothing-here")


@pytest.mark.parametrize(
    "array, error, message",
    [
        ([1, 2], TypeError, "array: got list, needs a numpy array"),
        (
            np.zeros(3, "int64"),
            ValueError,
            "array: got dtype int64; an IDX file needs one of uint8, int8, int16, int32",
        ),
        (np.zeros(3, "uint16"), ValueError, "got dtype uint16"),
        (np.zeros(3, "float16"), ValueError, "got dtype float16"),
        (np.zeros(3, "bool"), ValueError, "got dtype bool"),
        (np.zeros(3, "complex64"), ValueError, "got dtype complex64"),
        (np.array(["a"]), ValueError, "got dtype <U1"),
        (np.array([None]), ValueError, "got dtype object"),
        (np.array(1.0, "float32"), ValueError, "got 0 dimensions; an IDX file needs 1 to 32"),
        (np.zeros((2, 0), "uint8"), ValueError, r"got shape \(2, 0\); an IDX file needs dimensions from 1"),
        (np.broadcast_to(np.uint8(0), (2**32,)), ValueError, r"got shape \(4294967296,\)"),
    ],
)
def test_what_the_format_cannot_hold_is_not_written(tmp_path, array, error, message):
    with pytest.raises(error, match=message):
        write_idx(tmp_path / "x", array)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("ending", ["", ".gz"])
@pytest.mark.parametrize("broken", ["fsync", "replace"])
@pytest.mark.parametrize("error", [OSError("disk full"), KeyboardInterrupt()], ids=["disk full", "Ctrl-C"])
def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, broken, error, ending):
    def fail(*_):
        raise error

    path = tmp_path / f"x{ending}"
    write_idx(path, np.array([1, 2], "uint8"))
    monkeypatch.setattr(os, broken, fail)
    with pytest.raises(type(error)):
        write_idx(path, np.array([3, 4, 5], "uint8"))
    assert os.listdir(tmp_path) == [path.name]
    assert read_idx(path).tolist() == [1, 2]


def test_the_old_file_is_there_until_the_new_one_is_whole(tmp_path, monkeypatch):
    path = tmp_path / "x"
    write_idx(path, np.array([1, 2], "uint8"))
    replace = os.replace
    seen = []

    def look_then_replace(source, target):
        seen.extend([read_idx(path).tolist(), read_idx(source).tolist(), os.path.dirname(source)])
        replace(source, target)

    monkeypatch.setattr(os, "replace", look_then_replace)
    write_idx(path, np.array([3, 4, 5], "uint8"))
    assert seen == [[1, 2], [3, 4, 5], os.path.realpath(tmp_path)]
    assert read_idx(path).tolist() == [3, 4, 5]
