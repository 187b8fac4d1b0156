"""What skipping zeros gains and costs, at every density of the inputs: `python -m bench.density`.

A step of training with skipping and one without take turns in this process, on one thread; the least times of many
turns are compared, since noise only adds. The zeros lie anywhere, which suits pairs of rows least. Below 1, skipping is
faster; it must never be much above.
"""

import time
from dataclasses import replace

import numpy as np

from bench import data, job
from bench.jobs import GAUSSIAN
from bench.table import aligned, processor
from fastmlp.kernels import Network
from fastmlp.kernels.engine import network as engine

DENSITIES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
WIDTHS = ((784, 512, 10), (784, 64, 10), (256, 256, 256, 10), (64, 64, 64, 3))
STEPS = 6  # in one turn
TURNS = 40


def main():
    """Print the table."""
    rows = [("network", *[f"{density:.0%}" for density in DENSITIES])]
    for widths in WIDTHS:
        rows.append(("-".join(map(str, widths)), *[f"{ratio(widths, density):.3f}" for density in DENSITIES]))
    print("time with skipping over time without, for each share of the inputs that is not 0\n")
    print("\n".join(aligned(rows)))
    print(f"\n{processor()}")


def ratio(widths, density):
    """The least time of a turn with skipping over the least without."""
    settings = replace(GAUSSIAN, widths=widths, rows=STEPS * GAUSSIAN.batch_size, test_rows=1, threads=1)
    work = job.make(settings, *data.of(settings))
    x = work.x_train * (np.random.default_rng(0).random(work.x_train.shape) < density)
    networks = [network(settings, work.weights, skip) for skip in (True, False)]
    with_skipping, without = zip(
        *[[elapsed(each, x, work) for each in networks] for _ in range(TURNS)],
        strict=True,
    )
    return min(with_skipping) / min(without)


def network(settings, weights, skip):
    """A network that skips zeros, or does not."""
    kept, engine.SKIP_ZEROS = engine.SKIP_ZEROS, skip
    made = Network(**settings.network())
    engine.SKIP_ZEROS = kept
    made.set_weights(weights)
    return made


def elapsed(network, x, work):
    start = time.perf_counter()
    network.train_epoch(x, work.y_train, work.order, work.settings.batch_size)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
