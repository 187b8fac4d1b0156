"""A dataset of one's own: a folder of IDX files, named like those of MNIST."""

from __future__ import annotations

import os
import re
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from fastmlp.datasets.idx import other_kind, read_idx
from fastmlp.datasets.rows import Dataset, Pair, checked_pair, hold_out, require_same_rows
from fastmlp.errors import told

PREFIXES = {"train": ("train-",), "test": ("t10k-", "test-")}  # of the names, as errors tell them
NAME = re.compile(r"(?:(?P<split>.*?)[^a-z0-9])?(?P<part>train|t10k|test).*?(?P<kind>image|label)")


class Role(NamedTuple):
    """What a file is for."""

    split: str  # what its name begins with: "emnist-letters", or "" as in MNIST's own names
    part: str  # "train" or "test"
    kind: str  # "images" or "labels"

    def __str__(self) -> str:
        start = f"{self.split}-" if self.split else ""
        return " or ".join(f"{start}{prefix}*{self.kind}*" for prefix in PREFIXES[self.part])


def load_folder(
    path: str | os.PathLike[str],
    split: str | None = None,
    test_split: float | None = None,
    label_column: int | None = None,
) -> Dataset:
    """Load a dataset from a folder of IDX files.

    A file is found by its name: first ``train`` (training part), ``t10k`` or ``test`` (test part), then ``image`` or
    ``label``, in any case, with anything between and behind, as in ``train-images.idx3-ubyte``,
    ``Test_Labels`` or ``t10k-labels-idx1-ubyte.gz``. What stands before it names the split, such as ``emnist-letters``.
    Files may be compressed by gzip; where one is there both ways, the uncompressed one is read. A folder that is called
    like a file may hold it. Other files are ignored.

    Parameters
    ----------
    path : str or path
        The folder.
    split : str, optional
        Which of several splits in the folder, by its whole name or the end of it: ``"letters"``. Default: the files
        without one, else the only one there is.
    test_split : float in (0, 1), optional
        Fraction of each class to hold out as the test part, always the same rows, where the folder has no test part.
    label_column : int, optional
        Which column of labels [rows, columns] is the class, from 0. Default: of one column that one, of one-hot rows
        the place of the 1, of QMNIST's eight the first.

    Returns
    -------
    (x_train, y_train), (x_test, y_test)
        Features of any IDX type, [rows, ...], of rank 2 or more; labels [rows] of an integer type, with the values of
        the file: they may begin anywhere and leave gaps. Whole numbers in a float type become int64. For a sparse
        loss, which needs 0 to n - 1, ``classes, y = np.unique(y, return_inverse=True)`` numbers them.

    Raises
    ------
    ValueError
        No such folder, a file missing or there twice, a damaged file, one of another kind, or arrays that do not go
        together.
    """
    folder = Path(path)
    if not folder.is_dir():
        raise ValueError(f"path: got {os.fspath(path)!r}, needs a folder that exists")
    files, others = _files(folder)
    chosen = _choose(folder, sorted({role.split for role in files}), split)
    roles = {(part, kind): Role(chosen, part, kind) for part in PREFIXES for kind in ("images", "labels")}

    def load(part: str) -> Pair:
        images, labels = (_only(folder, files, roles[part, kind], others) for kind in ("images", "labels"))
        return load_pair(images, labels, label_column)

    train = load("train")
    if not any(role in files for role in (roles["test", "images"], roles["test", "labels"])):
        if test_split is None:
            raise ValueError(
                f"{folder}: got no file named {roles['test', 'images']}, needs exactly one, or test_split (the "
                "fraction of the training part to test on)"
            )
        return hold_out(train, test_split)
    test = load("test")
    if test_split is not None:
        raise ValueError(f"test_split: got {test_split}, needs None: {folder} has a test part")
    require_same_rows(folder, train, test)
    return train, test


def has_files(path: str | os.PathLike[str]) -> bool:
    """Whether a folder has files that are named like IDX files."""
    return bool(_files(Path(path))[0])


def load_pair(images: Path, labels: Path, label_column: int | None = None) -> Pair:
    """Features and labels from two IDX files, checked to go together; errors and results as of `load_folder`."""
    if label_column is None and "qmnist" in labels.name.lower():
        label_column = 0  # the others say who wrote the digit, and where the picture is in NIST's database
    return checked_pair(read_idx(images), read_idx(labels), images, labels, label_column)


def _files(folder: Path) -> tuple[dict[Role, list[Path]], dict[Path, str]]:
    """Return the files by their roles, and those that are named like one but of another kind."""
    found: dict[Role, list[Path]] = {}
    inside: dict[Role, list[Path]] = {}  # folders that are called like a file
    others: dict[Path, str] = {}
    for path in sorted(folder.iterdir()):
        role = _role(path.name)
        if role is None:
            continue
        for file in sorted(path.iterdir()) if path.is_dir() else [path]:
            if _role(file.name) != role or not file.is_file():
                continue
            kind = other_kind(file)
            if kind is None:
                (found if file is path else inside).setdefault(role, []).append(file)
            else:
                others[file] = kind
    return inside | found, others


def _role(name: str) -> Role | None:
    """Return what a file of that name is for, or None."""
    match = None if name.startswith(".") else NAME.match(name.lower())
    if match is None:
        return None
    split = re.sub(r"[^a-z0-9]+", "-", match["split"] or "").strip("-")
    return Role(split, "train" if match["part"] == "train" else "test", f"{match['kind']}s")


def _choose(folder: Path, splits: list[str], wanted: str | None) -> str:
    """Return the one of the splits in the folder that is wanted."""
    if wanted is None:
        if "" in splits or not splits:
            return ""
        found = splits
    else:
        name = re.sub(r"[^a-z0-9]+", "-", wanted.lower()).strip("-")
        found = [name] if name in splits else [split for split in splits if f"-{split}".endswith(f"-{name}")]
    if len(found) != 1:
        several = f"one of {', '.join(map(repr, splits))}" if any(splits) else "None: no IDX file there has a prefix"
        raise ValueError(f"split: got {told(wanted)} for {folder}, needs {several}")
    return found[0]


def _only(folder: Path, files: dict[Role, list[Path]], role: Role, others: dict[Path, str]) -> Path:
    """Return the one file of that role."""
    paths = files.get(role, [])
    raw = {path.name.lower() for path in paths if not path.name.lower().endswith(".gz")}
    found = [path for path in paths if path.name.lower() in raw or path.name.lower().removesuffix(".gz") not in raw]
    if len(found) == 1:
        return found[0]
    message = f"{folder}: got {', '.join(path.name for path in found) or 'no file'} named {role}, needs exactly one"
    unread = [f"{path.name} is {kind}" for path, kind in others.items() if not found and _role(path.name) == role]
    if not found and not unread:
        unread = _contents(folder)
    why = f" ({'; '.join(unread)}: what is read are IDX files, also compressed by gzip)" if unread else ""
    raise ValueError(message + why)


def _contents(folder: Path) -> list[str]:
    """Return what there is in a folder without IDX files, in a few words."""
    entries = [entry for entry in sorted(folder.iterdir()) if not entry.name.startswith(".")]
    if any(_role(entry.name) for entry in entries):
        return []
    endings = Counter(_ending(entry) for entry in entries if entry.is_file())
    held = [f"{count} of {ending}" for ending, count in sorted(endings.items())]
    held += [f"the folder {entry.name}" for entry in entries if entry.is_dir()]
    return [f"it holds {', '.join(held[:8])}"] if held else []


def _ending(file: Path) -> str:
    """Return what the name of a file ends with: ".csv", or ".csv.gz" where it is compressed."""
    return "".join(file.suffixes[-2:] if file.suffix == ".gz" else [file.suffix]) or file.name
