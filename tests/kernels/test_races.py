"""Places in a caller's memory, such as labels, may change while compiled code runs: no place outside is read.

A write into memory that is read later ends a process, so each attack has one of its own.
"""

import subprocess
import sys

import pytest

SETUP = """
import threading
import time
import numpy as np
from fastmlp import kernels
from fastmlp.kernels.engine import Network
from fastmlp.kernels.engine.sparse_rows import SparseRows

rows, columns = 4000, 10
places, good, bad = np.zeros(rows, {dtype}), 1, {bad}
numbers = np.ones(rows, np.float32)
probabilities = np.full((rows, columns), 0.1, np.float32)
order, labels = np.arange(rows), np.zeros(rows, np.intc)
softmax = dict(kind="dense", units=columns, activation="softmax", use_bias=True)
network = Network(columns, [softmax], "sparse_categorical_crossentropy", dict(name="sgd", learning_rate=0.0))
sparse = Network(columns, [softmax], "sparse_categorical_crossentropy", dict(name="sgd", learning_rate=0.0))
starts = np.arange(rows + 1)
ended = threading.Event()

def write():
    while not ended.is_set():
        places[:] = bad
        places[:] = good

def attack():
    {call}

writer = threading.Thread(target=write)
writer.start()
until, calls, refused = time.monotonic() + 0.3, 0, 0
while time.monotonic() < until or not calls or not refused:
    try:
        attack()
        calls += 1
    except ValueError as error:
        assert "needs 0 to" in str(error), error
        refused += 1
    assert time.monotonic() < until + 20, (calls, refused)
ended.set()
writer.join()
print("survived")
"""
LABELS, ORDER, COLUMNS = ("np.intc", "2**31 - 1"), ("np.int64", "2**60"), ("np.int32", "2**31 - 1")
ATTACKS = {
    "sparse_categorical_crossentropy": (*LABELS, "kernels.sparse_categorical_crossentropy(places, probabilities)"),
    "its gradient": (*LABELS, "kernels.sparse_categorical_crossentropy_gradient(places, probabilities)"),
    "from logits": (*LABELS, "kernels.sparse_categorical_crossentropy_from_logits(places, probabilities)"),
    "its gradient from logits": (
        *LABELS,
        "kernels.sparse_categorical_crossentropy_from_logits_gradient(places, probabilities)",
    ),
    "labels of train_epoch": (*LABELS, "network.train_epoch(probabilities, places, order, 50)"),
    "labels of evaluate": (*LABELS, "network.evaluate(probabilities, places)"),
    "order of train_epoch": (*ORDER, "network.train_epoch(probabilities, labels, places, 50)"),
    "order of train_epochs": (*ORDER, "network.train_epochs(probabilities, labels, places.reshape(2, -1), 50, [])"),
    "columns of sparse rows": (
        *COLUMNS,
        "sparse.train_epoch(SparseRows(numbers, places, starts, (rows, columns)), labels, order, 50)",
    ),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_no_writer_leads_a_kernel_out_of_its_memory(name):
    dtype, bad, call = ATTACKS[name]
    code = SETUP.format(dtype=dtype, bad=bad, call=call)
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert ran.stdout == "survived\n", (ran.returncode, ran.stderr[-2000:])
