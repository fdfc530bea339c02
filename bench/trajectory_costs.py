"""What a simulator costs for an estimate of a given error, and from which batch size on another is cheaper."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from numpy.typing import ArrayLike

import sgdsde as sg
from bench.timing import Contender, rates

#: Relative statistical error that every estimate is to reach.
DELTA = 0.01
SAMPLINGS = ("without_replacement", "with_replacement", "reshuffle")


class Run(Protocol):
    """A simulation of `steps` steps from `w0`, whose averages begin after `burn_in` steps."""

    def __call__(
        self, w0: ArrayLike, steps: int, paths: int, *, burn_in: int = 0, save_every: int | None = None
    ) -> sg.Ensemble:
        """Simulate."""


@dataclass(frozen=True)
class Effort:
    """What sizes the measurement.

    Attributes
    ----------
    rounds : int
        Turns of every simulator.
    turn, spread : float
        Seconds of a timed turn, and about those of the run that measures the error.
    relaxations : int
        Relaxation times of the covariance's average.
    timed_paths, mean_paths : int
        Paths of a timed turn, and of the run that measures a mean trajectory.
    batches : tuple of int
    """

    rounds: int = 7
    turn: float = 0.1
    spread: float = 0.4
    relaxations: int = 40
    timed_paths: int = 2048
    mean_paths: int = 16384
    batches: tuple[int, ...] = (1, 2, 8, 32, 128)


@dataclass(frozen=True)
class Check:
    """An estimate against the exact law of the simulator that made it: z, and what would have been seen at 4 errors."""

    name: str
    z: float
    detectable: float

    @property
    def met(self) -> bool:
        """Within four standard errors."""
        return abs(self.z) < 4


@dataclass(frozen=True)
class Cost:
    """A simulator's price of an estimate.

    Attributes
    ----------
    nanoseconds : tuple of float
        For one step of one path, in each round; one throughput for all batch sizes in the SDE's case.
    steps : float
        Path-steps after which the relative standard error of the estimate is `DELTA`.
    bias : float
        Of what is estimated, by exact laws, relative to SGD at the same config.
    """

    name: str
    nanoseconds: tuple[float, ...]
    steps: float
    bias: float

    @property
    def step(self) -> float:
        """Nanoseconds of a path-step, median over rounds."""
        return statistics.median(self.nanoseconds)

    @property
    def rounds(self) -> list[float]:
        """Milliseconds to the estimate, in each round."""
        return [each * self.steps * 1e-6 for each in self.nanoseconds]

    @property
    def milliseconds(self) -> float:
        """Median over rounds."""
        return statistics.median(self.rounds)


@dataclass(frozen=True)
class Crossover:
    """The batch size from which SGD is the dearer: median and range over rounds; 0 and ∞ for outside what was run."""

    batch: float
    low: float
    high: float
    bias: float

    def __str__(self) -> str:
        if self.low == self.high:
            text = "always" if self.batch == 0 else "never" if math.isinf(self.batch) else f"{self.batch:.2g}"
        else:
            ends = ("<1" if end == 0 else "never" if math.isinf(end) else f"{end:.2g}" for end in (self.low, self.high))
            text = f"{self.batch:.2g} ({'–'.join(ends)})" if 0 < self.batch < math.inf else "–".join(ends)
        return text + ("*" if abs(self.bias) > DELTA else "")


def crossing(batches: Sequence[float], ratios: Sequence[float]) -> float:
    """Batch size at which the cost of SGD over that of the other passes 1 for good, log–log between neighbours.

    0 when SGD is dearer at every batch size, ∞ when it is cheaper at the largest.
    """
    if not len(batches) == len(ratios) >= 1:
        raise ValueError(f"as many ratios as batch sizes are needed, got {len(ratios)} and {len(batches)}")
    if ratios[-1] <= 1:
        return math.inf
    last = max((place for place, ratio in enumerate(ratios) if ratio <= 1), default=-1)
    if last < 0:
        return 0.0
    low, high = math.log(ratios[last]), math.log(ratios[last + 1])
    share = -low / (high - low)
    return float(batches[last] * (batches[last + 1] / batches[last]) ** share)


def crossover(sgd: Mapping[int, Cost], sde: Mapping[int, Cost]) -> Crossover:
    """Where SGD becomes dearer than the SDE, both by batch size, with the SDE's largest bias from there on."""
    batches = list(sgd)
    turns = range(len(sgd[batches[0]].nanoseconds))
    each = [crossing(batches, [sgd[b].rounds[turn] / sde[b].rounds[turn] for b in batches]) for turn in turns]
    middle = statistics.median_low(each)
    from_there = [sde[b].bias for b in batches if b >= min(middle, batches[-1])]
    return Crossover(middle, min(each), max(each), max(from_there, key=abs))


@dataclass(frozen=True)
class Comparison:
    """Costs of one setting: SGD's by sampling and batch size, the SDE's by name, sampling and batch size.

    `checks` are against exact laws; `cores` is the processor time had for each second.
    """

    title: str
    sgd: Mapping[str, Mapping[int, Cost]]
    sde: Mapping[str, Mapping[str, Mapping[int, Cost]]]
    checks: tuple[Check, ...]
    cores: float

    def crossover(self, sampling: str, name: str) -> Crossover:
        """From which B on the SDE so named is the cheaper."""
        return crossover(self.sgd[sampling], self.sde[name][sampling])


def step_name(scheme: str, updates: float) -> str:
    """Such as `SDE exact_ou, 10 updates a step`."""
    if updates < 1:
        return f"SDE {scheme}, {round(1 / updates)} steps an update"
    return f"SDE {scheme}, {updates:.0f} update{'s' if updates > 1 else ''} a step"


def timed(runs: Mapping[str, tuple[Run, ArrayLike]], effort: Effort) -> tuple[dict[str, tuple[float, ...]], float]:
    """Nanoseconds of a path-step in each round, and the cores had; all take turns, each as long as the others."""
    contenders = {}
    for name, (run, start) in runs.items():
        steps = _steps_of_a_turn(run, start, effort)

        def turn(run: Run = run, start: ArrayLike = start, steps: int = steps) -> object:
            return run(start, steps, effort.timed_paths)

        contenders[name] = Contender(steps * effort.timed_paths, turn)
    found = rates(contenders, effort.rounds)
    cores = statistics.median(each for turns in found.cores.values() for each in turns)
    return {name: tuple(1e9 / rate for rate in each) for name, each in found.rounds.items()}, cores


def _steps_of_a_turn(run: Run, start: ArrayLike, effort: Effort) -> int:
    """Grown until the turn is about as long as wished; the first run compiles."""
    steps = 32
    run(start, steps, effort.timed_paths)
    while True:
        began = time.perf_counter()
        run(start, steps, effort.timed_paths)
        spent = time.perf_counter() - began
        if spent > 0.6 * effort.turn:
            return steps
        steps = max(steps + 16, int(steps * min(8.0, effort.turn / spent))) // 16 * 16
