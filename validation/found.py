"""The table of README: statements of papers, and what kept runs found of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from validation.formatting import plain, with_error
from validation.papers import PAPERS

START, END = "<!-- found: python -m validation.keep -->", "<!-- /found -->"


def found(claims: Sequence[dict[str, Any]]) -> str:
    """One table with a row for every statement, by paper, from kept results; what is measured on data first."""
    first = sorted(claims, key=lambda claim: not claim["data"])
    lines = ["| what the paper says | verdict | says | found ± interval | margin |", "|---|---|---|---|---|"]
    for key, (authors, _, source) in PAPERS.items():
        own = [(claim, said) for claim in first for said in claim["statements"] if said["paper"] == key]
        if own:
            lines.append(f"| **{authors}**, {source} | | | | |")
        lines += [_row(claim, said) for claim, said in own]
    return "\n".join(lines)


def _row(claim: dict[str, Any], said: dict[str, Any]) -> str:
    words = f"{said['words']} ({said['where']}; {said['range']})"
    note = "" if claim["protocol"]["number"] else "⁰"
    check = next((each for each in claim["checks"] if each["label"] == said["check"]), None)
    if check is None:
        return _line(words, said["verdict"] + note, "", "", "")
    low, high = check["interval"]
    numbers = with_error(check["measured"], (high - low) / 2)
    margin = "rounding" if check["verdict"] == "exact" else f"± {check['margin']:.3g}"
    says = ("not " if said["denies"] else "") + plain(check["predicted"])
    return _line(words, said["verdict"] + note, says, numbers, margin)


def _line(*cells: str) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
