"""Which instruction set is used: a pure choice, and the environment variable that overrides it."""

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

import fastmlp
from fastmlp.kernels import isa

PRINT = "from fastmlp.kernels import isa; print(isa.name())"


def python(code, *arguments, **environment):
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("requested", "available", "chosen"),
    [
        (None, ("avx512", "avx2", "base"), "avx512"),
        ("", ("avx2", "base"), "avx2"),
        ("avx2", ("avx512", "avx2", "base"), "avx2"),
        ("base", ("avx512", "avx2", "base"), "base"),
        (None, ("base",), "base"),
    ],
)
def test_choice(requested, available, chosen):
    assert isa.choose(requested, available) == chosen


def test_impossible_request_lists_what_there_is():
    with pytest.raises(ValueError, match="FASTMLP_ISA: got 'avx512', needs one that this machine has: avx2, base"):
        isa.choose("avx512", ("avx2", "base"))


@pytest.mark.parametrize("name", isa.supported())
def test_environment_decides_at_import(name):
    assert python(PRINT, FASTMLP_ISA=name).stdout == f"{name}\n"


def test_environment_without_a_name_takes_the_best():
    assert python(PRINT, FASTMLP_ISA="").stdout == f"{isa.supported()[0]}\n"


def test_impossible_environment_raises_at_import():
    run = python(PRINT, FASTMLP_ISA="sparc")
    assert run.returncode != 0
    assert "ValueError: FASTMLP_ISA: got 'sparc', needs one that this machine has:" in run.stderr


def test_a_source_folder_that_is_not_built_says_so(tmp_path):
    source = Path(fastmlp.__file__).parent
    shutil.copytree(source, tmp_path / "fastmlp", ignore=shutil.ignore_patterns("*.so", "*.pyd", "__pycache__", "data"))
    run = python("import sys; sys.path.insert(0, sys.argv[1]); import fastmlp.kernels", str(tmp_path))
    assert run.returncode == 1
    assert f"ImportError: fastmlp is not built in {tmp_path / 'fastmlp' / 'kernels'}" in run.stderr
    assert "`pip install -e .`" in run.stderr


def test_the_last_one_runs_everywhere():
    assert isa.supported()[-1] in ("base", "neon")


def test_one_build_is_for_all_pythons_with_the_gil():
    assert isa.has_limited_api() == (not sysconfig.get_config_var("Py_GIL_DISABLED"))
