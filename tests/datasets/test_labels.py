"""Labels as files have them: any values, types and columns; a class is a value."""

import numpy as np
import pytest

from fastmlp.datasets.folder import load_folder
from fastmlp.datasets.rows import classes_in
from tests.datasets.test_datasets import FILES, fill

VALUES = {
    "from 1": (np.uint8([1, 2, 3, 1, 2, 3]), [1, 2, 3, 1, 2, 3]),
    "gaps": (np.int32([0, 7, 2**31 - 1, 0, 7, 7]), [0, 7, 2**31 - 1, 0, 7, 7]),
    "-1 and 1": (np.int8([-1, 1, 1, -1, 1, 1]), [-1, 1, 1, -1, 1, 1]),
    "a column": (np.uint8([[4], [5], [6], [4], [5], [6]]), [4, 5, 6, 4, 5, 6]),
    "whole floats": (np.float32([-1, 0, 3, -0.0, 3, -1]), [-1, 0, 3, 0, 3, -1]),
    "a column of floats": (np.float64([[1], [2], [2], [1], [1], [2]]), [1, 2, 2, 1, 1, 2]),
    "one-hot": (np.eye(4, dtype="uint8")[[3, 0, 1, 3, 0, 0]], [3, 0, 1, 3, 0, 0]),
    "one-hot floats": (np.eye(2)[[1, 0, 1, 1, 0, 0]], [1, 0, 1, 1, 0, 0]),
}


@pytest.mark.parametrize("case", VALUES)
def test_values(tmp_path, case):
    y, expected = VALUES[case]
    (_, y_train), (_, y_test) = load_folder(fill(tmp_path, replace={1: y, 3: y[:4]}))
    assert y_train.tolist() == expected and y_test.tolist() == expected[:4]
    assert y_train.dtype.kind in "iu" and y_train.shape == (6,)
    assert y.dtype.kind == "f" or y.ndim == 2 or y_train.dtype == y.dtype


def test_strings_and_bools_of_arrays():
    assert classes_in(np.array(["b", "a"]), "y").tolist() == ["b", "a"]
    assert classes_in(np.array([[True], [False]]), "y").tolist() == [1, 0]
    with pytest.raises(ValueError, match="y: got complex128; labels need integers, whole numbers or strings"):
        classes_in(np.array([1j]), "y")


WIDE = np.int32([[7, 0, 1], [3, 0, 2], [7, 1, 5], [9, 1, 6], [3, 0, 9], [9, 9, 9]])


def test_a_column_of_several(tmp_path):
    fill(tmp_path, replace={1: WIDE, 3: WIDE[:4]})
    with pytest.raises(ValueError, match=r"got shape \(6, 3\); labels of several columns need .* 0 to 2\)"):
        load_folder(tmp_path)
    for column in range(3):
        (_, y), _ = load_folder(tmp_path, label_column=column)
        assert y.tolist() == WIDE[:, column].tolist() and y.flags.c_contiguous
    for column in (3, -1):
        with pytest.raises(ValueError, match=f"label_column: got {column} for .*, needs 0 to 2"):
            load_folder(tmp_path, label_column=column)


def test_the_class_of_qmnist_is_the_first_column(tmp_path):
    names = [f"qmnist-{name.replace('t10k', 'test')}".replace("idx1-ubyte", "idx2-int") for name in FILES]
    fill(tmp_path, ".gz", names, {1: WIDE, 3: WIDE[:4]})
    (_, y_train), (_, y_test) = load_folder(tmp_path)
    assert y_train.tolist() == [7, 3, 7, 9, 3, 9] and y_test.tolist() == [7, 3, 7, 9]
    assert load_folder(tmp_path, label_column=2)[0][1].tolist() == WIDE[:, 2].tolist()


@pytest.mark.parametrize(
    "wrong", [[[1, 1], [0, 1]], [[0, 0], [0, 1]], [[2, 0], [0, 1]], [[1, -1], [0, 1]], [[0.5, 0.5], [0, 1]]]
)
def test_what_is_not_one_hot(wrong):
    with pytest.raises(ValueError, match="labels of several columns need one 1 a row and else 0"):
        classes_in(np.array(wrong), "y")
