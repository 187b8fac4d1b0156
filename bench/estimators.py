"""Whole fits of fastmlp's and scikit-learn's perceptrons, side by side: `python -m bench.estimators`.

Each has a process of its own, and they take turns, seed after seed. The same seed gives both the same initial weights
and the same order of rows. Where their scores on rows not trained on differ by more than noise there is no ratio.
"""

import argparse
import json
import subprocess
import sys
import time
import warnings
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import mean, median, stdev

import numpy as np

from bench import data
from bench.process import ROOT, environment
from bench.table import aligned, processor, ratio_text, time_text
from fastmlp.config.threads import get_num_threads

OURS, THEIRS = "fastmlp", "scikit_learn"
SEEDS = 5


@dataclass(frozen=True)
class Fit:
    """A fit with scikit-learn's defaults, but for `settings`.

    Attributes
    ----------
    name, kind : str
        The kind is "MLPClassifier" or "MLPRegressor".
    make : str
        A function of this module that makes (x_train, y_train), (x_test, y_test) for so many rows.
    rows : int
        To train on.
    dtype : str
        Of the features.
    """

    name: str
    kind: str
    make: str
    rows: int
    settings: dict = field(default_factory=dict)
    dtype: str = "float64"


FITS = (
    Fit("digits", "MLPClassifier", "digits", 1_437),
    Fit("mnist", "MLPClassifier", "mnist", 60_000, {"max_iter": 5}),
    Fit("mnist_float32", "MLPClassifier", "mnist", 60_000, {"max_iter": 5}, "float32"),
    Fit("housing_size", "MLPRegressor", "housing", 20_640, {"max_iter": 30}),
    Fit("table_1000", "MLPClassifier", "table", 1_000),
    Fit("table_1000_float32", "MLPClassifier", "table", 1_000, {}, "float32"),
    Fit("table_1000_early", "MLPClassifier", "table", 1_000, {"early_stopping": True}),
)


def digits(rows):
    """The digits that come with fastmlp, not scaled."""
    from fastmlp.datasets import digits as source

    return tuple((x.reshape(len(x), -1), y) for x, y in source.load_data())


def mnist(rows):
    return data.mnist(rows)


def housing(rows):
    """As many rows and features as the California housing data: a smooth function of eight numbers, with noise."""
    rng = np.random.default_rng(4)
    x = rng.standard_normal((rows + 5_000, 8))
    y = np.sin(x[:, 0] * 2) + x[:, 1] * x[:, 2] + np.abs(x[:, 3:]).sum(axis=1) + 0.3 * rng.standard_normal(len(x))
    return (x[:rows], y[:rows]), (x[rows:], y[rows:])


def table(rows):
    """Two classes of ten numbers, on two sides of a curved surface, some labels flipped."""
    rng = np.random.default_rng(5)
    x = rng.standard_normal((rows + 2_000, 10))
    y = (x[:, 0] * x[:, 1] + x[:, 2] + 0.5 * x[:, 3] ** 2 > 0.4) ^ (rng.random(len(x)) < 0.05)
    return (x[:rows], y[:rows].astype(int)), (x[rows:], y[rows:].astype(int))


def main(arguments=None):
    """Run the fits and print the table; the status is 1 when scores differ."""
    options = parser().parse_args(arguments)
    if options.serve:
        return serve(options.serve)
    fits = [fit for fit in FITS if not options.fits or fit.name in options.fits.split(",")]
    if options.quick:
        fits = [replace(fit, rows=min(fit.rows, 3_000), settings={**fit.settings, "max_iter": 3}) for fit in fits]
    workers = {name: worker(name, options.python if name == THEIRS else sys.executable) for name in (OURS, THEIRS)}
    found = [measure(fit, workers, options.seeds) for fit in fits]
    for process in workers.values():
        process.communicate()
    print("\n".join([*aligned([HEADER, *map(cells, found)]), "", f"data: {data.source()}", processor()]))
    if options.json:
        Path(options.json).write_text(json.dumps(found, indent=2) + "\n")
    return int(not all(equal(each["scores"]) for each in found))


def parser():
    parser = argparse.ArgumentParser("python -m bench.estimators", description=__doc__.split("\n\n")[0])
    parser.add_argument("--quick", action="store_true", help="fewer rows and epochs")
    parser.add_argument("--seeds", type=int, default=SEEDS, help=f"how many; default {SEEDS}")
    parser.add_argument("--fits", metavar="A,B", help=f"do only these of {', '.join(fit.name for fit in FITS)}")
    parser.add_argument("--python", metavar="PATH", default=sys.executable, help="interpreter that has scikit-learn")
    parser.add_argument("--json", metavar="FILE", help="write the figures there")
    parser.add_argument("--serve", choices=(OURS, THEIRS), help=argparse.SUPPRESS)
    return parser


def worker(name, python):
    """A process that answers each line, a fit and a seed, with seconds and a score."""
    return subprocess.Popen(
        [python, "-m", "bench.estimators", "--serve", name], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        cwd=ROOT, env=environment(get_num_threads()), text=True,
    )  # fmt: skip


def serve(name):
    """The worker's side."""
    if name == OURS:
        import fastmlp.sklearn as module
    else:
        from sklearn import neural_network as module
    for line in sys.stdin:
        asked = json.loads(line)
        print(json.dumps(run(module, Fit(**asked["fit"]), asked["seed"])), flush=True)
    return 0


def run(module, fit, seed):
    """Fit once and score on the other rows."""
    (x, y), (x_test, y_test) = globals()[fit.make](fit.rows)
    x, x_test = x[: fit.rows].astype(fit.dtype), x_test.astype(fit.dtype)
    model = getattr(module, fit.kind)(random_state=seed, **fit.settings)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # not all converge
        start = time.perf_counter()
        model.fit(x, y[: fit.rows])
        seconds = time.perf_counter() - start
    return {"seconds": seconds, "score": float(model.score(x_test, y_test)), "epochs": model.n_iter_}


def measure(fit, workers, seeds):
    """Let both do a fit for each seed, in turns; the first run of all warms up and is not counted."""
    results = {name: [] for name in workers}
    for seed in range(-1, seeds):
        names = list(workers) if seed % 2 else list(workers)[::-1]
        for name in names:
            result = ask(workers[name], fit, max(seed, 0))
            results[name] += [result] if seed >= 0 else []
    ratios = [b["seconds"] / a["seconds"] for a, b in zip(results[OURS], results[THEIRS], strict=True)]
    return {
        "fit": fit.name,
        "seconds": {name: median(each["seconds"] for each in found) for name, found in results.items()},
        "scores": {name: [each["score"] for each in found] for name, found in results.items()},
        "epochs": {name: [each["epochs"] for each in found] for name, found in results.items()},
        "ratios": ratios,
    }


def ask(process, fit, seed):
    process.stdin.write(json.dumps({"fit": vars(fit), "seed": seed}) + "\n")
    process.stdin.flush()
    line = process.stdout.readline()
    if not line:
        raise SystemExit(f"a contender has ended with status {process.wait()}")
    return json.loads(line)


def equal(scores):
    """Whether the mean scores are nearer than twice their standard error, or than a thousandth."""
    ours, theirs = scores[OURS], scores[THEIRS]
    spread = stdev(ours + theirs) if len(ours) > 1 else 0.0
    return abs(mean(ours) - mean(theirs)) <= max(0.001, 2 * spread * (2 / len(ours)) ** 0.5)


HEADER = ("fit", OURS, THEIRS, "ratio", "min", "max", "epochs", "epochs", "score", "score")


def cells(found):
    """A row of the table; without a ratio where the scores differ."""
    ratios = found["ratios"]
    shown = [ratio_text(each) for each in (median(ratios), min(ratios), max(ratios))]
    return (
        found["fit"],
        *[time_text(found["seconds"][name]) for name in (OURS, THEIRS)],
        *(shown if equal(found["scores"]) else ["-"] * 3),
        *[str(round(mean(found["epochs"][name]))) for name in (OURS, THEIRS)],
        *[f"{mean(found['scores'][name]):.4f}" for name in (OURS, THEIRS)],
    )


if __name__ == "__main__":
    sys.exit(main())
