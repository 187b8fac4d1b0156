"""The benchmark of many models trains the same ones in every way, and prints a line for each."""

import importlib.util
from types import SimpleNamespace

import pytest

from bench import many


def test_a_small_run(monkeypatch, capsys):
    monkeypatch.setattr(many, "OTHERS", [("scikit-learn", "sklearn", lambda x, y, options: 1.0)])
    many.main(["--models", "3", "--rows", "64", "--epochs", "2", "--turns", "1"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "3 models of 20-64-64-1, 64 rows, 2 epochs" and lines[3].endswith("1.00x")
    assert [line.split()[0] for line in lines[3:7]] == ["fit_many", "fit,", "fit", "scikit-learn"]


@pytest.mark.parametrize(
    ("name", "module", "train"), many.OTHERS, ids=lambda value: value if isinstance(value, str) else ""
)
def test_others_train(name, module, train):
    if importlib.util.find_spec(module) is None:
        pytest.skip(f"needs {module}")
    options = SimpleNamespace(models=2, epochs=2)
    assert train(*many.data(64), options) > 0
