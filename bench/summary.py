"""The same tables as Markdown, in the summary of a run of GitHub's workflows.

https://docs.github.com/actions/reference/workflow-commands-for-github-actions#adding-a-job-summary
"""

import os
import re

VARIABLE = "GITHUB_STEP_SUMMARY"  # names the file, where there is one


def publish(title, rows, notes=()):
    """Append a table with its title to the summary, where there is one.

    Parameters
    ----------
    title : str
    rows : list of tuples of str
        The header first. With fewer than two there is no table, only the notes.
    notes : iterable of str
        Lines below the table.
    """
    file = os.environ.get(VARIABLE)
    if file:
        with open(file, "a", encoding="utf-8") as summary:
            summary.write("\n".join([f"### {title}", "", *markdown(rows), "", *paragraphs(notes)]) + "\n")


def markdown(rows):
    """Lines of a table; the first column is flush left, the others flush right."""
    if len(rows) < 2:
        return
    header, *others = [[escaped(cell) for cell in row] for row in rows]
    rule = [":--", *["--:"] * (len(header) - 1)]
    for row in (header, rule, *others):
        yield "| " + " | ".join(row) + " |"


def paragraphs(notes):
    """Each note as a paragraph of its own."""
    for note in notes:
        yield from (escaped(note), "")


def escaped(text):
    """Text without what Markdown reads as more than text."""
    return re.sub(r"([\\|*~_`<])", r"\\\1", text.strip())
