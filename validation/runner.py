"""Runs claims one after another, judges them, and hands every finished one to the report before the next starts."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from validation.claim import Claim, Finding
from validation.context import HERE, Context, Place
from validation.gather import gather
from validation.verdict import Judgement, Verdict, judge, thresholds


@dataclass(frozen=True)
class Outcome:
    """A claim, what it measured (None if it did not end), the verdict, the seconds, and its `thresholds` entry."""

    claim: Claim
    judgement: Judgement
    finding: Finding | None = None
    seconds: float = 0.0
    limit: float = math.nan
    seeds: tuple[int, ...] = ()

    @property
    def verdict(self) -> Verdict:
        return self.judgement.verdict

    @property
    def as_expected(self) -> bool:
        """Whether the claim ended and showed what its protocol expects of this preset."""
        return self.finding is not None and not self.judgement.unmet


class Listener(Protocol):
    """Told how the run goes: a progress bar, plain lines, or a test."""

    def started(self, claim: Claim) -> None: ...

    def progressed(self, fraction: float) -> None: ...

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
) -> Run:
    """Run the chosen claims in order and ``publish`` the state after each; without a seed, with their protocols' seeds.

    The thresholds count the tests of every claim in ``registry``, chosen or not, so that a claim run alone gets the
    numbers and the verdict that it gets in the whole run.
    """
    tests = {name: claim.plans[preset].tests for name, claim in registry.items()}
    limits = thresholds(tests)
    said: set[str] = set()

    def say(text: str) -> None:
        if text not in said:  # two claims may meet the same obstacle
            said.add(text)
            listener.said(text)

    pending = Judgement(Verdict.NOT_RUN, "not run yet")
    outcomes = [Outcome(claim, pending) for claim in chosen]
    began = time.perf_counter()

    def state(interrupted: bool = False) -> Run:
        elapsed = time.perf_counter() - began
        return Run(preset, seed, sum(tests.values()), len(registry), tuple(outcomes), elapsed, interrupted)

    try:
        for position, claim in enumerate(chosen):
            outcomes[position] = Outcome(claim, Judgement(Verdict.INTERRUPTED, "stopped by Ctrl-C before it ended"))
            listener.started(claim)
            seeds = claim.protocol.seeds if seed is None else (seed,)
            progress = _Furthest(listener.progressed)
            context = Context(claim.name, preset, seeds, claim.plans[preset].size, progress, say, place)
            outcomes[position] = _measure(claim, context, limits[claim.name])
            listener.finished(outcomes[position])
            publish(state())
    except KeyboardInterrupt:
        publish(state(interrupted=True))
        return state(interrupted=True)
    return state()


class _Furthest:
    """Tells how far a claim is, of what counts its checks and what counts the cells of a sweep whichever is further."""

    def __init__(self, told: Callable[[float], None]) -> None:
        self.told, self.reached = told, 0.0

    def __call__(self, fraction: float) -> None:
        if fraction > self.reached:
            self.reached = fraction
            self.told(fraction)


def _measure(claim: Claim, context: Context, limit: float) -> Outcome:
    began = time.perf_counter()
    try:
        finding = gather(claim, context)
        if unnamed := {name for check in finding.checks for name in check.rivals} - set(claim.protocol.rivals):
            raise RuntimeError(f"rivals that the protocol does not name: {', '.join(sorted(unnamed))}")
    except Exception as error:  # one claim's failure must not take the others with it; the report names it
        judgement = Judgement(Verdict.ERROR, _short(error))
        return Outcome(claim, judgement, None, time.perf_counter() - began, seeds=context.seeds)
    judgement = judge(claim, finding, limit, decides=context.preset in claim.protocol.decides)
    return Outcome(claim, judgement, finding, time.perf_counter() - began, limit, context.seeds)


def _short(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:300]}" if lines else type(error).__name__
