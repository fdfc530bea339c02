"""From what a claim yields to a finding: counted, with the words of its protocol."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from fnmatch import fnmatchcase
from typing import Any

from sgdsde import CoarseStepWarning
from validation.check import Check
from validation.claim import Claim, Drawing, Finding, Found, Picture, Told
from validation.context import Context


def gather(claim: Claim, context: Context) -> Finding:
    """Run a claim's generator to its end; progress is the share of its checks that are made.

    Raises
    ------
    RuntimeError
        When it makes another number of checks than its plan says, no check is the headline, or a text is missing.
    """
    tests, words = claim.plans[context.preset].tests, claim.protocol.words
    checks: list[Check] = []
    drawings: list[Drawing] = []
    notes, data, undecided = list(words.notes), "", ""
    facts = _own(context.size)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CoarseStepWarning)  # claims choose their steps, and what these may do
        found = list(_counted(claim.measure(context), context, tests))
    for item in found:
        if isinstance(item, Check):
            checks.append(item)
        elif isinstance(item, Drawing):
            drawings.append(item)
        elif isinstance(item, Told):
            facts |= item.facts
            notes += item.notes
            data, undecided = item.data or data, undecided or item.undecided
        else:
            raise TypeError(f"a claim yields Check, Drawing and Told, got {type(item).__name__}")
    if len(checks) != tests:
        raise RuntimeError(f"announced {tests} checks, made {len(checks)}")
    pattern = claim.protocol.presets.get(context.preset, {}).get("headline", claim.protocol.headline)
    headline = next((c.label for c in checks if c.label == pattern or fnmatchcase(c.label, pattern)), None)
    if headline is None:
        raise RuntimeError(f"no check is the headline {pattern!r}; they are {', '.join(c.label for c in checks)}")
    pictures = tuple(_picture(claim, drawing, facts) for drawing in drawings)
    said = tuple(_filled(note, facts) for note in notes)
    method, statement = (_filled(text, facts) for text in (words.method, words.statement))
    return Finding(tuple(checks), headline, pictures, method, said, data, undecided, statement)


def _counted(found: Found, context: Context, tests: int) -> Found:
    done = 0
    for item in found:
        yield item
        if isinstance(item, Check):
            done += 1
            context.progress(done / tests)


def _own(size: Any) -> dict[str, Any]:
    return {each.name: getattr(size, each.name) for each in fields(size)} if is_dataclass(size) else {}


def _picture(claim: Claim, drawing: Drawing, facts: Mapping[str, Any]) -> Picture:
    held = claim.protocol.words.pictures.get(drawing.name)
    if held is None:
        raise RuntimeError(f"the protocol has no [pictures.{drawing.name}] with caption and alt")
    return Picture(drawing.name, _filled(held["caption"], facts), _filled(held["alt"], facts), drawing.figure)


def _filled(text: str, facts: Mapping[str, Any]) -> str:
    try:
        return text.format_map(facts)
    except KeyError as error:
        raise RuntimeError(f"a text names {error.args[0]!r}, which is no size and no fact: {text[:60]!r}…") from None
