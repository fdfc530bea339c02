"""From checks to verdicts, at thresholds corrected for the number of tests in the whole run.

A check *agrees* where its whole confidence interval lies within the margin around the prediction and each of its rivals
is rejected; it *differs* where the whole interval lies outside; it is *exact* where no error is left and the number is
the predicted one to rounding; everything else is *undecided*. An interval that excludes the prediction may lie within
the margin: that is agreement to the margin. One that reaches beyond it on either side decides nothing.

A claim's verdict is that of the number of its title, the headline. One check that contradicts what the protocol expects
makes the claim differ, whatever the headline says. All checks are counted beside it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from sgdsde.statistics import sigmas_for
from validation.check import Check
from validation.claim import Claim, Finding
from validation.formatting import percent, plain, sigmas
from validation.presets import FAMILY_LEVEL
from validation.protocol import Expectation, Terms


class Verdict(StrEnum):
    """What a check or a claim showed, or how a claim ended that shows nothing."""

    AGREES = "agrees"
    EXACT = "exact"
    DIFFERS = "differs"
    UNDECIDED = "undecided"
    ERROR = "error"
    INTERRUPTED = "interrupted"
    NOT_RUN = "not run"


_MET: dict[Expectation, tuple[Verdict, ...]] = {
    "agrees": (Verdict.AGREES, Verdict.EXACT),
    "differs": (Verdict.DIFFERS,),
    "undecided": (Verdict.UNDECIDED,),
    "any": tuple(Verdict),
}


@dataclass(frozen=True)
class Ruling:
    """A check's verdict by its terms: with the half width of its confidence interval, and the rivals rejected."""

    check: Check
    verdict: Verdict
    terms: Terms
    half_width: float
    rejected: tuple[str, ...]

    @property
    def margin(self) -> float:
        """In the unit of the measurement."""
        return margin_of(self.check, self.terms)

    @property
    def rivals(self) -> dict[str, float]:
        """Those that count here."""
        return self.check.rivals_beyond(self.terms.apart * self.margin)

    @property
    def expected(self) -> Expectation:
        """What the protocol expects."""
        return self.terms.expects

    @property
    def met(self) -> bool:
        """Whether the verdict is the expected one."""
        return self.verdict in _MET[self.expected]

    @property
    def contradicts(self) -> bool:
        """Whether the opposite of what is expected was shown."""
        return not self.met and self.verdict is not Verdict.UNDECIDED and self.expected != "undecided"


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


def margin_of(check: Check, terms: Terms) -> float:
    """The margin in the unit of the measurement."""
    return terms.margin * (1.0 if terms.absolute else check.unit)


def rule(check: Check, terms: Terms, limit: float) -> Ruling:
    """What a check shows, with a confidence interval of ``limit`` normal standard errors on each side."""
    margin = margin_of(check, terms)
    half_width, deviation = check.half_width(limit), abs(check.measured - check.predicted)
    rivals = check.rivals_beyond(terms.apart * margin)
    rejected = tuple(name for name, value in rivals.items() if abs(check.z_from(value)) > limit)
    told_apart = len(rejected) == len(rivals)
    if not check.standard_error:
        good = Verdict.EXACT if told_apart else Verdict.UNDECIDED
        verdict = good if check.z == 0 else Verdict.DIFFERS
    elif deviation - half_width > max(margin, check.rounding):
        verdict = Verdict.DIFFERS
    else:
        verdict = Verdict.AGREES if told_apart and deviation + half_width <= margin else Verdict.UNDECIDED
    return Ruling(check, verdict, terms, half_width, rejected)


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


def explained(ruling: Ruling) -> str:
    """Why a check has its verdict, in a sentence."""
    check = ruling.check
    if ruling.verdict is Verdict.EXACT:
        return f"{check.label}: {plain(check.measured)}, as predicted, to rounding"
    size, half, margin = (
        in_unit(ruling, value) for value in (check.measured - check.predicted, ruling.half_width, ruling.margin)
    )
    missed = [name for name in ruling.rivals if name not in ruling.rejected]
    told = f"; not told apart from: {', '.join(missed)}" if missed else ""
    return f"{check.label}: off by {size} ± {half}, margin {margin}{told}"


def in_unit(ruling: Ruling, value: float) -> str:
    """A size as its terms have it: relative to the check's unit, or as it is."""
    unit = ruling.check.unit
    if ruling.terms.absolute or not unit:
        return f"{abs(value):.3g}"
    return percent(abs(value) / unit) if value else "0 %"


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
