"""On a Python without the GIL, nothing of fastmlp brings it back."""

import subprocess
import sys
import sysconfig
import threading
from pathlib import Path

import numpy as np
import pytest

import fastmlp
from fastmlp import kernels
from fastmlp.kernels import Network
from tests.networks import OPTIMIZERS, dense

PACKAGE = Path(fastmlp.__file__).parent
MODULES = sorted(".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts) for path in PACKAGE.rglob("*.pyx"))
without_gil = pytest.mark.skipif(
    not sysconfig.get_config_var("Py_GIL_DISABLED"), reason="needs a Python that is built without the GIL"
)


@without_gil
def test_no_module_brings_the_gil_back():
    code = "import importlib, sys; list(map(importlib.import_module, sys.argv[1:])); print(sys._is_gil_enabled())"
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, *MODULES], capture_output=True, text=True, check=False
    )
    assert (run.stdout, run.stderr) == ("False\n", "")


def test_threads_that_train_networks_of_their_own_have_the_bits_of_one():
    x, y = np.random.default_rng(0).normal(size=(2, 40, 6)).astype(np.float32)

    def trained(seed):
        network = Network(6, [dense(8, "tanh"), dense(6)], "mean_squared_error", OPTIMIZERS[1], "float32")
        random = np.random.default_rng(seed)
        network.set_weights([random.normal(size=array.shape).astype(np.float32) for array in network.get_weights()])
        for _ in range(30):
            network.train_epoch(x, y, np.arange(40), 8)
        return np.concatenate([array.ravel() for array in network.get_weights()]).tobytes()

    alone, found = [trained(seed) for seed in range(4)], {}
    threads = [threading.Thread(target=lambda seed=seed: found.update({seed: trained(seed)})) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [found[seed] for seed in range(4)] == alone


def test_threads_that_call_kernels_have_the_bits_of_one():
    x = np.random.default_rng(0).normal(size=(64, 48))
    expected, wrong = kernels.softmax(x).tobytes(), []

    def check():
        wrong.extend(1 for _ in range(200) if kernels.softmax(x).tobytes() != expected)

    threads = [threading.Thread(target=check) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
