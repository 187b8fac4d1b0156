"""The engine has not lost its speed: a step of training against NumPy's products of the same shapes, in one run.

The limits are half as much again as a usual ratio, so that losing half the speed fails wherever it runs, and noise does
not. They are ratios of least times on one thread; see guard.py.
"""

import json
import subprocess
import sys

import pytest

from bench import guard
from bench.process import ROOT, environment
from fastmlp.kernels import isa

LIMITS = {"mnist_shape": 1.4, "deep_adam": 1.5, "small_adam": 1.5}
VECTORS = any(name != "base" for name in isa.supported())


def ratios(**overrides):
    """What guard prints in a process of its own, with one thread for NumPy too."""
    variables = {**environment(1), **overrides}
    command = [sys.executable, "-m", "bench.guard"]
    return json.loads(subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, check=True).stdout)


@pytest.mark.skipif(not VECTORS, reason="fastmlp has no vectors for this CPU, NumPy may have")
def test_the_engine_has_its_speed():
    too_slow = {name: ratio for name, ratio in ratios().items() if ratio > LIMITS[name]}
    assert not too_slow


@pytest.mark.skipif("avx2" not in isa.supported(), reason="base is as fast here")
def test_a_slow_engine_is_noticed():
    noticed = {name for name, ratio in ratios(FASTMLP_ISA="base").items() if ratio > LIMITS[name]}
    assert noticed == {case.name for case in guard.CASES}
