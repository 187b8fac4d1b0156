"""One epoch of MNIST 784-512-10 by fastmlp and by others, side by side: `python -m bench.peers`.

Every contender runs in a process of its own, and they take turns, so that a busy machine slows all of them alike. None
gets a number unless it reaches the accuracy of the others from the same weights and the same order of rows.
"""

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from bench import data, job
from bench.table import aligned, processor, ratio_text, time_text
from fastmlp import kernels
from fastmlp.threads import get_num_threads

OURS = "fastmlp"
CONTENDERS = (OURS, "numpy_by_hand", "pytorch")
TOLERANCE = 0.002  # of the accuracy: rounding may move 20 of 10,000 rows to another class
ROUNDS = {True: 3, False: 15}  # quick or not
ROOT = Path(__file__).resolve().parent.parent


class Contender:
    """A process that trains one epoch whenever it is asked to.

    Attributes
    ----------
    name, version : str
    problem : str
        Why there are no figures; empty when all is well.
    accuracy : float
        On the test rows after the first epoch.
    seconds : list of float
        Of the epochs after that.
    """

    def __init__(self, name, python, folder, threads):
        self.name, self.version, self.problem, self.accuracy, self.seconds = name, "", "", None, []
        limits = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), str(threads))
        self.process = subprocess.Popen(
            [python, "-m", "bench.contenders", name, folder],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT, env={**os.environ, **limits}, text=True,
        )  # fmt: skip

    def start(self):
        """Wait until it is ready, and train an epoch to warm up."""
        greeting = self.answer()
        if "missing" in greeting:
            self.problem = f"not installed (no module {greeting['missing']})"
            return
        self.version = greeting["version"]
        self.accuracy = self.epoch()["accuracy"]

    def epoch(self):
        """Train one epoch from the initial weights; a dict of seconds and accuracy."""
        self.process.stdin.write("epoch\n")
        self.process.stdin.flush()
        return self.answer()

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"{self.name} ended with status {self.process.wait()}; its messages are above")
        return json.loads(line)

    def stop(self):
        self.process.communicate()  # the end of its input ends it


def main(arguments=None):
    """Run the contenders and print the table; the status is 1 when one of them was refused."""
    options = parser().parse_args(arguments)
    settings = job.Settings(threads=get_num_threads())
    contenders = measure(settings, dict(options.python), ROUNDS[options.quick])
    print("\n".join(report(settings, contenders)))
    if options.json:
        Path(options.json).write_text(json.dumps(records(settings, contenders), indent=2) + "\n")
    return int(any(contender.accuracy is not None and contender.problem for contender in contenders))


def parser():
    parser = argparse.ArgumentParser("python -m bench.peers", description=__doc__.split("\n\n")[0])
    parser.add_argument("--quick", action="store_true", help=f"{ROUNDS[True]} rounds instead of {ROUNDS[False]}")
    parser.add_argument("--json", metavar="FILE", help="write the figures there")
    parser.add_argument("--python", metavar="NAME=PATH", type=interpreter, action="append", default=[],
                        help="interpreter of one contender, with NumPy and its library, if not this one; repeatable; "
                             f"names: {', '.join(CONTENDERS)}")  # fmt: skip
    return parser


def interpreter(text):
    """NAME=PATH as a pair."""
    name, _, path = text.partition("=")
    if name not in CONTENDERS:
        raise argparse.ArgumentTypeError(f"got the name {name!r}, needs one of {', '.join(CONTENDERS)}")
    if shutil.which(path) is None:
        raise argparse.ArgumentTypeError(f"got the path {path!r}, needs an interpreter")
    return name, path


def measure(settings, pythons, rounds):
    """Let all contenders train, in turns."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        job.make(settings, *data.mnist()).save(folder)
        contenders = []
        for name in CONTENDERS:
            contenders.append(Contender(name, pythons.get(name, sys.executable), folder, settings.threads))
            stack.callback(contenders[-1].stop)
        for contender in contenders:
            contender.start()
        refuse_wrong(contenders)
        take_turns([contender for contender in contenders if not contender.problem], rounds)
    return contenders


def refuse_wrong(contenders):
    """Note a problem for each one whose accuracy is not that of the others."""
    trained = [contender for contender in contenders if contender.accuracy is not None]
    common = median(contender.accuracy for contender in trained)
    for contender in trained:
        if not abs(contender.accuracy - common) <= TOLERANCE:
            contender.problem = f"refused: accuracy {contender.accuracy:.4f}, median of all {common:.4f}"


def take_turns(contenders, rounds):
    """Time an epoch of each, round after round; who comes first changes."""
    for turn in range(rounds if contenders else 0):
        first = turn % len(contenders)
        for contender in contenders[first:] + contenders[:first]:
            contender.seconds.append(contender.epoch()["seconds"])


def ratios(contender, contenders):
    """How many times as long as fastmlp it took, in each round."""
    ours = next(other.seconds for other in contenders if other.name == OURS)
    return [seconds / base for seconds, base in zip(contender.seconds, ours, strict=False)]


def report(settings, contenders):
    """Lines for people."""
    yield f"{settings.name}: {'-'.join(map(str, settings.widths))}, batch {settings.batch_size}, seconds an epoch"
    yield ""
    header = ("contender", "version", "accuracy", "median", "min", "max", f"/ {OURS}", "min", "max")
    yield from aligned([header, *[cells(contender, contenders) for contender in contenders if contender.seconds]])
    yield from [f"{contender.name}: {contender.problem}" for contender in contenders if contender.problem]
    yield ""
    rounds = max(len(contender.seconds) for contender in contenders)
    yield f"{rounds} rounds, {settings.threads} threads; training data: {data.source()}"
    yield f"{processor()}, Python {platform.python_version()}, {OURS} on {kernels.isa.name()}"


def cells(contender, contenders):
    found = ratios(contender, contenders)
    times = [time_text(pick(contender.seconds)) for pick in (median, min, max)]
    relative = [ratio_text(pick(found)) if found else "-" for pick in (median, min, max)]
    return (contender.name, contender.version, f"{contender.accuracy:.4f}", *times, *relative)


def records(settings, contenders):
    """The figures for machines; null where there is none."""
    return [
        {
            "job": settings.name,
            "contender": contender.name,
            "version": contender.version or None,
            "seconds": median(contender.seconds) if contender.seconds else None,
            "ratio": median(found) if (found := ratios(contender, contenders)) else None,
            "share_of_peak": None,
        }
        for contender in contenders
    ]


if __name__ == "__main__":
    sys.exit(main())
