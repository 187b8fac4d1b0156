"""The programs of docs/export.md, run as a reader would."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.export.test_c_source import COMPILER, needs_compiler, needs_fma

TEXT = (Path(__file__).parents[2] / "docs" / "export.md").read_text(encoding="utf-8")
OF_MODELS, OF_TABLES = TEXT.partition("## PyTorch")[0].split("## Tables")
COMMAND = re.search(r"^cc (.* program\.c .*)$", TEXT, re.MULTILINE)[1].split()


def blocks(text, language):
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


@needs_compiler
@needs_fma
def test_the_programs_of_models(tmp_path, monkeypatch):
    pytest.importorskip("onnx", reason="needs onnx")
    pytest.importorskip("onnxruntime", reason="needs onnxruntime")
    monkeypatch.chdir(tmp_path)
    trains, runs, compares = blocks(OF_MODELS, "python")
    names = {}
    exec(trains, names)
    exec(runs, names)
    Path("program.c").write_text(*blocks(OF_MODELS, "c"))
    subprocess.run([*COMPILER.split(), *COMMAND], check=True)
    exec(compares, names)


@needs_compiler
@needs_fma
def test_the_programs_of_tables(tmp_path, monkeypatch):
    pytest.importorskip("sklearn", reason="needs scikit-learn")
    pytest.importorskip("onnx", reason="needs onnx")
    pytest.importorskip("onnxruntime", reason="needs onnxruntime")
    monkeypatch.chdir(tmp_path)
    trains, runs = blocks(OF_TABLES, "python")
    names = {}
    exec(trains, names)
    exec(runs, names)
    Path("program.c").write_text(*blocks(OF_TABLES, "c"))
    subprocess.run([*COMPILER.split(), *COMMAND], check=True)
    found = subprocess.run(["./program"], capture_output=True, text=True, check=True).stdout
    assert f"```\n{found}```" in OF_TABLES
    row = {"age": [41.5], "city": ["Oslo"], "member": [None], "since": ["2017-07-14T02:40:00"]}
    (probabilities,) = names["model"].predict_proba(names["pl"].DataFrame(row, schema_overrides={"member": bool}))
    assert float(found.split()[1]) == round(float(probabilities.max()), 4)
