"""Checkpoints of the networks of a table."""

import signal

import numpy as np
import pytest

from tests.cli.command import is_error, posix
from tests.cli.test_checkpoints import in_time, started

pl = pytest.importorskip("polars")
pytest.importorskip("sklearn")

SAME = ("--target", "y", "--hidden", "8,8", "--ensemble", "5", "--epochs", "10", "--threads", "2")


@pytest.fixture
def table(tmp_path):
    random = np.random.default_rng(0)
    x, words = random.normal(size=(120, 2)), random.choice(["a", "b", "c"], 120)
    y = np.where(x[:, 0] + (words == "a") > 0, "yes", "no")
    pl.DataFrame({"x": x[:, 0], "z": x[:, 1], "word": words, "y": y}).write_csv(tmp_path / "t.csv")
    return tmp_path / "t.csv"


@posix
@pytest.mark.parametrize("network", [1, 5])
def test_a_table_goes_on_from_where_a_signal_has_ended_it(tmp_path, table, result, network):
    whole, parts, kept = (tmp_path / name for name in ("whole.safetensors", "parts.safetensors", "kept"))
    with started(table, *SAME, "--checkpoint", kept, "--output", parts, "--quiet") as child:
        while child.poll() is None and not list(kept.glob(f"network-{network:03d}/checkpoint-00000[2-9]*")):
            pass
        child.send_signal(signal.SIGTERM)
        out, err = child.communicate(timeout=300)
    assert child.returncode == 0 or (child.returncode, out, err) == (143, "", "fastmlp-train: terminated\n")
    first = result(table, *SAME, "--output", whole)
    assert in_time(result(table, *SAME, "--resume", kept, "--output", parts)) == in_time(first)
    assert whole.read_bytes() == parts.read_bytes()
    assert len(list(kept.iterdir())) == 5


def test_another_table_is_refused_by_name(tmp_path, table, command, result):
    kept = tmp_path / "kept"
    result(table, *SAME, "--checkpoint", kept)
    status, _, err = command(table, *SAME, "--quiet", "--checkpoint", kept)
    assert status == 2 and is_error(err, "which has checkpoints, needs an empty folder, or --resume")
    lines = table.read_text().splitlines(keepends=True)
    table.write_text("".join([lines[0], "0.5" + lines[1][lines[1].index(",") :], *lines[2:]]))
    status, _, err = command(table, *SAME, "--quiet", "--resume", kept)
    assert status == 2 and is_error(err, "columns of training: got ")
    for arguments, message in (
        (("--seed", 1), "--seed: got 1, needs 0"),
        (("--epochs", 3), "--epochs: got 3, needs 10"),
    ):
        status, _, err = command(table, *SAME, *arguments, "--quiet", "--resume", kept)
        assert status == 2 and is_error(err, message)


def test_a_search_has_none(tmp_path, table, command):
    status, _, err = command(table, *SAME, "--quiet", "--tune", 1, "--checkpoint", tmp_path / "kept")
    assert status == 2 and is_error(err, "--tune: got it beside checkpoints, needs none")
