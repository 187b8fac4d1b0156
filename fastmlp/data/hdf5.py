"""HDF5, the files of arrays in groups that Keras writes: read within the bounds of what a file holds; needs h5py."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np

from fastmlp.data.hdf5_attributes import strings_of

ATTRIBUTE_LIMIT = 64000  # bytes; HDF5 keeps no more in a group's header


def library() -> Any:
    """Return h5py, or raise ImportError with what to install."""
    try:
        import h5py
    except ImportError as error:
        raise ImportError("filepath: Keras' files need h5py: pip install 'fastmlp[keras]'") from error
    return h5py


def written(write: Callable[[Any], None]) -> bytes:
    """Return the bytes of the file that `write` fills; equal content gives equal bytes."""
    memory = io.BytesIO()
    with library().File(memory, "w") as file:
        write(file)
    return memory.getvalue()


def write_names(group: Any, attribute: str, names: list[str]) -> None:
    """Keep a list of names in a group as Keras does: in one attribute, or in several with a number where it is long."""
    array = np.array([name.encode() for name in names])
    parts = 1
    while any(part.nbytes > ATTRIBUTE_LIMIT for part in np.array_split(array, parts)):
        parts += 1
    for number, part in enumerate(np.array_split(array, parts)):
        group.attrs[attribute if parts == 1 else f"{attribute}{number}"] = part


class Content:
    """What is in an HDF5 file. Whatever is no part of the file itself, or larger than it, is a ValueError.

    Parameters
    ----------
    data : bytes
        The file.
    """

    def __init__(self, data: bytes):
        self.file, self.data = library().File(io.BytesIO(data), "r"), data
        self.left = len(data)  # bytes of arrays that there may still be: each is in the file once

    def __enter__(self) -> Content:
        return self

    def __exit__(self, *error: object) -> None:
        self.file.close()

    def find(self, path: str) -> Any:
        """Return the group or dataset of a path, or None. Only hard links are followed: others lead elsewhere."""
        found = self.file
        for name in filter(None, path.split("/")):
            if not isinstance(found, library().Group):
                return None
            link = found.get(name, getlink=True)
            if link is None:
                return None
            if type(link) is not library().HardLink:
                raise ValueError(f"{path!r}: got a {type(link).__name__}, needs what is in the file")
            found = found[name]
        return found

    def arrays(self, path: str) -> dict[str, np.ndarray]:
        """Return the arrays of a group by name; none where there is no such group."""
        group = self.find(path)
        return {} if group is None else {name: self.array(f"{path}/{name}") for name in group}

    def array(self, path: str) -> np.ndarray:
        """Return an array of numbers."""
        dataset = self.find(path)
        if not isinstance(dataset, library().Dataset):
            raise ValueError(f"{path!r}: got {type(dataset).__name__}, needs an array")
        if dataset.shape is None or dataset.dtype.kind not in "biuf" or dataset.dtype.hasobject:
            raise ValueError(f"{path!r}: got {dataset.dtype}, needs real numbers")
        kept = dataset.id.get_create_plist()
        if dataset.is_virtual or dataset.external or kept.get_nfilters():
            raise ValueError(f"{path!r}: got an array that is packed or elsewhere, needs it as Keras writes it")
        self.left -= dataset.nbytes
        if self.left < 0 or dataset.id.get_storage_size() < dataset.nbytes:
            raise ValueError(f"{path!r}: got an array of {dataset.nbytes} bytes, needs one that the file has room for")
        return np.asarray(dataset[()])

    def text(self, path: str, attribute: str) -> str | None:
        """Return an attribute of a group as text, or None."""
        found = self.strings(path, attribute)
        return found[0] if found else None

    def names(self, path: str, attribute: str) -> list[str]:
        """Return the names that `write_names` keeps in a group."""
        found = self.strings(path, attribute)
        number = 0
        while more := self.strings(path, f"{attribute}{number}"):
            found += more
            number += 1
        return found

    def strings(self, path: str, attribute: str) -> list[str]:
        """Return the strings in an attribute of a group; none where there is no such attribute."""
        group = self.find(path)
        if not isinstance(group, library().Group):
            return []
        return strings_of(self.data, library().h5o.get_info(group.id).addr).get(attribute, [])
