"""Writes the report: ``index.html`` (one self-contained page), ``results.json`` and the figures as PNG files.

Everything is written again after each claim, each file in one atomic step: a run that is killed leaves a whole report.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from validation.formatting import strict
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
        self._images: dict[str, bytes] = {}

    @property
    def index(self) -> Path:
        return self.folder / "index.html"

    def write(self, run: Run) -> None:
        for outcome in run.outcomes:
            self._draw(outcome)
        for name, image in self._images.items():
            _replace(self.folder / name, image)
        results = results_of(run)
        text = json.dumps(strict(results), indent=1, ensure_ascii=False, allow_nan=False)
        _replace(self.folder / "results.json", text.encode())
        _replace(self.index, page(results, self._images).encode())

    def _draw(self, outcome: Outcome) -> None:
        for picture in outcome.finding.pictures if outcome.finding else ():
            name = file_name(outcome, picture.name)
            if name not in self._images:
                self._images[name] = picture.png


def file_name(outcome: Outcome, picture: str) -> str:
    """The PNG file of a claim's picture."""
    return f"{outcome.claim.name}_{picture}.png"


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
            {"file": file_name(outcome, picture.name), "caption": picture.caption, "alt": picture.alt}
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
