"""Run one contender in this process: `python -m bench.contenders MODULE FOLDER THREADS`, with a job in the folder.

Prints {"version": ...}. Then, for each line on standard input, prints what it asks for: "check" the accuracy on the
test rows after training (of a regression the mean squared error), or the greatest error of the probabilities; "time"
the median seconds of a run in a turn, "least" the least. After "reset" and "train", which only does that, an empty
answer. Prints {"problem": ...} when it can do none of that.
"""

import importlib
import json
import sys
import time
from dataclasses import replace
from statistics import median

import numpy as np

from bench.job import Job

TURN = 0.1  # seconds that a turn lasts at least: short runs are repeated, so that what ran before does not count
SAMPLE = 200  # rows that are checked when they are computed one by one


class Training:
    """A Trainer as something to check and to time."""

    def __init__(self, module, job):
        self.job, self.trainer = job, module.Trainer(job)

    def check(self):
        self.seconds()
        outputs, y = self.trainer.predict(self.job.x_test), self.job.y_test
        if self.job.settings.is_regression:
            return float(np.mean((outputs - y) ** 2))
        return float(np.mean(np.argmax(outputs, axis=1) == y))

    def seconds(self):
        self.reset()
        return elapsed(self.train)

    def reset(self):
        self.trainer.reset()

    def train(self):
        self.trainer.train()


class Predicting:
    """A Predictor, called once with all rows."""

    def __init__(self, module, job):
        self.job, self.predict = job, module.Predictor(job).predict

    def check(self):
        return error(self.predict(self.job.x_test), self.job.expected)

    def seconds(self):
        return elapsed(lambda: self.predict(self.job.x_test))


class Rowwise(Predicting):
    """A Predictor, called once for each row."""

    def check(self):
        rows = [np.array(self.predict(row)) for row in self.rows()[:SAMPLE]]
        return error(np.concatenate(rows), self.job.expected[:SAMPLE])

    def seconds(self):
        predict, rows = self.predict, self.rows()

        def one_by_one():
            for row in rows:
                predict(row)

        return elapsed(one_by_one)

    def rows(self):
        return [self.job.x_test[i : i + 1] for i in range(len(self.job.x_test))]


KINDS = {"train": Training, "predict": Predicting, "rows": Rowwise}
PICKS = {"time": median, "least": min}


def elapsed(run):
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def error(got, expected):
    """The greatest deviation; shapes have to be equal."""
    if got.shape != expected.shape:
        raise ValueError(f"got the shape {got.shape}, needs {expected.shape}")
    return float(np.max(np.abs(got - expected)))


def turn(contender, pick):
    """The median, or the least, time of as many runs as fit the turn."""
    times = [contender.seconds()]
    while sum(times) < TURN:
        times.append(contender.seconds())
    return pick(times)


def main(name, folder, threads):
    try:
        module = importlib.import_module(f"bench.contenders.{name}")
        job = Job.load(folder)
        job = replace(job, settings=replace(job.settings, threads=int(threads)))
        contender = KINDS[job.settings.kind](module, job)
        answer(version=module.version)
        for line in sys.stdin:
            answer(**done(contender, line.strip()))
    except ModuleNotFoundError as problem:
        answer(problem=f"not installed (no module {problem.name})")
    except Exception as problem:
        answer(problem=f"{type(problem).__name__}: {problem}".splitlines()[0])


def done(contender, what):
    """Do what is asked for, and return the answer's fields."""
    if what in PICKS:
        return {"seconds": turn(contender, PICKS[what])}
    found = getattr(contender, what)()
    return {what: found} if what == "check" else {}


def answer(**fields):
    print(json.dumps(fields), flush=True)


main(*sys.argv[1:])
