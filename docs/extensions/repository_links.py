"""Links of the documents into the repository lead to pages of the site where there are such.

The same files are read in the repository, where pages that are made when the site is built do not exist: there a claim
is its protocol, an example its script, and the API the package.
"""

from __future__ import annotations

import re
from typing import Any

from sphinx.application import Sphinx

#: In the repository → in the site, the page of a name in it, and that of all.
PAGES = {
    "examples": ("examples/{}.rst", "examples/index.rst"),
    "validation/protocols": ("claims/{}.md", "claims/index.md"),
    "sgdsde": ("api/{}.rst", "api/index.rst"),
}
LINK = re.compile(rf"\]\(\.\./((?:\.\./)*)({'|'.join(PAGES)})/(?:([a-z0-9_]+)\.(?:py|toml))?\)")


def led(text: str) -> str:
    """The text with links to pages of the site.

    >>> led("[bowl](../../examples/adam.py), [all](../examples/)")
    '[bowl](../examples/adam.rst), [all](examples/index.rst)'
    """
    return LINK.sub(_page, text)


def _page(found: re.Match[str]) -> str:
    up, folder, name = found.groups()
    one, every = PAGES[folder]
    return f"]({up}{one.format(name) if name else every})"


def _read(app: Sphinx, name: str, source: list[str]) -> None:
    source[0] = led(source[0])


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to Sphinx."""
    app.connect("source-read", _read)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
