"""One page without network: sections, the style, and scripts where there are some."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from html import escape
from importlib import resources
from typing import Any, NamedTuple

CSS, DRAWING = "page.css", "drawing.js"


class Section(NamedTuple):
    """A part of the page: `name` is its address, `html` what stands below the title."""

    name: str
    title: str
    html: str


def packaged(name: str) -> str:
    """Return the text of a file beside this one."""
    return resources.files("fastmlp.report").joinpath(name).read_text("utf-8")


def assembled(title: str, intro: str, sections: Sequence[Section], scripts: Sequence[str] = ()) -> str:
    """Return the whole page; `title` is escaped.

    Its policy allows the scripts and the style that it has, by their hashes, and nothing else: words of a table would
    not run even if they were not escaped.
    """
    style, script = packaged(CSS), "\n".join(scripts)
    run = hashed(script) if script else "'none'"
    policy = f"default-src 'none'; img-src data:; style-src {hashed(style)}; script-src {run}"
    links = "".join(f'<li><a href="#{one.name}">{escape(one.title)}</a></li>' for one in sections)
    body = "\n".join(
        f'<section aria-labelledby="{one.name}"><h2 id="{one.name}">{escape(one.title)}</h2>{one.html}</section>'
        for one in sections
    )
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="generator" content="fastmlp">
<link rel="icon" href="data:,">
<title>{escape(title)}</title>
<style>{style}</style>
</head>
<body>
<a class="skip" href="#content">Skip to the content</a>
<header><h1>{escape(title)}</h1>{intro}<nav aria-label="Sections"><ul>{links}</ul></nav></header>
<main id="content">
{body}
</main>
{f"<script>{script}</script>" if script else ""}
</body>
</html>
"""


def hashed(text: str) -> str:
    """Return how a policy names a script or a style."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def data(name: str, value: Any) -> str:
    """Return JSON for the scripts, in which no word ends its element."""
    text = json.dumps(value, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")
    return f'<script type="application/json" id="{name}">{text}</script>'
