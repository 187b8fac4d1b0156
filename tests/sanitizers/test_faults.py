"""The sanitizers find what they are there for; of the builds by `python -m tests.sanitizers` only."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.sanitizers.__main__ import COMPILER, ROOT

SANITIZE = os.environ.get("FASTMLP_SANITIZE", "")
pytestmark = pytest.mark.skipif(not SANITIZE, reason="needs a build with FASTMLP_SANITIZE")
FAULTS = {
    "past_the_end(3)": ("address", "heap-buffer-overflow"),
    "undefined_shift(40)": ("undefined", "shift exponent 40 is too large"),
    "undefined_cast(ctypes.c_double(1e30))": ("undefined", "is outside the range of representable values"),
    "neighbours(3, 0)": ("thread", "data race"),
}
BEYOND = """
from tests.sanitizers import tight
from fastmlp.kernels.engine import parameters
array = parameters.aligned((3,), "float32")
ctypes.string_at(array.ctypes.data + 4, 9)
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    path = tmp_path_factory.mktemp("faults") / "faults.so"
    source = Path(__file__).with_name("faults.c")
    flags = [f"-fsanitize={SANITIZE}", "-fno-sanitize-recover=all", "-fopenmp", "-I", "fastmlp/kernels"]
    subprocess.run([*COMPILER, "-shared", "-fPIC", "-g", *flags, source, "-o", path], cwd=ROOT, check=True)
    return path


def reported(code):
    """Return what a process that runs the code says of it, which is no finding of the tests."""
    options = {
        name: text.partition(":log_path")[0] for name, text in os.environ.items() if name.endswith("SAN_OPTIONS")
    }
    command, environment = [sys.executable, "-c", code], os.environ | options
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True).stderr


def call_of(library, call):
    return f"import ctypes; print(ctypes.CDLL({str(library)!r}).{call})"


@pytest.mark.parametrize("call", FAULTS)
def test_a_fault_is_found(library, call):
    sanitizer, report = FAULTS[call]
    if sanitizer not in SANITIZE:
        pytest.skip(f"needs a build with FASTMLP_SANITIZE={sanitizer}")
    assert report in reported(call_of(library, call))


@pytest.mark.skipif("thread" not in SANITIZE, reason="needs a build with FASTMLP_SANITIZE=thread")
def test_the_barrier_and_the_end_of_a_region_are_understood(library):
    assert reported(call_of(library, "neighbours(3, 1)")) == ""


@pytest.mark.skipif("address" not in SANITIZE, reason="needs a build with FASTMLP_SANITIZE=address")
def test_memory_of_the_engine_ends_where_it_is_asked_for_to_end():
    assert "use-after-poison" in reported(f"import ctypes\n{BEYOND}")
