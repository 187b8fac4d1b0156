"""docs/report.md: its programs and commands print what it shows."""

from pathlib import Path

import pytest

from tests.tables.test_document import require_what_is_shown

DOCUMENT = Path(__file__).parents[2] / "docs" / "report.md"


def test_the_programs_print_what_is_shown(tmp_path, monkeypatch, capsys):
    pytest.importorskip("polars")
    pytest.importorskip("sklearn")
    monkeypatch.chdir(tmp_path)
    require_what_is_shown(DOCUMENT, capsys)
    written = ["trips.html", "again.html", "confusion.png", "calibration.png", "importance.png"]
    assert all((tmp_path / name).stat().st_size > 1000 for name in written)
