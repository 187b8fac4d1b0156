"""How near fastmlp is to the least time that a job can take: `python -m bench.floors`.

A floor is the longest of three times, as they can pass side by side: the multiply-adds that the products need, at the
measured peak; a square root and a division for each weight, where the optimizer has them, at their measured rate; and
the bytes that must move, at the rate at which arrays of that size are read. `--peers FILE`, which
`python -m bench.peers --json FILE` has written in the same hour, adds the other libraries' ratios and takes its times.
"""

import argparse
import json
import sys
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from bench import data, peers
from bench.jobs import JOBS, OURS
from bench.peak import Peak
from bench.peers import Effort, chosen, measure, scaled
from bench.summary import markdown, publish
from bench.table import aligned, processor, ratio_text, three_digits, time_text
from fastmlp import kernels

SLOTS = {"sgd": 0, "momentum": 1, "rmsprop": 1, "adam": 2}  # arrays that an optimizer keeps beside the weights
ROOTS = ("rmsprop", "adam")  # those with a square root and a division for each weight
FLOAT = 4  # bytes
SAMPLE = 2_000  # rows whose zeros are counted
FULL = Effort(rounds=15, enough=5, budget=10, deadline=float("inf"), divisor=1)
QUICK = Effort(rounds=3, enough=1, budget=1, deadline=float("inf"), divisor=peers.QUICK.divisor)


@dataclass(frozen=True)
class Needs:
    """What one run of a job needs at least.

    Attributes
    ----------
    multiply_adds : float
        Of the products. With a zero of the input nothing is multiplied; zeros between the layers count as numbers.
    roots : float
        Square roots, each with a division.
    state : float
        Bytes of weights and of what the optimizer keeps, read and written.
    rows : float
        Bytes of input rows, read.
    state_size, rows_size : float
        Bytes of the arrays that these are read from.
    """

    multiply_adds: float
    roots: float
    state: float
    rows: float
    state_size: float
    rows_size: float


def needs(settings, density):
    """What a job needs, when that share of its inputs is not zero.

    Training reads every weight forward; backward it reads it and writes it, and each slot too. It reads the rows
    forward, and for the gradient of the first layer's weights. A prediction reads the weights once, those that meet
    zeros only where another row needs them.
    """
    sizes = [n * m for n, m in pairwise(settings.widths)]
    weights = sum(sizes) + sum(settings.widths[1:])
    first = density * sizes[0]
    if settings.kind == "train":
        name, rows, steps = settings.optimizer["name"], settings.rows * settings.epochs, settings.steps
        return Needs(
            multiply_adds=rows * (2 * first + 3 * sum(sizes[1:])),
            roots=steps * weights * (name in ROOTS),
            state=FLOAT * steps * weights * (3 + 2 * SLOTS[name]),
            rows=FLOAT * 2 * rows * settings.widths[0],
            state_size=FLOAT * weights * (1 + SLOTS[name]),
            rows_size=FLOAT * settings.rows * settings.widths[0],
        )
    count, times = settings.test_rows, settings.test_rows if settings.kind == "rows" else 1
    read = weights - (sizes[0] - first if settings.kind == "rows" else 0)
    return Needs(
        multiply_adds=count * (first + sum(sizes[1:])),
        roots=0,
        state=FLOAT * times * read,
        rows=FLOAT * count * settings.widths[0],
        state_size=FLOAT * weights,
        rows_size=FLOAT * count * settings.widths[0],
    )


class Machine:
    """Measured rates, each measured once."""

    def __init__(self):
        self.peak, self.kept = Peak(), {}

    def times(self, needed, threads):
        """Seconds that multiply-adds, roots and bytes take at least."""
        rate = self.rate("multiply_adds", threads)
        roots = needed.roots / self.rate("roots", threads) if needed.roots else 0.0
        moved = (needed.state, needed.state_size), (needed.rows, needed.rows_size)
        return 2 * needed.multiply_adds / rate, roots, sum(b / self.bandwidth(size, threads) for b, size in moved)

    def bandwidth(self, size, threads):
        """Bytes a second; sizes are measured by powers of two."""
        return self.rate(2 ** round(np.log2(size)), threads)

    def rate(self, what, threads):
        """Operations a second, or bytes a second of arrays of so many bytes, all threads together."""
        if (what, threads) not in self.kept:
            found = self.peak.measure(threads)
            if what == "roots":
                found = self.peak.roots(threads)
            elif what != "multiply_adds":
                found = self.peak.bandwidth(int(what), threads)
            self.kept[what, threads] = found
        return self.kept[what, threads]


def main(arguments=None):
    """Print the table."""
    options = parser().parse_args(arguments)
    given = json.loads(Path(options.peers).read_text()) if options.peers else []
    effort, machine, records = QUICK if options.quick else FULL, Machine(), []
    for entry in options.jobs:
        settings = scaled(entry.settings, effort)
        found = {one["contender"]: one for one in given if one["job"] == settings.name}
        seconds = found[OURS]["seconds"] if OURS in found else least(settings, effort) / settings.units
        times = machine.times(needs(settings, density(settings)), settings.threads)
        records.append(record(settings, seconds, [time / settings.units for time in times], found))
    rows = list(table(records))
    lines = markdown(rows) if options.markdown else aligned(rows)
    print("\n".join([*lines, "", *notes(machine)]))
    publish("fastmlp and the least time of each job", rows, notes(machine))
    if options.json:
        Path(options.json).write_text(json.dumps(records, indent=2) + "\n")
    return 0


def parser():
    parser = argparse.ArgumentParser("python -m bench.floors", description=__doc__.split("\n\n")[0])
    parser.add_argument("--quick", action="store_true", help="a tenth of the rows, as bench.peers --quick")
    parser.add_argument("--peers", metavar="FILE", help="what bench.peers has written with --json")
    parser.add_argument("--json", metavar="FILE", help="write the figures there")
    parser.add_argument("--markdown", action="store_true", help="print a table for a document")
    parser.add_argument("--jobs", metavar="A,B", type=chosen, default=list(JOBS.values()),
                        help=f"do only these of {', '.join(JOBS)}")  # fmt: skip
    return parser


def least(settings, effort):
    """The median seconds of a run by fastmlp, as in bench.peers."""
    (ours,) = measure(settings, (OURS,), {}, effort)
    if ours.problem:
        raise RuntimeError(f"{settings.name}: {ours.problem}")
    return float(np.median(ours.seconds))


def density(settings):
    """The share of a job's inputs that is not zero."""
    train, test = data.of(settings)
    x = (train if settings.kind == "train" else test)[0][:SAMPLE]
    return np.count_nonzero(x) / x.size


def record(settings, seconds, times, found):
    """A job's figures for machines: seconds of one of its units."""
    return {
        "job": settings.name,
        "unit": settings.unit,
        "threads": settings.threads,
        "seconds": seconds,
        "multiply_adds": times[0],
        "roots": times[1],
        "bytes": times[2],
        "floor": max(times),
        "share": max(times) / seconds,
        "ratios": {name: one["ratio"] for name, one in found.items() if name != OURS},
    }


def table(records):
    """Cells, header first: fastmlp's time, its floors and its share, then the ratios of the others."""
    others = list(dict.fromkeys(name for record in records for name, ratio in record["ratios"].items() if ratio))
    yield ("job", "threads", OURS, "products", "roots", "bytes", "floor/time", *others)
    for record in records:
        times = [time_text(record[name]) if record[name] else "-" for name in ("multiply_adds", "roots", "bytes")]
        ratios = [record["ratios"].get(name) for name in others]
        article = "an" if record["unit"] == "epoch" else "a"
        yield (
            record["job"], str(record["threads"]), f"{time_text(record['seconds'])} {article} {record['unit']}", *times,
            f"{100 * record['share']:.0f} %", *[ratio_text(ratio) if ratio else "-" for ratio in ratios],
        )  # fmt: skip


def notes(machine):
    """What was measured, and how to read it."""
    for threads in sorted({threads for _, threads in machine.kept}):
        rates = {what: three_digits(rate / 1e9) for (what, n), rate in machine.kept.items() if n == threads}
        line = f"{threads} thread{'s' * (threads > 1)}: {rates.pop('multiply_adds')} GFLOP/s"
        if "roots" in rates:
            line += f", {rates.pop('roots')} billion roots a second"
        yield line + ", reading " + ", ".join(f"{rates[size]} GB/s of {size / 2**20:.2g} MB" for size in sorted(rates))
    yield f"MNIST here: {data.source()}"
    yield f"{processor()}, fastmlp on {kernels.isa.name()}"


if __name__ == "__main__":
    sys.exit(main())
