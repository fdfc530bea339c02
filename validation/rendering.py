"""What is made of results by Jinja's templates in validation/templates/."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from validation import formatting
from validation.papers import PAPERS
from validation.strip import strip

FOLDER = Path(__file__).parent / "templates"
#: What stands before a verdict, for those who do not see its colour.
MARKS = {"agrees": "✓", "exact": "=", "differs": "≠", "undecided": "?", "error": "✗"}
#: Verdicts of statements that were tested, in the order of the tables.
KINDS = ("agrees", "exact", "differs", "undecided")


def rendered(name: str, **values: Any) -> str:
    """The template with these values; in HTML every text is escaped."""
    made = Environment(
        loader=FileSystemLoader(FOLDER), autoescape=select_autoescape(["html"]), undefined=StrictUndefined
    )
    made.trim_blocks = made.lstrip_blocks = True
    made.filters |= {key: getattr(formatting, key) for key in ("few", "plain", "percent", "said", "sigmas")}
    made.filters["whole"] = lambda text: Markup(formatting.escape(str(text)))
    made.filters["cell"] = lambda text: str(text).replace("|", "\\|")
    made.filters["plainly"] = lambda text: re.sub(r"([\\\\`*_{}\[\]<>#|$~&])", r"\\\1", str(text))
    made.globals |= {"marks": MARKS, "KINDS": KINDS, "rejections": rejections}
    made.globals["strip"] = lambda checks, limit: Markup(strip(checks, limit))
    return made.get_template(name).render(with_error=formatting.with_error, **values)


def by_paper(claims: Sequence[Mapping[str, Any]]) -> list[tuple[tuple[str, str, str], list[dict[str, Any]]]]:
    """Papers of which there is a claim, with their statements; those that are measured on data come first."""
    found = []
    for claim in sorted(claims, key=lambda claim: not claim["data"]):
        checks = {check["label"]: check for check in claim["checks"]}
        found += [
            {"claim": claim, "said": said, "check": checks.get(said["check"]), "broken": checks.get(said["breaks"])}
            for said in claim["statements"]
        ]
    rows = {key: [row for row in found if row["said"]["paper"] == key] for key in PAPERS}
    return [(PAPERS[key], own) for key, own in rows.items() if own]


def rejections(checks: Sequence[Mapping[str, Any]]) -> list[str]:
    """By how many of the checks that name it each rival is rejected."""
    named, rejected = (
        Counter(name for check in checks for name, rival in check["rivals"].items() if rival["counts"] and rival[kind])
        for kind in ("counts", "rejected")
    )
    return [f"{name}: rejected by {rejected[name]} of {count} checks" for name, count in named.items()]
