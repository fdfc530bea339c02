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
        self.total, self.before, self.done = sum(self.costs.values()), 0.0, 0.0
        self.running, self.began = "", time.monotonic()

    def start(self, name: str) -> None:
        self.running, self.before = name, self.done

    def progress(self, fraction: float) -> None:
        self.done = self.before + self.costs[self.running] * min(max(fraction, 0.0), 1.0)

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
        self.console, self.clock, self.count, self.index = console, Clock(claims, preset), len(claims), 0
        self.quarters = 0

    def started(self, claim: Claim) -> None:
        self.index, self.quarters = self.index + 1, 0
        self.clock.start(claim.name)
        self._line(f"[{self.index}/{self.count}] {claim.name}: {claim.title} ({self.clock.left()})")

    def progressed(self, fraction: float) -> None:
        self.clock.progress(fraction)
        quarters = int(4 * fraction)
        if self.quarters < quarters < 4 and self.clock.costs[self.clock.running] >= self.LONG:
            self.quarters = quarters
            self._line(f"      {25 * quarters} % done ({self.clock.left()})")

    def said(self, text: str) -> None:
        self._line(f"      {text}")

    def finished(self, outcome: Outcome) -> None:
        self.clock.progress(1.0)
        self._line(f"      {outcome.verdict} in {outcome.seconds:.1f} s: {outcome.judgement.reason}")

    def _line(self, text: str) -> None:
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)


class Bar:
    """A bar that moves while a claim runs; finished claims stay above it."""

    def __init__(self, progress: Progress, claims: Sequence[Claim], preset: str) -> None:
        self.progress_bar, self.clock = progress, Clock(claims, preset)
        self.task: TaskID = progress.add_task("", total=self.clock.total, left=self.clock.left())

    def started(self, claim: Claim) -> None:
        self.clock.start(claim.name)
        self.progress_bar.update(self.task, description=claim.name)
        self._show()

    def progressed(self, fraction: float) -> None:
        self.clock.progress(fraction)
        self._show()

    def said(self, text: str) -> None:
        self.progress_bar.console.print(text, markup=False, highlight=False)

    def finished(self, outcome: Outcome) -> None:
        self.clock.progress(1.0)
        console, colour = self.progress_bar.console, COLOURS.get(outcome.verdict, "red")
        console.print(f"{outcome.verdict:>12}", style=f"bold {colour}", end="  ", highlight=False)
        console.print(
            f"{outcome.claim.name} ({outcome.seconds:.1f} s): {outcome.judgement.reason}", markup=False, highlight=False
        )
        self._show()

    def _show(self) -> None:
        self.progress_bar.update(self.task, completed=self.clock.done, left=self.clock.left())


@contextmanager
def listener(console: Console, claims: Sequence[Claim], preset: str) -> Iterator[Listener]:
    """The bar on a terminal, plain lines elsewhere."""
    if not console.is_terminal:
        yield Lines(console, claims, preset)
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[left]}"))
    with Progress(*columns, console=console, transient=True) as progress:
        yield Bar(progress, claims, preset)
