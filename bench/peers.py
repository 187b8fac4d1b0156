"""What fastmlp and others need for the same jobs, side by side: `python -m bench.peers`.

Every contender runs in a process of its own, and they take turns, so that a busy machine slows all of them alike. None
gets a number unless it reaches the accuracy of the others, or the right outputs, from the same weights and the same
order of rows.
"""

import argparse
import json
import shutil
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

import numpy as np

from bench import data, job
from bench.jobs import CONTENDERS, ENTRIES, JOBS
from bench.peak import Peak
from bench.process import Contender
from bench.report import footer, records, table
from fastmlp.config.threads import get_num_threads

# Of the accuracy: rounding, and formulas that differ in where epsilon is, move a few rows in a thousand.
TOLERANCE = 0.004
# Of a regression's error, as a share of it.
ERROR_TOLERANCE = 0.02
ROUNDING = 1e-9  # a squared error of float32, of a target that is learnt to the last bit


@dataclass(frozen=True)
class Effort:
    """How long to measure.

    Attributes
    ----------
    rounds : int
        At most, for each job.
    enough : int
        Rounds after which the budget counts.
    budget : float
        Seconds for the rounds of one job.
    deadline : float
        Seconds after which no other job is begun.
    divisor : int
        The rows are divided by it.
    """

    rounds: int
    enough: int
    budget: float
    deadline: float
    divisor: int


@dataclass(frozen=True)
class Entrant:
    """Who takes part: one of CONTENDERS, its threads if not the job's, and the checkout of its fastmlp if not this."""

    name: str
    threads: int | None = None
    checkout: str | None = None


FULL = Effort(rounds=15, enough=5, budget=30, deadline=float("inf"), divisor=1)
QUICK = Effort(rounds=3, enough=1, budget=2, deadline=90, divisor=10)


def main(arguments=None):
    """Run the jobs and print their tables; the status is 1 when a contender was refused."""
    options = parser().parse_args(arguments)
    effort, start = QUICK if options.quick else FULL, time.monotonic()
    peak, kept, refused = Peak(), [], False
    for threads in (1, get_num_threads()):
        peak.measure(threads)
    for entry in options.jobs:
        if time.monotonic() - start > effort.deadline:
            print(f"{entry.settings.name}: not run, --quick had no time left\n", flush=True)
            continue
        settings = scaled(entry.settings, effort)
        peak.measure(settings.threads)
        contenders = measure(settings, entry.contenders, dict(options.python), effort)
        peak.measure(settings.threads)
        kept.append((settings, contenders))
        refused |= any(contender.problem.startswith("refused") for contender in contenders)
        print("\n".join(table(settings, contenders, peak)), flush=True)
    print("\n".join(footer(peak, data.source())))
    if options.json:
        found = [record for settings, contenders in kept for record in records(settings, contenders, peak)]
        Path(options.json).write_text(json.dumps(found, indent=2) + "\n")
    return int(refused)


def parser():
    parser = argparse.ArgumentParser("python -m bench.peers", description=__doc__.split("\n\n")[0])
    parser.add_argument("--quick", action="store_true", help="fewer rows and rounds: less than two minutes")
    parser.add_argument("--json", metavar="FILE", help="write the figures there")
    parser.add_argument("--jobs", metavar="A,B", type=chosen, default=ENTRIES,
                        help=f"do only these of {', '.join(JOBS)}")  # fmt: skip
    add_python(parser)
    return parser


def add_python(parser):
    """The option that all commands with contenders have."""
    parser.add_argument("--python", metavar="NAME=PATH", type=interpreter, action="append", default=[],
                        help="interpreter of one contender, with NumPy and its library, if not this one; repeatable; "
                             f"names: {', '.join(CONTENDERS)}")  # fmt: skip


def chosen(text):
    """Names of jobs as their entries."""
    unknown = [name for name in text.split(",") if name not in JOBS]
    if unknown:
        raise argparse.ArgumentTypeError(f"got the job {unknown[0]!r}, needs one of {', '.join(JOBS)}")
    return [JOBS[name] for name in text.split(",")]


def interpreter(text):
    """NAME=PATH as a pair."""
    name, _, path = text.partition("=")
    if name not in CONTENDERS:
        raise argparse.ArgumentTypeError(f"got the name {name!r}, needs one of {', '.join(CONTENDERS)}")
    if shutil.which(path) is None:
        raise argparse.ArgumentTypeError(f"got the path {path!r}, needs an interpreter")
    return name, path


def checkout(path):
    """A folder with another build of fastmlp."""
    if not (Path(path) / "fastmlp" / "__init__.py").exists():
        raise argparse.ArgumentTypeError(f"got the path {path!r}, needs a checkout of fastmlp")
    return path


def scaled(settings, effort):
    """The job with as many rows as the effort allows, and all threads there are unless it says how many."""
    threads = settings.threads or get_num_threads()
    timed = "rows" if settings.kind == "train" else "test_rows"
    return replace(settings, threads=threads, **{timed: getattr(settings, timed) // effort.divisor})


def measure(settings, names, pythons, effort, seed=0):
    """Let these contenders do a job, in turns."""
    with started(settings, [Entrant(name) for name in names], pythons, seed) as contenders:
        take_turns([contender for contender in contenders if not contender.problem], effort)
    return contenders


@contextmanager
def started(settings, entrants, pythons, seed=0):
    """Contenders that have done a job once; those that did not do it right have a problem."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        job.make(settings, *data.of(settings), seed).save(folder)
        contenders = []
        for entrant in entrants:
            python, threads = pythons.get(entrant.name, sys.executable), entrant.threads or settings.threads
            contenders.append(Contender(entrant.name, python, folder, threads, entrant.checkout))
            stack.callback(contenders[-1].stop)
        for contender in contenders:
            contender.start()
        refuse_wrong(settings, contenders)
        yield contenders


def refuse_wrong(settings, contenders):
    """Note a problem for each one whose accuracy is not that of the others, or whose outputs are wrong."""
    checked = [contender for contender in contenders if contender.checked is not None]
    if settings.kind == "train" and settings.is_regression:
        common = median(contender.checked for contender in checked) if checked else 0.0
        limit = max(ERROR_TOLERANCE * common, ROUNDING)
        what = f"squared error {{:.4g}}, median of all {common:.4g}"
    elif settings.kind == "train":
        common = median(contender.checked for contender in checked) if checked else 0.0
        limit, what = TOLERANCE, f"accuracy {{:.4f}}, median of all {common:.4f}"
    else:
        common, limit = 0.0, settings.widths[0] * float(np.finfo(np.float32).eps)  # of a sum of so many terms
        what = f"off by {{:.1e}}, needs {limit:.1e}"
    for contender in checked:
        if not abs(contender.checked - common) <= limit:
            contender.problem = "refused: " + what.format(contender.checked)


def take_turns(contenders, effort, what="time"):
    """Time a run of each, round after round; who comes first changes."""
    start = time.monotonic()
    for turn in range(effort.rounds if contenders else 0):
        if turn >= effort.enough and time.monotonic() - start > effort.budget:
            break
        first = turn % len(contenders)
        for contender in contenders[first:] + contenders[:first]:
            contender.run(what)


if __name__ == "__main__":
    sys.exit(main())
