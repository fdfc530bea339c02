"""A claim measured: what it is given, what it says on the way, and what is told of it in the end."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from validation.claim import Claim, Finding
from validation.context import Context, Place
from validation.gather import gather


@dataclass(frozen=True)
class Job:
    """What a claim is measured with."""

    name: str
    preset: str
    seeds: tuple[int, ...]
    place: Place


@dataclass(frozen=True)
class Measured:
    """What a claim found, or why it did not end; in how many seconds, and of how many cores' time together."""

    seconds: float
    cpu_seconds: float
    finding: Finding | None = None
    error: str = ""


#: Told what happened to which claim: "started", "progressed" with the fraction done, "said" with words, and
#: "finished" with what was `Measured`.
Tell = Callable[[str, str, Any], None]


def measure_in_turn(jobs: Sequence[Job], claims: Mapping[str, Claim], tell: Tell) -> None:
    """Measure claims one after another in this process."""
    for job in jobs:
        tell("started", job.name, None)
        tell("finished", job.name, _measured(claims[job.name], job, tell))


def _measured(claim: Claim, job: Job, tell: Tell) -> Measured:
    furthest = 0.0

    def progress(fraction: float) -> None:
        """Tell the share of the checks, or of the cells of a sweep, whichever is larger."""
        nonlocal furthest
        if fraction > furthest:
            furthest = fraction
            tell("progressed", job.name, fraction)

    def say(text: str) -> None:
        tell("said", job.name, text)

    began = _clocks()
    context = Context(claim.name, job.preset, job.seeds, claim.plans[job.preset].size, progress, say, job.place)
    try:
        finding = gather(claim, context)
        if unnamed := {name for check in finding.checks for name in check.rivals} - set(claim.protocol.rivals):
            raise RuntimeError(f"rivals that the protocol does not name: {', '.join(sorted(unnamed))}")
    except Exception as error:  # one claim's failure must not take the others with it; the report names it
        return Measured(*_since(began), None, _short(error))
    return Measured(*_since(began), finding)


def _clocks() -> tuple[float, float]:
    """The time of the clock, and that of the processor in all threads of this process and in those that it waited for."""
    return time.perf_counter(), sum(os.times()[:4])


def _since(began: tuple[float, float]) -> tuple[float, float]:
    wall, cpu = _clocks()
    return wall - began[0], cpu - began[1]


def _short(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:300]}" if lines else type(error).__name__
