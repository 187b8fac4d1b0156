"""Folders as archives unpack them: names of the files, splits, files of other kinds, and no test part."""

import gzip

import numpy as np
import pytest

from fastmlp import datasets
from fastmlp.datasets.folder import load_folder
from fastmlp.datasets.idx import write_idx
from tests.datasets.test_datasets import FILES, arrays, assert_loaded, fill

EMNIST = [
    *("emnist-letters-train-images-idx3-ubyte", "emnist-letters-train-labels-idx1-ubyte"),
    *("emnist-letters-test-images-idx3-ubyte", "emnist-letters-test-labels-idx1-ubyte"),
]


@pytest.mark.parametrize("ending", ["", ".gz"])
@pytest.mark.parametrize(
    "names",
    [
        EMNIST,
        [name.replace("-idx", ".idx") for name in FILES],
        [name.upper() for name in FILES],
        [name.replace("-", "_") for name in FILES],
        ["Train_Images.idx", "Train_Labels.idx", "Test_Images.idx", "Test_Labels.idx"],
        ["trainImages", "trainLabels", "testImages", "testLabels"],
        ["training-images", "training-labels", "testing-images", "testing-labels"],
        ["my train images", "my train labels", "my test images", "my test labels"],
    ],
    ids=lambda names: names[0],
)
def test_names(tmp_path, names, ending):
    fill(tmp_path, ending, names)
    (tmp_path / "emnist-letters-mapping.txt").write_text("1 65 97\n")
    (tmp_path / "contest-images").write_bytes(b"\0\0")  # "test" within a word is no test part
    assert_loaded(load_folder(tmp_path))


def nested(folder, names=FILES):
    """Each file in a folder of its own name, as Kaggle's archive has them."""
    for name, array in zip(names, arrays(), strict=True):
        (folder / name).mkdir()
        write_idx(folder / name / name, array)
    return folder


def test_a_folder_beside_a_file_of_the_same_name(tmp_path):
    nested(tmp_path)
    assert_loaded(load_folder(tmp_path))
    for name in FILES:
        (tmp_path / name / name).write_bytes(b"\0\0not read")
    fill(tmp_path, names=[name.replace("-idx", ".idx") for name in FILES])
    assert_loaded(load_folder(tmp_path))


def splits(folder):
    """Two splits of EMNIST in one folder; that of digits has zeros for pixels."""
    fill(folder, ".gz", EMNIST)
    zeros = {0: np.zeros((6, 3, 2), "uint8"), 2: np.zeros((4, 3, 2), "uint8")}
    return fill(folder, ".gz", [name.replace("letters", "digits") for name in EMNIST], zeros)


@pytest.mark.parametrize("split", ["letters", "emnist-letters", "EMNIST_Letters", "Letters"])
def test_one_of_several_splits(tmp_path, split):
    assert_loaded(datasets.load(splits(tmp_path), split=split))
    assert not load_folder(tmp_path, "digits")[0][0].any()


@pytest.mark.parametrize("split", [None, "byclass", "emnist", "etters", ""])
def test_a_split_that_is_not_there(tmp_path, split):
    with pytest.raises(ValueError, match=r"split: got .*, needs one of 'emnist-digits', 'emnist-letters'"):
        load_folder(splits(tmp_path), split)


def test_files_without_a_prefix_come_first(tmp_path):
    fill(splits(tmp_path), ".gz")
    assert_loaded(load_folder(tmp_path))
    assert_loaded(load_folder(tmp_path, ""))
    assert not load_folder(tmp_path, "digits")[0][0].any()


def test_a_split_where_there_is_none(tmp_path):
    with pytest.raises(ValueError, match=r"split: got 'letters' for .*, needs None: no IDX file there has a prefix"):
        load_folder(fill(tmp_path), "letters")


KINDS = {
    "text": (b"label,pixel1\n", "text"),
    "text of Windows": (b"\xef\xbb\xbflabel", "text"),
    "compressed text": (gzip.compress(b"7,0,0,0\n"), "text"),
    "zip": (b"PK\3\4rest", "a zip archive"),
    "npy": (b"\x93NUMPY\1\0", "a .npy file"),
    "png": (b"\x89PNG\r\n", "a PNG picture"),
    "jpeg": (b"\xff\xd8\xff\xe0", "a JPEG picture"),
    "matlab": (b"MATLAB 5.0", "a MATLAB file"),
    "hdf5": (b"\x89HDF\r\n", "an HDF5 file"),
    "parquet": (b"PAR1", "a Parquet file"),
    "xz": (b"\xfd7zXZ\0", "compressed by xz"),
    "bz2": (b"BZh91AY", "compressed by bzip2"),
    "pickle": (b"\x80\x04\x95\0", "a pickle"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_of_another_kind_says_so_and_what_is_read(tmp_path, kind):
    content, name = KINDS[kind]
    fill(tmp_path)
    (tmp_path / FILES[0]).unlink()
    (tmp_path / "train-images.dat").write_bytes(content)
    with pytest.raises(ValueError, match=rf"got no file named train-\*images\*.*train-images.dat is {name}") as caught:
        load_folder(tmp_path)
    assert "what is read are IDX files, also compressed by gzip" in str(caught.value)


def test_a_file_of_another_kind_beside_the_one_is_ignored(tmp_path):
    fill(tmp_path)
    for number, (content, _) in enumerate(KINDS.values()):
        (tmp_path / f"train-images-{number}").write_bytes(content)
    assert_loaded(load_folder(tmp_path))


def test_a_folder_of_other_things_says_what_it_holds(tmp_path):
    for name in ("a.png", "b.png", "table.csv.gz"):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "raw").mkdir()
    with pytest.raises(
        ValueError, match=r"it holds 1 of .csv.gz, 2 of .png, the folder raw: what is read are IDX files"
    ):
        load_folder(tmp_path)


def test_a_path_that_is_a_file_of_another_kind(tmp_path):
    (tmp_path / "table.csv").write_text("label\n")
    with pytest.raises(ValueError, match=r"got the file '.*table.csv', needs one of digits.*or an .npz file: no other"):
        datasets.load(tmp_path / "table.csv")


# A training part alone


def alone(folder, labels, rows=None):
    rows = len(labels) if rows is None else rows
    write_idx(folder / "train-images", np.arange(rows * 2, dtype="int32").reshape(rows, 2))
    write_idx(folder / "train-labels", np.array(labels))
    return folder


def test_a_training_part_alone_asks_for_a_test_split(tmp_path):
    with pytest.raises(ValueError, match=r"got no file named t10k-\*images\* or test-\*images\*, .* or test_split \("):
        load_folder(alone(tmp_path, np.arange(10, dtype="int32")))
    write_idx(tmp_path / "test-labels", np.arange(10, dtype="int32"))  # half of a test part is no reason to split
    with pytest.raises(ValueError, match=r"no file named t10k-\*images\* .* needs exactly one$"):
        load_folder(tmp_path, test_split=0.5)


@pytest.mark.parametrize(
    ("labels", "fraction", "counts"),
    [
        (np.repeat(np.int32([3, -1, 7]), 20), 0.2, {3: 4, -1: 4, 7: 4}),
        (np.repeat(np.int32([1, 2]), (90, 10)), 0.3, {1: 27, 2: 3}),
        (np.repeat(np.arange(30, dtype="int32"), 2), 0.2, dict.fromkeys(range(12), 1)),
        (np.int32([5, 5, 5, 6]), 0.9, {5: 2}),
        (np.repeat(np.int32([1, 2]), (999, 1)), 0.5, {1: 500}),
    ],
)
def test_rows_held_out(tmp_path, labels, fraction, counts):
    (x_train, y_train), (x_test, y_test) = load_folder(alone(tmp_path, labels), test_split=fraction)
    assert sorted([*x_train[:, 0], *x_test[:, 0]]) == list(range(0, 2 * len(labels), 2))  # each row once
    for x, y in ((x_train, y_train), (x_test, y_test)):
        assert (labels[x[:, 0] // 2] == y).all() and (np.diff(x[:, 0]) > 0).all()
    assert set(y_train) == set(labels)
    found, numbers = np.unique(y_test, return_counts=True)
    assert dict(zip(found.tolist(), numbers.tolist(), strict=True)) == counts
    again = load_folder(tmp_path, test_split=fraction)
    np.testing.assert_array_equal(again[1][0], x_test)


def test_rows_held_out_are_drawn(tmp_path):
    _, (x_test, _) = load_folder(alone(tmp_path, np.zeros(1000, "uint8")), test_split=0.2)
    assert len(set(np.diff(x_test[:, 0]))) > 5  # not every fifth one
    assert 60 < (x_test[:, 0] < 1000).sum() < 140  # of both halves


@pytest.mark.parametrize("fraction", [0, 1, -0.1, 1.5, float("nan")])
def test_a_test_split_that_is_no_part(tmp_path, fraction):
    with pytest.raises(ValueError, match=f"test_split: got {fraction}, needs a number between 0 and 1"):
        load_folder(alone(tmp_path, np.zeros(6, "uint8")), test_split=fraction)


def test_a_test_split_where_nothing_can_be_held_out(tmp_path):
    for labels, fraction in ((np.arange(6, dtype="uint8"), 0.5), (np.zeros(6, "uint8"), 0.05)):
        with pytest.raises(ValueError, match=f"test_split: got {fraction} of 6 rows, needs enough for a row"):
            load_folder(alone(tmp_path, labels), test_split=fraction)


def test_a_test_split_beside_a_test_part(tmp_path):
    with pytest.raises(ValueError, match=r"test_split: got 0.2, needs None: .* has a test part"):
        load_folder(fill(tmp_path), test_split=0.2)


@pytest.mark.parametrize("argument", [{"split": "letters"}, {"test_split": 0.2}, {"label_column": 0}])
def test_arguments_for_folders_with_a_name(argument):
    ((name, value),) = argument.items()
    with pytest.raises(ValueError, match=f"{name}: got {value!r} for digits, needs None: it is for folders"):
        datasets.load("digits", **argument)
