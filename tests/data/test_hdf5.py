"""HDF5 files: names of any number, strings of both kinds, and nothing beyond the end of the file."""

import io
import random

import numpy as np
import pytest

from fastmlp.data import hdf5

h5py = pytest.importorskip("h5py", reason="needs h5py")


def content(write, **settings):
    memory = io.BytesIO()
    with h5py.File(memory, "w", **settings) as file:
        write(file)
    return memory.getvalue()


@pytest.mark.parametrize("count", [0, 1, 3, 5000])
def test_names_are_kept_in_attributes_of_any_length(count):
    names = [f"layer_{number}_of_many" for number in range(count)]
    with hdf5.Content(hdf5.written(lambda file: hdf5.write_names(file.create_group("g"), "names", names))) as found:
        assert found.names("g", "names") == names and found.names("g", "others") == []
        assert found.names("nothing", "names") == []


def test_strings_of_every_kind_are_read():
    def write(file):
        group = file.create_group("a/b")
        group.attrs["text"] = "größer" * 100
        group.attrs["bytes"] = np.bytes_(b"fixed")
        group.attrs["list"] = ["one", "", "three"]
        group.attrs["fixed"] = np.array([b"one", b"three"])
        group.attrs["number"], group.attrs["numbers"] = 3, np.arange(3.0)
        for number in range(40):  # the header goes on elsewhere
            group.attrs[f"more{number}"] = f"{number}" * number

    with hdf5.Content(content(write)) as found:
        assert found.text("a/b", "text") == "größer" * 100 and found.text("a/b", "bytes") == "fixed"
        assert found.names("a/b", "list") == ["one", "", "three"] and found.names("a/b", "fixed") == ["one", "three"]
        assert found.text("a/b", "number") is None and found.text("a/b", "missing") is None
        assert found.names("a/b", "more") == [f"{number}" * number for number in range(40)]


def test_a_file_of_another_layout_is_an_error():
    data = content(lambda file: file.attrs.__setitem__("text", "a"), libver="latest")
    with hdf5.Content(data) as found, pytest.raises(ValueError, match="attributes: got a header of another version"):
        found.text("", "text")


def test_damaged_attributes_give_an_error_or_strings():
    def write(file):
        file.attrs["text"], file.attrs["list"] = "a" * 200, ["one", "two"]
        for number in range(20):
            file.attrs[f"more{number}"] = f"{number}"

    data, draw, errors = content(write), random.Random(1), 0
    for _ in range(400):
        damaged = bytearray(data)
        for _ in range(draw.choice([1, 3, 10])):
            damaged[draw.randrange(len(data))] = draw.choice([0, 255, draw.randrange(256)])
        try:
            with hdf5.Content(bytes(damaged)) as found:
                found.text("", "text")
                found.names("", "list")
        except (ValueError, OSError, RuntimeError, KeyError, OverflowError):
            errors += 1
    assert errors > 40


def many_names(file):
    file["a"] = np.zeros(100)
    for number in range(50):
        file[f"a{number}"] = file["a"]


TOO_LARGE = {
    "one array under many names": many_names,
    "an array without values": lambda file: file.create_dataset("a", (2**40,), "float32"),
    "a packed array": lambda file: file.create_dataset("a", data=np.zeros(10**6), compression="gzip"),
    "an array in another file": lambda file: file.create_dataset("a", (10,), external=[("/dev/zero", 0, 80)]),
}


@pytest.mark.parametrize("write", TOO_LARGE.values(), ids=TOO_LARGE)
def test_no_more_is_read_than_the_file_holds(write):
    with hdf5.Content(content(write)) as found, pytest.raises(ValueError, match=r"'/a\d*': got an array"):
        found.arrays("")
