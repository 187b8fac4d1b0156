"""docs/tables.md: its programs print what it shows."""

import re
from pathlib import Path

DOCUMENT = Path(__file__).parents[2] / "docs" / "tables.md"


def test_the_programs_print_what_is_shown(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names = {}
    blocks = re.findall(r"```(\w*)\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) > 10
    for language, text in blocks:
        if language == "python":
            assert not capsys.readouterr().out
            exec(text, names)
        else:
            assert capsys.readouterr().out == text
