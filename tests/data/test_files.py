"""Files written whole or not at all."""

import importlib.util
import os
import subprocess
import sys

import pytest

from fastmlp.data.whole_files import write_whole


def test_the_old_file_is_there_until_the_new_one_is_whole(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def write(file):
        file.write(b"new")
        assert path.read_bytes() == b"old" and len(os.listdir(tmp_path)) == 2

    write_whole(path, write)
    assert path.read_bytes() == b"new" and os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize("broken", ["fsync", "replace"])
@pytest.mark.parametrize("error", [OSError("disk full"), KeyboardInterrupt()], ids=["disk full", "Ctrl-C"])
def test_what_fails_leaves_the_old_file_and_no_other(tmp_path, monkeypatch, broken, error):
    def fail(*arguments):
        raise error

    path = tmp_path / "file"
    path.write_bytes(b"old")
    monkeypatch.setattr(os, broken, fail)
    with pytest.raises(type(error)):
        write_whole(str(path), lambda file: file.write(b"new"))
    assert path.read_bytes() == b"old" and os.listdir(tmp_path) == ["file"]


def test_a_link_stays_a_link(tmp_path):
    link, target = tmp_path / "link", tmp_path / "target"
    link.symlink_to(target)
    write_whole(link, lambda file: file.write(b"new"))
    assert link.is_symlink() and target.read_bytes() == b"new"


def test_a_missing_folder_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        write_whole(tmp_path / "missing" / "file", lambda file: None)


SAVE_FOUR_OF_EACH = """
import sys, warnings
import numpy as np
from fastmlp.layers import Dense, Input
from fastmlp.models import Sequential
warnings.simplefilter("ignore")
X, Y = np.random.default_rng(0).random((20, 3)), np.arange(20) % 3
for number in range(4):
    model = Sequential([Input(3), Dense(4, "tanh"), Dense(3, "softmax")], seed=1)
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(X, Y, verbose=0)
    model.save(f"{sys.argv[1]}/model-{number}.safetensors")
    model.save_weights(f"{sys.argv[1]}/weights-{number}.safetensors")
    if sys.argv[2] == "True":
        from fastmlp.sklearn import MLPClassifier, save
        classifier = MLPClassifier((4,), batch_norm=True, class_weight={"b": 2.0}, max_iter=2, random_state=0)
        save(classifier.fit(X, np.array(["a", "b", "c"])[Y]), f"{sys.argv[1]}/estimator-{number}.safetensors")
"""


def test_equal_objects_give_equal_files_in_every_process(tmp_path):
    with_estimators = importlib.util.find_spec("sklearn") is not None
    contents = {"model": set(), "weights": set(), "estimator": set()}
    for seed in "012":
        arguments = [sys.executable, "-c", SAVE_FOUR_OF_EACH, str(tmp_path), str(with_estimators)]
        subprocess.run(arguments, check=True, env={**os.environ, "PYTHONHASHSEED": seed})
        for path in tmp_path.iterdir():
            contents[path.name.partition("-")[0]].add(path.read_bytes())
    assert [len(each) for each in contents.values()] == [1, 1, int(with_estimators)]
