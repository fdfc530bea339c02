"""Docstrings are plain text with a little markup: what only looks like markup is shown as it stands."""

from __future__ import annotations

import re
from typing import Any

from sphinx.application import Sphinx

#: Of a line, what is code or a role and stays as it is.
MARKED = re.compile(r"(``.+?``|:[a-z:]+:`[^`]+`|`[^`]+`_?)")
#: Bars, underscores at the end of a name, stars of a shape such as (k, *cells), and stars that stand alone.
UNMARKED = re.compile(r"(?<!\\)\||(?<=\w)_(?!\w)|(?<=, )\*(?=\w+\))|(?<=\s)\*+(?=[\s,])")


def plainly(line: str) -> str:
    r"""A line in which what only looks like markup stands for itself, and code may have an ending.

    >>> print(plainly("|∇L|² of x_, (k, *cells), *all* + ** and `Dataset`s"))
    \|∇L\|² of x\_, (k, \*cells), *all* + \*\* and `Dataset`\ s
    """
    parts = MARKED.split(line)
    parts[::2] = [UNMARKED.sub(lambda found: re.sub(r"(.)", r"\\\1", found[0]), part) for part in parts[::2]]
    for place in range(1, len(parts), 2):
        parts[place] += "\\ " if parts[place].endswith("`") and parts[place + 1][:1].isalnum() else ""
    return "".join(parts)


def _docstring(app: Sphinx, what: str, name: str, thing: object, options: object, lines: list[str]) -> None:
    example = False
    for place, line in enumerate(lines):
        stripped = line.strip()
        example = stripped.startswith(">>>") or (example and bool(stripped))
        if not example:
            lines[place] = plainly(line)


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to Sphinx. Before numpydoc, which makes fields of sections."""
    app.connect("autodoc-process-docstring", _docstring, priority=100)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
