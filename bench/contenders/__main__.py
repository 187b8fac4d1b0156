"""Run one contender in this process: `python -m bench.contenders NAME FOLDER`, with a job in the folder.

Prints {"version": ...}, or {"missing": library}. Then, for each line on standard input, trains one epoch from the
initial weights and prints {"seconds": ..., "accuracy": ...}, the accuracy being that on the test rows.
"""

import importlib
import json
import sys
import time

import numpy as np

from bench.job import Job


def main(name, folder):
    try:
        module = importlib.import_module(f"bench.contenders.{name}")
    except ModuleNotFoundError as error:
        answer(missing=error.name)
        return
    job = Job.load(folder)
    contender = module.Contender(job)
    answer(version=contender.version)
    for _ in sys.stdin:
        contender.reset()
        start = time.perf_counter()
        contender.train_epoch()
        seconds = time.perf_counter() - start
        answer(seconds=seconds, accuracy=accuracy(contender.predict(job.x_test), job.y_test))


def accuracy(scores, labels):
    """Share of the rows whose greatest score is that of the label."""
    return float(np.mean(np.argmax(scores, axis=1) == labels))


def answer(**fields):
    print(json.dumps(fields), flush=True)


main(*sys.argv[1:])
