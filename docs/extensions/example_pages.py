"""Hands the examples to Sphinx-Gallery: their docstrings as pages with a title, and the pictures that they write."""

from __future__ import annotations

import ast
import re
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

Each is a script of a page that runs in seconds and writes a picture: ``python examples/first_look.py``. Those below
were run when this site was built.
"""


def titled(source: str) -> str:
    r"""A script whose docstring has the beginning of its first sentence, to a colon or a question mark, for a title.

    >>> print(titled("'Wells: one and two.\\n\\nMore |x|.'\n\nx = 1").replace('"', "'"))
    '''
    Wells
    =====
    <BLANKLINE>
    One and two.
    <BLANKLINE>
    More \\|x\\|.
    '''
    <BLANKLINE>
    x = 1
    """
    tree = ast.parse(source)
    first, _, rest = (ast.get_docstring(tree) or "").partition("\n\n")
    title, end, more = re.match(r"(.*?)([:?]|\.(?= )|\.?$) ?(.*)", " ".join(first.split())).groups()  # type: ignore[union-attr]
    title += end if end == "?" else ""
    body = "\n\n".join(part for part in (_sentence(more), rest) if part).replace("|", r"\\|")
    code = "\n".join(source.splitlines()[tree.body[0].end_lineno :])
    return f'"""\n{title}\n{"=" * len(title)}\n\n{body}\n"""\n{code}'


def _sentence(text: str) -> str:
    word = text.partition(" ")[0]
    return text[:1].upper() + text[1:] if word.isalpha() else text


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
    """Connect to Sphinx."""
    app.connect("config-inited", _scripts)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
