"""How fastmlp-train fails: bad folders, a training that diverges, streams nobody reads, and Ctrl-C."""

import errno
import os
import signal
import subprocess

import numpy as np
import pytest

from fastmlp import datasets
from tests.cli.command import COMMAND, ENVIRONMENT, QUICK, X, Y, is_error, posix, process, write_folder


def changed(array, value, dtype):
    array = array.astype(dtype)
    array.flat[-1] = value
    return array


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ((X, Y, X, changed(Y, 7, np.uint8)), "labels: got 7 in the test part, needs only labels of the training part"),
        ((X, np.zeros_like(Y)), "labels: got 0 in all 30 rows, needs two classes or more"),
        ((X, Y + np.float32(0.5)), "labels need to be whole numbers"),
        ((X, Y, X[:, :4]), "a training row is"),
        ((X, Y, X, Y[:-1]), "got 29 labels for 30 rows"),
        ((changed(X, np.inf, np.float32), Y, X.astype(np.float32)), "x: got inf in row 29, needs finite numbers"),
        ((X.astype(np.float64), Y, changed(X, np.nan, np.float64)), "test x: got nan in row 29, needs finite numbers"),
    ],
)  # fmt: skip
def test_bad_folders(command, tmp_path, arrays, message):
    path = tmp_path / "model.safetensors"
    status, out, err = command(write_folder(tmp_path, *arrays), "--output", path)
    assert (status, out) == (2, "")
    assert is_error(err, message)
    assert not path.exists()


def test_a_network_too_large_for_memory(command, tmp_path):
    folder = write_folder(tmp_path, np.zeros((30, 2**18), np.uint8), Y)
    status, out, err = command(folder, "--hidden", 2**24)  # 2**44 bytes
    assert (status, out) == (2, "")
    assert is_error(err, "not enough memory: layer 'dense': cannot make its kernel of shape (262144, 16777216)")
    status, out, err = command(folder, "--hidden", 2**31 - 1)
    assert (status, out) == (2, "") and is_error(err, "model: got more than 33554432 values a row in all layers")


def test_a_folder_without_files_and_a_dataset_that_cannot_be_had(command, tmp_path, monkeypatch):
    status, out, err = command(tmp_path)
    assert (status, out) == (2, "") and is_error(err, "got no file named train-*images*")

    def load(name):
        raise ConnectionError("cannot download\nmnist")

    monkeypatch.setattr(datasets, "load", load)
    assert command("mnist") == (2, "", "fastmlp-train: error: cannot download mnist\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "loss is nan after epoch 2"),
        (["--epochs", 1], "test_loss is nan after epoch 1"),
        (["--epochs", 1, "--validation-split", "0.5"], "val_loss is nan after epoch 1"),
    ],
)
def test_a_loss_that_is_not_finite(command, tmp_path, arguments, message):
    path = tmp_path / "model.safetensors"
    diverging = ("--quiet", "--optimizer", "sgd", "--learning-rate", "1e30", "--batch-size", 1437)
    status, out, err = command(*diverging, *arguments, "--output", path)
    assert (status, out) == (1, "")
    advice = "try a smaller --learning-rate than 1e+30"
    assert err == f"fastmlp-train: error: training failed: {message}; {advice}\n"
    assert not path.exists()


def test_what_else_to_try(command, tmp_path):
    folder = write_folder(tmp_path, X * np.float32(1e36), Y)
    status, _, err = command(folder, "--quiet", "--l2", "0.5", "--learning-rate", "1e20")
    assert status == 1
    advice = "try a smaller --learning-rate than 1e+20 or a smaller --l2 than 0.5 or features of smaller magnitude"
    assert is_error(err, advice)


@posix
@pytest.mark.parametrize("arguments", [["--quiet", *QUICK], ["--help"]])
def test_nobody_reads_stdout(arguments):
    read, write = os.pipe()
    os.close(read)
    run = process(*arguments, stdout=write)
    os.close(write)
    assert run.returncode == 1
    assert is_error(run.stderr, f"cannot print the result: {os.strerror(errno.EPIPE)}")


@posix
def test_stdout_is_closed():
    run = process("--quiet", *QUICK, preexec_fn=lambda: os.close(1))
    assert run.returncode == 1
    assert is_error(run.stderr, "cannot print the result: stdout is closed")


@posix
def test_nobody_reads_stderr():
    read, write = os.pipe()
    os.close(read)
    run = process("--epochs", 10_000, stderr=write)
    os.close(write)
    assert (run.returncode, run.stdout) == (1, "")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_stdout_is_full():
    with open("/dev/full", "w") as full:
        run = process("--quiet", *QUICK, stdout=full)
    assert run.returncode == 1
    assert is_error(run.stderr, f"cannot print the result: {os.strerror(errno.ENOSPC)}")


@posix
def test_ctrl_c_while_training(tmp_path):
    path = tmp_path / "model.safetensors"
    arguments = [*COMMAND, "--epochs", "1000000", "--json", "--output", str(path)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "encoding": "utf-8"}

    def default():  # a test run in the background may have it ignored
        signal.signal(signal.SIGINT, signal.default_int_handler)

    with subprocess.Popen(arguments, env=ENVIRONMENT, preexec_fn=default, **pipes) as child:
        lines = [child.stderr.readline() for _ in range(4)]
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=300)
    assert lines[2] == "Epoch 2/1000000\n"
    assert (child.returncode, out) == (130, "")
    assert err.endswith("fastmlp-train: interrupted\n") and "Traceback" not in err
    assert os.listdir(tmp_path) == []


def test_ctrl_c_while_loading(command, monkeypatch):
    def load(name):
        raise KeyboardInterrupt

    monkeypatch.setattr(datasets, "load", load)
    assert command("mnist") == (130, "", "fastmlp-train: interrupted\n")
