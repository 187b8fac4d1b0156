"""The benchmark of short runs: a ratio for each, and the number of threads stays as it was."""

import fastmlp
from bench import short_runs


def test_a_quick_run(capsys):
    before = fastmlp.get_num_threads()
    short_runs.main(["--quick"])
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    rows = [line for line in lines if line and line[0] in short_runs.RUNS]
    assert [float(ratio) > 0 for _, ratio in rows] == [True] * 3
    assert fastmlp.get_num_threads() == before
