"""What was found about the statements of papers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from validation.papers import Statement
from validation.ruling import Ruling, Verdict

if TYPE_CHECKING:
    from validation.runner import Outcome


@dataclass(frozen=True)
class Row:
    """A statement, its verdict, the ruling that is shown for it, and the one that shows where it breaks."""

    statement: Statement
    verdict: Verdict
    ruling: Ruling | None = None
    broken: Ruling | None = None
    tested: int = 0


_OPPOSITE = {Verdict.AGREES: Verdict.DIFFERS, Verdict.EXACT: Verdict.DIFFERS, Verdict.DIFFERS: Verdict.AGREES}


def rows(outcome: Outcome) -> Iterator[Row]:
    """The claim's statements with what was found.

    A statement agrees where all its checks do, differs where one does, and is undecided otherwise, or where the claim
    says that the measurement cannot decide.
    """
    finding, rulings = outcome.finding, outcome.judgement.rulings
    for statement in outcome.claim.protocol.statements:
        if finding is None:
            yield Row(statement, outcome.verdict)
            continue
        pattern = statement.check or finding.headline
        tested = [r for r in rulings if r.check.label == pattern or fnmatchcase(r.check.label, pattern)]
        if not tested:  # sizes of this preset leave it out
            yield Row(statement, Verdict.NOT_RUN)
            continue
        failed = [r for r in rulings if fnmatchcase(r.check.label, statement.breaks) and r.verdict is Verdict.DIFFERS]
        broken = min(failed, key=lambda r: abs(r.check.measured - r.check.predicted), default=None)
        verdict = Verdict.UNDECIDED if finding.undecided else together([r.verdict for r in tested], statement.denies)
        shown = _shown(tested, verdict, finding.headline, statement.denies)
        yield Row(statement, verdict, shown, broken, len(tested))


def _shown(tested: Sequence[Ruling], verdict: Verdict, headline: str, denies: bool) -> Ruling:
    """The headline, if it has the statement's verdict, or that check with it which is furthest off by its margin."""
    alike = [ruling for ruling in tested if together([ruling.verdict], denies) is verdict] or list(tested)
    named = [ruling for ruling in alike if ruling.check.label == headline]
    return named[0] if named else max(alike, key=_off)


def _off(ruling: Ruling) -> float:
    """How far the far end of the interval is from the prediction, in margins."""
    check = ruling.check
    return (abs(check.measured - check.predicted) + ruling.half_width) / ruling.margin if ruling.margin else math.inf


def together(verdicts: Sequence[Verdict], denies: bool = False) -> Verdict:
    """The verdict of a statement from those of its checks.

    >>> together([Verdict.AGREES, Verdict.EXACT]).value, together([Verdict.DIFFERS], denies=True).value
    ('agrees', 'agrees')
    """
    kinds = {_OPPOSITE.get(kind, kind) for kind in verdicts} if denies else set(verdicts)
    for kind in (Verdict.DIFFERS, Verdict.UNDECIDED, Verdict.AGREES):
        if kind in kinds:
            return kind
    return Verdict.EXACT
