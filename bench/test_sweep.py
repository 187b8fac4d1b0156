"""The sweep: what is a cliff, and that a point can be measured, printed and drawn."""

from types import SimpleNamespace

import pytest

from bench import steps, sweep


def test_cliffs():
    shares = {(16, 1): 0.1, (16, 2): 0.2, (32, 1): 0.09, (32, 2): 0.15, (32, 4): 0.3}
    results = [{"width": w, "batch": b, "share_of_peak": share} for (w, b), share in shares.items()]
    assert sweep.cliffs(results) == {(32, 2)}


def test_a_small_sweep(tmp_path, monkeypatch):
    monkeypatch.setattr(sweep, "least", lambda run: steps.least(run, span=0.001))
    peak = SimpleNamespace(found={1: 1e11})
    results = [sweep.record(width, batch, *sweep.point(width, batch), peak) for width in (16, 32) for batch in (1, 8)]
    for result in results:
        needed = 2 * 5 * result["batch"] * result["width"] ** 2  # three products, and two in the first layer
        assert result["share_of_peak"] * 1e11 * result["seconds"] == pytest.approx(needed)
    lines = list(sweep.report(results, peak))
    assert any(line.startswith("32") for line in lines)
    pytest.importorskip("matplotlib")
    sweep.plot(results, tmp_path / "sweep.svg")
    assert "</svg>" in (tmp_path / "sweep.svg").read_text()
