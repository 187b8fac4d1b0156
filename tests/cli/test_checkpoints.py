"""Runs of fastmlp-train that end before their time: how signals end them, and how they go on."""

import json
import os
import signal
import subprocess
import time

import numpy as np
import pytest

from fastmlp import load_model
from fastmlp.models import clone_model
from tests.cli.command import COMMAND, ENVIRONMENT, X, Y, is_error, posix, process, write_folder

SMALL = ("--hidden", "16", "--dropout", "0.2", "--threads", "2")
LONG = (*SMALL, "--epochs", "1000000")
ENDS = {"SIGINT": (130, "interrupted"), "SIGTERM": (143, "terminated"), "SIGHUP": (129, "hung up")}


def in_time(result):
    """Return a result without what depends on the time it took."""
    return {name: value for name, value in result.items() if "second" not in name}


def started(*arguments, ignored=(), **settings):
    """Start the command in a process of its own, with the signals as a shell leaves them, but for those ignored."""

    def set_signals():
        for name in ENDS:
            signal.signal(getattr(signal, name), signal.SIG_IGN if name in ignored else signal.SIG_DFL)

    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "encoding": "utf-8", **settings}
    return subprocess.Popen([*COMMAND, *map(str, arguments)], env=ENVIRONMENT, preexec_fn=set_signals, **pipes)


def begun(folder, child):
    """Wait for a checkpoint after the first epoch."""
    while child.poll() is None and not any(path.stem > "checkpoint-000000" for path in folder.glob("checkpoint-*")):
        time.sleep(0.01)
    assert child.poll() is None, child.communicate()


@posix
@pytest.mark.parametrize("name", ENDS)
def test_a_signal_ends_a_run_with_a_checkpoint(tmp_path, result, name):
    folder, output = tmp_path / "checkpoints", tmp_path / "model.safetensors"
    kept = ("--checkpoint", folder, "--checkpoint-every", 1_000_000)
    with started(*LONG, *kept, "--json", "--output", output) as child:
        for _ in range(4):  # the second of the second epoch
            child.stderr.readline()
        child.send_signal(getattr(signal, name))
        out, err = child.communicate(timeout=300)
    status, word = ENDS[name]
    assert (child.returncode, out) == (status, "")
    assert err.endswith(f"fastmlp-train: {word}\n") and "Traceback" not in err
    assert sorted(os.listdir(tmp_path)) == ["checkpoints"] and len(os.listdir(folder)) == 2
    assert min(os.listdir(folder)) == "checkpoint-000000.safetensors"  # the other one is that of the signal
    epochs = 1 + int(max(os.listdir(folder))[len("checkpoint-") : -len(".safetensors")])
    again = result(*SMALL, "--epochs", epochs, "--resume", folder, "--output", output)
    whole = result(*SMALL, "--epochs", epochs, "--output", tmp_path / "whole.safetensors")
    assert in_time(again) == in_time(whole)
    assert output.read_bytes() == (tmp_path / "whole.safetensors").read_bytes()


@posix
def test_a_signal_in_the_first_epoch_leaves_what_it_began_with(tmp_path):
    """No more is lost than the epoch under way: its updates are done anew."""
    slow = ("--hidden", "1500,1500", "--batch-size", "1", "--seed", "7", "--quiet", "--checkpoint", tmp_path)
    with started(*slow) as child:
        while child.poll() is None and not list(tmp_path.glob("checkpoint-*")):
            time.sleep(0.01)
        time.sleep(0.2)
        child.terminate()
        child.communicate(timeout=300)
    assert child.returncode == 143 and os.listdir(tmp_path) == ["checkpoint-000000.safetensors"]
    kept = load_model(tmp_path / "checkpoint-000000.safetensors")
    fresh = clone_model(kept)  # the same seed draws the same weights
    assert all(a.tobytes() == b.tobytes() for a, b in zip(kept.get_weights(), fresh.get_weights(), strict=True))
    assert kept.optimizer.iterations == 0


@posix
@pytest.mark.parametrize("name", ["SIGINT", "SIGHUP"])
def test_what_the_parent_ignores_stays_ignored(tmp_path, name):
    with started(*LONG, "--checkpoint", tmp_path, "--quiet", ignored=[name]) as child:
        begun(tmp_path, child)
        child.send_signal(getattr(signal, name))
        time.sleep(0.1)
        before = max(os.listdir(tmp_path))
        while child.poll() is None and max(os.listdir(tmp_path)) == before:
            time.sleep(0.01)
        assert child.poll() is None
        child.terminate()
        child.communicate(timeout=300)
    assert child.returncode == 143


@posix
def test_without_a_checkpoint_too():
    with started(*LONG) as child:
        for _ in range(4):
            child.stderr.readline()
        child.terminate()
        out, err = child.communicate(timeout=300)
    assert (child.returncode, out) == (143, "") and err.endswith("fastmlp-train: terminated\n")


@posix
def test_a_terminal_that_is_gone(tmp_path):
    read, write = os.pipe()
    with started(*LONG, "--quiet", "--checkpoint", tmp_path, stderr=write) as child:
        os.close(write)
        begun(tmp_path, child)
        os.close(read)
        child.send_signal(signal.SIGHUP)
        out, _ = child.communicate(timeout=300)
    assert (child.returncode, out) == (129, "")


def test_the_handlers_of_a_caller_are_there_again(command):
    names = [name for name in ENDS if hasattr(signal, name)]
    before = [signal.getsignal(getattr(signal, name)) for name in names]
    assert command("--quiet", "--epochs", 1, "--hidden", 4)[0] == 0
    assert [signal.getsignal(getattr(signal, name)) for name in names] == before


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "adamw", "nadam", "rmsprop", "ftrl", "schedulefreeadamw"])
def test_a_run_in_parts_is_a_run(tmp_path, result, optimizer):
    same = (*SMALL, "--optimizer", optimizer, "--batch-size", 100, "--validation-split", 0.2, "--l2", 1e-4)
    paths = [tmp_path / "whole.safetensors", tmp_path / "parts.safetensors"]
    whole = result(*same, "--epochs", 7, "--output", paths[0])
    result(*same, "--epochs", 2, "--checkpoint", tmp_path / "kept", "--checkpoint-every", 5)
    result(*same, "--epochs", 3, "--resume", tmp_path / "kept", "--checkpoint-every", 2, "--threads", 1)
    parts = result(*same, "--epochs", 7, "--resume", tmp_path / "kept", "--output", paths[1])
    assert in_time(whole) == in_time(parts) and len(parts["history"]["loss"]) == 7
    assert paths[0].read_bytes() == paths[1].read_bytes()
    again = result(*same, "--epochs", 7, "--resume", tmp_path / "kept", "--output", paths[1])  # nothing is left to do
    assert in_time(whole) == in_time(again) and paths[0].read_bytes() == paths[1].read_bytes()
    names = sorted(path.name for path in (tmp_path / "kept").iterdir())
    assert names == ["checkpoint-000006.safetensors", "checkpoint-000007.safetensors"]


def test_the_same_command_begins_and_goes_on(tmp_path, result):
    same = (*SMALL, "--checkpoint", tmp_path / "kept", "--resume", tmp_path / "kept")
    first = result(*same, "--epochs", 2)
    second = result(*same, "--epochs", 4)
    assert second["history"]["loss"][:2] == first["history"]["loss"] and len(second["history"]["loss"]) == 4


def test_a_run_goes_on_in_another_folder(tmp_path, result):
    first, second = tmp_path / "first", tmp_path / "second"
    result(*SMALL, "--epochs", 2, "--checkpoint", first)
    result(*SMALL, "--epochs", 4, "--resume", first, "--checkpoint", second)
    assert max(os.listdir(first)) == "checkpoint-000002.safetensors"
    assert sorted(os.listdir(second)) == ["checkpoint-000003.safetensors", "checkpoint-000004.safetensors"]


def damage_cut(data):
    return data[: len(data) // 2]


def damage_bit(data):
    middle = len(data) - 100
    return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]


DAMAGES = {"cut": damage_cut, "a bit": damage_bit, "empty": lambda data: b"", "zeros": lambda data: bytes(len(data))}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_checkpoint_is_passed_over(tmp_path, command, result, damage):
    whole = result(*SMALL, "--epochs", 4)
    result(*SMALL, "--epochs", 3, "--checkpoint", tmp_path)
    last = tmp_path / "checkpoint-000003.safetensors"
    last.write_bytes(DAMAGES[damage](last.read_bytes()))
    (tmp_path / f".{last.name}.0123456789abcdef.part").write_bytes(b"left by a killed writer")
    status, out, err = command(*SMALL, "--epochs", 4, "--json", "--resume", tmp_path)
    assert status == 0 and f"passed over a damaged checkpoint: resume: got {str(last)!r}" in err
    assert in_time(json.loads(out)) == in_time(whole)
    for path in tmp_path.iterdir():
        assert path.suffix == ".safetensors"
        path.write_bytes(DAMAGES[damage](path.read_bytes()))
    status, _, err = command(*SMALL, "--epochs", 4, "--quiet", "--resume", tmp_path)
    assert status == 2 and is_error(err, "where all checkpoints are damaged, needs a good one")


@pytest.mark.parametrize(
    "change",
    [
        {"run": [1]},
        {"history": {"epoch": ["x"], "values": {}}},
        {"history": {"epoch": [0], "values": {"loss": 3}}},
        {"callbacks": [3]},
        {"stopped": 3},
        {"epochs_trained": None},
    ],
)
def test_a_checkpoint_of_other_content_is_refused_though_its_checksum_is_right(tmp_path, command, result, change):
    from fastmlp.commands.checkpoints import CHECKPOINT, content
    from fastmlp.data.files import read, write

    result(*SMALL, "--epochs", 1, "--checkpoint", tmp_path)
    for path in tmp_path.iterdir():
        header, tensors = read(path, CHECKPOINT, content)
        header |= change
        write(path, CHECKPOINT, header, tensors)
    status, _, err = command(*SMALL, "--epochs", 2, "--quiet", "--resume", tmp_path)
    assert status == 2 and is_error(err, "needs a checkpoint of this run")


def test_a_checkpoint_of_another_run_is_refused_by_name(tmp_path, command, result):
    folder, data = tmp_path / "kept", tmp_path / "data"
    data.mkdir()
    write_folder(data, X, Y)
    same = (data, "--quiet", "--epochs", 3)
    result(*same[:1], *same[2:], *SMALL, "--checkpoint", folder)
    before = {path: path.read_bytes() for path in folder.iterdir()}
    cases = {
        "--hidden: got [8], needs [16]": (*SMALL, "--hidden", 8),
        "--seed: got 1, needs 0": (*SMALL, "--seed", 1),
        "--optimizer: got sgd, needs adam": (*SMALL, "--optimizer", "sgd"),
        "--batch-size: got 7, needs 32": (*SMALL, "--batch-size", 7),
        "--dtype: got float64, needs float32": (*SMALL, "--dtype", "float64"),
        "--dropout: got 0.0, needs 0.2": ("--hidden", 16),
        "--learning-rate: got 0.5, needs None": (*SMALL, "--learning-rate", 0.5),
        "--epochs: got 2, needs at least the 3": (*SMALL, "--epochs", 2),
    }
    for message, arguments in cases.items():
        status, out, err = command(*same, *arguments, "--resume", folder)
        assert (status, out) == (2, "") and is_error(err, message), err
    x = X.copy()
    x[0, 0] += 1
    for images, labels, what in ((x, Y, "features"), (X, Y[::-1].copy(), "labels"), (X[:27], Y[:27], "features")):
        write_folder(data, images, labels)
        status, out, err = command(*same, *SMALL, "--resume", folder)
        assert (status, out) == (2, "") and is_error(err, f"{what} of training: got "), err
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


def test_folders_that_do_not_fit(tmp_path, command, result):
    kept, empty, file = tmp_path / "kept", tmp_path / "empty", tmp_path / "file"
    empty.mkdir()
    file.touch()
    result(*SMALL, "--epochs", 1, "--checkpoint", kept)
    cases = {
        "--checkpoint: got": ("--checkpoint", kept),
        "--resume: got": ("--resume", empty),
        "argument --resume: got": ("--resume", file),
        "needs a folder, or a new name": ("--checkpoint", file),
        "--checkpoint-every: got it alone": ("--checkpoint-every", 3),
        "argument --checkpoint-every: got '0'": ("--checkpoint-every", 0),
    }
    for message, arguments in cases.items():
        status, out, err = command(*SMALL, "--epochs", 1, "--quiet", *arguments)
        assert (status, out) == (2, "") and is_error(err, message), err


def test_a_checkpoint_is_a_model(tmp_path, result):
    found = result(*SMALL, "--epochs", 2, "--checkpoint", tmp_path, "--output", tmp_path / "model.safetensors")
    model, last = (load_model(tmp_path / f"{name}.safetensors") for name in ("model", "checkpoint-000002"))
    assert last.classes == found["classes"]
    assert all(map(np.array_equal, model.get_weights(), last.get_weights()))


@posix
def test_a_full_disk_is_told(tmp_path):
    def limit():
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    run = process("--quiet", *SMALL, "--epochs", 2, "--checkpoint", tmp_path / "kept", preexec_fn=limit)
    assert run.returncode == 2 and is_error(run.stderr, "File too large")
    assert os.listdir(tmp_path / "kept") == []
