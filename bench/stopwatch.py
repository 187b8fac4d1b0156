"""Timing a contender with pytest-benchmark, whole or in part, and keeping the result for the table."""

import time

ROWS = 8  # that a slow contender is given at least, to extrapolate from


class Stopwatch:
    """Times one contender of one row of the table.

    Parameters
    ----------
    benchmark : the fixture of pytest-benchmark
    budget : float
        Seconds after which a slow contender is not given more rows.
    results : list
        Where the result goes, as a dict.
    """

    def __init__(self, benchmark, budget, results):
        self.benchmark = benchmark
        self.budget = budget
        self.results = results

    def whole(self, run, **label):
        """Time run() as it is."""
        self.benchmark(run)
        if self.benchmark.stats is not None:  # else timing is switched off
            self.keep(self.benchmark.stats.stats.median, False, label)

    def rounds(self, prepare, run, rounds, **label):
        """Time run() so many times, each time after prepare()."""
        self.benchmark.pedantic(run, setup=prepare, rounds=rounds)
        if self.benchmark.stats is not None:
            self.keep(self.benchmark.stats.stats.median, False, label)

    def part(self, prepare, rows, times=1, **label):
        """Time a slow contender on as many rows as fit the budget, and extrapolate to all of them.

        prepare(rows) returns a function without arguments. Every further row is taken to cost what the rows after the
        first one do; minima, because the difference of two times is small and noise only ever adds. The whole is taken
        to be done so many times.
        """
        few = min(ROWS, rows)
        while few < rows and seconds(prepare(few)) < self.budget:
            few = min(2 * few, rows)
        one = prepare(1)
        least = min(seconds(one) for _ in range(3))
        self.benchmark(prepare(few))
        if self.benchmark.stats is None:
            return
        total = self.benchmark.stats.stats.median
        if few < rows:
            total += (rows - few) * (self.benchmark.stats.stats.min - least) / (few - 1)
        self.keep(times * total, few < rows or times > 1, {**label, "rows_timed": few, "rows": rows})

    def keep(self, seconds, extrapolated, label):
        """Note a result, in the benchmark's JSON too; its spread is that of the middle half of the rounds."""
        spread = self.benchmark.stats.stats.iqr / self.benchmark.stats.stats.median
        result = {"table": "speedups", **label, "seconds": seconds, "spread": spread, "extrapolated": extrapolated}
        self.benchmark.extra_info.update(result)
        self.results.append(result)


def seconds(run):
    """How long one call takes."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start
