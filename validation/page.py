"""The page of the report as HTML, from what ``results.json`` says. Images and style are inside the page."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from validation import formatting
from validation.papers import PAPERS
from validation.strip import strip

HERE = Path(__file__).parent
MARKS = {"agrees": "✓", "exact": "=", "differs": "≠", "undecided": "?", "error": "✗"}


def page(results: Mapping[str, Any], images: Mapping[str, bytes]) -> str:
    """The whole page; ``images`` are the PNG files by name. Every text is escaped."""
    made = Environment(loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined)
    made.trim_blocks = made.lstrip_blocks = True
    made.filters |= {name: getattr(formatting, name) for name in ("plain", "percent", "sigmas")}
    made.filters["whole"] = lambda text: Markup(formatting.escape(str(text)))
    return made.get_template("report.html").render(
        style=Markup((HERE / "report.css").read_text(encoding="utf-8")),
        run=results,
        papers=_papers(results["claims"]),
        marks=MARKS,
        with_error=formatting.with_error,
        strip=lambda checks, limit: Markup(strip(checks, limit)),
        rejections=_rejections,
        encoded={name: base64.b64encode(image).decode() for name, image in images.items()},
    )


def _papers(claims: Sequence[Mapping[str, Any]]) -> list[tuple[tuple[str, str, str], list[dict[str, Any]]]]:
    """Papers of which a claim was chosen, with their statements; those that are measured on data come first."""
    found = []
    for claim in sorted(claims, key=lambda claim: not claim["data"]):
        checks = {check["label"]: check for check in claim["checks"]}
        found += [
            {"claim": claim, "said": said, "check": checks.get(said["check"]), "broken": checks.get(said["breaks"])}
            for said in claim["statements"]
        ]
    rows = {key: [row for row in found if row["said"]["paper"] == key] for key in PAPERS}
    return [(PAPERS[key], own) for key, own in rows.items() if own]


def _rejections(checks: Sequence[Mapping[str, Any]]) -> list[str]:
    """By how many of the checks that name it each rival is rejected."""
    named, rejected = (
        Counter(name for check in checks for name, rival in check["rivals"].items() if rival["counts"] and rival[kind])
        for kind in ("counts", "rejected")
    )
    return [f"{name}: rejected by {rejected[name]} of {count} checks" for name, count in named.items()]
