"""Tables as Markdown in the summary of a workflow."""

from types import SimpleNamespace

from bench import conftest, summary
from bench.table import speedups


def results():
    common = {"table": "speedups", "job": "relu_1", "size": "2x2", "threads": 1, "spread": 0.0}
    for contender, seconds, extrapolated in (("oracle", 3.0, True), ("fastmlp", 0.5, False)):
        yield {**common, "contender": contender, "seconds": seconds, "extrapolated": extrapolated}


def test_markdown_says_the_same_as_the_table():
    header, rule, row = summary.markdown(list(speedups(list(results()))))
    assert header == "| job | size | threads | oracle | fastmlp | oracle/fastmlp |"
    assert rule == "| :-- | --: | --: | --: | --: | --: |"
    assert row == "| relu\\_1 | 2x2 | 1 | 3.00 s\\* | 500 ms | 6.00x\\* |"


def test_a_run_is_appended_to_the_summary(tmp_path, monkeypatch):
    written, lines = tmp_path / "summary.md", []
    written.write_text("before\n")
    monkeypatch.setenv(summary.VARIABLE, str(written))
    reporter = SimpleNamespace(section=lines.append, write_line=lines.append)
    conftest.pytest_terminal_summary(reporter, SimpleNamespace(stash={conftest.RESULTS: list(results())}))
    assert "speedups" in lines and any("6.00x*" in line for line in lines)
    text = written.read_text()
    assert text.startswith("before\n### speedups\n\n| job |") and "6.00x\\*" in text


def test_without_a_summary_nothing_is_written(monkeypatch):
    monkeypatch.delenv(summary.VARIABLE, raising=False)
    summary.publish("speedups", [("a",), ("b",)])
