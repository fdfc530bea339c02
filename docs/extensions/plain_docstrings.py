"""Docstrings are plain text with a little markup: what only looks like markup is shown as it stands."""

from __future__ import annotations

import re
from typing import Any

from sphinx.application import Sphinx

#: Of a line, what is code or a role and stays as it is.
MARKED = re.compile(r"(``.+?``|:[a-z:]+:`[^`]+`|`[^`]+`_?)")


def plainly(line: str) -> str:
    r"""A line in which bars, stars and trailing underscores stand for themselves.

    >>> plainly("|∇L|² of `a|b` and x_, *all* of it")
    '\\|∇L\\|² of `a|b` and x\\_, *all* of it'
    """
    parts = MARKED.split(line)
    parts[::2] = [_escaped(part) for part in parts[::2]]
    return "".join(parts)


def _escaped(text: str) -> str:
    text = re.sub(r"(?<!\\)\|", r"\\|", text)
    text = re.sub(r"(?<=\w)_(?!\w)", r"\\_", text)
    return re.sub(r"(?<![*\w\\])\*(?![^\s*][^*]*\*)|(?<=\w)\*", r"\\*", text)


def _docstring(app: Sphinx, what: str, name: str, thing: object, options: object, lines: list[str]) -> None:
    example = False
    for place, line in enumerate(lines):
        stripped = line.strip()
        example = stripped.startswith(">>>") or (example and bool(stripped))
        if not example:
            lines[place] = plainly(line)


def setup(app: Sphinx) -> dict[str, Any]:
    """Of Sphinx. Before numpydoc, which makes fields of sections."""
    app.connect("autodoc-process-docstring", _docstring, priority=100)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
