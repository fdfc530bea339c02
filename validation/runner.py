"""Runs claims, judges them, and hands every finished one to the report."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from validation.claim import Claim, Finding
from validation.context import HERE, Place
from validation.job import Job, Measured
from validation.jobs import measure_in_turn
from validation.lanes import measure_beside
from validation.verdict import Judgement, Verdict, judge, thresholds


@dataclass(frozen=True)
class Outcome:
    """A claim, what it measured (None if it did not end), the verdict, what it cost, and its `thresholds` entry.

    ``measured`` is the date where the same code measured it before.
    """

    claim: Claim
    judgement: Judgement
    finding: Finding | None = None
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    limit: float = math.nan
    seeds: tuple[int, ...] = ()
    measured: str = ""

    @property
    def verdict(self) -> Verdict:
        return self.judgement.verdict

    @property
    def as_expected(self) -> bool:
        """Whether the claim ended and showed what its protocol expects of this preset."""
        return self.finding is not None and not self.judgement.unmet


class Listener(Protocol):
    """Told how the run goes, of which several claims may be running: a progress bar, plain lines, or a test."""

    def started(self, claim: Claim) -> None: ...

    def progressed(self, claim: Claim, fraction: float) -> None: ...

    def said(self, text: str) -> None: ...

    def finished(self, outcome: Outcome) -> None: ...


@dataclass(frozen=True)
class Run:
    """The state of a run: one outcome for each chosen claim, whether it has run or not."""

    preset: str
    seed: int | None
    tests: int
    claims: int
    outcomes: tuple[Outcome, ...]
    seconds: float = 0.0
    interrupted: bool = False

    @property
    def complete(self) -> bool:
        """Whether every claim there is was chosen."""
        return len(self.outcomes) == self.claims

    @property
    def exit_status(self) -> int:
        """0 when every check shows what its protocol expects, 130 when interrupted, otherwise 1."""
        if self.interrupted:
            return 130
        return 0 if all(outcome.as_expected for outcome in self.outcomes) else 1


def run_claims(
    chosen: Sequence[Claim],
    registry: Mapping[str, Claim],
    preset: str,
    seed: int | None,
    listener: Listener,
    publish: Callable[[Run], None],
    place: Place = HERE,
    *,
    beside: bool = False,
) -> Run:
    """Run the chosen claims and ``publish`` the state after each; without a seed, with their protocols' seeds.

    They run in their order in this process, or ``beside`` each other in two (`validation.lanes`). The thresholds count
    the tests of every claim in ``registry``, chosen or not, so that a claim run alone gets the numbers and the verdict
    that it gets in the whole run.
    """
    tests = {name: claim.plans[preset].tests for name, claim in registry.items()}
    limits = thresholds(tests)
    said: set[str] = set()
    pending = Judgement(Verdict.NOT_RUN, "not run yet")
    outcomes = {claim.name: Outcome(claim, pending) for claim in chosen}
    seeds = {claim.name: claim.protocol.seeds if seed is None else (seed,) for claim in chosen}
    began = time.perf_counter()

    def state(interrupted: bool = False) -> Run:
        elapsed = time.perf_counter() - began
        return Run(preset, seed, sum(tests.values()), len(registry), tuple(outcomes.values()), elapsed, interrupted)

    def tell(what: str, name: str, more: Any) -> None:
        claim = outcomes[name].claim
        if what == "started":
            outcomes[name] = Outcome(claim, Judgement(Verdict.INTERRUPTED, "stopped by Ctrl-C before it ended"))
            listener.started(claim)
        elif what == "progressed":
            listener.progressed(claim, more)
        elif what == "finished":
            outcomes[name] = _judged(claim, more, preset, limits[name], seeds[name])
            listener.finished(outcomes[name])
            publish(state())
        elif more not in said:  # two claims may meet the same obstacle
            said.add(more)
            listener.said(more)

    jobs = [Job(claim.name, preset, seeds[claim.name], place) for claim in chosen]
    try:
        (measure_beside if beside else measure_in_turn)(jobs, registry, tell)
    except KeyboardInterrupt:
        publish(state(interrupted=True))
        return state(interrupted=True)
    return state()


def _judged(claim: Claim, measured: Measured, preset: str, limit: float, seeds: tuple[int, ...]) -> Outcome:
    cost = measured.seconds, measured.cpu_seconds
    if measured.finding is None:
        return Outcome(claim, Judgement(Verdict.ERROR, measured.error), None, *cost, seeds=seeds)
    judgement = judge(claim, measured.finding, limit, decides=preset in claim.protocol.decides)
    return Outcome(claim, judgement, measured.finding, *cost, limit, seeds, measured.measured)
