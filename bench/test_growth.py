"""How cost grows: the model of cores, where a doubling stops paying, and that the tables are printed."""

import pytest

from bench import growth, steps
from bench.shapes import shape
from fastmlp import kernels


def test_the_work_of_a_step():
    assert steps.work((4, 5, 3), 10) == 10 * (2 * 4 * 5 + 3 * 5 * 3)


@pytest.mark.parametrize(
    "widths, threads, expected",
    [((64, 64), 2, 1 / 2), ((64, 64), 4, 1 / 2), ((64, 96), 2, 2 / 3), ((64, 40), 2, 1 / 2)],
)
def test_the_thread_with_most_panels_has_its_share(monkeypatch, widths, threads, expected):
    monkeypatch.setitem(growth.PANEL, kernels.isa.name(), 32)
    assert growth.share(widths, threads) == pytest.approx(expected)
    assert growth.share(widths, 1) == 1


def test_the_model_adds_its_terms(monkeypatch):
    monkeypatch.setitem(growth.PANEL, kernels.isa.name(), 32)
    given = shape("64-64-64:10")
    assert growth.modelled(given, 1.0, 1, 9.0, 9.0) == 1.0
    assert growth.modelled(given, 1.0, 2, 0.0, 0.0) == 1 / 2
    assert growth.modelled(given, 0.0, 4, 3.0, 0.0) == 2 * 3.0 * 4 / 2
    handed = 4 * 10 * (64 + 64 + 64)  # bytes: both layers' inputs, and the upper one's gradients
    assert growth.modelled(given, 0.0, 4, 0.0, 1.0) == handed * 3 / 4


def test_where_a_doubling_stops_paying():
    assert growth.pays_to((1, 2, 4, 8), (8.0, 4.0, 3.9, 1.0)) == 2
    assert growth.pays_to((1, 2, 4, 8), (8.0, 4.0, 2.0, 1.0)) == 8
    assert growth.pays_to((1, 2, 4, 8), (8.0, 8.0, 2.0, 1.0)) == 1


def test_the_tables_are_printed(monkeypatch, capsys):
    monkeypatch.setattr(growth, "NETWORKS", ("8-8-1:4",))
    monkeypatch.setattr(growth, "SIZES", {"rows of 8-1": [(n, (8, 1), n) for n in (1, 2)]})
    monkeypatch.setattr(growth, "MEMBERS", (1, 2))
    assert growth.main(["--quick"]) == 0
    text = capsys.readouterr().out
    for line in ("8-8-1:4", "a row", "a network", "a meeting of two threads", "a doubling makes a row cheaper"):
        assert line in text
