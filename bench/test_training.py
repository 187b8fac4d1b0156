"""One training step of 784-512-10 on 128 rows of MNIST: the oracle, NumPy by hand and fastmlp."""

from dataclasses import replace

import numpy as np
import pytest

from bench import job
from bench.contenders import fastmlp, numpy_by_hand, oracle
from fastmlp.config.threads import get_num_threads

SLICE = 3  # rows of the step that is compared with the oracle's
TOLERANCE = 784 * float(np.finfo(np.float32).eps)  # of sums of 784 terms; the step itself moves predictions by far more
BATCH = job.Settings().batch_size
THREADS = [1, get_num_threads()] if get_num_threads() > 1 else [1]
CONTENDERS = [("oracle", oracle, 1), ("NumPy", numpy_by_hand, 1)] + [("fastmlp", fastmlp, n) for n in THREADS]
IDS = [f"{name}-{threads}" for name, _, threads in CONTENDERS]


def started(module, mnist, rows, threads):
    """A contender with its initial weights and that many rows, which are one batch."""
    (x, y), (x_test, y_test) = mnist
    settings = replace(job.Settings(), rows=rows, threads=threads)
    contender = module.Trainer(job.make(settings, (x[:rows], y[:rows]), (x_test[:SLICE], y_test[:SLICE])))
    contender.reset()
    return contender


def predicted(module, mnist, threads):
    """What a contender predicts for a few test rows after one small step."""
    contender = started(module, mnist, SLICE, threads)
    contender.train()
    _, (x, _) = mnist
    return contender.predict(x[:SLICE])


@pytest.fixture(scope="session")
def expected(mnist):
    return predicted(oracle, mnist, 1)


@pytest.mark.parametrize(("name", "module", "threads"), CONTENDERS, ids=IDS)
def test_mnist_step(name, module, threads, mnist, expected, stopwatch):
    label = {"job": "MNIST training step", "size": f"batch {BATCH}", "contender": name, "threads": threads}
    if module is oracle:
        stopwatch.part(lambda rows: started(oracle, mnist, rows, threads).train, BATCH, **label)
        return
    np.testing.assert_allclose(predicted(module, mnist, threads), expected, rtol=TOLERANCE)
    stopwatch.whole(started(module, mnist, BATCH, threads).train, **label)
