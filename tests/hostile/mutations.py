"""Damages to files: of any bytes, and of what is within a format, whose lengths and checksums are made right again.

Each takes the content of a good file and a `random.Random`, and returns other content.
"""

from __future__ import annotations

import ast
import copy
import gzip
import io
import json
import math
import struct
import zipfile
import zlib

import numpy as np

MISSING = object()
DIGITS, DEEP = "@ digits @", "@ deep @"  # stand in JSON for numbers and lists that Python's json would not write
WRITTEN = {DIGITS: b"1" * 5000, DEEP: b"[" * 100_000 + b"]" * 100_000}
HOSTILE = [
    *[MISSING, None, True, False, -1, 0, 1, 2, 3, 4.0, 0.5, 10**4, 10**6, 10**9, 2**31, 2**63, 2**64],
    *[-(2**63), 10**400, 1e308, 1e-320, 1e-17, math.nan, math.inf, -math.inf, DIGITS, DEEP],
    *["", "x", "\ud800", "\0", "predict", "__class__", "../x", "/etc/passwd", "Lambda", "Dense", "relu", "a" * 10_000],
    *["U500000000", "float16", "float64", "int64", "object", "1e400", "nan", "10", "binary", "multilabel-indicator"],
    *[[], [[]], [0], [1], [1, 2], [[1], [2, 3]], [0.5] * 3, ["a", "b"], [None] * 3, [10**8, 10**8], [0] * 3000],
    *[{}, {"x": 1}, {"numbers": "coefs_.0"}, {"text": "coefs_.0"}, {"tuple": [1]}, {"objects": [[1], "a"]}],
    *[{"dict": [["a", 1]]}, {"dict": [[[], 1]]}, {"array": "x"}, {"class_name": "Lambda", "config": {}}],
    *[{"class_name": "Dense", "config": {"units": 10**9}}, {"class_name": "AUC", "config": {"num_thresholds": 10**8}}],
    *[{"class_name": "__lambda__", "config": "import os"}, {"module": "os", "class_name": "system", "config": "true"}],
]
NUMBERS = (0, 1, 2, 3, 7, 127, 128, 255, 256, 32767, 65535, 65536, 10**6, 2**31 - 1, 2**31, 2**32 - 1, 2**63, 2**64 - 1)
CELLS = (
    *("", " ", '"', '""', "'", "\0", "\n", "\r", "\r\n", ",", ";", "\t", "|", "nan", "NA", "inf", "-inf", "1e999"),
    *("1e-999", "1" * 400, "-", "true", "no", "2024-02-30", "31/12/9999", "0000-00-00", "1_000", "1,5", "٣", "é"),
    *("\ufeff", "\u2028"),
    *("\U0010ffff", "=1+1", "a" * 5000, '"' * 999, "{", "[", "0x10", "02134", "12:61", "2024-01-01T00:00:00+99:99"),
)


def of_bytes(content, random):
    """Some bits, bytes, cuts, pieces twice or elsewhere, lengths of four or eight bytes."""
    found = bytearray(content)
    head = min(len(found), 1024)
    for _ in range(random.choice((1, 1, 1, 2, 5))):
        if not found:
            break
        place = random.randrange(head if random.random() < 0.6 and len(found) >= head else len(found))
        place = min(place, len(found) - 1)
        length = random.choice((1, 2, 4, 8, 64, 1000))
        how = random.randrange(9)
        if how < 2:
            found[place] ^= 1 << random.randrange(8)
        elif how == 2:
            found[place] = random.choice((0, 1, 255, 127, 128, random.randrange(256)))
        elif how == 3:
            del found[place:]
        elif how == 4:
            del found[place : place + length]
        elif how == 5:
            found[place:place] = found[place : place + length] * random.choice((1, 2, 50))
        elif how == 6:
            other = random.randrange(len(found))
            found[place : place + length] = found[other : other + length]
        elif how == 7:
            size = random.choice((1, 2, 4, 8))
            number = random.choice(NUMBERS) % 256**size
            found[place : place + size] = number.to_bytes(size, random.choice(("little", "big")))
        else:
            found[place:place] = random.randbytes(length)
    return bytes(found)


# JSON


def places(value, keys=()):
    """The paths to everything in a value, itself first."""
    yield keys
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from places(item, (*keys, key))


def at(value, keys):
    for key in keys:
        value = value[key]
    return value


def put(value, keys, new):
    """A copy with something else at one place, or nothing."""
    if not keys:
        return {} if new is MISSING else new
    edited = copy.deepcopy(value)
    inner = at(edited, keys[:-1])
    if new is MISSING:
        del inner[keys[-1]]
    else:
        inner[keys[-1]] = new
    return edited


def near(value, random):
    """Another value of the same type, or one that holds this one."""
    if isinstance(value, bool) or value is None:
        return not value
    if isinstance(value, (int, float)):
        with np.errstate(all="ignore"):
            others = [value + 1, value - 1, -value, value * 10, value * 10**6, str(value)]
            others += [value / 2, float(value)] if abs(value) < 1e300 else []
        return random.choice(others)
    if isinstance(value, str):
        return random.choice(
            (value + "x", value[:-1], value.upper(), value * 50, value + "\0", f"../{value}", f"/{value}")
        )
    if isinstance(value, list):
        shuffled = random.sample(value, len(value))
        return random.choice((value + value[-1:], value[1:], value[:-1], shuffled, value * 30, [value], [*value, None]))
    keys = list(value)
    some = {key: value[key] for key in keys[: len(keys) // 2]}
    return random.choice((some, {**value, "predict": 3}, {**value, "__class__": "x"}, [value], dict.fromkeys(keys), {
        **{key: value[key] for key in reversed(keys)}}))  # fmt: skip


def of_json(value, random):
    """A value of JSON with one entry, or some, of another kind."""
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        found = list(places(value))
        keys = random.choice(found)
        how = random.random()
        if how < 0.6:
            new = random.choice(HOSTILE)
        elif how < 0.85:
            new = near(at(value, keys), random)
        else:
            new = copy.deepcopy(at(value, random.choice(found)))
        value = put(value, keys, new)
    return value


def json_text(value):
    """A value as JSON, also what Python's json would not write."""
    text = json.dumps(value).encode()
    for name, written in WRITTEN.items():
        text = text.replace(json.dumps(name).encode(), written)
    return text


def of_json_text(content, random):
    return json_text(of_json(json.loads(content), random))


def of_json_lines(content, random):
    """One line, or some, of objects with other values."""
    lines = content.splitlines()
    for _ in range(random.choice((1, 1, 2))):
        number = random.randrange(len(lines))
        lines[number] = of_json_text(lines[number], random) if lines[number].startswith(b"{") else b"{}"
    return b"\n".join(lines)


# arrays


def of_array(array, random):
    """An array of another shape, type or with other numbers."""
    flat = array.reshape(-1)
    kinds = ("f2", "f4", "f8", "i1", "i4", "u8", "?")
    how = random.randrange(8)
    with np.errstate(all="ignore"):
        if how == 0:
            return random.choice((array[None], array[..., None], array.T, flat, np.concatenate([flat, flat])))
        if how == 1:
            return array.astype(random.choice(kinds))
        if how == 2 and array.ndim:
            return array[: random.choice((0, 1, -1))]
        if how == 3:
            return np.zeros(random.choice(((), (0,), (1,), (0, 10**6), (1000, 100))), array.dtype)
        values = (0, -1, 1, 3, 1e30, 1e38, 1e-45, np.nan, np.inf, -np.inf, 255, 2**31)
        edited = np.array(flat, order="C")
        if edited.size:
            chosen = random.sample(range(edited.size), min(edited.size, random.choice((1, 1, 3, edited.size))))
            value = np.array(random.choice(values))
            is_float = edited.dtype.kind == "f"
            edited[chosen] = (value if is_float or np.isfinite(value) else np.array(0)).astype(edited.dtype)
        return edited.reshape(array.shape)


def of_arrays(arrays, random):
    """Arrays by name, one of them another, elsewhere, twice or missing."""
    found = dict(arrays)
    names = list(found)
    if not names:
        return found
    name, other = random.choice(names), random.choice(names)
    how = random.randrange(6)
    if how == 0:
        del found[name]
    elif how == 1:
        found[random.choice((f"{name}x", "", "x", "optimizer/0/x", "member.9/x", "callbacks//9"))] = found[name]
    elif how == 2:
        found[name], found[other] = found[other], found[name]
    else:
        found[name] = of_array(found[name], random)
    return found


# containers

TYPES = {"F16": "f2", "F32": "f4", "F64": "f8", "I8": "i1", "U8": "u1", "I16": "i2", "U16": "u2", "I32": "i4"}
TYPES |= {"U32": "u4", "I64": "i8", "U64": "u8", "BOOL": "?"}
NAMES = {np.dtype(kind): name for name, kind in TYPES.items()}


def of_safetensors(content, random):
    """A safetensors file with other arrays, another description of them, or another header of fastmlp in it."""
    length = int.from_bytes(content[:8], "little")
    described, data = json.loads(content[8 : 8 + length]), content[8 + length :]
    metadata = described.get("__metadata__", {})
    if "fastmlp" in metadata:
        header = json.loads(metadata["fastmlp"])
        if isinstance(header, dict):  # as older files have none: what is wrong besides is to be found
            header.pop("checksum", None)
            metadata["fastmlp"] = json.dumps(header)
    how = random.random()
    if how < 0.7 and "fastmlp" in metadata:
        header = of_json(json.loads(metadata["fastmlp"]), random)
        metadata["fastmlp"] = json_text(header).decode()
    elif how < 0.85:
        described, data = described_arrays(of_arrays(arrays_of(described, data), random), metadata)
    else:
        described = of_json(described, random)
    text = json_text(described)
    return len(text).to_bytes(8, "little") + text + data


def arrays_of(described, data):
    found = {}
    for name, each in described.items():
        if name != "__metadata__":
            start, stop = each["data_offsets"]
            found[name] = np.frombuffer(data[start:stop], TYPES[each["dtype"]]).reshape(each["shape"])
    return found


def described_arrays(arrays, metadata):
    described, parts, at_byte = {"__metadata__": metadata} if metadata else {}, [], 0
    for name, array in arrays.items():
        part = np.ascontiguousarray(array).tobytes()
        place = [at_byte, at_byte + len(part)]
        described[name] = {"dtype": NAMES[array.dtype], "shape": list(array.shape), "data_offsets": place}
        parts.append(part)
        at_byte += len(part)
    return described, b"".join(parts)


def of_zip(content, random):
    """An archive one of whose parts is another, called otherwise, twice or missing."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        parts = [(name, archive.read(name)) for name in archive.namelist()]
    number = random.randrange(len(parts))
    name, part = parts[number]
    how = random.randrange(10)
    if how == 0:
        del parts[number]
    elif how == 1:
        parts[number] = (random.choice((f"{name}x", "../x", "/x", name.upper(), "x.npy", "config.json")), part)
    elif how == 2:
        parts.append((name, of_bytes(part, random)))
    elif how == 3:
        parts[number] = (name, part[: random.randrange(len(part) + 1)] + bytes(random.choice((0, 10**6))))
    else:
        parts[number] = (name, of_part(name, part, random))
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", random.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))) as archive:
        for name, part in parts:
            info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            info.compress_type = archive.compression
            archive.writestr(info, part)
    return memory.getvalue()


def of_part(name, part, random):
    ending = name.rpartition(".")[2]
    within = {"json": of_json_text, "npy": of_npy, "h5": of_hdf5}.get(ending, of_bytes)
    return within(part, random) if random.random() < 0.8 else of_bytes(part, random)


def of_npy(content, random):
    """An .npy file whose header says something else."""
    length = int.from_bytes(content[8:10], "little")
    header, data = ast.literal_eval(content[10 : 10 + length].decode("latin-1")), content[10 + length :]
    kinds = (
        "O",
        "|O",
        "U500000000",
        "<U1",
        "S0",
        "V0",
        "V9",
        "<f2",
        "<f4",
        ">f8",
        "<c16",
        "<M8[s]",
        "<m8",
        "?",
        "<i8",
        "x",
    )
    shapes = ((), (0,), (1,), (-1,), (2, 2), (10**9,), (2**62, 8), (2**31, 2**31), (1,) * 40, (True,), "x", None, [3])
    fields = ([("a", "<f8")], [("a", "<f8"), ("a", "<f8")], [("a", "O")], [("a", "<f4", (10**8,))], [("", "<f4")], [])
    how = random.randrange(5)
    if how < 2:
        header["descr"] = random.choice((random.choice(kinds), random.choice(fields), 3, None))
    elif how == 2:
        header["shape"] = random.choice(shapes)
    elif how == 3:
        header["fortran_order"] = random.choice((True, 3, None, "x"))
    else:
        header.pop(random.choice(list(header)))
    text = (
        repr(header).encode()
        if random.random() < 0.9
        else random.choice((b"[" * 60_000, b"{" * 99, b"__import__('os')"))
    )
    text = text.ljust(118) + b"\n"
    return content[:6] + b"\1\0" + struct.pack("<H", len(text) & 0xFFFF) + text + data


def of_hdf5(content, random):
    """An HDF5 file with another attribute, array or link."""
    import h5py

    memory = io.BytesIO(content)
    with h5py.File(memory, "r+") as file:
        groups, arrays = [file], []
        file.visititems(lambda _, item: (arrays if isinstance(item, h5py.Dataset) else groups).append(item))
        attributes = [(group, name) for group in groups for name in group.attrs]
        how = random.random()
        if how < 0.45 and attributes:
            of_attribute(*random.choice(attributes), random)
        elif how < 0.8 and arrays:
            of_dataset(file, random.choice(arrays), random)
        else:
            of_link(file, random.choice([*groups[1:], *arrays] or [file]), random)
    return memory.getvalue()


def of_attribute(group, name, random):
    value = group.attrs[name]
    del group.attrs[name]
    if random.random() < 0.1:
        return
    if isinstance(value, (str, bytes)):
        try:
            new = of_json_text(value, random)[:60_000]
        except ValueError:
            new = of_bytes(value.encode() if isinstance(value, str) else value, random)[:60_000]
        new = random.choice((new, new, new, np.bytes_(new or b" "), np.array([new or b" "] * 2), 3, np.zeros(3)))
    else:
        items = [*np.asarray(value).reshape(-1)]
        items = random.choice((items[1:], items + items, [*items, b"../x"], items[::-1], [b"x"], [b""], [b"/"], []))
        new = np.array(items) if items else np.zeros(0, "S1")
    try:
        group.attrs[name] = new
    except (ValueError, TypeError, OSError, RuntimeError):
        group.attrs[name] = b"x"


def of_dataset(file, dataset, random):
    import h5py

    name, array = dataset.name, np.asarray(dataset)
    del file[name]
    how = random.randrange(7)
    if how == 0:
        layout = h5py.VirtualLayout((10**6, 1000), "f4")
        layout[:] = h5py.VirtualSource("/etc/passwd", "x", (10**6, 1000))
        file.create_virtual_dataset(name, layout)
    elif how == 1:
        file.create_dataset(name, (10**6, 10**4), "f4", chunks=(1000, 10), compression="gzip")
    elif how == 2:
        file.create_dataset(name, (10**5,), "f4", external=[("/etc/passwd", 0, 4 * 10**5)])
    elif how == 3:
        file.create_dataset(name, data=random.choice((b"x", ["a", "b"], np.zeros(3, "c16"), h5py.Empty("f4"))))
    else:
        file[name] = of_array(array, random)


def of_link(file, item, random):
    import h5py

    name = item.name
    if name == "/":
        return
    other = random.choice(list(file) or ["x"])
    del file[name]
    how = random.randrange(5)
    if how == 0:
        file[name] = h5py.SoftLink(random.choice(("/", "/x", name, other)))
    elif how == 1:
        file[name] = h5py.ExternalLink("/etc/passwd", "/")
    elif how == 2 and other in file:
        file[name] = file[other]
    elif how == 3:
        file.create_group(name)


def of_gzip(within):
    """What damages a compressed file: before it is compressed, or after."""

    def damaged(content, random):
        if random.random() < 0.3:
            return of_bytes(content, random)
        whole = gzip.decompress(content)
        inner = within(whole, random) if random.random() < 0.7 else of_bytes(whole, random)
        packed = gzip.compress(inner, 1, mtime=0)
        return packed + packed if random.random() < 0.05 else packed

    return damaged


def of_idx(content, random):
    """An IDX file whose type, rank or lengths are others."""
    rank = content[3]
    sizes, values = list(struct.unpack(f">{rank}I", content[4 : 4 + 4 * rank])), content[4 + 4 * rank :]
    how, code = random.randrange(4), content[2]
    if how == 0:
        sizes[random.randrange(rank)] = random.choice(NUMBERS) % 2**32
    elif how == 1:
        sizes = random.choice((sizes[1:], [*sizes, 1], sizes[::-1], [1] * 33, [2**32 - 1] * 8, [math.prod(sizes)]))
    elif how == 2:
        code = random.choice((0, 8, 9, 10, 11, 12, 13, 14, 255))
    else:
        values = random.choice((values[1:], values + b"x", b"", values * 2))
    return bytes((0, 0, code, len(sizes))) + struct.pack(f">{len(sizes)}I", *sizes) + values


def of_png(content, random):
    """A PNG picture one of whose pieces is another, with its checksum."""
    pieces, at_byte = [], 8
    while at_byte < len(content):
        length = int.from_bytes(content[at_byte : at_byte + 4], "big")
        pieces.append((content[at_byte + 4 : at_byte + 8], content[at_byte + 8 : at_byte + 8 + length]))
        at_byte += 12 + length
    number = random.randrange(len(pieces))
    kind, data = pieces[number]
    if kind == b"IHDR" and random.random() < 0.7:
        data = struct.pack(">II", *random.choices((0, 1, 8, 9, 1000, 30_000, 2**31 - 1), k=2)) + data[8:]
    elif kind == b"IDAT" and random.random() < 0.5:
        data = zlib.compress(random.choice((b"", bytes(10**6), of_bytes(zlib.decompress(data), random))))
    else:
        data = of_bytes(data, random)
    pieces[number] = (random.choice((kind, kind, kind, b"tEXt", b"iCCP", b"IEND", b"acTL")), data)
    if random.random() < 0.2:
        pieces.insert(number, random.choice(pieces))
    return content[:8] + b"".join(
        len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big") for kind, data in pieces
    )


def of_cells(encoding="utf-8"):
    """What changes cells, separators and lines of a table of text."""

    def damaged(content, random):
        lines = [line.split(",") for line in content.decode(encoding).splitlines()]
        for _ in range(random.choice((1, 1, 2, 4))):
            number = random.choice((0, 0, random.randrange(len(lines)), len(lines) - 1))
            cells = lines[number]
            how = random.randrange(8)
            if how < 4 and cells:
                cells[random.randrange(len(cells))] = random.choice(CELLS)
            elif how == 4:
                column = random.randrange(len(lines[0]) or 1)
                value = random.choice(CELLS)
                for row in lines[1:]:
                    row[column : column + 1] = [value if random.random() < 0.9 else random.choice(CELLS)]
            elif how == 5:
                lines[number] = random.choice((cells[1:], cells * 2, [], ["x"], cells * 500, lines[0]))
            elif how == 6:
                lines[number:] = random.choice((lines[:0], lines[number:] * 2, lines[number : number + 1]))
            else:
                lines.insert(number, random.choice(([], [" "], ["#x"], ["\ufeff", "a"], cells)))
            lines = lines or [[]]
        between = random.choice((",", ",", ",", ";", "\t", "|", " ", "\x1f"))
        end = random.choice(("\n", "\n", "\r\n", "\r", "\n\n"))
        text = end.join(between.join(cells) for cells in lines)
        return text.encode(encoding, "surrogatepass") if random.random() < 0.9 else text.encode("utf-16", "replace")

    return damaged


def of_parquet(content, random):
    """A Parquet file whose columns have other types."""
    import polars as pl

    frame = pl.read_parquet(content)
    column = random.choice(frame.columns)
    rows = len(frame)
    others = (
        lambda: pl.Series(column, [[1, 2]] * rows),
        lambda: pl.Series(column, [{"a": 1}] * rows),
        lambda: pl.Series(column, [b"\xff\0"] * rows),
        lambda: pl.Series(column, [None] * rows),
        lambda: pl.Series(column, ["1.5"] * rows).cast(pl.Decimal(10, 2)),
        lambda: pl.Series(column, ["a"] * rows).cast(pl.Categorical),
        lambda: pl.Series(column, range(rows)).cast(pl.Duration("us")),
        lambda: pl.Series(column, range(rows)).cast(pl.Time),
        lambda: pl.Series(column, range(rows)).cast(pl.Date),
        lambda: pl.Series(column, [2**62] * rows).cast(pl.Datetime("ns", "UTC")),
        lambda: pl.Series(column, [2**63] * rows, pl.UInt64),
        lambda: pl.Series(column, [2**70] * rows, pl.Int128),
        lambda: pl.Series(column, [float("nan"), *[float("inf")] * (rows - 1)]),
        lambda: pl.Series(column, [True] * rows),
    )
    edited = frame.with_columns(random.choice(others)())
    edited = random.choice((edited, edited, edited, edited[:0], edited.drop(column), edited.rename({column: ""})))
    memory = io.BytesIO()
    edited.write_parquet(memory, compression=random.choice(("uncompressed", "zstd", "snappy")))
    return memory.getvalue()
