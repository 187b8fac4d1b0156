"""The examples run, and reach what they say."""

import runpy
from pathlib import Path

import pytest

from fastmlp.datasets._fetch import own_folder

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"


def run(name, *arguments):
    return runpy.run_path(str(EXAMPLES / f"{name}.py"))["main"](list(arguments))


@pytest.mark.skipif(own_folder("mnist") is None, reason="needs MNIST in FASTMLP_DATA")
def test_mnist_98_percent(capsys):
    assert run("mnist_98_percent", "--seed", "1") >= 0.98
    assert "test accuracy 98." in capsys.readouterr().out
