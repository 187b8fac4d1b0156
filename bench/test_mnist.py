"""An epoch of training on MNIST by fastmlp, the oracle and other libraries, each in a process of its own.

The oracle's time is that of one step, itself from as many rows as there was time for, times the number of steps.
"""

from contextlib import ExitStack
from dataclasses import replace

import pytest

from bench import job
from bench.contenders import oracle
from bench.jobs import JOBS, OURS
from bench.peers import Entrant, started
from fastmlp.config.threads import get_num_threads

NAMES = ("mnist_sgd", "mnist_rmsprop", "mnist_adam")
ROUNDS = {True: 3, False: 7}  # quick or not
DIVISOR = {True: 20, False: 2}  # of the rows
TABLE = "speedups of an epoch of training on MNIST"
BUILT_IN = ("numpy_by_hand", OURS)  # what needs no further library


def settings_of(name, quick):
    settings = JOBS[name].settings
    return replace(settings, threads=get_num_threads(), rows=settings.rows // DIVISOR[quick])


def label(settings, contender, threads):
    size = f"{settings.shape}, batch {settings.batch_size}, {settings.rows:,} rows"
    return {"table": TABLE, "job": settings.name, "size": size, "contender": contender, "threads": threads}


@pytest.fixture(scope="module")
def contender(pytestconfig):
    """A function that gives a job's contender by name; all of a job start together, and are checked."""
    with ExitStack() as stack:
        found = {}

        def get(settings, name):
            if settings.name not in found:
                stack.pop_all().close()  # the job before has ended
                entrants = [Entrant(other) for other in JOBS[settings.name].contenders]
                contenders = stack.enter_context(started(settings, entrants, {}))
                found[settings.name] = {one.name: one for one in contenders}
            return found[settings.name][name]

        yield get


@pytest.mark.parametrize("name", NAMES)
def test_oracle(name, mnist, stopwatch, pytestconfig):
    settings = settings_of(name, pytestconfig.getoption("quick"))
    (x, y), (x_test, y_test) = mnist

    def prepare(rows):
        step = replace(settings, rows=rows, threads=1)
        trainer = oracle.Trainer(job.make(step, (x[:rows], y[:rows]), (x_test[:1], y_test[:1])))
        trainer.reset()
        return trainer.train

    stopwatch.part(prepare, settings.batch_size, times=settings.steps, **label(settings, "oracle", 1))


@pytest.mark.parametrize("name, other", [(name, other) for name in NAMES for other in JOBS[name].contenders])
def test_epoch(name, other, contender, stopwatch, pytestconfig):
    quick = pytestconfig.getoption("quick")
    settings = settings_of(name, quick)
    one = contender(settings, other)
    if one.problem.startswith("not installed") and other not in BUILT_IN:
        pytest.skip(one.problem)
    assert not one.problem
    stopwatch.rounds(
        lambda: one.ask("reset"), lambda: one.ask("train"), ROUNDS[quick], **label(settings, other, settings.threads)
    )
