"""How long the engine takes for a step of training, in units of NumPy's own products: `python -m bench.guard`.

Both run in this process on one thread, by turns of a few milliseconds, and the least times of many turns are compared:
noise only adds, and on a busy machine some turns of each are free of it. The inputs have no zeros to skip. Prints
{name: ratio}. Use OPENBLAS_NUM_THREADS=1.
"""

import json
import time
from dataclasses import replace
from itertools import pairwise

import numpy as np

from bench import data, job
from bench.contenders import fastmlp
from bench.jobs import ADAM, GAUSSIAN, SMALL

STEPS = 8  # in one turn
TURNS = 60

CASES = (
    replace(GAUSSIAN, name="mnist_shape", threads=1),
    replace(GAUSSIAN, name="deep_adam", widths=(784, 512, 512, 10), optimizer=ADAM, threads=1),
    replace(SMALL, name="small_adam", batch_size=32, optimizer=ADAM),
)


def ratio(settings):
    """The least time of the engine's steps over that of NumPy's products."""
    settings = replace(settings, rows=STEPS * settings.batch_size, test_rows=1)
    trainer = fastmlp.Trainer(job.make(settings, *data.of(settings)))
    trainer.reset()
    run = products(settings)
    pairs = [(elapsed(trainer.train), elapsed(run)) for _ in range(TURNS)]
    ours, numpys = zip(*pairs, strict=True)
    return min(ours) / min(numpys)


def products(settings):
    """A function that computes the matrix products of so many steps, and nothing else, with NumPy."""
    rng = np.random.default_rng(0)
    values = [rng.standard_normal((settings.batch_size, width), np.float32) for width in settings.widths]
    kernels = [rng.standard_normal(shape, np.float32) for shape in pairwise(settings.widths)]
    outputs, gradients, slopes = ([np.empty_like(a) for a in given] for given in (values, kernels, values))

    def run():
        for _ in range(STEPS):
            for i, kernel in enumerate(kernels):
                np.matmul(values[i], kernel, out=outputs[i + 1])
                np.matmul(values[i].T, values[i + 1], out=gradients[i])
                if i > 0:
                    np.matmul(values[i + 1], kernel.T, out=slopes[i])

    return run


def elapsed(run):
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


if __name__ == "__main__":
    print(json.dumps({settings.name: ratio(settings) for settings in CASES}))
