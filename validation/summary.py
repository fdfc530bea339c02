"""The run in one sentence."""

from __future__ import annotations

from validation.runner import Run
from validation.verdict import Verdict

UNFINISHED = (Verdict.NOT_RUN, Verdict.INTERRUPTED)


def summary(run: Run) -> str:
    """What holds, what does not, and how much was tested."""
    finished = [outcome for outcome in run.outcomes if outcome.verdict not in UNFINISHED]
    confirmed = [outcome for outcome in finished if outcome.verdict is Verdict.CONFIRMED]
    checks = sum(len(outcome.finding.checks) for outcome in finished if outcome.finding)
    others = [f"{outcome.claim.name} ({outcome.verdict})" for outcome in finished if outcome not in confirmed]
    if not finished:
        held = "No claim has finished."
    elif others:
        held = f"{len(confirmed)} of {_claims(len(finished))} confirmed. Not confirmed: {', '.join(others)}."
    elif len(finished) == 1:
        held = f"The claim {finished[0].claim.name} is confirmed."
    else:
        held = f"All {len(finished)} claims are confirmed."
    spent = f" {checks} check{'' if checks == 1 else 's'}, {_time(run.seconds)}." if finished else ""
    return held + spent + _state(run, len(finished))


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
