"""What other programs on the same CPUs cost: `python -m bench.busy`.

Beside 0, 1, 2, 4 and 8 loops that want a CPU each, every contender trains on one thread and on all of them, in turns of
this process, for as many steps as take about a tenth of a second. The mean times of the turns are compared, as waiting
for others is what is measured: all threads over one thread, which should never be much above 1. PyTorch is a contender
where it is there.
"""

import argparse
import importlib
import importlib.util
import multiprocessing
import sys
import time
from dataclasses import replace

from bench import data, job
from bench.jobs import ADAM, GAUSSIAN, MNIST
from bench.table import aligned, processor
from fastmlp import get_num_threads

LOOPS = (0, 1, 2, 4, 8)
SIZES = (
    replace(MNIST, widths=(784, 512, 512, 10), batch_size=32),
    replace(MNIST, widths=(784, 128, 10), batch_size=32),
    replace(GAUSSIAN, widths=(256, 256, 256, 10), batch_size=256, optimizer=ADAM),
)
SECONDS = 0.1  # of a turn, about


def main(arguments=None):
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m bench.busy", description=__doc__.partition("\n")[0])
    parser.add_argument("--turns", type=int, default=20)
    turns = parser.parse_args(arguments).turns
    names = ["fastmlp", *(["pytorch"] if importlib.util.find_spec("torch") else [])]
    rows = [("network, batch", "contender", *[f"{loops} loops" for loops in LOOPS])]
    for settings in SIZES:
        what = f"{'-'.join(map(str, settings.widths))}, {settings.batch_size}"
        for name in names:
            rows.append((what, name, *[f"{ratio(name, settings, loops, turns):.2f}" for loops in LOOPS]))
            what = ""
    print(f"mean time on {get_num_threads()} threads over that on one, beside busy loops\n")
    print("\n".join(aligned(rows)))
    print(f"\n{processor()}")


def ratio(name, settings, loops, turns):
    """The mean time of a turn on all threads over that on one thread, beside so many loops."""
    settings = replace(settings, rows=rows_of_a_turn(name, settings), test_rows=1)
    one, several = (trainer(name, replace(settings, threads=threads)) for threads in (1, get_num_threads()))
    context = multiprocessing.get_context("spawn")
    stop = context.Event()
    programs = [context.Process(target=occupy, args=(stop,), daemon=True) for _ in range(loops)]
    for program in programs:
        program.start()
    try:
        time.sleep(0.5 if loops else 0.0)  # until they run
        times = [(elapsed(one), elapsed(several)) for _ in range(turns)]
    finally:
        stop.set()
        for program in programs:
            program.join()
    return sum(second for _, second in times) / sum(first for first, _ in times)


def rows_of_a_turn(name, settings):
    """Rows, in whole batches, that take one thread about SECONDS."""
    few = replace(settings, rows=8 * settings.batch_size, test_rows=1, threads=1)
    step = elapsed(trainer(name, few)) / 8
    return settings.batch_size * max(8, min(int(SECONDS / step), 40_000 // settings.batch_size))


def trainer(name, settings):
    """A contender that has trained once."""
    made = importlib.import_module(f"bench.contenders.{name}").Trainer(job.make(settings, *data.of(settings)))
    made.reset()
    elapsed(made)
    return made


def elapsed(trainer):
    torch = sys.modules.get("torch")
    if torch is not None:  # has one number of threads for the whole process
        torch.set_num_threads(trainer.job.settings.threads)
    start = time.perf_counter()
    trainer.train()
    return time.perf_counter() - start


def occupy(stop):
    while not stop.is_set():
        for _ in range(10_000):
            pass


if __name__ == "__main__":
    main()
