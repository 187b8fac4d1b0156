"""How long OpenMP's threads spin: the library is asked what it has read."""

import os
import subprocess
import sys

import pytest

import fastmlp.kernels.ranges as compiled
from tests.conftest import THREADS_ARE_WATCHED

NAMES = ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")


def spins(**environment):
    """What GNU's library displays when it is loaded, and the variable after the import."""
    plain = {name: value for name, value in os.environ.items() if name not in NAMES}
    code = "import os, fastmlp.kernels; print(os.environ.get('GOMP_SPINCOUNT'))"
    shown = {**plain, "OMP_DISPLAY_ENV": "VERBOSE", **environment}
    done = subprocess.run([sys.executable, "-c", code], env=shown, capture_output=True, text=True, check=True)
    found = [line.split("=")[1].strip(" '") for line in done.stderr.splitlines() if "GOMP_SPINCOUNT" in line]
    if not found:
        pytest.skip(f"{compiled.__file__} does not use GNU's OpenMP")
    return found[0], done.stdout.strip()


@pytest.mark.skipif(THREADS_ARE_WATCHED, reason="OpenMP is loaded before fastmlp then")
def test_they_spin_for_a_moment_and_the_environment_stays_as_it_was():
    assert spins() == ("10000", "None")


def test_what_the_user_has_set_holds():
    assert spins(GOMP_SPINCOUNT="77") == ("77", "77")
    assert spins(OMP_WAIT_POLICY="active")[0] not in ("10000", "77")
