"""Options of the benchmarks, their stopwatch, and the table at the end."""

import platform

import numpy as np
import pytest

from bench import data
from bench.stopwatch import Stopwatch
from bench.summary import publish
from bench.table import aligned, processor, speedups
from fastmlp import kernels
from fastmlp.config.threads import get_num_threads

RESULTS = pytest.StashKey[list]()
BUDGETS = {True: 0.02, False: 0.2}  # seconds, quick or not, after which an oracle gets no more rows
MAX_TIME = {True: 0.05, False: 0.5}  # seconds for all rounds of one benchmark


def pytest_addoption(parser):
    parser.addoption("--quick", action="store_true", help="shorter rounds, for a look in about 20 s")


def pytest_configure(config):
    quick = config.getoption("quick")
    config.stash[RESULTS] = []
    config.option.benchmark_quiet = True  # the table of speedups stands for its own
    config.option.benchmark_max_time = MAX_TIME[quick]
    config.option.benchmark_min_rounds = 3


@pytest.fixture
def stopwatch(benchmark, pytestconfig):
    """Times the contender of one test."""
    return Stopwatch(benchmark, BUDGETS[pytestconfig.getoption("quick")], pytestconfig.stash[RESULTS])


@pytest.fixture(scope="session")
def mnist():
    """Training and test part of MNIST, or something like it."""
    return data.mnist()


def pytest_terminal_summary(terminalreporter, config):
    results = config.stash[RESULTS]
    if not results:
        return
    lines = list(notes())
    for title in dict.fromkeys(result["table"] for result in results):
        rows = list(speedups([result for result in results if result["table"] == title]))
        publish(title, rows, lines)
        terminalreporter.section(title)
        for line in (*aligned(rows), ""):
            terminalreporter.write_line(line)
    for line in lines:
        terminalreporter.write_line(line)


def notes():
    """What the table was measured on and how to read it."""
    yield "* extrapolated from fewer rows   ~ unsteady: the middle half of the rounds is spread over 25 % of the median"
    yield "Medians of one run: compare the columns of a row, not one run with another."
    yield (
        f"{processor()}, Python {platform.python_version()}, NumPy {np.__version__}, "
        f"fastmlp on {kernels.isa.name()}, {get_num_threads()} threads where NumPy's library has them too"
    )
    yield f"training data: {data.source()}"
