"""What other programs on the same CPUs cost: `python -m bench.busy`.

Beside 0, 1, 2, 4 and 8 loops that want a CPU each, and with one core for all its threads, every contender trains on one
thread and on all of them: a process each, by turns, for as many steps as take one thread about a tenth of a
second. The mean times of the turns are compared, as waiting for others is what is measured: all threads over one
thread, which should never be much above 1. PyTorch and JAX are contenders where they are there.
"""

import argparse
import importlib.util
import multiprocessing
import os
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from dataclasses import replace

from bench import data, job
from bench.jobs import ADAM, GAUSSIAN, MNIST
from bench.process import Contender
from bench.table import aligned, processor
from fastmlp import get_num_threads

LOOPS = (0, 1, 2, 4, 8)
ONE_CORE = "one core"
SIZES = (
    replace(MNIST, widths=(784, 512, 512, 10), batch_size=32),
    replace(MNIST, widths=(784, 128, 10), batch_size=32),
    replace(GAUSSIAN, widths=(256, 256, 256, 10), batch_size=256, optimizer=ADAM),
)
MODULES = {"fastmlp": "fastmlp", "pytorch": "torch", "jax": "jax"}
SECONDS = 0.1  # of a turn, about


def main(arguments=None):
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m bench.busy", description=__doc__.partition("\n")[0])
    parser.add_argument("--turns", type=int, default=20)
    turns = parser.parse_args(arguments).turns
    columns = [*LOOPS, *([ONE_CORE] if hasattr(os, "sched_setaffinity") else [])]
    print(f"mean time on {get_num_threads()} threads over that on one, beside busy loops\n")
    rows = [("network, batch", "contender", *[f"{it} loops" if it in LOOPS else it for it in columns])]
    for settings in SIZES:
        what = f"{'-'.join(map(str, settings.widths))}, {settings.batch_size}"
        for name in (name for name, module in MODULES.items() if importlib.util.find_spec(module)):
            sized = replace(settings, rows=rows_of_a_turn(name, settings), test_rows=1)
            rows.append((what, name, *[f"{ratio(name, sized, column, turns):.2f}" for column in columns]))
            what = ""
    print("\n".join(aligned(rows)))
    print(f"\n{processor()}")


def ratio(name, settings, column, turns):
    """The mean time of a turn on all threads over that on one thread, beside so many loops or on one core."""
    with ExitStack() as stack:
        one_core = stack.enter_context(on_one_core()) if column == ONE_CORE else None
        one, several = (
            stack.enter_context(training(name, replace(settings, threads=threads)))
            for threads in (1, get_num_threads() if one_core is None else one_core)
        )
        stack.enter_context(busy_loops(0 if column == ONE_CORE else column))
        for _ in range(turns):
            one.run()
            several.run()
        if one.problem or several.problem:
            raise RuntimeError(f"{name}: {one.problem or several.problem}")
        return sum(several.seconds) / sum(one.seconds)


@contextmanager
def training(name, settings):
    """A contender in its process, which has trained once."""
    with tempfile.TemporaryDirectory() as folder:
        job.make(settings, *data.of(settings)).save(folder)
        contender = Contender(name, sys.executable, folder, settings.threads)
        try:
            contender.start()
            yield contender
        finally:
            contender.stop()


@contextmanager
def busy_loops(count):
    """Processes that want a CPU each."""
    context = multiprocessing.get_context("spawn")
    stop = context.Event()
    programs = [context.Process(target=occupy, args=(stop,), daemon=True) for _ in range(count)]
    for program in programs:
        program.start()
    try:
        time.sleep(0.5 if count else 0.0)  # until they run
        yield
    finally:
        stop.set()
        for program in programs:
            program.join()


@contextmanager
def on_one_core():
    """Processes that begin meanwhile have one CPU; yields how many threads there would be otherwise."""
    threads, before = get_num_threads(), os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        yield threads
    finally:
        os.sched_setaffinity(0, before)


def rows_of_a_turn(name, settings):
    """Rows, in whole batches, that take a contender about SECONDS on one thread."""
    few = replace(settings, rows=8 * settings.batch_size, test_rows=1, threads=1)
    with training(name, few) as contender:
        contender.run()
        step = min(contender.seconds, default=SECONDS) / 8
    return settings.batch_size * max(8, min(int(SECONDS / step), 40_000 // settings.batch_size))


def occupy(stop):
    while not stop.is_set():
        for _ in range(10_000):
            pass


if __name__ == "__main__":
    main()
