"""From checks to a verdict, at thresholds corrected for the number of tests in the whole run."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from sgdsde.statistics import sigmas_for
from validation.claim import Check, Claim, Finding
from validation.formatting import sigmas, within
from validation.presets import FAMILY_LEVEL


class Verdict(StrEnum):
    """How a claim ended. Only ``CONFIRMED`` lets the run exit with 0."""

    CONFIRMED = "confirmed"
    REFUTED = "refuted"
    INCONCLUSIVE = "inconclusive"
    NO_POWER = "no power"
    ERROR = "error"
    INTERRUPTED = "interrupted"
    NOT_RUN = "not run"


@dataclass(frozen=True)
class Judgement:
    """A verdict, the sentence that explains it, and how the negative control fared."""

    verdict: Verdict
    reason: str
    control_rejected: int = 0
    control_worst: float = 0.0


def thresholds(tests: Mapping[str, int]) -> dict[str, float]:
    """The |z| beyond which a check fails, by claim, from the number of checks of every claim.

    The claims share ``FAMILY_LEVEL``, the probability that a run of true claims fails anywhere, in equal parts, so that
    a claim with hundreds of checks does not blunt one that can afford few. Within a claim its share is divided among
    its checks. Both divisions are Šidák's, whose bound holds for dependent normal estimates too (Šidák 1967).

    >>> {name: round(limit, 2) for name, limit in thresholds({"few": 1, "many": 200}).items()}
    {'few': 3.48, 'many': 4.71}
    """
    share = -math.expm1(math.log1p(-FAMILY_LEVEL) / max(len(tests), 1))
    return {name: sigmas_for(count, share) for name, count in tests.items()}


def judge(claim: Claim, finding: Finding, limit: float) -> Judgement:
    """Apply the same rule to the prediction and to the negative control."""
    equal = [check for check in finding.checks if check.expected == "equal"]
    failed = [check for check in equal if abs(check.z) > limit]
    unseparated = [check for check in finding.checks if check.expected == "different" and abs(check.z) <= limit]
    rejected = sum(abs(check.control_z) > limit for check in equal)
    control_worst = max(abs(check.control_z) for check in equal)
    blunt = max(equal, key=lambda check: check.detectable)

    def ruling(verdict: Verdict, reason: str) -> Judgement:
        return Judgement(verdict, reason, rejected, control_worst)

    if failed:
        worst = _worst(failed)
        return ruling(
            Verdict.REFUTED,
            f"{len(failed)} of {_count(equal)} off by more than {limit:.2f} σ; "
            f"the worst by {sigmas(worst.z)} ({worst.label})",
        )
    if not rejected:
        return ruling(
            Verdict.NO_POWER,
            f"the check has no power: the negative control ({claim.control}) passes as well, at most "
            f"{within(control_worst)} away where {limit:.2f} σ are needed",
        )
    if finding.undecided:
        return ruling(Verdict.INCONCLUSIVE, finding.undecided)
    if unseparated:
        least = min(unseparated, key=lambda check: abs(check.z))
        return ruling(
            Verdict.INCONCLUSIVE,
            f"could not tell the measurement from a prediction that should be wrong: {within(least.z)} "
            f"({least.label}), {limit:.2f} σ needed",
        )
    if blunt.detectable > claim.resolution:
        seen = f"only {blunt.detectable:.1%} or more" if math.isfinite(blunt.detectable) else "nothing relative to zero"
        return ruling(
            Verdict.INCONCLUSIVE,
            f"could not have seen a deviation of {100 * claim.resolution:g}%: {seen} stands out in the weakest check "
            f"({blunt.label})",
        )
    worst, different = _worst(equal), len(finding.checks) - len(equal)
    rejections = f"; {different} predictions that should be wrong are rejected" if different else ""
    return ruling(
        Verdict.CONFIRMED,
        f"{_count(equal)} within the threshold of {limit:.2f} σ{rejections}; "
        f"the largest deviation is {sigmas(worst.z)} ({worst.label})",
    )


def _worst(checks: list[Check]) -> Check:
    return max(checks, key=lambda check: abs(check.z))


def _count(checks: list[Check]) -> str:
    return "1 check" if len(checks) == 1 else f"{len(checks)} checks"
