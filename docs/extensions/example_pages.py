"""Hands the examples to Sphinx-Gallery: their docstrings as pages with a title, and the pictures that they write."""

from __future__ import annotations

import ast
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from claim_pages import write
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx_gallery.scrapers import figure_rst

EXAMPLES = Path(__file__).parents[2] / "examples"
HEAD = """Examples
========

Each is a script of a page that runs in seconds and writes a picture: ``python examples/first_look.py``. Those below were
run when this site was built.
"""


def titled(source: str) -> str:
    """A script whose docstring's first sentence is a title.

    >>> print(titled('"' * 3 + 'Wells: one and two.\\n\\nMore.' + '"' * 3 + '\\n\\nx = 1'))
    \"\"\"
    Wells: one and two
    ==================
    <BLANKLINE>
    More.
    \"\"\"
    <BLANKLINE>
    x = 1
    """
    tree = ast.parse(source)
    text = ast.get_docstring(tree) or ""
    first, _, rest = text.partition("\n\n")
    title, _, more = " ".join(first.split()).partition(". ")
    title = title.rstrip(".")
    body = "\n\n".join(part for part in (more, rest) if part)
    lines = source.splitlines()
    after = "\n".join(lines[tree.body[0].end_lineno :])
    return f'"""\n{title}\n{"=" * len(title)}\n\n{body.replace("|", chr(92) * 2 + "|")}\n"""\n{after}'


def arguments(gallery: Mapping[str, Any], script: Mapping[str, Any]) -> list[str]:
    """What an example is told on its command line: the name of its picture."""
    return [f"{Path(script['src_file']).stem}.png"]


def picture(block: Any, script: Mapping[str, Any], gallery: Mapping[str, Any]) -> str:
    """Take the picture that an example wrote into the page."""
    source = Path(script["src_file"])
    made, title = source.with_suffix(".png"), source.stem.replace("_", " ")
    if not made.exists():
        return ""
    target = next(script["image_path_iterator"])
    shutil.move(made, target)
    return figure_rst([target], gallery["src_dir"], title)


def _scripts(app: Sphinx, config: Config) -> None:
    scripts = {path.name: titled(path.read_text(encoding="utf-8")) for path in sorted(EXAMPLES.glob("*.py"))}
    write(Path(app.srcdir) / "_examples", scripts)
    write(Path(app.srcdir) / "_examples", {"README.txt": HEAD})


def setup(app: Sphinx) -> dict[str, Any]:
    """Of Sphinx."""
    app.connect("config-inited", _scripts)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
