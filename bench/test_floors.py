"""The floors: what a job needs, and that a program prints its share."""

import json
from dataclasses import replace

import pytest

from bench import floors
from bench.jobs import ADAM, JOBS, MNIST
from bench.peak import Peak

TINY = replace(MNIST, name="tiny", widths=(4, 5, 3), data="gaussian", rows=20, test_rows=7, batch_size=5, threads=1)
WEIGHTS = 4 * 5 + 5 * 3 + 5 + 3


def test_what_training_needs():
    found = floors.needs(replace(TINY, optimizer=ADAM), density=0.25)
    assert found.multiply_adds == 20 * (2 * 0.25 * 4 * 5 + 3 * 5 * 3)
    assert found.roots == 4 * WEIGHTS  # steps
    assert found.state == 4 * 4 * WEIGHTS * 7  # steps, bytes; read twice and written, and two slots read and written
    assert found.rows == 2 * 20 * 4 * 4
    assert floors.needs(TINY, 1).roots == 0 and floors.needs(TINY, 1).state == 4 * 4 * WEIGHTS * 3


def test_what_predictions_need():
    call = floors.needs(replace(TINY, kind="predict"), density=0.5)
    rows = floors.needs(replace(TINY, kind="rows"), density=0.5)
    assert call.multiply_adds == rows.multiply_adds == 7 * (0.5 * 20 + 15)
    assert call.state == 4 * WEIGHTS and rows.state == 7 * 4 * (WEIGHTS - 10)


def test_rates_of_the_machine():
    peak = Peak()
    flops = peak.measure(1)
    assert 0 < peak.roots(1) < flops  # the divider is slower
    assert 1e8 < peak.bandwidth(2**16, 1) < 1e13
    assert 0 <= peak.exchange(2**14) < 1


def test_the_table_takes_the_peers_times(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(JOBS, "row_small", replace(JOBS["row_small"], settings=replace(TINY, kind="rows")))
    given = [{"job": "tiny", "contender": name, "seconds": s, "ratio": s} for name, s in (("fastmlp", 1), ("jax", 2))]
    (tmp_path / "peers.json").write_text(json.dumps(given))
    files = ["--peers", str(tmp_path / "peers.json"), "--json", str(tmp_path / "floors.json")]
    assert floors.main(["--jobs", "row_small", "--markdown", *files]) == 0
    header, _, row = capsys.readouterr().out.splitlines()[:3]
    assert header.startswith("| job | threads | fastmlp |") and row.endswith("| 2.00x |")
    (record,) = json.loads((tmp_path / "floors.json").read_text())
    assert record["floor"] == pytest.approx(record["share"]) and 0 < record["floor"] < 1e-3
