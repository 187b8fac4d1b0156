"""The benchmark of tables: that it runs, and what its scores are."""

import json

import numpy as np
import pytest

from bench import boosted, tables


def test_scores():
    probabilities = np.array([[0.5, 0.5], [0.25, 0.75]])
    loss = tables.log_loss(np.array(["no", "yes"]), probabilities, np.array(["no", "yes"]))
    assert np.isclose(loss, -(np.log(0.5) + np.log(0.75)) / 2)
    assert tables.relative_error(np.array([1.0, 1.0]), np.array([0.0, 2.0])) == 1.0
    assert all(len(table.peers) in (1, len(tables.PEERS)) for table in tables.TABLES)


@pytest.mark.skipif(tables.folder() is None, reason="needs the tables in FASTMLP_DATA")
def test_it_runs(tmp_path, capsys):
    path = tmp_path / "found.json"
    assert tables.main(["--quick", "--ensemble", "2", "--tables", "penguins,wages", "--json", str(path)]) == 0
    found = json.loads(path.read_text())
    assert [each["table"] for each in found] == ["penguins", "wages"] and found[1]["one"]["score"] < 1
    assert "lightgbm" in capsys.readouterr().out


def test_without_tables(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("FASTMLP_DATA", str(tmp_path))
    assert tables.main([]) == 1 and "FASTMLP_DATA: got no folder" in capsys.readouterr().out


@pytest.mark.skipif(tables.folder() is None or not boosted.installed(), reason="needs the tables, LightGBM or CatBoost")
def test_peers_of_the_same_run(capsys):
    assert tables.main(["--quick", "--ways", "one", "--peers", "--tables", "penguins"]) == 0
    header, penguins = capsys.readouterr().out.splitlines()[:2]
    assert f"{boosted.installed()[0]} here" in header and float(penguins.split()[4]) < 0.5
