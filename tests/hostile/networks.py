"""Random networks whose numbers are huge, infinite or NaN: `python -m tests.hostile.networks --count N --seed S`.

Each is trained, evaluated, asked for predictions and gradients. In float64 all has the oracle's bits, in float32 those
of any other instruction set with FMA; for any number of threads, and whether zeros are skipped or not. NaN equals NaN:
the hardware decides its sign and payload. The oracle, which takes longest by far, computes every third one.
"""

from __future__ import annotations

import collections
import random
import sys
from contextlib import contextmanager

import numpy as np

from fastmlp import kernels
from fastmlp.kernels import Network
from fastmlp.kernels.engine import network as engine
from tests.graphs import graph_data, graph_weights, oracle_of
from tests.hostile import attack
from tests.random_graphs import random_graph

ROWS, BATCH, EPOCHS = 17, 7, 2
ORACLE_EVERY = 3
WIDE = (1, 3, 9, 18, 33, 41, 70)  # more columns than a panel has, so that there is something to skip
EXTREMES = {
    "float32": (np.inf, -np.inf, np.nan, 3e38, -3e38, 1e30, 1e-45),
    "float64": (np.inf, -np.inf, np.nan, 1.7e308, -1.7e308, 1e200, 5e-324),
}
NO_ANSWER = (ArithmeticError, ValueError)  # of Python's floats and its math, where C has infinity or NaN


class Case:
    """A network with its weights and data, some of which are extreme."""

    def __init__(self, seed, dtype):
        self.random, rng = random.Random(seed), np.random.default_rng(seed)
        self.dtype = dtype
        self.graph, self.optimizer = random_graph(seed, self.random.choice((None, WIDE, WIDE)))
        self.weights = [array.astype(dtype) for array in graph_weights(self.graph, rng)]
        data = graph_data(self.graph, ROWS, rng)
        self.x = [array.astype(dtype) for array in data.x]
        self.y = [y if y is None or y.dtype == np.intc else y.astype(dtype) for y in data.y]
        for x in self.x:
            x[rng.random(x.shape) < self.random.choice((0.0, 0.5, 0.9))] = 0
        self.order = rng.permutation(ROWS)
        floats = [y for y in self.y if y is not None and y.dtype == dtype]
        spoilt = self.random.choice(([], [self.weights], [self.weights], [self.x], [self.weights, self.x], [floats]))
        for arrays in filter(None, spoilt):
            self.spoil(arrays)
        if self.random.random() < 0.2:
            self.optimizer = self.optimizer | {"learning_rate": self.random.choice((1e3, 1e20, 1e39))}

    def spoil(self, arrays):
        """Put one extreme number, or some, into one of the arrays, or two."""
        for array in self.random.choices(arrays, k=self.random.randint(1, 2)):
            places = self.random.choices(range(array.size), k=self.random.choice((1, 1, 3)))
            array.reshape(-1)[places] = self.random.choice(EXTREMES[self.dtype])

    def oracle(self):
        """What the oracle gives, in the order of `engine`; None where Python's floats have no answer."""
        oracle = oracle_of(self.graph, self.optimizer)
        oracle.set_weights([array.tolist() for array in self.weights])
        x, y = nested(self.x), nested(self.y)
        try:
            found = [oracle.train_epoch(x, y, self.order.tolist(), BATCH, self.graph.metrics) for _ in range(EPOCHS)]
            found += [
                oracle.evaluate(x, y, self.graph.metrics),
                oracle.predict(x),
                oracle.predict([rows[:1] for rows in x]),
            ]
            dx = [[] for _ in x]
            found += [oracle.gradients(x, y, None, dx), dx]
        except NO_ANSWER:
            return None
        return [*found, oracle.get_weights(), oracle.get_optimizer_state()]

    def engine(self, isa, threads, skips):
        """What the compiled network gives."""
        with chosen(isa, skips):
            graph = self.graph
            network = Network(graph.inputs, graph.layers, graph.losses, self.optimizer, self.dtype, graph.outputs,
                              graph.loss_weights)  # fmt: skip
            network.threads = threads
            network.set_weights(self.weights)
            x, y, metrics = self.x, self.y, graph.metrics
            found = [network.train_epoch(x, y, self.order, BATCH, metrics) for _ in range(EPOCHS)]
            found += [network.evaluate(x, y, metrics), network.predict(x), network.predict([array[:1] for array in x])]
            dx = [np.empty_like(array) for array in x]
            found += [network.gradients(x, y, None, dx), dx]
            return [*found, network.get_weights(), network.get_optimizer_state()]

    def others(self, names):
        """Some of the ways to compute it: each instruction set, with some number of threads, skipping and not."""
        ways = [(isa, self.random.choice((1, 2, 3)), skips) for isa in names for skips in (True, False)]
        return [*ways, (names[-1], 2, True), (names[-1], 3, True)]


@contextmanager
def chosen(isa, skips):
    """Networks made meanwhile are for an instruction set, and skip zeros, of few inputs too, or do not."""
    before = kernels.isa.name(), engine.SKIP_ZEROS, engine.FEW_INPUTS
    kernels.isa.select(isa)
    engine.SKIP_ZEROS, engine.FEW_INPUTS = skips, 0
    try:
        yield
    finally:
        kernels.isa.select(before[0])
        engine.SKIP_ZEROS, engine.FEW_INPUTS = before[1:]


def nested(values):
    return [None if value is None else value.tolist() for value in values]


def numbers(found):
    """All numbers in lists, arrays and tuples, in their order; every NaN is the same."""
    if isinstance(found, np.ndarray):
        return np.where(np.isnan(found), np.nan, found).astype(np.float64).ravel()
    if isinstance(found, (list, tuple)):
        return np.concatenate([np.empty(0), *map(numbers, found)])
    return numbers(np.array(found, np.float64))


def compare(seed, dtype, with_oracle=True):
    """Return what became of the network of a seed: in words, and the ways in which its bits differ."""
    case, supported = Case(seed, dtype), kernels.isa.supported()
    with_fma = [name for name in supported if name != "base"]
    sets = [supported] if dtype == "float64" else [list({*supported} - {*with_fma}), with_fma]
    wrong, first, kinds = [], None, []
    if dtype == "float64" and with_oracle:
        expected = case.oracle()
        kinds.append("where Python's floats have no numbers" if expected is None else "with the oracle's numbers")
        first = None if expected is None else numbers(expected).tobytes()
    finite = True
    for names in filter(None, sets):
        seen = first
        for way in case.others(names):
            found = numbers(case.engine(*way))
            finite &= bool(np.isfinite(found).all())
            seen = seen or found.tobytes()
            if found.tobytes() != seen:
                wrong.append(way)
    return [f"{dtype}, {'finite' if finite else 'not finite'}", *kinds], wrong


def check(seed):
    """Count what became of the network of a seed in both float types."""
    counts = collections.Counter()
    with np.errstate(all="ignore"):
        for dtype in ("float32", "float64"):
            kinds, wrong = compare(seed, dtype, seed % ORACLE_EVERY == 0)
            assert not wrong, f"{dtype}: other bits for {wrong}"
            counts.update(kinds)
    return counts


def main(arguments=None):
    return attack.main("tests.hostile.networks", __doc__, check, 1000, "networks, each in both float types", arguments)


if __name__ == "__main__":
    sys.exit(main())
