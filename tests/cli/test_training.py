"""What fastmlp-train trains: the default network, what the options change, and the features of a folder."""

import json
import os
import re

import numpy as np
import pytest

from fastmlp import optimizers
from fastmlp.commands.options import OPTIMIZERS
from fastmlp.layers import Dense, Dropout, Rescaling
from fastmlp.models import load_model
from tests.cli.command import BAR, QUICK, X, Y, process, write_folder


def test_the_default_command_learns_the_digits_in_under_three_seconds():
    """Of the CPUs' time, since other programs may be running; start and end included."""
    seconds = []
    for _ in range(3):
        before = os.times()
        run = process("--json")
        after = os.times()
        assert run.returncode == 0
        assert run.stdout.count("\n") == 1
        found = json.loads(run.stdout)
        lines = run.stderr.splitlines()
        assert lines[0::2] == [f"Epoch {epoch}/20" for epoch in range(1, 21)]
        assert all(re.fullmatch(BAR, line) for line in lines[1::2])
        assert found["test_accuracy"] >= 0.97
        seconds.append(after.children_user + after.children_system - before.children_user - before.children_system)
        if seconds[-1] < 3.0:
            break
    assert min(seconds) < 3.0


@pytest.mark.slow
def test_the_default_network_learns_the_digits_with_every_seed(result):
    accuracies = [result("--threads", 1, "--seed", seed)["test_accuracy"] for seed in range(10)]
    assert min(accuracies) >= 0.97
    assert len(set(accuracies)) > 1


@pytest.mark.slow
@pytest.mark.usefixtures("mnist_available")
def test_mnist_with_one_hidden_layer(result):
    found = result("mnist", "--hidden", 512, "--optimizer", "adam", "--batch-size", 128, "--epochs", 5)
    assert (found["train_samples"], found["test_samples"], found["parameters"]) == (60_000, 10_000, 407_050)
    assert found["test_accuracy"] >= 0.977


def test_the_options_reach_the_network_and_its_training(command, tmp_path):
    path = tmp_path / "model.safetensors"
    status, _, err = command(
        *("--hidden", "7,5", "--activation", "tanh", "--dropout", "0.25", "--optimizer", "rmsprop"),
        *("--learning-rate", "0.002", "--l2", "0.001", "--dtype", "float64", "--batch-size", "100", "--epochs", "2"),
        *("--seed", "3", "--output", path),
    )
    assert status == 0
    assert re.findall(r"\d+/\d+ (?=\S{20} )", err) == ["15/15 ", "15/15 "]
    model = load_model(path)
    shown = [(layer.units, layer.activation.__name__) for layer in model.layers if isinstance(layer, Dense)]
    assert shown == [(7, "tanh"), (5, "tanh"), (10, "softmax")]
    assert [layer.kernel_regularizer.l2 for layer in model.layers if isinstance(layer, Dense)] == [0.001] * 3
    assert [layer.rate for layer in model.layers if isinstance(layer, Dropout)] == [0.25, 0.25]
    assert (type(model.optimizer), model.optimizer.learning_rate) == (optimizers.RMSprop, 0.002)
    assert (model.dtype, model.seed, model.epochs_trained) == ("float64", 3, 2)


def test_the_optimizers_own_learning_rate_is_the_default(command, tmp_path):
    path = tmp_path / "model.safetensors"
    of_help = {"sgd": 0.01, "schedulefreeadamw": 0.0025}
    for name in OPTIMIZERS:
        assert command(*QUICK, "--optimizer", name, "--output", path)[0] == 0
        learning_rate = load_model(path).optimizer.learning_rate
        assert learning_rate == optimizers.get(name).learning_rate == of_help.get(name, 0.001)


def test_the_same_seed_gives_the_same_weights_for_any_number_of_threads(command, tmp_path):
    weights = []
    for name, seed, threads in [("a", 1, 1), ("b", 1, 2), ("c", 2, 1)]:
        path = tmp_path / f"{name}.safetensors"
        arguments = ("--epochs", 2, "--hidden", "512,256", "--dropout", 0.1, "--seed", seed, "--threads", threads)
        assert command(*arguments, "--output", path)[0] == 0
        weights.append(b"".join(array.tobytes() for array in load_model(path).get_weights()))
    assert weights[0] == weights[1] != weights[2]


@pytest.mark.parametrize("threads", [1, 2])
def test_no_more_threads_than_asked_for(result, threads):
    assert result("--epochs", 1, "--batch-size", 1437, "--threads", threads)["threads"] == threads


@pytest.mark.parametrize(
    ("x", "scales"),
    [
        (X, [1 / int(X.max())]),
        (X.astype(np.int16) - 1000, [1 / (1000 - int(X.min()))]),
        (np.zeros_like(X), [1.0]),
        (X / np.float32(200), []),
        (X / 200.0, []),
    ],
    ids=["uint8", "int16", "zeros", "float32", "float64"],
)
def test_integer_features_of_a_folder_are_scaled_and_floats_are_not(result, tmp_path, x, scales):
    path = tmp_path / "model.safetensors"
    found = result(write_folder(tmp_path, x, Y), *QUICK, "--output", path)
    assert (found["dataset"], found["train_samples"], found["parameters"]) == (str(tmp_path), 30, 5 * 16 + 16 + 51)
    assert [layer.scale for layer in load_model(path).layers if isinstance(layer, Rescaling)] == scales
