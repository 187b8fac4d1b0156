"""Workflows run actions that cannot change under their name, with no more rights than they need."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
PINNED = re.compile(r"[\w-]+/[\w./-]+@[0-9a-f]{40}  # v\d+\.\d+\.\d+")


def unpinned(text):
    """The actions that are not named by the hash of a commit, with their version in a comment."""
    return [use for use in re.findall(r"^\s*(?:- )?uses: *(.+)$", text, re.MULTILINE) if not PINNED.fullmatch(use)]


def rights(text):
    """The blocks of rights: for the whole workflow first."""
    return re.findall(r"^( *)permissions:((?:\n\1  \S.*)+|.*)$", text, re.MULTILINE)


def commands(text):
    """The modules of tests that are run."""
    attacks = [f"tests.hostile.{name}" for name in re.findall(r"\battack: (\w+)", text)]
    return attacks + re.findall(r"-m (tests(?:\.\w+)+)(?!\S)", text)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_actions_are_pinned_and_rights_are_few(path):
    text = path.read_text()
    assert "uses:" in text and unpinned(text) == []
    assert [(indent, granted.split()) for indent, granted in rights(text)] == [("", ["contents:", "read"])]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_the_commands_are_there(path):
    for module in commands(path.read_text()):
        file = ROOT / Path(*module.split("."))
        assert file.with_suffix(".py").exists() or (file / "__main__.py").exists(), module


@pytest.mark.parametrize(
    "use",
    ["actions/checkout@v4", "actions/checkout@main  # v4.2.2", "a/b@" + "0" * 39 + "  # v1.0.0", "a/b@" + "0" * 40],
)
def test_other_names_of_actions_are_found(use):
    assert unpinned(f"    steps:\n      - uses: {use}\n      - name: x\n        uses: {use}\n") == [use, use]


def test_more_rights_are_found():
    text = "permissions:\n  contents: read\njobs:\n  a:\n    permissions:\n      contents: write\n      actions: read\n"
    assert len(rights(text)) == 2 and "write" in rights(text)[1][1]
    assert rights("permissions: write-all\n") == [("", " write-all")]
