"""Writes the report: ``index.html`` (one self-contained page), ``results.json``, and files of claims and figures.

Beside the page are each claim's checks, NAME.checks.csv and .json, and each figure as PNG and SVG, with the numbers
that are drawn in it as CSV and JSON.

Everything is written again after each claim, each file in one atomic step: a run that is killed leaves a whole report.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from validation.drawn import Drawn
from validation.formatting import strict
from validation.numbers import checks_csv
from validation.page import page
from validation.presets import FAMILY_LEVEL
from validation.provenance import provenance
from validation.ruling import Ruling, Verdict, in_unit
from validation.runner import Outcome, Run
from validation.statements import Row, rows
from validation.summary import summary


class Report:
    """The report of one run in ``folder``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._drawn: dict[str, Drawn] = {}

    @property
    def index(self) -> Path:
        return self.folder / "index.html"

    def write(self, run: Run) -> None:
        for outcome in run.outcomes:
            self._draw(outcome)
        for stem, held in self._drawn.items():
            for ending, content in held.files.items():
                _replace(self.folder / f"{stem}.{ending}", content)
        results = results_of(run)
        told = strict(results)
        for claim in told["claims"]:
            if claim["checks"]:
                _replace(self.folder / f"{claim['name']}.checks.csv", checks_csv(claim["checks"]).encode())
                _replace(self.folder / f"{claim['name']}.checks.json", _json(claim))
        _replace(self.folder / "results.json", _json(told))
        _replace(self.index, page(results, self._drawn).encode())

    def _draw(self, outcome: Outcome) -> None:
        for picture in outcome.finding.pictures if outcome.finding else ():
            stem = stem_of(outcome, picture.name)
            if stem not in self._drawn:
                self._drawn[stem] = picture.drawn


def stem_of(outcome: Outcome, picture: str) -> str:
    """The name of a picture's files, without their endings."""
    return f"{outcome.claim.name}_{picture}"


def _json(value: Any) -> bytes:
    return json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False).encode()


def results_of(run: Run) -> dict[str, Any]:
    """The run as plain data for ``results.json``."""
    return {
        "summary": summary(run),
        "exit_status": run.exit_status,
        "interrupted": run.interrupted,
        "preset": run.preset,
        "seed": run.seed,
        "command": _command(run),
        "seconds": run.seconds,
        "family_level": FAMILY_LEVEL,
        "tests_in_family": run.tests,
        "claims_in_family": run.claims,
        "provenance": provenance(),
        "claims": [_claim(outcome, run.preset) for outcome in run.outcomes],
    }


def _command(run: Run) -> str:
    seed = "" if run.seed is None else f" --seed {run.seed}"
    only = "" if run.complete else " --only " + " ".join(outcome.claim.name for outcome in run.outcomes)
    return f"python -m validation --preset {run.preset}{seed}{only}"


def _claim(outcome: Outcome, preset: str) -> dict[str, Any]:
    claim, finding, judgement = outcome.claim, outcome.finding, outcome.judgement
    return {
        "name": claim.name,
        "title": claim.title,
        "statement": finding.statement if finding else claim.protocol.words.statement,
        **{key: getattr(claim.protocol.words, key) for key in ("formula", "source")},
        "verdict": str(outcome.verdict),
        "reason": judgement.reason,
        "seconds": outcome.seconds,
        "cpu_seconds": outcome.cpu_seconds,
        "measured": outcome.measured,
        "seeds": list(outcome.seeds),
        "as_expected": outcome.as_expected,
        "unmet": list(judgement.unmet),
        "protocol": {"number": claim.protocol.number, "digest": claim.protocol.digests.get(preset, "")},
        "threshold_sigma": outcome.limit,
        "statements": [_statement(row) for row in rows(outcome)],
        "headline": finding.headline if finding else None,
        **{name: getattr(finding, name, "") for name in ("data", "method")},
        "notes": list(finding.notes) if finding else [],
        "undecided": getattr(finding, "undecided", ""),
        "checks": [_check(ruling) for ruling in judgement.rulings],
        "figures": [
            {"file": f"{stem_of(outcome, picture.name)}.png", "caption": picture.caption, "alt": picture.alt}
            for picture in (finding.pictures if finding else ())
        ],
    }


def _statement(row: Row) -> dict[str, Any]:
    return {name: getattr(row.statement, name) for name in ("paper", "where", "words", "range", "denies")} | {
        "verdict": str(row.verdict),
        "check": row.ruling.check.label if row.ruling else None,
        "tested": row.tested,
        "breaks": row.broken.check.label if row.broken else None,
    }


def _check(ruling: Ruling) -> dict[str, Any]:
    check = ruling.check
    said = ("predicted", "measured", "standard_error", "dof", "rounding", "scale", "beyond")
    return {
        "label": check.label,
        "verdict": str(ruling.verdict),
        "expected": ruling.expected,
        **{name: getattr(check, name) for name in said},
        "margin": ruling.margin,
        "margin_text": _margin(ruling),
        "half_width": ruling.half_width,
        "interval": [check.measured - ruling.half_width, check.measured + ruling.half_width],
        **{name: getattr(check, name) for name in ("ratio", "z", "detectable")},
        "rivals": {
            name: {
                "predicted": value,
                "z": check.z_from(value),
                "counts": name in ruling.rivals,
                "rejected": name in ruling.rejected,
            }
            for name, value in check.rivals.items()
        },
    }


def _margin(ruling: Ruling) -> str:
    if ruling.check.beyond is not None:
        return "one-sided"
    return "rounding" if ruling.verdict is Verdict.EXACT else f"± {in_unit(ruling, ruling.margin)}"


def _replace(path: Path, content: bytes) -> None:
    """Write beside, then rename: a reader sees the old file or the new one, never half of one."""
    if path.exists() and path.read_bytes() == content:
        return
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.write_bytes(content)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
