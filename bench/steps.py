"""Steps of training on Gaussian inputs, by SGD on the mean squared error, to be timed in this process."""

import time
from itertools import pairwise

import numpy as np

from fastmlp.config.threads import threads_for
from fastmlp.kernels import Network

ROWS = 1024
SPAN = 0.05  # seconds of one measurement at least, unless one step takes longer
REPEATS = 5


def stepper(widths, batch, threads=None):
    """A function that trains so many steps and returns the seconds; and how many threads the network has."""
    rng = np.random.default_rng(0)
    layer = {"kind": "dense", "use_bias": True}
    activations = ["relu"] * (len(widths) - 2) + ["linear"]
    network = Network(
        widths[0],
        [{**layer, "units": n, "activation": name} for n, name in zip(widths[1:], activations, strict=True)],
        loss="mean_squared_error",
        optimizer={"name": "sgd", "learning_rate": 0.01},
    )
    network.threads = threads or threads_for(work(widths, batch))
    network.set_weights([rng.standard_normal(w.shape, np.float32) / w.shape[0] ** 0.5 for w in network.get_weights()])
    x, y = (rng.standard_normal((max(ROWS, batch), width), np.float32) for width in (widths[0], widths[-1]))

    def run(steps):
        order = np.resize(rng.permutation(len(x)), steps * batch)
        start = time.perf_counter()
        network.train_epoch(x, y, order, batch)
        return time.perf_counter() - start

    run(1)
    return run, network.threads


def work(widths, batch):
    """Multiply-adds of a step: three products a layer, one less in the first."""
    sizes = [n * m for n, m in pairwise(widths)]
    return batch * (3 * sum(sizes) - sizes[0])


def least(*runs, span=SPAN, repeats=REPEATS):
    """The least seconds of a step by each of these functions, which take turns, since noise only adds."""
    counts = [steps_in(span, run) for run in runs]
    turns = [[run(steps) / steps for run, steps in zip(runs, counts, strict=True)] for _ in range(repeats)]
    return [min(times) for times in zip(*turns, strict=True)]


def steps_in(span, run):
    """How many steps take about so many seconds."""
    steps = 1
    while (found := run(steps)) < span / 2:
        steps *= max(2, min(16, int(span / max(found, 1e-6) / 2)))
    return steps
