"""What a check shows, by the terms of its protocol.

A check *agrees* where its whole confidence interval lies within the margin around the prediction and each of its rivals
is rejected; it *differs* where the whole interval lies outside; it is *exact* where no error is left and the number is
the predicted one to rounding; everything else is *undecided*. An interval that excludes the prediction may lie within
the margin: that is agreement to the margin. One that reaches beyond it on either side decides nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from validation.check import Check
from validation.formatting import percent, plain
from validation.terms import Expectation, Terms


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
