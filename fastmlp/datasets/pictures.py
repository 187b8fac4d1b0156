"""Pictures in folders by class, train/cat/1.png or cat/1.png; reading them takes Pillow, of the extra `[pictures]`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fastmlp.data.whole_files import require_regular
from fastmlp.datasets.rows import Array, Dataset, Pair, hold_out

SUFFIXES = (".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp", ".tif", ".tiff", ".pgm", ".ppm")
GREY = ("1", "L", "LA", "I", "F")  # Pillow's modes; those of 16 bits begin with "I;16"
TRAIN, TEST = ("train", "training"), ("test", "testing", "val", "valid", "validation")  # the first that is there
HELD_OUT = 0.2  # of each class, where no folder is to test on

Size = tuple[int, int]


def pictures_in(folder: str | os.PathLike[str]) -> list[Path]:
    """Return the pictures of a folder, by their endings, in the order of their names."""
    entries = sorted(Path(folder).iterdir(), key=lambda path: path.name)
    return [path for path in entries if path.suffix.lower() in SUFFIXES and not path.name.startswith(".")]


def has_classes(folder: str | os.PathLike[str]) -> bool:
    """Whether a folder has folders with pictures in them, or in those that are to train on."""
    return bool(_classes(_part(Path(folder), TRAIN) or Path(folder)))


def load_pictures(
    path: str | os.PathLike[str], test_split: float | None = None, size: int | Size | None = None
) -> Dataset:
    """Load pictures from folders that are called like their classes.

    The folders may lie in ``train`` and ``test`` (or ``val``), else a part of each class is held out to test on. Where
    all pictures are grey, so are the rows.

    Parameters
    ----------
    path : str or path
        The folder of ``train`` and ``test``, or of the classes.
    test_split : float in (0, 1), optional
        Fraction of each class to hold out, always the same pictures; default 0.2.
    size : int or (int, int), optional
        Rows and columns to which pictures are scaled; default as they are, which is the same for all then.

    Returns
    -------
    (x_train, y_train), (x_test, y_test)
        uint8 [pictures, rows, columns], or [pictures, rows, columns, 3] where one has colours; the names of classes.

    Raises
    ------
    ImportError
        Without Pillow.
    ValueError
        For a damaged picture, pictures of different sizes without `size`, and a `test_split` where there is a part to
        test on.
    """
    folder = Path(path)
    train, test = _part(folder, TRAIN), _part(folder, TEST)
    if test is not None and test_split is not None:
        raise ValueError(f"test_split: got {test_split}, needs None: {folder} has {test.name} to test on")
    parts = [_listed(each) for each in (train or folder, test if train else None) if each is not None]
    shape = _shape([file for files, _ in parts for file in files], None if size is None else tuple(np.resize(size, 2)))
    pairs: list[Pair] = [(read_pictures(files, shape), np.array(names)) for files, names in parts]
    return (pairs[0], pairs[1]) if len(pairs) == 2 else hold_out(pairs[0], test_split or HELD_OUT)


def read_pictures(files: Sequence[Path], shape: tuple[int, ...]) -> Array:
    """Return pictures, scaled where they have another size, as uint8 [pictures, *shape].

    Parameters
    ----------
    files : sequence of Path
    shape : (rows, columns), (rows, columns, 1) or (rows, columns, 3)
    """
    if len(shape) not in (2, 3) or shape[2:] not in ((), (1,), (3,)):
        raise ValueError(f"pictures: got rows of shape {shape}, needs (rows, columns) or (rows, columns, 1 or 3)")
    image = _pillow()
    found: Array = np.empty((len(files), *shape), np.uint8)
    for row, file in zip(found, files, strict=True):
        try:
            require_regular(file, "path")
            with image.open(file) as picture:
                if picture.mode.startswith("I;16"):  # Pillow would cut them at 255
                    picture = image.fromarray((np.asarray(picture) >> 8).astype(np.uint8))
                picture = picture.convert("RGB" if shape[2:] == (3,) else "L")
                if picture.size != (shape[1], shape[0]):
                    picture = picture.resize((shape[1], shape[0]), image.Resampling.BILINEAR)
                row[...] = np.asarray(picture).reshape(shape)
        except Exception as error:  # what a damage leads Pillow to has no end of types
            raise ValueError(f"{file}: got a damaged picture: {error}") from error
    return found


def _part(folder: Path, names: Sequence[str]) -> Path | None:
    """Return the folder within another that is called by the first of the names that there is, in any case."""
    found = {path.name.lower(): path for path in folder.iterdir() if path.is_dir()}
    return next((found[name] for name in names if name in found), None)


def _classes(folder: Path) -> list[Path]:
    """Return the folders within another that have pictures."""
    found = sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    return [path for path in found if pictures_in(path)]


def _listed(folder: Path) -> tuple[list[Path], list[str]]:
    """Return the pictures of all classes, and the class of each."""
    classes = _classes(folder)
    if not classes:
        raise ValueError(f"{folder}: got no folder with pictures, needs one for each class")
    files = {path.name: pictures_in(path) for path in classes}
    return [file for each in files.values() for file in each], [name for name, each in files.items() for _ in each]


def _shape(files: list[Path], size: Size | None) -> tuple[int, ...]:
    """Return the shape of a row: the size of the first picture, which all need to have, unless one is given."""
    image = _pillow()
    first = None
    grey = True
    for file in files:
        try:
            require_regular(file, "path")
            with image.open(file) as picture:
                found, mode = picture.size[::-1], picture.mode
        except Exception as error:  # what a damage leads Pillow to has no end of types
            raise ValueError(f"{file}: got a damaged picture: {error}") from error
        grey &= mode in GREY or mode.startswith("I;16")
        first = first or (found, file)
        if size is None and found != first[0]:
            one, other = ("x".join(map(str, each[::-1])) for each in (first[0], found))
            got = f"{one} pixels of {first[1]} and {other} of {file}"
            raise ValueError(f"size: got pictures of {got}, needs a size that all are scaled to")
    assert first is not None
    return tuple(map(int, size or first[0])) + (() if grey else (3,))


def _pillow() -> Any:
    """Return Pillow's module of images; ImportError that names the extra without it."""
    try:
        from PIL import Image
    except ImportError as error:
        raise ImportError("pictures: needs Pillow: pip install 'fastmlp[pictures]'") from error
    return Image
