"""The page of the report as HTML, from what ``results.json`` says. Images, style and script are inside the page."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from validation.drawn import Drawn
from validation.rendering import FOLDER, by_paper, rendered

_TYPES = {"svg": "image/svg+xml", "png": "image/png"}


def page(results: Mapping[str, Any], drawn: Mapping[str, Drawn]) -> str:
    """The whole page; ``drawn`` are the figures by the names of their files, without endings."""
    script = _read("filter.js") + _read("theme.js")
    return rendered(
        "report.html",
        style=Markup(_read("claims.css") + _read("report.css")),
        script=Markup(script),
        # What a browser runs of this page: nothing but this script, whatever a text in it says.
        digest=base64.b64encode(hashlib.sha256(f"\n{script}\n".encode()).digest()).decode(),
        run=results,
        papers=by_paper(results["claims"]),
        shown={stem: _address(held) for stem, held in drawn.items()},
        endings={stem: sorted(held.files, reverse=True) for stem, held in drawn.items()},
    )


def _read(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")


def _address(held: Drawn) -> str:
    content = base64.b64encode(held.files[held.shown]).decode()
    return f"data:{_TYPES[held.shown]};base64,{content}"
