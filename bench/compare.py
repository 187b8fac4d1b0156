"""How fast this checkout is beside another commit of the project: `python -m bench.compare [COMMIT]`.

The commit, by default the one before, is built in a git worktree of its own, which is removed afterwards. Both builds
do the same jobs in processes that take turns; a ratio is how many times as long as this checkout the other one took.
Where the commit is not there, as in a shallow clone, or cannot be built, there is nothing to compare, which is said
and is no failure. `--path DIR` takes a checkout that is built already.
"""

import argparse
import subprocess
import sys
import tempfile
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from statistics import median

from bench.jobs import JOBS, OURS
from bench.peers import Effort, Entrant, checkout, scaled, started, take_turns
from bench.process import ROOT
from bench.summary import publish
from bench.table import aligned, processor, ratio_text, time_text
from fastmlp import kernels
from fastmlp.config.threads import get_num_threads

BATCHES = replace(JOBS["small_adam"].settings, name="train_on_batch", title="a step asked for by Python")
COMPARED = {
    name: (JOBS[name].settings, OURS)
    for name in ("mnist_sgd", "mnist_adam", "small_adam", "row_small", "row_mnist", "predict_10000")
}
COMPARED["train_on_batch"] = (BATCHES, "fastmlp_batches")
FULL = Effort(rounds=31, enough=11, budget=15, deadline=float("inf"), divisor=4)
QUICK = Effort(rounds=5, enough=3, budget=1, deadline=float("inf"), divisor=40)


def main(arguments=None):
    """Print the table, and write it to the summary; the status is 1 when a job failed."""
    options = parser().parse_args(arguments)
    title = f"this checkout beside {options.path or options.commit}"
    try:
        with nullcontext(options.path) if options.path else built(options.commit) as other:
            rows, problems = compared(options.jobs, other, QUICK if options.quick else FULL)
    except LookupError as reason:
        print(f"nothing to compare: {reason}")
        publish(title, [], [f"Nothing to compare: {reason}"])
        return 0
    publish(title, rows, [*problems, *notes()])
    print("\n".join([title, "", *aligned(rows), *problems, "", *notes()]))
    return int(bool(problems))


def parser():
    parser = argparse.ArgumentParser("python -m bench.compare", description=__doc__.split("\n\n")[0])
    parser.add_argument("commit", nargs="?", default="HEAD^", help="by default the one before, HEAD^")
    parser.add_argument("--path", metavar="DIR", type=checkout, help="a built checkout, instead of a commit")
    parser.add_argument("--quick", action="store_true", help="fewer rows and rounds: half a minute")
    parser.add_argument("--jobs", metavar="A,B", type=chosen, default=list(COMPARED),
                        help=f"do only these of {', '.join(COMPARED)}")  # fmt: skip
    return parser


def chosen(text):
    """Names of jobs."""
    unknown = [name for name in text.split(",") if name not in COMPARED]
    if unknown:
        raise argparse.ArgumentTypeError(f"got the job {unknown[0]!r}, needs one of {', '.join(COMPARED)}")
    return text.split(",")


@contextmanager
def built(commit):
    """The folder of a commit's build; LookupError where there is none."""
    if done("git", "rev-parse", "--verify", "--quiet", f"{commit}^{{commit}}").returncode:
        raise LookupError(f"the commit {commit} is not here (a shallow clone has only the last)")
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "fastmlp"
        made = done("git", "worktree", "add", "--detach", str(place), commit)
        if made.returncode:
            raise LookupError(f"git worktree: {last_line(made)}")
        try:
            made = done(sys.executable, "setup.py", "build_ext", "--inplace", f"-j{get_num_threads()}", cwd=place)
            if made.returncode:
                raise LookupError(f"the commit {commit} could not be built: {last_line(made)}")
            yield place
        finally:
            done("git", "worktree", "remove", "--force", str(place))


def done(*command, cwd=ROOT):
    return subprocess.run(command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def last_line(process):
    return (process.stdout.strip() or f"status {process.returncode}").splitlines()[-1]


def compared(names, other, effort):
    """The cells of the table, header first, and what went wrong."""
    rows, problems = [("job", "threads", "this ", "other ", "other/this, least ", "median ")], []
    for name in names:
        settings, contender = COMPARED[name]
        settings = scaled(settings, effort)
        with started(settings, [Entrant(contender), Entrant(contender, checkout=other)], {}) as both:
            take_turns([] if any(one.problem for one in both) else both, effort, "least")
        named = zip(("this", "other"), both, strict=True)
        problems += [f"{name}, {which}: {one.problem}" for which, one in named if one.problem]
        if both[0].seconds and both[1].seconds:
            rows.append((name, str(settings.threads), *cells(*[one.seconds for one in both], settings.units)))
    return rows, problems


def cells(this, other, units):
    """Least times, the ratio of them, and the median ratio of the rounds."""
    yield from [time_text(min(seconds) / units) for seconds in (this, other)]
    yield ratio_text(min(other) / min(this))
    yield ratio_text(median(b / a for a, b in zip(this, other, strict=True)))


def notes():
    """How to read the table, and what it was measured on."""
    yield "Above 1, this checkout is faster. Times are the least of an epoch, a step or a call; other work only adds."
    yield f"{processor()}, fastmlp on {kernels.isa.name()}"


if __name__ == "__main__":
    sys.exit(main())
