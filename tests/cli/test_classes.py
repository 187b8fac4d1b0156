"""Classes are the values of labels: in the network, the result and the model file, and in what is predicted."""

import copy
import json
import pickle

import numpy as np
import pytest

from fastmlp import Sequential, layers, load_model
from fastmlp.datasets.idx import write_idx
from tests.cli.command import QUICK, X, Y, is_error, write_folder

SMALL = ("--hidden", "16", "--threads", "1")
LABELS = {
    "from 1": (np.uint8([1, 2, 3]), [1, 2, 3]),
    "gaps": (np.int32([-5, 7, 2**31 - 1]), [-5, 7, 2**31 - 1]),
    "-1 and 1": (np.int8([-1, 1, 1]), [-1, 1]),
    "whole floats": (np.float32([0, 10, 20]), [0, 10, 20]),
    "a column": (np.uint8([[4], [6], [9]]), [4, 6, 9]),
    "one-hot": (np.uint8([[0, 1, 0], [0, 0, 1], [1, 0, 0]]), [0, 1, 2]),
}


@pytest.mark.parametrize("case", LABELS)
def test_a_class_is_a_value(result, predicted, tmp_path, case):
    values, classes = LABELS[case]
    path, labels = tmp_path / "model.safetensors", values[Y]
    x = np.eye(3, 5, dtype=np.uint8)[Y] * 200 + X // 10
    found = result(
        write_folder(tmp_path, x, labels),
        "--epochs",
        30,
        "--batch-size",
        5,
        "--learning-rate",
        0.01,
        "--output",
        path,
        *SMALL,
    )
    assert found["classes"] == classes and found["test_accuracy"] == 1.0
    assert found["parameters"] == 5 * 16 + 16 + 17 * len(classes)
    model = load_model(path)
    assert model.classes == classes
    expected = np.argmax(labels, 1) if case == "one-hot" else labels.reshape(-1).astype(int)
    assert [model.classes[number] for number in model.predict(x, verbose=0).argmax(1)] == expected.tolist()
    status, out, err = predicted(path, tmp_path / "test-images.idx")
    assert (status, err) == (0, "") and list(map(int, out.split())) == expected.tolist()
    printed = json.loads(predicted(path, tmp_path / "test-images.idx", "--json")[1])
    assert (printed["classes"], printed["predictions"]) == (classes, expected.tolist())
    np.testing.assert_array_equal(np.float32(printed["probabilities"]), model.predict(x, verbose=0))


@pytest.mark.parametrize("classes", [["a", "b"], (1.5, -1), np.array([3, 4]), [np.int64(3), np.str_("x")]])
def test_the_classes_of_a_model_are_kept_in_files_and_copies(tmp_path, classes):
    model = Sequential([layers.Input((5,)), layers.Dense(2, "softmax")])
    assert model.classes is None
    model.classes = classes
    model.save(tmp_path / "m.safetensors")
    assert load_model(tmp_path / "m.safetensors").classes == list(classes)
    assert list(copy.deepcopy(model).classes) == list(pickle.loads(pickle.dumps(model)).classes) == list(classes)


@pytest.mark.parametrize("own", [10, {"a": 1}, [None], [[1, 2]], "abc"])
def test_what_a_subclass_calls_classes_is_its_own(tmp_path, own):
    class Digits(Sequential):
        pass

    model = Digits([layers.Input((5,)), layers.Dense(2, "softmax")])
    model.classes = own
    model.save(tmp_path / "m.safetensors")
    assert load_model(tmp_path / "m.safetensors", {"Digits": Digits}).classes is None


def test_values_do_not_change_what_is_learned(result, tmp_path):
    weights = []
    for name, labels in (("a", Y), ("b", Y.astype(np.int32) * 1000 - 7)):
        folder, path = tmp_path / name, tmp_path / f"{name}.safetensors"
        folder.mkdir()
        result(write_folder(folder, X, labels), *QUICK, "--output", path)
        weights.append(b"".join(array.tobytes() for array in load_model(path).get_weights()))
    assert weights[0] == weights[1]


def test_letters_are_26_classes(result, tmp_path):
    labels = np.repeat(np.arange(1, 27, dtype=np.uint8), 2)
    x = np.arange(52 * 4, dtype=np.uint8).reshape(52, 2, 2)
    for split, step in (("letters", 1), ("balanced", 5)):
        for part in ("train", "test"):
            write_idx(tmp_path / f"emnist-{split}-{part}-images-idx3-ubyte.gz", x)
            write_idx(tmp_path / f"emnist-{split}-{part}-labels-idx1-ubyte.gz", labels * np.uint8(step))
    found = result(tmp_path, "--split", "letters", *QUICK)
    assert found["classes"] == list(range(1, 27)) and found["parameters"] == 5 * 16 + 17 * 26
    assert result(tmp_path, "--split", "emnist-balanced", *QUICK)["classes"] == list(range(5, 131, 5))


def test_a_folder_of_several_splits_asks_which(command, tmp_path):
    for split in "ab":
        write_idx(tmp_path / f"{split}-train-images", X)
    status, out, err = command(tmp_path, *QUICK)
    assert (status, out) == (2, "") and is_error(err, "needs one of 'a', 'b'")


def test_a_training_part_alone(result, command, tmp_path):
    write_idx(tmp_path / "train-images", X)
    write_idx(tmp_path / "train-labels", Y)
    found = result(tmp_path, "--test-split", "0.2", *QUICK)
    assert (found["train_samples"], found["test_samples"], found["classes"]) == (24, 6, [0, 1, 2])
    status, out, err = command(tmp_path, *QUICK)
    assert (status, out) == (2, "") and is_error(err, "or --test-split")


def test_a_column_of_labels(result, command, tmp_path):
    write_folder(tmp_path, X, np.stack([np.arange(30), Y + 4], 1).astype(np.int32))
    assert result(tmp_path, "--label-column", 1, *QUICK)["classes"] == [4, 5, 6]
    assert is_error(command(tmp_path, *QUICK)[2], "or --label-column")


def test_names_of_classes_in_an_npz_file(result, predicted, tmp_path):
    names = np.array(["cat", "dog", "cow"])[Y]
    np.savez(tmp_path / "animals.npz", x_train=X, y_train=names, x_test=X, y_test=names)
    found = result(tmp_path / "animals.npz", *QUICK, "--output", tmp_path / "m.safetensors")
    assert found["classes"] == ["cat", "cow", "dog"]
    write_idx(tmp_path / "x.gz", X)
    _, out, _ = predicted(tmp_path / "m.safetensors", tmp_path / "x.gz")
    assert set(out.split()) <= set(names) and len(out.split()) == 30


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["nowhere.safetensors", "x"],
            "argument MODEL.safetensors: got 'nowhere.safetensors', needs a file that exists",
        ),
        (["x", "x"], "filepath: got 'x', needs a model file of fastmlp"),
        (["plain.safetensors", "x"], "model: got 'plain.safetensors', needs one with classes, as fastmlp-train writes"),
        (["good.safetensors", "wide"], "x: got shape"),
        (["good.safetensors", "nan"], "nan: got nan in row 0, needs finite numbers"),
        (["good.safetensors", "text.csv"], "text.csv: got 2 columns, 'label' of words among them, needs 5 of numbers"),
        (["good.safetensors", "one.npz"], "one.npz: got rows of shape (2,), needs (5,), as the model takes"),
        (["good.safetensors", "empty"], "empty: got a folder without pictures, needs one with .png"),
        (["good.safetensors", "x", "--id", "x"], "id: got it for good.safetensors, needs none: it is for models of"),
        (["good.safetensors"], "rows: got none, needs a file, or rows that are piped in"),
    ],
)
def test_bad_usage_of_predict(predicted, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    model = Sequential([layers.Input((5,)), layers.Dense(3, "softmax")])
    model.save("plain.safetensors")
    model.classes = [1, 2, 3]
    model.save("good.safetensors")
    write_idx("x", X)
    write_idx("wide", np.zeros((2, 6), np.uint8))
    write_idx("nan", np.full((2, 5), np.nan, np.float32))
    (tmp_path / "text.csv").write_text("label,pixel\na,1\n")
    np.savez("one.npz", x=np.ones((3, 2)))
    (tmp_path / "empty").mkdir()
    monkeypatch.setattr("sys.stdin", None)
    status, out, err = predicted(*arguments)
    assert (status, out) == (2, "")
    assert err.startswith("fastmlp-predict: error: ") and message in err and err.count("\n") == 1


def test_help_and_version_of_predict(predicted):
    status, out, _ = predicted("--help")
    assert status == 0 and all(f"{name}" in out for name in ("MODEL.safetensors", "ROWS", "--json", "--threads"))
