"""Files of arrays: .npz in place of a dataset, the paths of mnist.load_data, and California housing."""

import inspect
import re

import numpy as np
import pytest

from fastmlp import datasets
from fastmlp.datasets import _fetch, california_housing, fashion_mnist, mnist
from fastmlp.datasets.npz import ARRAYS
from tests.datasets.test_datasets import arrays, assert_loaded, fill


def npz(path, **replace):
    found = dict(zip(("x_train", "y_train", "x_test", "y_test"), arrays(), strict=True)) | replace
    np.savez_compressed(path, **{name: array for name, array in found.items() if array is not None})
    return path


def test_load_takes_an_npz_file(tmp_path):
    assert_loaded(datasets.load(npz(tmp_path / "mine.npz")))
    assert_loaded(datasets.load(str(tmp_path / "mine.npz")))
    names = np.array(["cat", "dog", "cow", "cat", "dog", "cow"])
    (_, y_train), _ = datasets.load(npz(tmp_path / "names.npz", y_train=names))
    assert y_train.tolist() == names.tolist()


@pytest.mark.parametrize(
    ("replace", "message"),
    [
        ({"y_test": None}, "it has x_train, y_train, x_test, and no y_test"),
        ({"y_train": np.array([{}, 1, 2, 3, 4, 5], object)}, "values of type object, which are not read"),
        ({"x_train": np.array(["a"] * 6).reshape(6, 1)}, "x_train: got <U1; features need numbers"),
        ({"y_train": np.zeros(5, int)}, "got 5 labels for 6 rows"),
        ({"x_test": np.zeros((4, 3, 3), "uint8")}, "a training row is uint8"),
    ],
)
def test_npz_files_that_are_no_dataset(tmp_path, replace, message):
    with pytest.raises(ValueError, match=message) as caught:
        datasets.load(npz(tmp_path / "mine.npz", **replace))
    assert str(tmp_path / "mine.npz") in str(caught.value)


def test_every_damage_of_an_npz_file_is_an_error_or_none(tmp_path):
    whole = npz(tmp_path / "whole.npz").read_bytes()
    path = tmp_path / "damaged.npz"
    damages = [whole[:size] for size in range(0, len(whole), 29)]
    for place in range(0, len(whole), 7):
        damages.append(whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :])
    errors = 0
    for damage in [*damages, b"label,pixel\n", b"\x93NUMPY\1\0", b"\x80\x04\x95."]:
        path.write_bytes(damage)
        try:
            datasets.load(path)
        except ValueError as error:
            errors += "damaged.npz" in str(error)
    assert errors > len(damages) // 2


def test_one_array_alone_is_none(tmp_path):
    np.save(tmp_path / "one.npy", np.zeros(3))
    (tmp_path / "one.npy").rename(tmp_path / "one.npz")
    with pytest.raises(ValueError, match=f"needs an .npz file with {', '.join(ARRAYS)}: it has one array alone"):
        datasets.load(tmp_path / "one.npz")


# The arguments of load_data


@pytest.mark.parametrize(
    ("module", "arguments"),
    [
        (mnist, {"path": "mnist.npz"}),
        (fashion_mnist, {}),
        (california_housing, {"version": "large", "path": "california_housing.npz", "test_split": 0.2, "seed": 113}),
    ],
)
def test_the_arguments_are_those_of_keras(module, arguments):
    found = inspect.signature(module.load_data).parameters
    assert {name: parameter.default for name, parameter in found.items()} == arguments


def test_mnist_of_a_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    npz(tmp_path / "mnist.npz")
    assert_loaded(mnist.load_data(path="./mnist.npz"))
    assert_loaded(mnist.load_data(tmp_path / "mnist.npz"))
    assert_loaded(mnist.load_data(str(fill(tmp_path / "folder"))))
    with pytest.raises(ValueError, match=re.escape("path: got './nist.npz', needs a file or a folder that exists, or")):
        mnist.load_data("./nist.npz")


@pytest.mark.parametrize("arguments", [(), ("mnist.npz",), ("other.npz",)])
def test_a_name_alone_is_that_of_a_cache(tmp_path, monkeypatch, arguments):
    monkeypatch.chdir(tmp_path)
    npz(tmp_path / "mnist.npz", y_train=np.full(6, 2, "uint8"))
    monkeypatch.setenv("FASTMLP_DATA", str(fill(tmp_path / "data" / "mnist").parent))
    assert_loaded(mnist.load_data(*arguments))


# California housing: the targets of rows 0, 1, ..., as Keras 3.15.1 orders and splits them


@pytest.mark.parametrize(
    ("rows", "arguments", "train", "test"),
    [
        (10, {}, [9, 3, 6, 1, 0, 7, 4, 8], [2, 5]),
        (11, {"test_split": 0.35, "seed": 7}, [8, 5, 0, 2, 1, 10, 7], [3, 6, 9, 4]),
        (5, {"test_split": 0.0}, [1, 0, 3, 2, 4], []),
    ],
)
def test_california_housing(tmp_path, monkeypatch, rows, arguments, train, test):
    folder = tmp_path / "california_housing"
    folder.mkdir()
    np.savez(folder / "california_housing.npz", x=np.arange(rows * 8.0).reshape(rows, 8), y=np.arange(rows) * 1.0)
    monkeypatch.setenv("FASTMLP_DATA", str(tmp_path))
    for path in ({}, {"path": folder / "california_housing.npz"}):
        (x_train, y_train), (x_test, y_test) = datasets.california_housing.load_data(**arguments, **path)
        assert (y_train.tolist(), y_test.tolist()) == (train, test)
        assert (x_train[:, 0] / 8).tolist() == train and x_test.shape == (len(test), 8)


def test_the_small_version_is_of_the_first_rows(tmp_path):
    np.savez(tmp_path / "c.npz", x=np.zeros((700, 8)), y=np.arange(700) * 1.0)
    (x_train, y_train), (_, y_test) = california_housing.load_data("small", tmp_path / "c.npz")
    assert x_train.shape == (480, 8) and y_train[:5].tolist() == [568, 505, 59, 71, 298]
    assert sorted([*y_train, *y_test]) == list(range(600))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"version": "huge"}, ValueError, "version: got 'huge', needs 'large' or 'small'"),
        ({"test_split": 1.0}, ValueError, r"test_split: got 1.0, needs a finite number in \[0, 1\)"),
        ({"seed": -1}, ValueError, "seed: got -1, needs an integer"),
        ({"path": "no/where.npz"}, ValueError, "path: got 'no/where.npz', needs a file or a folder that exists"),
    ],
)
def test_wrong_arguments(arguments, error, message):
    with pytest.raises(error, match=message):
        california_housing.load_data(**arguments)


def test_california_housing_of_another_file(tmp_path):
    with pytest.raises(ValueError, match=r"it has x_train, y_train, x_test, y_test, and no x, y"):
        california_housing.load_data(path=npz(tmp_path / "mine.npz"))
    np.savez(tmp_path / "c.npz", x=np.zeros((7, 8)), y=np.zeros(6))
    with pytest.raises(ValueError, match=r"got x of shape \(7, 8\) and y of shape \(6,\), needs"):
        california_housing.load_data(path=tmp_path / "c.npz")


def test_california_housing_is_asked_for_by_its_checksum(monkeypatch):
    asked = []

    def fetch(*arguments):
        asked.append(arguments)
        raise ConnectionError

    monkeypatch.setattr(california_housing, "fetch", fetch)
    with pytest.raises(ConnectionError):
        california_housing.load_data()
    ((name, mirrors, sums),) = asked
    assert (name, list(sums)) == ("california_housing", ["california_housing.npz"]) and mirrors[0].startswith("https:")
    assert inspect.signature(_fetch.fetch).bind(*asked[0])
