"""After the build: every link inside the site must lead to a page, a file or a place in a page."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from sphinx.application import Sphinx
from sphinx.util import logging


class _Page(HTMLParser):
    """The places of a page and what it links to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.places: set[str] = set()
        self.links: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in ("id", "name"):
                self.places.add(value or "")
            elif name in ("href", "src") and value:
                self.links.add(value)


def broken(site: Path) -> Iterator[tuple[str, str]]:
    """Page and link of each that leads nowhere. A place with "=" in it is no place but says what is chosen there."""
    made = (path.resolve() for path in sorted(site.rglob("*.html")) if "_static" not in path.parts)
    pages = {path: _Page(path.read_text(encoding="utf-8")) for path in made}
    for path, page in pages.items():
        for link in sorted(page.links):
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            target = target / "index.html" if target.is_dir() else target
            place = unquote(parts.fragment)
            if not target.exists() or (
                place and "=" not in place and target in pages and place not in pages[target].places
            ):
                yield str(path.relative_to(site.resolve())), link


def _check(app: Sphinx, error: Exception | None) -> None:
    if error is None and app.builder.format == "html":
        for page, link in broken(Path(app.outdir)):
            logging.getLogger(__name__).warning("%s: link %r leads nowhere", page, link, type="links")


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to Sphinx."""
    app.connect("build-finished", _check)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
