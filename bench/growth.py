"""How the cost of training grows with cores, rows, width, depth and networks: `python -m bench.growth`.

Steps of SGD on Gaussian inputs in this process; least times of turns. A doubling pays as long as it saves a tenth of
the time of a unit. For cores there is a model, which is measured where the machine has them:

    time(p) = work x share(p) + layers x meeting x p / 2 + bytes x (p - 1) / p x handover

- `work` is the step's time on one thread; `share(p)` the part of the thread that has most panels of columns.
- `meeting` is what two threads lose a layer and step by waiting for each other, in a network without work. An arrival
  at a barrier is an addition to one number, which goes from core to core, so that it grows with p.
- `bytes` are the outputs and gradients that a thread reads; `(p - 1) / p` of them others wrote. `handover` is what
  reading another core's byte takes longer than reading an own one (peak.c).
"""

import argparse
import sys
import time
from itertools import pairwise

import fastmlp
from bench import many
from bench.peak import Peak
from bench.shapes import shape
from bench.steps import least, stepper, work
from bench.summary import publish
from bench.table import aligned, processor, ratio_text, three_digits, time_text
from fastmlp import kernels
from fastmlp.config.threads import get_num_threads

NETWORKS = ("20-64-64-3:32", "784-512-10:128", "50-256x4-1:256", "256-256-256:4096", "1024-1024-1024:512")
CORES = (1, 2, 4, 8, 16, 32, 64)
WITHOUT_WORK = ((8,) * 9, 4)  # widths and batch of a network that is nothing but meetings
HANDED = (2**14, 2**18)  # bytes, of which the handover is the slope
PANEL = {"avx512": 32, "avx2": 16}  # columns; elsewhere 8
FLOAT = 4  # bytes
WORTH = 0.9  # a doubling pays when a unit then takes less than that
MEMBERS, MEMBER_ROWS = tuple(2**i for i in range(6)), 2000
SIZES = {
    "rows in a batch of 784-512-10": [(n, (784, 512, 10), n) for n in (2**i for i in range(13))],
    "rows in a batch of 20-64-64-3": [(n, (20, 64, 64, 3), n) for n in (2**i for i in range(13))],
    "width of two square layers, batch 128": [(n, (n, n, n), 128) for n in (2**i for i in range(4, 12))],
    "layers of 64, batch 32": [(n, (64,) * (n + 1), 32) for n in (2**i for i in range(6))],
    "layers of 512, batch 128": [(n, (512,) * (n + 1), 128) for n in (2**i for i in range(6))],
}
UNITS = {"rows": "a row", "width": "a weight", "layers": "a layer"}


def main(arguments=None):
    """Print the tables."""
    parser = argparse.ArgumentParser("python -m bench.growth", description=__doc__.split("\n\n")[0])
    parser.add_argument("--quick", action="store_true", help="shorter turns: some seconds")
    span = 0.002 if parser.parse_args(arguments).quick else 0.05
    show("cores: a step's time, and by the model how many times as fast as one", *cores(span))
    for title, places in SIZES.items():
        show(title, *sizes(title, places, span))
    show("networks of 20-64-64-1 at once, 2,000 rows, an epoch each", *members(1 if span < 0.01 else 5))
    print(f"{processor()}, fastmlp on {kernels.isa.name()}, {get_num_threads()} threads")
    return 0


def show(title, rows, notes):
    """Print a table at once, and write it to the summary."""
    rows = list(rows)
    print("\n".join([title, "", *aligned(rows), *notes, ""]), flush=True)
    publish(title, rows, notes)


# Cores.


def cores(span):
    """The table of cores with its notes."""
    meeting, handover = measured_meeting(span), measured_handover()
    there = [p for p in CORES if p <= get_num_threads()]
    rows = [("network:batch", *[f"measured {p}" for p in there], *[f"model {p}" for p in CORES[1:]], "pays to")]
    errors = []
    for text in NETWORKS:
        given = shape(text)
        times = least(*[stepper(given.widths, given.batch, p)[0] for p in there], span=span)
        model = [modelled(given, times[0], p, meeting, handover) for p in CORES]
        errors += [abs(model[CORES.index(p)] / found - 1) for p, found in zip(there, times, strict=True) if p > 1]
        speedups = [ratio_text(times[0] / value) for value in model[1:]]
        rows.append((text, *map(time_text, times), *speedups, f"{pays_to(CORES, model)} cores"))
    notes = [
        "",
        f"a meeting of two threads takes {time_text(meeting)} a layer and step, "
        f"1 KB of another core {time_text(1024 * handover)} longer than an own one",
        *[f"the model is off by {max(errors):.0%} at most where it is measured"] * bool(errors),
    ]
    return rows, notes


def measured_meeting(span):
    """Seconds that two threads lose a layer and step; 0 on one core."""
    if get_num_threads() < 2:
        return 0.0
    widths, batch = WITHOUT_WORK
    runs = [stepper(widths, batch, threads)[0] for threads in (1, 2)]
    one, two = least(*runs, span=min(span, 0.005), repeats=20)  # many and short, some of them free of other work
    return max(0.0, two - one) / (len(widths) - 1)


def measured_handover():
    """Seconds that a byte takes longer which another core has written; 0 on one core."""
    if get_num_threads() < 2:
        return 0.0
    peak = Peak()
    peak.measure(1)
    few, lots = (peak.exchange(size) for size in HANDED)
    return max(0.0, lots - few) / (HANDED[1] - HANDED[0])


def modelled(given, alone, threads, meeting, handover):
    """Seconds of a step on so many threads, from its time alone; the formula is this file's."""
    if threads == 1:
        return alone
    layers = len(given.widths) - 1
    handed = FLOAT * given.batch * (sum(given.widths[:-1]) + sum(given.widths[2:]))
    shared = handed * (threads - 1) / threads * handover
    return alone * share(given.widths, threads) + layers * meeting * threads / 2 + shared


def share(widths, threads):
    """The part of the work of the thread that has most panels: of outputs, and of inputs for their gradient."""
    panel, total, most = PANEL.get(kernels.isa.name(), 8), 0, 0.0
    for layer, (n, m) in enumerate(pairwise(widths)):
        for columns, products in ((m, 2), (n, 1 if layer else 0)):
            panels = -(-columns // panel)
            total += products * n * m
            most += products * n * m * -(-panels // threads) / panels
    return most / total


# Everything else.


def sizes(title, places, span):
    """The table of networks of growing size, with its note."""
    times = [least(stepper(widths, batch)[0], span=span)[0] for _, widths, batch in places]
    numbers = [number for number, _, _ in places]
    name = UNITS[title.split()[0]]
    counts = [weights(widths) if name == "a weight" else number for number, widths, _ in places]
    each = [seconds / count for seconds, count in zip(times, counts, strict=True)]
    rates = [2 * work(widths, batch) / seconds for seconds, (_, widths, batch) in zip(times, places, strict=True)]
    rows = [("", *map(str, numbers)), ("a step", *map(time_text, times)), (name, *map(fine_time, each))]
    rows.append(("GFLOP/s", *[three_digits(rate / 1e9) for rate in rates]))
    return rows, pays(numbers, each, name)


def members(turns):
    """The table of networks trained at once, with its note."""
    x, y = many.data(MEMBER_ROWS)
    times = [float("inf")] * len(MEMBERS)
    for _ in range(turns):
        for at, count in enumerate(MEMBERS):
            models = [many.model(seed) for seed in range(count)]
            start = time.perf_counter()
            fastmlp.fit_many(models, x, y, many.BATCH, 1, verbose=0)
            times[at] = min(times[at], time.perf_counter() - start)
    each = [seconds / count for seconds, count in zip(times, MEMBERS, strict=True)]
    rows = [("", *map(str, MEMBERS)), ("all", *map(time_text, times)), ("a network", *map(time_text, each))]
    return rows, pays(MEMBERS, each, "a network")


def weights(widths):
    return sum(n * m for n, m in pairwise(widths))


def pays(numbers, each, name):
    """A note that says how far a doubling pays."""
    return ["", f"a doubling makes {name} cheaper by a tenth or more up to {pays_to(numbers, each)}"]


def pays_to(numbers, each):
    """The number before the first doubling that does not pay."""
    pairs = zip(numbers, pairwise(each), strict=False)
    return next((number for number, (before, after) in pairs if after > WORTH * before), numbers[-1])


def fine_time(seconds):
    """As time_text, but below a nanosecond in picoseconds."""
    return time_text(seconds) if seconds >= 1e-9 else f"{three_digits(seconds * 1e12)} ps"


if __name__ == "__main__":
    sys.exit(main())
