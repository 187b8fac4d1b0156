"""Damaged files of every kind, a few of each; the long form is `python -m tests.hostile.files`."""

import subprocess
import sys

import pytest

pytest.importorskip("sklearn", reason="needs scikit-learn")
pytest.importorskip("polars", reason="needs polars")
pytest.importorskip("h5py", reason="needs h5py")
pytest.importorskip("PIL", reason="needs Pillow")
if sys.platform != "linux":
    pytest.skip("limits of a process are told by /proc", allow_module_level=True)

from tests.hostile import files
from tests.hostile.good_files import KINDS, Kind


def test_damaged_files_are_read_or_refused(tmp_path):
    counts, findings = files.attacked(len(KINDS) * 12, seed=0, kept=tmp_path)
    assert findings == []
    assert counts.keys() == KINDS.keys() and all(outcomes.total() == 12 for outcomes in counts.values())


def test_the_same_number_gives_the_same_file(tmp_path):
    files.write_good(["IDX", "weights"], tmp_path)
    for name in ("IDX", "weights"):
        content = (tmp_path / files.good_name(name)).read_bytes()
        found = [[files.damaged(name, content, 1, number) for number in range(20)] for _ in range(2)]
        assert found[0] == found[1] and len(set(found[0])) > 10


def test_a_kind_that_is_not_there_is_refused():
    with pytest.raises(SystemExit):
        files.main(["--kind", "nonsense"])


def raises(error):
    def read(path):
        raise error

    return read


@pytest.mark.parametrize(
    ("read", "use", "message"),
    [
        (raises(TypeError("x")), None, "TypeError from reading"),
        (raises(ValueError("of no name")), None, "does not name the file"),
        (raises(UnicodeDecodeError("utf-8", b"", 0, 1, "x")), None, "needs ValueError"),
        (lambda path: 3, raises(MemoryError("x")), "MemoryError from what was read"),
        (lambda path: 3, lambda found: None, None),
    ],
)
def test_what_is_allowed_and_what_is_a_finding(monkeypatch, tmp_path, read, use, message):
    monkeypatch.setitem(KINDS, "made up", Kind(".x", None, read, use))
    _, wrong = files.attempt("made up", tmp_path / "file.x")
    assert (message is None and wrong is None) or message in wrong


HOSTILE = """
import os, time
import numpy as np
from tests.hostile import files
from tests.hostile.good_files import KINDS, Kind

def harm(path):
    if path.read_bytes() != b"good":
        {}

KINDS.clear()
KINDS["made up"] = Kind(".x", None, harm, within=lambda content, random: b"bad", is_within=True)
files.main(["--worker", "0", {!r}, "0", "0", "1"])
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("harm", "status", "message"),
    [
        ("while True: pass", -27, ""),  # SIGPROF
        ("os.abort()", -6, ""),
        ("np.ones(10**9)", 0, "MemoryError from reading"),
        ("os.system('true')", 0, "os.system"),
        ("open('/etc/hostname')", 0, "opened"),
        ("exec('1')", 0, "ran <string>"),
    ],
)
def test_a_process_that_reads_has_limits_and_is_watched(tmp_path, harm, status, message):
    (tmp_path / "00.x").write_bytes(b"good")
    program = HOSTILE.format(harm, str(tmp_path))
    settings = {"cwd": files.ROOT, "env": files.ENVIRONMENT, "capture_output": True, "text": True}
    done = subprocess.run([sys.executable, "-c", program], timeout=300, **settings)
    assert done.returncode == status, done.stderr
    assert message in done.stdout


@pytest.mark.slow
def test_the_fuzzer_runs_and_keeps_nothing_of_good_readers(tmp_path, capsys):
    pytest.importorskip("atheris", reason="needs atheris")
    from tests.hostile import fuzz_files

    assert fuzz_files.main(["--count", "50", "--seed", "1", "--kind", "IDX", "--kept", str(tmp_path)]) == 0
    assert "nothing found" in capsys.readouterr().out and list(tmp_path.iterdir()) == []
