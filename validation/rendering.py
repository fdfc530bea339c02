"""What is made of results by Jinja's templates in validation/templates/."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from validation import formatting
from validation.papers import PAPERS

FOLDER = Path(__file__).parent / "templates"


def rendered(name: str, **values: Any) -> str:
    """The template with these values; in HTML every text is escaped."""
    made = Environment(
        loader=FileSystemLoader(FOLDER), autoescape=select_autoescape(["html"]), undefined=StrictUndefined
    )
    made.trim_blocks = made.lstrip_blocks = True
    made.filters |= {key: getattr(formatting, key) for key in ("plain", "percent", "said", "sigmas")}
    made.filters["whole"] = lambda text: Markup(formatting.escape(str(text)))
    made.filters["cell"] = lambda text: str(text).replace("|", "\\|")
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
