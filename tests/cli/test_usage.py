"""The options of fastmlp-train: their help, their choices, and bad usage, which is status 2 and one line."""

import subprocess
import sys
from importlib import metadata

import pytest

from fastmlp import activations, optimizers
from fastmlp.commands import options
from fastmlp.kernels import limits
from tests.cli.command import ENVIRONMENT, is_error, process


def test_choices_are_all_there_are():
    assert set(options.ACTIVATIONS) == set(activations.ACTIVATIONS)
    assert set(options.OPTIMIZERS) == set(optimizers.OPTIMIZERS)
    assert options.MAX_THREADS == limits.MAX_THREADS


def test_version(command):
    try:
        expected = metadata.version("fastmlp")
    except metadata.PackageNotFoundError:
        pytest.skip("fastmlp is not installed, only on the path")
    assert command("--version") == (0, f"fastmlp-train {expected}\n", "")


def test_help(command):
    status, out, err = command("--help")
    assert (status, err) == (0, "")
    options = (
        "hidden activation dropout optimizer learning-rate batch-size epochs l2 validation-split dtype threads seed"
    )
    for option in [*options.split(), "seed", "output MODEL.safetensors", "quiet", "json", "version"]:
        assert f"--{option}" in out


@pytest.mark.parametrize("arguments", [["--help"], ["--epochs", "0"], ["nowhere"]])
def test_help_and_usage_errors_need_not_wait_for_numpy(arguments):
    code = f"""
import sys
from fastmlp import cli
try:
    cli.main({arguments})
except SystemExit:
    print(*sorted(sys.modules))
"""
    run = subprocess.run([sys.executable, "-c", code], env=ENVIRONMENT, stdout=subprocess.PIPE, check=True)
    modules = run.stdout.decode().splitlines()[-1].split()
    assert "fastmlp.cli" in modules
    assert not {"numpy", "rich", "safetensors", "pooch"} & set(modules)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere"], "argument DATASET: got 'nowhere', needs one of digits, fashion_mnist, mnist, or a folder"),
        (["digits", "mnist"], "unrecognized arguments: mnist"),
        (["--hidden", "512,x"], "argument --hidden: got 'x', needs an integer of at least 1"),
        (["--hidden", "512,"], "argument --hidden: got '', needs"),
        (["--hidden", "0"], "argument --hidden: got '0', needs"),
        (["--activation", "swoosh"], "argument --activation: invalid choice: 'swoosh' (choose from"),
        (["--optimizer", "lbfgs"], "argument --optimizer: invalid choice: 'lbfgs' (choose from"),
        (["--dropout", "1.5"], "argument --dropout: got '1.5', needs a number in [0, 1)"),
        (["--dropout", "nan"], "argument --dropout: got 'nan', needs"),
        (["--learning-rate", "0"], "argument --learning-rate: got '0', needs a finite number above 0"),
        (["--learning-rate", "inf"], "argument --learning-rate: got 'inf', needs"),
        (["--batch-size", "0"], "argument --batch-size: got '0', needs"),
        (["--batch-size", "1.5"], "argument --batch-size: got '1.5', needs an integer"),
        (["--epochs", "0"], "argument --epochs: got '0', needs"),
        (["--l2", "-1"], "argument --l2: got '-1', needs a finite number of at least 0"),
        (["--validation-split", "1"], "argument --validation-split: got '1', needs a number in [0, 1)"),
        (["--validation-split", "0.9999"], "--validation-split: got 0.9999 of 1437 rows"),
        (["--dtype", "float16"], "argument --dtype: invalid choice: 'float16'"),
        (["--threads", "0"], "argument --threads: got '0', needs an integer from 1 to 256"),
        (["--threads", "257"], "argument --threads: got '257', needs"),
        (["--seed", "-1"], "argument --seed: got '-1', needs an integer of at least 0"),
        (["--epoch=3"], "unrecognized arguments: --epoch=3"),
        (["--json", "--hidden"], "argument --hidden: expected one argument"),
        (["--hidden", "10000000000000"], "units: got 10000000000000, needs an integer of at least 1 and below 2"),
        (["--output", "model.h5"], "argument --output: got 'model.h5', needs a name ending in .safetensors"),
        (["--output", "nowhere/m.safetensors"], "argument --output: got 'nowhere/m.safetensors', needs a name in a"),
        (["--output", "folder.safetensors"], "argument --output: got 'folder.safetensors', needs a new name"),
    ],
)  # fmt: skip
def test_bad_usage(command, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder.safetensors").mkdir()
    status, out, err = command(*arguments)
    assert (status, out) == (2, "")
    assert is_error(err, message)


def test_bad_usage_of_the_real_command():
    run = process("--hidden", "512,x")
    assert (run.returncode, run.stdout) == (2, "")
    assert is_error(run.stderr, "argument --hidden")


@pytest.mark.parametrize("variable", ["FASTMLP_ISA", "FASTMLP_NUM_THREADS"])
def test_impossible_environments(variable):
    run = process(environment={variable: "mmx"})
    assert (run.returncode, run.stdout) == (2, "")
    assert is_error(run.stderr, variable)
