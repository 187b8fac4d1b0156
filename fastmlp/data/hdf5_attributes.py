"""Strings in the attributes of HDF5 groups, by the bytes of the file.

The HDF5 library trusts what it reads of strings of no fixed length: a damaged file makes it crash, or never end. So
they are taken from the file here, every place and size checked. What is read is what h5py writes by default, and so
Keras: the layouts are those of the HDF5 File Format Specification, version 3.0, sections III.D ("Global Heap"),
IV.A.1.a ("Version 1 Data Object Header Prefix") and IV.A.2.m ("The Attribute Message").
"""

from __future__ import annotations

import math
from collections.abc import Iterator

ATTRIBUTE, CONTINUATION = 0x0C, 0x10  # kinds of messages in an object's header
TEXT, LISTED = 3, 9  # classes of types: strings of a fixed length, and of none
HEADER, HEAP = 16, 16  # bytes before the messages, and before the objects of a heap


class Bytes:
    """The bytes of a file, read at places that are checked; ValueError beyond its end."""

    def __init__(self, data: bytes):
        self.data = data

    def at(self, place: int, size: int) -> bytes:
        """Return so many bytes from a place."""
        if not 0 <= place <= place + size <= len(self.data):
            raise ValueError(f"attributes: got {size} bytes at {place}, needs places in the file")
        return self.data[place : place + size]

    def number(self, place: int, size: int) -> int:
        """Return the unsigned number of so many bytes."""
        return int.from_bytes(self.at(place, size), "little")


def strings_of(data: bytes, address: int) -> dict[str, list[str]]:
    """Return the strings in each attribute of the group whose header is at an address, by the attributes' names.

    Raises
    ------
    ValueError
        Where the file is damaged, or in another layout.
    """
    file = Bytes(data)
    found: dict[str, list[str]] = {}
    for place, size in attributes(file, address):
        name, values = attribute(file, place, size)
        found[name] = values
    return found


def attributes(file: Bytes, address: int) -> Iterator[tuple[int, int]]:
    """Yield places and sizes of the attributes in a header."""
    if file.number(address, 1) != 1:
        raise ValueError("attributes: got a header of another version, needs the one that h5py writes by default")
    blocks, left = [(address + HEADER, file.number(address + 8, 4))], len(file.data)
    while blocks:
        place, size = blocks.pop(0)
        end, left = place + size, left - max(size, 1)
        if left < 0:
            raise ValueError("attributes: got a header longer than the file, needs one that ends")
        while place + 8 <= end:
            kind, length = file.number(place, 2), file.number(place + 2, 2)
            if kind == ATTRIBUTE:
                yield place + 8, length
            elif kind == CONTINUATION:
                blocks.append((file.number(place + 8, 8), file.number(place + 16, 8)))
            place += 8 + length


def attribute(file: Bytes, place: int, size: int) -> tuple[str, list[str]]:
    """Return the name and the strings of an attribute; none of one that holds something else."""
    version = file.number(place, 1)
    if version not in (1, 2, 3):
        raise ValueError(f"attributes: got version {version}, needs 1, 2 or 3")
    sizes = [file.number(place + 2 * number, 2) for number in (1, 2, 3)]
    start = place + (9 if version == 3 else 8)  # with a byte for the name's encoding
    starts = []
    for one in sizes:
        starts.append(start)
        start += math.ceil(one / 8) * 8 if version == 1 else one
    name = file.at(starts[0], sizes[0]).split(b"\0")[0].decode()
    kind, width = file.number(starts[1], 1) % 16, file.number(starts[1] + 4, 4)
    is_text = kind == TEXT or (kind == LISTED and file.number(starts[1] + 1, 1) % 16 == 1)
    count = elements(file, starts[2]) if is_text else 0
    if start + count * max(width, 1) > place + size:
        raise ValueError(f"attributes: got {count} strings in {name!r}, needs those that it has room for")
    places = [start + number * width for number in range(count)]
    values, left = [], len(file.data)
    for one in places:
        values.append(file.at(one, width) if kind == TEXT else in_heap(file, one))
        left -= len(values[-1])
        if left < 0:  # the same string again and again
            raise ValueError(f"attributes: got strings in {name!r} that are longer than the file, needs shorter ones")
    return name, [value.split(b"\0")[0].decode() for value in values]


def elements(file: Bytes, place: int) -> int:
    """Return how many elements a space at a place has."""
    version, dimensions = file.number(place, 1), file.number(place + 1, 1)
    if version == 2 and file.number(place + 3, 1) == 2:  # a space of nothing
        return 0
    start = place + (8 if version == 1 else 4)
    return math.prod(file.number(start + 8 * number, 8) for number in range(dimensions))


def in_heap(file: Bytes, place: int) -> bytes:
    """Return a string of no fixed length: at a place there are its length, its heap and its number there."""
    length, heap, wanted = file.number(place, 4), file.number(place + 4, 8), file.number(place + 12, 4)
    if not length:
        return b""
    if file.at(heap, 4) != b"GCOL":
        raise ValueError(f"attributes: got no heap at {heap}, needs one for a string")
    start, end = heap + HEAP, heap + file.number(heap + 8, 8)
    while start + HEAP <= end:
        number, size = file.number(start, 2), file.number(start + 8, 8)
        if number == wanted and length <= size:
            return file.at(start + HEAP, length)
        if number == 0:  # the space that is left
            break
        start += HEAP + math.ceil(size / 8) * 8
    raise ValueError(f"attributes: got no string {wanted} in the heap at {heap}, needs it there")
