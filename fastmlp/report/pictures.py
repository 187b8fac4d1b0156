"""Pictures among the rows: their shape, how what they show lies in them, and as PNG."""

from __future__ import annotations

import base64
import re
import struct
import zlib
from collections import Counter
from collections.abc import Sequence
from math import isqrt
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

LEAST_SIDE = 6
MANY = 64  # columns, of which a grid of numbers in their names makes pixels
DIGITS = 9  # of the number of a row, a column or a pixel, at most
LOOKED_AT = 1_000  # pictures
COVERED = 0.05  # a pixel that has more of the ink belongs to what is shown


class Placement(NamedTuple):
    """How what is drawn lies in pictures, so that a drawing can be placed alike.

    Attributes
    ----------
    background, ink : float
        The values of empty pixels and of full ones.
    box : float
        Pixels of the longer side of what is shown.
    by_mass : bool
        Whether the centre of mass lies in the same place in all of them, as in MNIST, or the middle of the box.
    center : tuple of float
        That place, from the left and from the top, in pixels.
    thickness : float
        Of the lines, in pixels.
    """

    background: float
    ink: float
    box: float
    by_mass: bool
    center: tuple[float, float]
    thickness: float


def shape_of(row_shape: Sequence[int]) -> tuple[int, int, int] | None:
    """Return height, width and channels of rows that are pictures, None of others."""
    if len(row_shape) == 2 or (len(row_shape) == 3 and row_shape[2] in (1, 3)):
        height, width, channels = (*row_shape, 1)[:3]
        return (height, width, channels) if min(height, width) >= LEAST_SIDE else None
    return None


def shape_of_names(names: Sequence[str]) -> tuple[int, int, int] | None:
    """Return the shape of the pictures that columns are the pixels of, by their names, None of others.

    Names are alike but for one number, of a square, or for two, which are the row and the column of the pixel. Those
    that do not speak of pixels have two, and are many.
    """
    if len(names) < LEAST_SIDE**2:
        return None
    places_in_names = [re.findall(r"\d+", name)[-2:] for name in names]
    if any(len(one) > DIGITS for some in places_in_names for one in some):
        return None
    found = np.array([[int(one) for one in some] for some in places_in_names], np.int64)
    if found.ndim != 2 or not found.shape[1]:
        return None
    if "pix" not in names[0].lower() and (found.shape[1] == 1 or len(names) < MANY):
        return None
    from_0 = found - found.min(axis=0)
    height, width = (int(one) + 1 for one in from_0.max(axis=0)) if found.shape[1] == 2 else (isqrt(len(names)),) * 2
    places = from_0 @ [width, 1] if found.shape[1] == 2 else from_0[:, 0]
    return shape_of((height, width)) if np.array_equal(places, np.arange(height * width)) else None


def pixels_among(names: Sequence[str]) -> list[int]:
    """Return the places of columns that are called alike but for their numbers, of the name that most have."""
    families = [re.sub(r"\d+", "#", name) for name in names]
    (most, _), *_ = Counter(families).most_common(1) or [("", 0)]
    return [place for place, family in enumerate(families) if family == most]


def patches(picture: tuple[int, int, int]) -> dict[str, tuple[int, int]]:
    """Return the names of the patches of a grid over pictures with their places, from the middle to the rim."""
    rows, columns = grid(picture)
    places = [(i, j) for i in range(rows) for j in range(columns)]
    places.sort(key=lambda place: (2 * place[0] + 1 - rows) ** 2 + (2 * place[1] + 1 - columns) ** 2)
    return {f"row {i + 1}, column {j + 1}": (i, j) for i, j in places}


def pixels_of_patches(picture: tuple[int, int, int]) -> list[Array]:
    """Return the places of the pixels of each patch, in the order of `patches`."""
    rows, columns = grid(picture)
    places = np.arange(np.prod(picture)).reshape(picture)
    bands = [np.array_split(band, columns, axis=1) for band in np.array_split(places, rows)]
    return [bands[i][j].ravel() for i, j in patches(picture).values()]


def grid(picture: tuple[int, int, int]) -> tuple[int, int]:
    """Return how many patches there are down and across: 8 at most, of equal sizes where that goes."""
    down, across = (next((count for count in (8, 7, 6, 5) if side % count == 0), 7) for side in picture[:2])
    return down, across


def placement(pictures: Array) -> Placement:
    """Return how what is shown lies in grey pictures [rows, height, width]."""
    values = pictures[:LOOKED_AT].astype(np.float64)
    edge = np.concatenate(
        [values[:, 0].ravel(), values[:, -1].ravel(), values[:, :, 0].ravel(), values[:, :, -1].ravel()]
    )
    low, high, background = float(values.min()), float(values.max()), float(np.median(edge))
    ink = high if high - background >= background - low else low
    cover = np.clip((values - background) / ((ink - background) or 1.0), 0, 1)
    cover = cover[cover.max(axis=(1, 2)) > COVERED]
    height, width = values.shape[1:]
    if not len(cover):
        return Placement(background, ink, float(max(height, width)), False, (width / 2, height / 2), 1.0)
    mass, boxes, sides = [], [], []
    for axis, size in ((1, width), (2, height)):  # summed over the other one
        profile = cover.sum(axis=axis)
        mass.append(profile @ (np.arange(size) + 0.5) / profile.sum(axis=1))
        there = cover.max(axis=axis) > COVERED
        first, last = there.argmax(axis=1), size - there[:, ::-1].argmax(axis=1)
        boxes.append((first + last) / 2)
        sides.append(last - first)
    by_mass = bool(sum(one.std() for one in mass) < sum(one.std() for one in boxes))
    chosen = mass if by_mass else boxes
    center = (float(np.median(chosen[0])), float(np.median(chosen[1])))
    box = float(np.median(np.maximum(*sides)))
    return Placement(background, ink, box, by_mass, center, thickness(cover))


def thickness(cover: Array) -> float:
    """Return the width of lines: twice the area over the length of its rim, which the gradient adds up to."""
    padded = np.pad(cover, ((0, 0), (1, 1), (1, 1)))
    down, across = np.diff(padded, axis=1)[:, :, :-1], np.diff(padded, axis=2)[:, :-1]
    rims = np.sqrt(down**2 + across**2).sum(axis=(1, 2))
    return float(np.median(2 * cover.sum(axis=(1, 2)) / rims))


def png(picture: Array) -> str:
    """Return a picture [height, width, 1 or 3], from its least value to its greatest, as the address of a PNG.

    Missing pixels, NaN, are as the least.
    """
    values = picture.astype(np.float64)
    low, high = float(np.fmin.reduce(values, axis=None)), float(np.fmax.reduce(values, axis=None))
    scaled = np.nan_to_num((values - low) / ((high - low) or 1.0))
    pixels = np.clip(scaled * 255, 0, 255).round().astype(np.uint8).reshape(*picture.shape[:2], -1)
    height, width, channels = pixels.shape
    lines = b"".join(b"\0" + line.tobytes() for line in pixels)
    head = struct.pack(">IIBBBBB", width, height, 8, 2 if channels == 3 else 0, 0, 0, 0)
    parts = [(b"IHDR", head), (b"IDAT", zlib.compress(lines, 9)), (b"IEND", b"")]
    chunks = [
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in parts
    ]
    return "data:image/png;base64," + base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"".join(chunks)).decode()
