"""Claims measured one after another in a process."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from validation import ended
from validation.claim import Claim, Finding
from validation.context import Context
from validation.gather import gather
from validation.job import Job, Measured, Tell
from validation.mnist.images import images


def measure_in_turn(jobs: Sequence[Job], claims: Mapping[str, Claim], tell: Tell) -> None:
    """Measure claims one after another in this process."""
    for job in jobs:
        claim = claims[job.name]
        tell("started", job.name, None)
        measured = _before(claim, job, tell)
        if measured is None:
            measured = _measured(claim, job, tell)
            ended.write(claim, job, measured)
        tell("finished", job.name, measured)


def _before(claim: Claim, job: Job, tell: Tell) -> Measured | None:
    """What the same code found before, unless all is to be measured again; a stand-in for MNIST is told again."""
    held = None if job.place.again else ended.read(claim, job)
    if held and held.finding and held.finding.data:
        images(_context(claim, job, tell))
    return held


def _context(claim: Claim, job: Job, tell: Tell, progress: Callable[[float], None] = lambda fraction: None) -> Context:
    def say(text: str) -> None:
        tell("said", job.name, text)

    return Context(claim.name, job.preset, job.seeds, claim.plans[job.preset].size, progress, say, job.place)


def _measured(claim: Claim, job: Job, tell: Tell) -> Measured:
    furthest = 0.0

    def progress(fraction: float) -> None:
        """Tell the share of the checks, or of the cells of a sweep, whichever is larger."""
        nonlocal furthest
        if fraction > furthest:
            furthest = fraction
            tell("progressed", job.name, fraction)

    began = _clocks()
    context = _context(claim, job, tell, progress)
    try:
        finding = _drawn(gather(claim, context))
        if unnamed := {name for check in finding.checks for name in check.rivals} - set(claim.protocol.rivals):
            raise RuntimeError(f"rivals that the protocol does not name: {', '.join(sorted(unnamed))}")
    except Exception as error:  # one claim's failure must not take the others with it; the report names it
        return Measured(*_since(began), None, _short(error))
    return Measured(*_since(began), finding)


def _drawn(finding: Finding) -> Finding:
    """With files in place of figures, which hold functions that stay in their process."""
    pictures = tuple(replace(picture, figure=picture.drawn) for picture in finding.pictures)
    return replace(finding, pictures=pictures)


def _clocks() -> tuple[float, float]:
    """The time of the clock, and of all cores in this process and in those that it waited for."""
    return time.perf_counter(), sum(os.times()[:4])


def _since(began: tuple[float, float]) -> tuple[float, float]:
    wall, cpu = _clocks()
    return wall - began[0], cpu - began[1]


def _short(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:300]}" if lines else type(error).__name__
