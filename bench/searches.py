"""Searches in threads of Python against one fit after the other: `python -m bench.searches`.

GridSearchCV of MLPClassifier, 4 candidates in 4 folds, on 1,000 and 20,000 rows, each fit on one thread of the
engine: with n_jobs=1, with joblib's threads, with its processes, the default of scikit-learn; and scikit-learn's
own MLPClassifier in processes. The contenders take turns; the least times of the turns are compared, since noise only
adds. fastmlp's must have the same scores. Processes are started before.

What the cores give is how many searches of n_jobs=1 as many processes get through, each its own and all at once, in the
time of one: what threads could reach at most.
"""

import argparse
import time
import warnings
from functools import partial

import joblib
import numpy as np
from sklearn import neural_network
from sklearn.model_selection import GridSearchCV

from bench.estimators import table
from bench.table import aligned, processor, ratio_text, time_text
from fastmlp.config.threads import get_num_threads
from fastmlp.sklearn import MLPClassifier

GRID = {"alpha": [1e-4, 1e-2], "learning_rate_init": [0.001, 0.003]}
FOLDS = 4
SEARCHES = {  # name: rows, settings
    "1,000 rows": (1_000, {}),
    "1,000 rows, early stopping": (1_000, {"early_stopping": True}),
    "20,000 rows": (20_000, {"max_iter": 20}),
    "20,000 rows, early stopping": (20_000, {"max_iter": 20, "early_stopping": True}),
}


def main(arguments=None):
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m bench.searches", description=__doc__.partition("\n")[0])
    parser.add_argument("--jobs", type=int, default=max(2, get_num_threads()), help="workers; default as many as CPUs")
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--alone", action="store_true", help="fastmlp's threads only: many turns in less time")
    parser.add_argument("--quick", action="store_true", help="fewer rows and epochs, one turn")
    options = parser.parse_args(arguments)
    rows = [("search", *(f"{name} " for name in contenders(options)), "threads faster by", "cores give")]
    for name, (count, settings) in SEARCHES.items():
        if options.quick:
            count, settings, options.turns = min(count, 2_000), {**settings, "max_iter": 2}, 1
        times, at_once = measured(count, settings, options)
        one, threads, *_ = times.values()
        given = options.jobs * one / at_once
        rows.append((name, *map(time_text, times.values()), ratio_text(one / threads), ratio_text(given)))
    print("\n".join([*aligned(rows), "", processor()]))


def contenders(options):
    """Each is an estimator, and where joblib has it trained."""
    ours = partial(MLPClassifier, n_threads=1)
    found = {"n_jobs=1": (ours, "threading", 1), f"{options.jobs} threads": (ours, "threading", options.jobs)}
    if not options.alone:
        found[f"{options.jobs} processes"] = ours, "loky", options.jobs
        found[f"scikit-learn's, {options.jobs} processes"] = neural_network.MLPClassifier, "loky", options.jobs
    return found


def measured(rows, settings, options):
    """The least time of each contender, and that of as many searches at once as there are jobs, in seconds."""
    (x, y), _ = table(rows)
    times, scores, at_once = {name: [] for name in contenders(options)}, {}, []
    for turn in range(-1, options.turns):  # the first warms up
        for name, (kind, backend, jobs) in contenders(options).items():
            if turn < 0 and kind is neural_network.MLPClassifier:
                continue  # in the processes that the contender before has started
            with joblib.parallel_config(backend, n_jobs=jobs):
                started = time.perf_counter()
                found = searched(kind, settings, x, y)
                times[name] += [time.perf_counter() - started] * (turn >= 0)
            if kind is not neural_network.MLPClassifier:
                scores[name] = found
        started = time.perf_counter()
        alone = joblib.delayed(searched)(partial(MLPClassifier, n_threads=1), settings, x, y)
        joblib.Parallel(n_jobs=options.jobs, backend="loky")([alone] * options.jobs)
        at_once += [time.perf_counter() - started] * (turn >= 0)
    expected, *others = scores.values()
    assert all(np.array_equal(found, expected) for found in others), "the searches have not found the same"
    return {name: min(found) for name, found in times.items()}, min(at_once)


def searched(kind, settings, x, y):
    """The scores that a search finds."""
    search = GridSearchCV(kind(random_state=0, **settings), GRID, cv=FOLDS, refit=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # not all converge
        search.fit(x, y)
    return search.cv_results_["mean_test_score"]


if __name__ == "__main__":
    main()
