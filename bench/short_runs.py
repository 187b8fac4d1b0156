"""Short runs of new networks beside other programs: `python -m bench.short_runs`.

Beside 0, 1, 2, 4 and 8 loops that want a CPU each, and with all threads on one core, new networks of 784-256-10 train
for four epochs of 6,000 rows, evaluate them and predict them, by turns on one thread and on all. Where a network's
first steps tell how many threads pay, that must not cost more than it saves: the mean times of the turns are compared,
all threads over one.
"""

import argparse
import os
import time
from contextlib import nullcontext

import numpy as np

import fastmlp
from bench.busy import LOOPS, ONE_CORE, busy_loops, on_one_core
from bench.table import aligned, processor
from fastmlp.layers import Dense, Input

RUNS = {
    "fit": lambda model, x, y: model.fit(x, y, 128, 4, verbose=0),
    "evaluate": lambda model, x, y: model.evaluate(x, y, verbose=0),
    "predict": lambda model, x, y: model.predict(x, verbose=0),
}


def main(arguments=None):
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m bench.short_runs", description=__doc__.partition("\n")[0])
    parser.add_argument("--turns", type=int, default=20)
    parser.add_argument("--quick", action="store_true", help="one turn, no loops")
    options = parser.parse_args(arguments)
    columns = [0] if options.quick else [*LOOPS, *([ONE_CORE] if hasattr(os, "sched_setaffinity") else [])]
    threads = fastmlp.get_num_threads()
    print(f"mean time on {threads} threads over that on one, beside busy loops\n")
    found = [ratios(column, threads, 1 if options.quick else options.turns) for column in columns]
    rows = [("new network", *[f"{it} loops" if it in LOOPS else it for it in columns])]
    rows += [(name, *[f"{of_column[name]:.2f}" for of_column in found]) for name in RUNS]
    print("\n".join([*aligned(rows), "", processor()]))


def ratios(column, threads, turns):
    """For each kind of run, the time on all threads over that on one, beside so many loops or on one core."""
    random = np.random.default_rng(0)
    x, y = random.normal(size=(6_000, 784)).astype(np.float32), random.integers(0, 10, 6_000).astype(np.int32)
    seconds = {(name, count): 0.0 for name in RUNS for count in (1, threads)}
    with on_one_core() if column == ONE_CORE else nullcontext(), busy_loops(0 if column == ONE_CORE else column):
        for name, run in RUNS.items():
            for turn in range(turns):
                for count in (1, threads)[:: 1 if turn % 2 else -1]:
                    seconds[name, count] += time_of(run, count, x, y)
    fastmlp.set_num_threads(None)
    return {name: seconds[name, threads] / seconds[name, 1] for name in RUNS}


def time_of(run, threads, x, y):
    """The time of a run of a new network, in seconds."""
    fastmlp.set_num_threads(threads)
    model = fastmlp.Sequential([Input((784,)), Dense(256, "relu"), Dense(10, "softmax")], seed=1)
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.predict(x[:1], verbose=0)
    started = time.perf_counter()
    run(model, x, y)
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
