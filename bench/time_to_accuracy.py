"""Seconds of training to 98 % accuracy on MNIST's test rows: `python -m bench.time_to_accuracy`.

The recipe is one for all: the same weights, the same order of rows and the same learning rate in every step. It is the
fastest found that reaches the goal from each of 16 seeds. Only training is timed; the accuracy is measured after it,
and who has not reached the goal then has no time.
"""

import argparse
import json
import sys
from dataclasses import replace
from math import inf
from pathlib import Path
from statistics import median

from bench import data
from bench.jobs import MNIST, OURS
from bench.peers import Effort, add_python, measure
from bench.table import aligned, processor, ratio_text, time_text
from fastmlp.config.threads import get_num_threads

GOAL = 0.98
RECIPE = replace(
    MNIST,
    name="time_to_98_percent",
    title=f"seconds of training to {GOAL:.0%} of MNIST's test rows",
    # short memories suit a run of a few hundred steps
    optimizer={"name": "adam", "learning_rate": 0.009, "beta_1": 0.85, "beta_2": 0.95, "epsilon": 1e-7},
    widths=(784, 256, 10),
    epochs=2.25,
    batch_size=192,
    warmup=0.25,
)
NAMES = (OURS, "fastmlp_dense", "pytorch", "jax")
SEEDS = 5
EFFORT = Effort(rounds=2, enough=2, budget=inf, deadline=inf, divisor=1)


def main(arguments=None):
    """Train from every seed and print the table; the status is 1 when fastmlp has not reached the goal."""
    options = parser().parse_args(arguments)
    if not data.is_real():
        raise SystemExit("needs MNIST: set FASTMLP_DATA to a folder that has it in mnist/")
    settings = replace(RECIPE, threads=get_num_threads())
    runs = {name: [] for name in NAMES}
    for seed in range(options.seeds):
        for contender in measure(settings, NAMES, dict(options.python), EFFORT, seed):
            runs[contender.name].append(contender)
    print("\n".join(report(settings, runs)))
    if options.json:
        Path(options.json).write_text(json.dumps(records(settings, runs), indent=2) + "\n")
    return int(middle(runs[OURS]) == inf)


def parser():
    parser = argparse.ArgumentParser("python -m bench.time_to_accuracy", description=__doc__.split("\n\n")[0])
    parser.add_argument("--seeds", type=int, default=SEEDS, help=f"how many; default {SEEDS}")
    parser.add_argument("--json", metavar="FILE", help="write the figures there")
    add_python(parser)
    return parser


def times(runs):
    """For each seed the median time of a run, or infinity when it has not reached the goal."""
    return [median(run.seconds) if run.seconds and run.checked >= GOAL else inf for run in runs]


def middle(runs):
    """The median over the seeds."""
    return median(times(runs))


def ratio(runs, ours):
    """How many times as long as fastmlp: the median over the seeds that both reached the goal from."""
    pairs = zip(times(runs), times(ours), strict=True)
    found = [time / base for time, base in pairs if time < inf and base < inf]
    return median(found) if found else None


def report(settings, runs):
    """Lines for people."""
    yield f"{settings.name}: {settings.title}; {settings.threads} threads"
    yield from recipe(settings)
    yield ""
    header = ("contender", "version", "accuracies", "reached", "median", "min", "max", f"/ {OURS}")
    yield from aligned([header, *[cells(name, runs) for name in runs if any(run.seconds for run in runs[name])]])
    for name, found in runs.items():
        yield from dict.fromkeys(f"{name}: {run.problem}" for run in found if run.problem)
    yield ""
    yield processor()


def recipe(settings):
    """The recipe in words."""
    optimizer = ", ".join(f"{name} {value}" for name, value in settings.optimizer.items() if name != "learning_rate")
    yield f"{settings.shape}, batch {settings.batch_size}, {settings.epochs} epochs; optimizer: {optimizer}"
    yield (
        f"the rate climbs to {settings.optimizer['learning_rate']} in {settings.warmup:.0%} of {settings.steps} steps, "
        f"then falls to 0, a new one every {settings.held} steps"
    )


def cells(name, runs):
    found = times(runs[name])
    accuracies = sorted(run.checked for run in runs[name] if run.seconds)
    reached = [time for time in found if time < inf]
    ratio_found = ratio(runs[name], runs[OURS])
    return (
        name,
        runs[name][0].version,
        f"{accuracies[0]:.4f} {median(accuracies):.4f} {accuracies[-1]:.4f}",
        f"{len(reached)} of {len(found)}",
        *[time_text(time) if time < inf else "-" for time in (median(found), min(found), max(found))],
        ratio_text(ratio_found) if ratio_found else "-",
    )


def records(settings, runs):
    """The figures for machines, with the fields of bench.peers; null where there is none."""
    return [
        {
            "job": settings.name,
            "contender": name,
            "version": found[0].version or None,
            "seconds": middle(found) if middle(found) < inf else None,
            "ratio": ratio(found, runs[OURS]),
            "share_of_peak": None,
        }
        for name, found in runs.items()
    ]


if __name__ == "__main__":
    sys.exit(main())
