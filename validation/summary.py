"""The run in a few sentences."""

from __future__ import annotations

from validation.runner import Run
from validation.verdict import Verdict, count

UNFINISHED = (Verdict.NOT_RUN, Verdict.INTERRUPTED)


def summary(run: Run) -> str:
    """Claims and checks by verdict, and what is not as the protocols expect."""
    finished = [outcome for outcome in run.outcomes if outcome.verdict not in UNFINISHED]
    if not finished:
        return "No claim has finished." + _state(run, 0)
    kinds = count((outcome.verdict for outcome in finished), "claim")
    rulings = [ruling.verdict for outcome in finished for ruling in outcome.judgement.rulings]
    checks = f" {count(rulings)}, in {_time(run.seconds)}." if rulings else ""
    others = [
        f"{outcome.claim.name} ({_unmet(len(outcome.judgement.unmet))})"
        for outcome in finished
        if not outcome.as_expected
    ]
    expected = f" Not as the protocols expect: {', '.join(others)}." if others else " All is as the protocols expect."
    return f"{kinds}.{checks}{expected}{_state(run, len(finished))}"


def _unmet(checks: int) -> str:
    return f"{checks} check{'' if checks == 1 else 's'}" if checks else "did not end"


def _state(run: Run, finished: int) -> str:
    missing = len(run.outcomes) - finished
    if run.interrupted:
        return f" Interrupted: {_claims(missing)} of {len(run.outcomes)} not finished."
    return f" Still running: {_claims(missing)} of {len(run.outcomes)} to go." if missing else ""


def _claims(count: int) -> str:
    return "1 claim" if count == 1 else f"{count} claims"


def _time(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{seconds:.1f} s"
