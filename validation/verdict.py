"""From checks to verdicts of claims, at thresholds corrected for the number of tests in the whole run.

A claim's verdict is that of the number of its title, the headline. One check that contradicts what the protocol expects
makes the claim differ, whatever the headline says. All checks are counted beside it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sgdsde.statistics import sigmas_for
from validation.claim import Claim, Finding
from validation.formatting import sigmas
from validation.presets import FAMILY_LEVEL
from validation.ruling import Ruling, Verdict, explained, rule


@dataclass(frozen=True)
class Judgement:
    """A claim's verdict, the sentence that explains it, what each check showed, and what was expected but not shown."""

    verdict: Verdict
    reason: str
    rulings: tuple[Ruling, ...] = ()
    unmet: tuple[str, ...] = ()


def thresholds(tests: Mapping[str, int]) -> dict[str, float]:
    """The half-widths of confidence intervals in σ, by claim, from the number of checks of every claim.

    The claims share ``FAMILY_LEVEL``, the probability that any interval of a run misses the truth, in equal parts, so
    that a claim with hundreds of checks does not blunt one that can afford few. Within a claim its share is divided
    among its checks. Both divisions are Šidák's, whose bound holds for dependent normal estimates too (Šidák 1967).

    >>> {name: round(limit, 2) for name, limit in thresholds({"few": 1, "many": 200}).items()}
    {'few': 3.48, 'many': 4.71}
    """
    share = -math.expm1(math.log1p(-FAMILY_LEVEL) / max(len(tests), 1))
    return {name: sigmas_for(count, share) for name, count in tests.items()}


def judge(claim: Claim, finding: Finding, limit: float, *, decides: bool = True) -> Judgement:
    """A claim's verdict by the rule at the top of this module.

    Unless ``decides``, sizes are too small for the verdicts that are expected, and only opposite ones are unmet.
    """
    protocol = claim.protocol
    rulings = tuple(rule(check, protocol.terms(check.label), limit) for check in finding.checks)
    against = [ruling for ruling in rulings if ruling.contradicts]
    unmet = [ruling for ruling in rulings if not ruling.met] if decides else against
    names = tuple(f"{ruling.check.label} ({ruling.verdict})" for ruling in unmet)
    headline = next(ruling for ruling in rulings if ruling.check.label == finding.headline)
    counted = count(ruling.verdict for ruling in rulings)
    if against:
        worst = max(against, key=lambda ruling: abs(ruling.check.z))
        reason = (
            f"{counted}. Against what is expected: {worst.check.label} {worst.verdict} ({sigmas(worst.check.z)})"
            + (f", and {len(against) - 1} more" if len(against) > 1 else "")
        )
        return Judgement(Verdict.DIFFERS, reason, rulings, names)
    if not any(ruling.rivals for ruling in rulings):
        reason = f"{counted}. No check could tell theory from a rival"
        return Judgement(Verdict.UNDECIDED, reason, rulings, names or ((reason,) if decides else ()))
    if finding.undecided:
        reason = f"{counted}. The measurement cannot decide: {finding.undecided}"
        return Judgement(Verdict.UNDECIDED, reason, rulings, names or ((finding.undecided,) if decides else ()))
    return Judgement(headline.verdict, f"{counted}. {explained(headline)}", rulings, names)


def count(verdicts: Iterable[Verdict], what: str = "check") -> str:
    """Verdicts in words, every kind that occurs.

    >>> count([Verdict.AGREES, Verdict.AGREES, Verdict.UNDECIDED])
    '3 checks: 2 agree, 1 undecided'
    """
    found = Counter(verdicts)
    total = sum(found.values())
    verbs = {Verdict.AGREES: ("agrees", "agree"), Verdict.DIFFERS: ("differs", "differ")}
    words = [f"{found[kind]} {verbs.get(kind, (kind, kind))[found[kind] > 1]}" for kind in Verdict if found[kind]]
    return f"{total} {what}{'' if total == 1 else 's'}: {', '.join(words)}"
