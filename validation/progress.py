"""Tells a person how far the run is: a bar with the time left on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn

from validation.claim import Claim
from validation.runner import Listener, Outcome
from validation.verdict import Verdict

COLOURS = {
    Verdict.AGREES: "green", Verdict.EXACT: "green", Verdict.UNDECIDED: "yellow", Verdict.INTERRUPTED: "yellow",
}  # fmt: skip


class Clock:
    """How much of the planned time has passed, and how long the rest will take on this machine."""

    #: Seconds of planned work that weigh as much as the plan itself when this machine's speed is judged.
    PRIOR = 10.0

    def __init__(self, claims: Sequence[Claim], preset: str) -> None:
        self.costs = {claim.name: claim.plans[preset].seconds for claim in claims}
        self.done_of = dict.fromkeys(self.costs, 0.0)
        self.total, self.began = sum(self.costs.values()), time.monotonic()

    def progress(self, name: str, fraction: float) -> None:
        self.done_of[name] = self.costs[name] * min(max(fraction, 0.0), 1.0)

    def finished(self, outcome: Outcome) -> str:
        """How long it took, or when that was: a claim of an earlier run says nothing of this one's speed."""
        name = outcome.claim.name
        if outcome.measured:
            self.total -= self.costs[name]
            self.done_of[name] = 0.0
            return f"measured {outcome.measured} by the same code"
        self.progress(name, 1.0)
        return f"{outcome.seconds:.1f} s"

    @property
    def done(self) -> float:
        return sum(self.done_of.values())

    def left(self) -> str:
        elapsed = time.monotonic() - self.began
        speed = (self.done + self.PRIOR) / (elapsed + self.PRIOR)
        return f"about {duration((self.total - self.done) / speed)} left"


def duration(seconds: float) -> str:
    if seconds >= 5400:
        return f"{seconds / 3600:.1f} h"
    return f"{seconds / 60:.0f} min" if seconds >= 90 else f"{max(seconds, 0):.0f} s"


class Lines:
    """One line when a claim starts, one when it ends, and one for each quarter of a long claim."""

    #: Planned seconds from which a claim is long.
    LONG = 40.0

    def __init__(self, console: Console, claims: Sequence[Claim], preset: str) -> None:
        self.console, self.clock, self.count = console, Clock(claims, preset), len(claims)
        self.quarters: dict[str, int] = {}

    def started(self, claim: Claim) -> None:
        self.quarters[claim.name] = 0
        self._line(f"[{len(self.quarters)}/{self.count}] {claim.name}: {claim.title} ({self.clock.left()})")

    def progressed(self, claim: Claim, fraction: float) -> None:
        self.clock.progress(claim.name, fraction)
        quarters = int(4 * fraction)
        if self.quarters[claim.name] < quarters < 4 and self.clock.costs[claim.name] >= self.LONG:
            self.quarters[claim.name] = quarters
            self._line(f"      {claim.name}: {25 * quarters} % done ({self.clock.left()})")

    def said(self, text: str) -> None:
        self._line(f"      {text}")

    def finished(self, outcome: Outcome) -> None:
        took = self.clock.finished(outcome)
        self._line(f"      {outcome.claim.name}: {outcome.verdict} ({took}): {outcome.judgement.reason}")

    def _line(self, text: str) -> None:
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)


class Bar:
    """A bar that moves while claims run; finished ones stay above it."""

    def __init__(self, progress: Progress, claims: Sequence[Claim], preset: str) -> None:
        self.progress_bar, self.clock = progress, Clock(claims, preset)
        self.task: TaskID = progress.add_task("", total=self.clock.total, left=self.clock.left())
        self.running: list[str] = []

    def started(self, claim: Claim) -> None:
        self.running.append(claim.name)
        self._show()

    def progressed(self, claim: Claim, fraction: float) -> None:
        self.clock.progress(claim.name, fraction)
        self._show()

    def said(self, text: str) -> None:
        self.progress_bar.console.print(text, markup=False, highlight=False)

    def finished(self, outcome: Outcome) -> None:
        took = self.clock.finished(outcome)
        self.running.remove(outcome.claim.name)
        console, colour = self.progress_bar.console, COLOURS.get(outcome.verdict, "red")
        console.print(f"{outcome.verdict:>12}", style=f"bold {colour}", end="  ", highlight=False)
        console.print(f"{outcome.claim.name} ({took}): {outcome.judgement.reason}", markup=False, highlight=False)
        self._show()

    def _show(self) -> None:
        names, done, left = ", ".join(self.running), self.clock.done, self.clock.left()
        self.progress_bar.update(self.task, description=names, completed=done, total=self.clock.total, left=left)


@contextmanager
def listener(console: Console, claims: Sequence[Claim], preset: str) -> Iterator[Listener]:
    """The bar on a terminal, plain lines elsewhere."""
    if not console.is_terminal:
        yield Lines(console, claims, preset)
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[left]}"))
    with Progress(*columns, console=console, transient=True) as progress:
        yield Bar(progress, claims, preset)
