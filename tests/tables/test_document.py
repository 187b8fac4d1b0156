"""docs/tables.md: its programs and commands print what it shows."""

import re
import shlex
from pathlib import Path

from fastmlp import cli
from fastmlp.config.threads import set_num_threads

DOCUMENT = Path(__file__).parents[2] / "docs" / "tables.md"
COMMANDS = {"fastmlp-train": cli.main, "fastmlp-predict": cli.predict}


def as_shown(text):
    """What is printed, without bars of progress, times, and decimals after the fourth."""
    lines = [line for line in text.splitlines(keepends=True) if "━" not in line]
    return re.sub(r"(\.\d{4})\d+", r"\1", re.sub(r"in \d+\.\d+ s", "in # s", "".join(lines)))


def require_what_is_shown(document, capsys):
    """Run the programs and commands of a page in their order, and compare what they print."""
    names = {}
    blocks = re.findall(r"```(\w*)\n(.*?)```", document.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) >= 7
    for language, text in blocks:
        if language == "python":
            assert not capsys.readouterr().out
            exec(text, names)
        elif language == "sh":
            assert not capsys.readouterr().out
            command, *arguments = shlex.split(text)
            COMMANDS[command](arguments)
            set_num_threads(None)
        else:
            printed = capsys.readouterr()
            assert as_shown(printed.err + printed.out) == as_shown(text)


def test_the_programs_print_what_is_shown(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    require_what_is_shown(DOCUMENT, capsys)
