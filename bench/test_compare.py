"""The comparison with another commit: what it prints and writes, and when there is nothing to compare."""

from bench import compare, summary
from bench.process import ROOT


def test_a_checkout_beside_itself(monkeypatch, tmp_path, capsys):
    written = tmp_path / "summary.md"
    monkeypatch.setenv(summary.VARIABLE, str(written))
    assert compare.main(["--quick", "--path", str(ROOT), "--jobs", "small_adam,row_small,train_on_batch"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[3:6]] == ["small_adam", "row_small", "train_on_batch"]
    assert all(line.split()[-1].endswith("x") for line in lines[3:6])
    assert "| train\\_on\\_batch | 1 |" in written.read_text()


def test_a_commit_that_is_not_here(monkeypatch, tmp_path, capsys):
    written = tmp_path / "summary.md"
    monkeypatch.setenv(summary.VARIABLE, str(written))
    assert compare.main(["0" * 40]) == 0
    assert "nothing to compare: the commit 0000" in capsys.readouterr().out
    assert "Nothing to compare" in written.read_text()


def test_what_cannot_be_built_leaves_nothing_behind(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(compare.tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(compare.sys, "executable", "false")
    assert compare.main(["HEAD"]) == 0
    assert "could not be built" in capsys.readouterr().out
    assert str(tmp_path) not in compare.done("git", "worktree", "list").stdout


def test_a_contender_that_fails_is_named(tmp_path, capsys):
    (tmp_path / "fastmlp").mkdir()
    (tmp_path / "fastmlp" / "__init__.py").write_text("raise ImportError('I am the other one')")
    assert compare.main(["--quick", "--path", str(tmp_path), "--jobs", "row_small"]) == 1
    assert "row_small, other: ImportError: I am the other one" in capsys.readouterr().out


def test_ratios():
    this, other = [1.0, 2.0, 1.0], [3.0, 2.0, 2.0]
    assert list(compare.cells(this, other, 1)) == ["1.00 s", "2.00 s", "2.00x", "2.00x"]
