"""Time of a training step for networks of all shapes, by fastmlp and others: `python -m bench.shapes`.

Adam on the mean squared error, Gaussian inputs. A whole epoch is timed, of many steps, which JAX runs in one scan.
fastmlp uses as many threads as the step is worth; the others run with one and with all, and the better counts. Every
contender has a process of its own; they take turns, and the least times are compared, since other work on the machine
only adds. `--against DIR` adds another build of fastmlp, that of the checkout DIR.
"""

import argparse
import json
import sys
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from bench.job import Settings
from bench.jobs import ADAM, OURS
from bench.peak import Peak
from bench.peers import Effort, Entrant, add_python, checkout, started, take_turns
from bench.steps import work
from bench.table import processor, ratio_text, three_digits
from fastmlp import kernels
from fastmlp.config.threads import get_num_threads, threads_for

SHAPES = (
    "10-32-1:64",
    "20-100-1:200",
    "8-64-64-1:1",
    "50-256x4-1:256",
    "100-1024-1024-10:512",
    "784-128-10:32",
    "784-2048-10:1024",
    "3072-2048-2048-10:256",
    "30-16x8-2:128",
    "1000-10-1000:128",
    "256-256-256:4096",
    "4-8-1:16",
    "20-64-64-3:32",
    "30-100-100-1:1",
    "784-512-10:1",
    "64x21:64",
    "1000-1:128",
    "512-512-1:64",
    "784-256-32-256-784:100",
    "2-1024-1:64",
    "2000-16-1:32",
    "100-50-25-1:1000",
    "16-32-4:16384",
    "13-7-5-3:33",
)
CONTENDERS = (OURS, "pytorch", "jax")
BEFORE = "before"
WORK = 2e9  # multiply-adds of one epoch, about
LEAST_STEPS, MOST_STEPS = 4, 1000
ALONE = 500_000  # multiply-adds of a step below which a second thread helps nobody, and is not tried
TEST_ROWS = 256
FULL = Effort(rounds=7, enough=3, budget=6, deadline=float("inf"), divisor=1)
QUICK = Effort(rounds=2, enough=1, budget=1, deadline=float("inf"), divisor=4)


@dataclass(frozen=True)
class Shape:
    """Widths from the inputs to the outputs, and the rows of a batch."""

    text: str
    widths: tuple[int, ...]
    batch: int

    @property
    def work(self):
        """Multiply-adds of a step."""
        return work(self.widths, self.batch)

    @property
    def threads(self):
        """What fastmlp takes of those there are."""
        return threads_for(3 * self.batch * sum(n * m for n, m in pairwise(self.widths)))

    def settings(self, effort):
        """The job: an epoch of enough steps."""
        steps = int(min(max(WORK / effort.divisor / self.work, LEAST_STEPS), MOST_STEPS / effort.divisor))
        return Settings(
            "shapes", "a step of Adam", widths=self.widths, data="gaussian", loss="mean_squared_error",
            rows=steps * self.batch, test_rows=TEST_ROWS, batch_size=self.batch, optimizer=ADAM, unit="step",
            threads=get_num_threads(),
        )  # fmt: skip


def main(arguments=None):
    """Print a line for each shape as soon as it is measured; the status is 1 when a contender was refused."""
    options = parser().parse_args(arguments)
    effort, names = QUICK if options.quick else FULL, [*options.contenders, *[BEFORE] * bool(options.against)]
    peak, results, refused = Peak(), [], False
    width = max(len(shape.text) for shape in options.shapes)
    header = (*[f"{name} " for name in names], *[f"{name}/{names[0]} " for name in names[1:]], "threads ", "of peak ")
    print("us for a step of Adam")
    print("".join(["network:batch".ljust(max(width, 13)), *[cell.rjust(max(len(cell), 9) + 1) for cell in header]]))
    for shape in options.shapes:
        contenders = measure(shape, options, effort)
        peak.measure(shape.threads)
        results.append(record(shape, contenders, shape.settings(effort).units, peak))
        cells = texts(results[-1], names)
        line = [cell.rjust(max(len(title), 9) + 1) for cell, title in zip(cells, header, strict=True)]
        print("".join([shape.text.ljust(max(width, 13)), *line]), flush=True)
        for one in [one for name in names for one in contenders[name] if one.problem]:
            print(f"  {BEFORE if one in contenders.get(BEFORE, ()) else one.name}: {one.problem}", flush=True)
            refused |= one.problem.startswith("refused")
    for threads, rate in sorted(peak.found.items()):
        print(f"peak on {threads} thread{'s' if threads > 1 else ''}: {rate / 1e9:.0f} GFLOP/s")
    print(f"{processor()}, fastmlp on {kernels.isa.name()}")
    if options.json:
        Path(options.json).write_text(json.dumps(results, indent=2) + "\n")
    return int(refused)


def parser():
    parser = argparse.ArgumentParser("python -m bench.shapes", description=__doc__.split("\n\n")[0])
    parser.add_argument("--quick", action="store_true", help="fewer steps and rounds")
    parser.add_argument("--json", metavar="FILE", help="write the figures there")
    parser.add_argument("--shapes", metavar="A,B", type=shapes, default=[shape(text) for text in SHAPES],
                        help="widths:batch, such as 50-256x4-1:256, which has four hidden layers")  # fmt: skip
    parser.add_argument("--contenders", metavar="A,B", type=lambda text: text.split(","), default=CONTENDERS)
    parser.add_argument("--against", metavar="DIR", type=checkout, help="a checkout with another build of fastmlp")
    add_python(parser)
    return parser


def shapes(text):
    """Shapes from their texts, in a list with commas."""
    return [shape(part) for part in text.split(",")]


def shape(text):
    """A shape from widths:batch; 256x4 stands for four layers of 256."""
    try:
        widths, batch = text.split(":")
        parts = [[*part.split("x"), "1"][:2] for part in widths.split("-")]
        found = Shape(text, tuple(int(width) for width, times in parts for _ in range(int(times))), int(batch))
    except ValueError:
        raise argparse.ArgumentTypeError(f"got the shape {text!r}, needs one such as 10-32x2-1:64") from None
    if len(found.widths) < 2 or min(*found.widths, found.batch) < 1:
        raise argparse.ArgumentTypeError(f"got the shape {text!r}, needs two widths and a batch of 1 or more")
    return found


def measure(shape, options, effort):
    """For each name its contenders with their times, which are the least of each turn."""
    every = get_num_threads()
    tried = sorted({1, every if shape.work >= ALONE else 1})
    places = [(name, Entrant(name, n)) for name in options.contenders for n in ([every] if name == OURS else tried)]
    if options.against:
        places.append((BEFORE, Entrant(OURS, every, options.against)))
    names, entrants = zip(*places, strict=True)
    settings, found = shape.settings(effort), {}
    with started(settings, entrants, dict(options.python)) as contenders:
        take_turns([contender for contender in contenders if not contender.problem], effort, "least")
    for name, contender in zip(names, contenders, strict=True):
        found.setdefault(name, []).append(contender)
    return found


def record(shape, found, units, peak):
    """One shape for machines: seconds of a step, null where there are none."""
    seconds = {
        name: min((time for one in contenders for time in one.seconds), default=0) / units or None
        for name, contenders in found.items()
    }
    ours = seconds.get(OURS)
    share = 2 * shape.work / ours / peak.found[shape.threads] if ours else None
    return {"shape": shape.text, "threads": shape.threads, "seconds": seconds, "share_of_peak": share}


def texts(found, names):
    """The cells of a line."""
    seconds = [found["seconds"][name] for name in names]
    yield from [three_digits(1e6 * value) + " " if value else "- " for value in seconds]
    yield from [ratio_text(value / seconds[0]) + " " if value and seconds[0] else "- " for value in seconds[1:]]
    yield f"{found['threads']} "
    yield "- " if found["share_of_peak"] is None else f"{100 * found['share_of_peak']:.0f} % "


if __name__ == "__main__":
    sys.exit(main())
