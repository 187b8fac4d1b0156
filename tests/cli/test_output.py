"""What fastmlp-train prints and writes: the result, the progress, and the file of the model."""

import errno
import os
import re
import sys

import pytest

import fastmlp
from fastmlp import datasets
from fastmlp.layers import Rescaling
from fastmlp.models import Sequential, load_model
from tests.cli.command import BAR, QUICK, is_error, posix, process

FIELDS = [
    *("dataset", "train_samples", "test_samples", "classes", "parameters", "epochs", "seconds", "samples_per_second"),
    *("train_loss", "test_loss", "test_accuracy", "dtype", "threads", "isa", "seed", "history"),
]


def test_the_fields_of_json(result):
    found = result("--hidden", 64, "--epochs", 3, "--threads", 1, "--validation-split", 0.25, "--seed", 5)
    assert list(found) == FIELDS
    expected = {"dataset": "digits", "train_samples": 1077, "test_samples": 360, "epochs": 3, "seed": 5, "threads": 1}
    expected |= {"parameters": 64 * 64 + 64 + 64 * 10 + 10, "dtype": "float32", "isa": fastmlp.kernels.isa.name()}
    assert found.items() >= expected.items()
    assert list(found["history"]) == ["accuracy", "loss", "val_accuracy", "val_loss"]
    assert {len(values) for values in found["history"].values()} == {3}
    assert found["train_loss"] == found["history"]["loss"][-1]
    assert 0.0 < found["test_loss"] < 2.0 and 0.5 < found["test_accuracy"] < 1.0
    assert found["seconds"] > 0.0
    assert found["samples_per_second"] == pytest.approx(3 * 1077 / found["seconds"])


def test_the_result_for_people_and_the_progress_are_apart(command):
    status, out, err = command(*QUICK)
    assert status == 0
    pattern = (
        r"test accuracy \d\d\.\d\d%, test loss \d\.\d{4}\n"
        r"trained 1,210 parameters for 10 classes in \d+\.\d\d s, [\d,]+ samples/s\n"
        r"float32 on \w+, threads 1, seed 0\n"
    )
    assert re.fullmatch(pattern, out)
    assert re.fullmatch(BAR + "\n", err)


def test_quiet_shows_no_progress(command):
    status, out, err = command("--quiet", *QUICK)
    assert (status, out[:13], err) == (0, "test accuracy", "")


def test_a_download_is_progress_too(command, monkeypatch):
    def load(name):
        print("on stdout")
        print("on stderr", file=sys.stderr)
        return digits

    digits = datasets.load("digits")
    monkeypatch.setattr(datasets, "load", load)
    _, out, err = command(*QUICK)
    assert "on stdout" not in out and err.startswith("on stdout\non stderr\n")
    assert command("--quiet", *QUICK)[2] == ""


def test_the_model_file_takes_the_pixels_as_they_are(result, tmp_path):
    path = tmp_path / "model.safetensors"
    found = result("--epochs", 3, "--output", path)
    _, (x, y) = datasets.digits.load_data()
    model = load_model(path)
    assert model.evaluate(x, y, verbose=0) == [found["test_loss"], found["test_accuracy"]]
    assert [layer.scale for layer in model.layers if isinstance(layer, Rescaling)] == [1 / 16]
    assert os.listdir(tmp_path) == ["model.safetensors"]


@posix
def test_a_full_disk_shows_before_training(tmp_path):
    import resource  # not on Windows

    path = tmp_path / "model.safetensors"
    path.write_bytes(b"the model of yesterday")

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    run = process(*QUICK, "--hidden", 512, "--output", path, preexec_fn=limit)
    assert (run.returncode, run.stdout) == (2, "")
    assert is_error(run.stderr, f"--output: cannot write '{path}': {os.strerror(errno.EFBIG)}")
    assert path.read_bytes() == b"the model of yesterday"
    assert os.listdir(tmp_path) == ["model.safetensors"]


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc, where even root cannot write")
def test_a_folder_that_cannot_be_written_to_shows_before_training(command):
    status, out, err = command(*QUICK, "--output", "/proc/model.safetensors")
    assert (status, out) == (2, "")
    assert is_error(err, "--output: cannot write '/proc/model.safetensors': ")


@posix
@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may write everywhere")
def test_a_file_that_is_read_only_stays_as_it_is(command, tmp_path):
    path = tmp_path / "model.safetensors"
    path.touch(mode=0o444)
    status, out, err = command(*QUICK, "--output", path)
    assert (status, out, path.stat().st_size) == (2, "", 0)
    assert is_error(err, "needs a new name, or that of a file that may be overwritten")


def test_a_disk_that_fills_up_during_training(command, tmp_path, monkeypatch):
    path = tmp_path / "model.safetensors"
    save = Sequential.save

    def fail(model, filepath):
        if filepath == path:
            raise OSError(errno.ENOSPC, "No space left on device")
        save(model, filepath)

    monkeypatch.setattr(Sequential, "save", fail)
    status, out, err = command(*QUICK, "--quiet", "--output", path)
    assert (status, out) == (1, "")
    assert is_error(err, f"cannot write '{path}': No space left on device")
