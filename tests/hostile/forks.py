"""Processes begun while another thread trains: `python -m tests.hostile.forks --count 200 --seed 0`.

By os.fork and by each way of multiprocessing, with 1, 2 and 3 threads: the child predicts with the model, trains it
from given weights to the bits that its parent has there, and may fork itself. None may wait forever or crash, and
neither may the parent, whose training ends with the bits that it has alone.
"""

import collections
import faulthandler
import multiprocessing
import os
import random
import signal
import sys
import threading
import traceback
import warnings

import numpy as np

import fastmlp
from fastmlp.layers import BatchNormalization, Dense, Dropout, Input
from fastmlp.models import Sequential
from fastmlp.optimizers import SGD, Adam
from tests.hostile import attack

SECONDS = 600  # until a process that does not end is one that never will
WAYS = ("os.fork", "fork", "forkserver", "spawn")
RANDOM = np.random.default_rng(2)
X = RANDOM.normal(size=(400, 24)).astype(np.float32)
Y = (X[:, 0] > X[:, 1]).astype(np.int32)
FEW = 64  # rows that a child trains on


def network(seed):
    chance = random.Random(seed)
    middle = [BatchNormalization()] * chance.randint(0, 1) + [Dropout(0.3)] * chance.randint(0, 1)
    hidden = [Dense(chance.choice((5, 40, 150)), "relu") for _ in range(2)]
    made = Sequential([Input((24,)), *hidden, *middle, Dense(2, "softmax")], seed=seed)
    made.compile(Adam(0.001), "sparse_categorical_crossentropy")
    return made


def trained_anew(model, weights):
    """Return the bits that a model has, trained from these weights by an optimizer of its own."""
    model.compile(SGD(0.01), "sparse_categorical_crossentropy")
    model.set_weights(weights)
    model.fit(X[:FEW], Y[:FEW], batch_size=16, epochs=2, shuffle=False, verbose=0)
    return [array.tobytes() for array in model.get_weights()]


def work(model, weights, expected, threads, depth=0):
    """What a child does."""
    fastmlp.set_num_threads(threads)
    assert np.isfinite(model(X[:3])).all() and np.isfinite(model.predict(X, verbose=0)).all()
    assert trained_anew(model, weights) == expected, "other bits than in the parent"
    if depth:
        assert status_of(forked(model, weights, expected, threads)) == 0, "the child's own child"


def run(*arguments):
    """Work, with an end after some time; return the status to end with."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)  # its timer is this process's own, unlike a thread that looks on
    faulthandler.register(signal.SIGALRM, all_threads=True, chain=True)
    signal.alarm(SECONDS)
    try:
        work(*arguments)
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def end(*arguments):
    os._exit(run(*arguments))  # no more than that: the other threads' files and exits are the parent's


def forked(*arguments):
    child = os.fork()
    if not child:
        end(*arguments)
    return child


def status_of(child):
    """How a child ended."""
    if isinstance(child, int):
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    child.join()
    return child.exitcode


def begun(way, *arguments):
    if way == "os.fork":
        return forked(*arguments)
    child = multiprocessing.get_context(way).Process(target=end, args=arguments)
    child.start()
    return child


def bits_alone(seed, threads):
    """What training gives, without children."""
    fastmlp.set_num_threads(threads)
    model = network(seed)
    model.fit(X, Y, batch_size=8, epochs=2, verbose=0)
    return [array.tobytes() for array in model.get_weights()]


def check(seed, ways=WAYS):
    """Begin children while a model is trained, and count them."""
    chance, counts = random.Random(seed), collections.Counter()
    threads, way = chance.choice((1, 2, 3)), chance.choices(ways, [8, 8, 1, 1][: len(ways)])[0]
    before = fastmlp.get_num_threads()
    try:
        alone, weights = bits_alone(seed, threads), network(seed).get_weights()
        expected = trained_anew(network(seed), weights)
        model, started, ended = network(seed), threading.Event(), threading.Event()
        found, errors = [], []

        def train():
            try:
                while not ended.is_set():
                    one = network(seed)
                    one.fit(X, Y, batch_size=8, epochs=2, verbose=0)
                    found.append([array.tobytes() for array in one.get_weights()])
                    started.set()
                    model.fit(X, Y, batch_size=8, epochs=2, verbose=0)
            except BaseException as error:
                errors.append(error)
                started.set()

        thread = threading.Thread(target=train)
        thread.start()
        started.wait()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of a fork beside threads, which is what is tried
            try:
                for _ in range(8 if "fork" in (way, way[3:]) else 1):
                    depth = chance.randint(0, 1) if way == "os.fork" else 0
                    beside = f"{way}, {threads} threads" + (", and another one in the child" if depth else "")
                    status = status_of(begun(way, model, weights, expected, threads, depth))
                    assert status == 0, f"{beside}: a child ended with {status}"
                    counts[beside] += 1
            finally:
                ended.set()
                thread.join()
        assert not errors, errors
        assert all(one == alone for one in found), "training beside children has other bits"
    finally:
        fastmlp.set_num_threads(before)
    return counts


def main(arguments=None):
    os.environ["FASTMLP_MORE_THREADS_THAN_CPUS"] = "1"
    return attack.main("tests.hostile.forks", __doc__, check, 100, "trainings", arguments)


if __name__ == "__main__":
    sys.exit(main())
