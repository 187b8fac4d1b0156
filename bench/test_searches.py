"""The benchmark of searches: every contender finds the same, and has a column."""

import pytest

pytest.importorskip("sklearn", reason="needs scikit-learn")

from bench import searches


def test_a_quick_run(capsys):
    searches.main(["--quick", "--jobs", "2"])
    lines = capsys.readouterr().out.splitlines()
    assert [name for name in ("n_jobs=1", "2 threads", "2 processes", "scikit-learn's") if name not in lines[0]] == []
    for name, line in zip(searches.SEARCHES, lines[1:], strict=False):
        assert line.startswith(name) and line.endswith("x") and len(line.removeprefix(name).split()) >= 5


def test_a_search_that_finds_something_else_is_told(monkeypatch):
    made = iter(range(100))

    class Other(searches.MLPClassifier):
        def fit(self, x, y):
            return self.set_params(random_state=next(made)).fit_again(x, y)

        def fit_again(self, x, y):
            return super().fit(x, y)

    monkeypatch.setattr(searches, "MLPClassifier", Other)
    with pytest.raises(AssertionError, match="have not found the same"):
        searches.main(["--quick", "--jobs", "2", "--alone"])
