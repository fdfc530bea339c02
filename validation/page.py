"""The page of the report as HTML, from what ``results.json`` says. Images and style are inside the page."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from validation.rendering import FOLDER, by_paper, rendered
from validation.strip import strip

MARKS = {"agrees": "✓", "exact": "=", "differs": "≠", "undecided": "?", "error": "✗"}


def page(results: Mapping[str, Any], images: Mapping[str, bytes]) -> str:
    """The whole page; ``images`` are the PNG files by name."""
    return rendered(
        "report.html",
        style=Markup((FOLDER / "report.css").read_text(encoding="utf-8")),
        run=results,
        papers=by_paper(results["claims"]),
        marks=MARKS,
        strip=lambda checks, limit: Markup(strip(checks, limit)),
        rejections=_rejections,
        encoded={name: base64.b64encode(image).decode() for name, image in images.items()},
    )


def _rejections(checks: Sequence[Mapping[str, Any]]) -> list[str]:
    """By how many of the checks that name it each rival is rejected."""
    named, rejected = (
        Counter(name for check in checks for name, rival in check["rivals"].items() if rival["counts"] and rival[kind])
        for kind in ("counts", "rejected")
    )
    return [f"{name}: rejected by {rejected[name]} of {count} checks" for name, count in named.items()]
