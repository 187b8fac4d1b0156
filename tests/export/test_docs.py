"""The programs of docs/export.md, run as a reader would."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.export.test_c_source import COMPILER, needs_compiler, needs_fma

TEXT = (Path(__file__).parents[2] / "docs" / "export.md").read_text(encoding="utf-8")


@needs_compiler
@needs_fma
def test_the_programs_of_the_page(tmp_path, monkeypatch):
    pytest.importorskip("onnx", reason="needs onnx")
    pytest.importorskip("onnxruntime", reason="needs onnxruntime")
    monkeypatch.chdir(tmp_path)
    trains, runs, compares = re.findall(r"```python\n(.*?)```", TEXT.partition("<!-- needs PyTorch -->")[0], re.DOTALL)
    (program,) = re.findall(r"```c\n(.*?)```", TEXT, re.DOTALL)
    command = re.search(r"^cc (.* program\.c .*)$", TEXT, re.MULTILINE)[1]
    names = {}
    exec(trains, names)
    exec(runs, names)
    Path("program.c").write_text(program)
    subprocess.run([*COMPILER.split(), *command.split()], check=True)
    exec(compares, names)
