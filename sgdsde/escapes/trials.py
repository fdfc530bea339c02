"""Trials between levels: paths that run until they end in a region, fall below a floor or rise above a level."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sgdsde import engines, expression
from sgdsde.engines.noise import ExampleBatches
from sgdsde.engines.registry import Outcome
from sgdsde.landscapes import Landscape
from sgdsde.regions import Region, parse_regions
from sgdsde.run import Prepared, Request, prepare

Array = NDArray[np.float64]

#: Where a floor or a level is never met; and the steps after which a trial has no end.
NEVER, LONGEST = 1e300, 2**40
#: Ends of a trial beside the regions, whose numbers are not negative.
FELL, ROSE = -2, -1


@dataclass(frozen=True)
class Ends:
    """How trials ended.

    Attributes
    ----------
    state : (S, trials)
        With what the scheme carries beside ω.
    how : (trials,) of int
        The region, `FELL` or `ROSE`.
    steps : (trials,)
    """

    state: Array
    how: NDArray[np.int64]
    steps: Array


@dataclass(frozen=True, eq=False)
class Trials:
    """Runs of one process from states, between a floor and a level of the score.

    Attributes
    ----------
    prepared : Prepared
    score : Landscape
        Whose loss it is.
    names : (str, str)
        Parameters of the widened landscape: floor and level.
    seed : int
    taken : list of float
        Steps of every run so far.
    """

    prepared: Prepared
    score: Landscape
    names: tuple[str, str]
    seed: int
    taken: list[float] = field(default_factory=list)

    @classmethod
    def of(cls, request: Request, score: str | None) -> Trials:
        """Check the run and the score, by default the margin of the regions; ValueError when it has a memory."""
        landscape = request.landscape
        known = [*landscape.variables, *landscape.parameters]
        regions = parse_regions(request.stop or {}, known)
        text = _default_score(regions) if score is None else expression.parse(score, known, "score").text
        floor, level = (_free(name, known) for name in ("floor", "level"))
        parameters = {**landscape.parameters, floor: -NEVER, level: NEVER}
        further = (
            Region("floor", "score < floor", ((f"{floor} - ({text})",),), between=False),
            Region("level", "score > level", ((f"({text}) - {level}",),), between=False),
        )
        noise = landscape.noise.arguments()
        widened = Landscape(landscape.text, landscape.variables, parameters, name=landscape.name, **noise)
        prepared = prepare(dataclasses.replace(request, landscape=widened, further=further))
        batches = [one for one in prepared.plan.noise if isinstance(one, ExampleBatches)]
        if request.epoched or any(one.sampling == "reshuffle" for one in batches):
            assert request.config is not None  # of SGD or its SDE
            raise ValueError(
                f"config: sampling {request.config.sampling!r} remembers the batches of its epoch, so that paths "
                "cannot be split; accepted: 'with_replacement', 'without_replacement', or for the SDE "
                "driver = 'brownian'"
            )
        scored = Landscape(text, landscape.variables, landscape.parameters)
        return cls(prepared, scored, (floor, level), prepared.plan.seed)

    @property
    def start(self) -> Array:
        """(S, 1), the state before the first update."""
        return self.prepared.plan.start[:, :1]

    @property
    def regions(self) -> tuple[str, ...]:
        """Names of the regions of `stop`."""
        return tuple(region.name for region in self.prepared.regions[:-2])

    def scores(self, states: Array) -> Array:
        """(trials,) of states (S, trials)."""
        return self.score.loss(states[: self.score.dimension].T)

    def relaxed(self, paths: int, steps: int, key: Sequence[int]) -> tuple[Array, NDArray[np.bool_]]:
        """States of paths from the start after some steps, (S, paths), and which had ended in a region by then."""
        plan = self.prepared.plan
        outcome = self._outcome(np.repeat(self.start, paths, axis=1), key, -(-steps // plan.substeps), -NEVER, NEVER)
        return outcome.state, outcome.exit_region >= 0

    def run(self, states: Array, key: Sequence[int], floor: float = -NEVER, level: float = NEVER) -> Ends:
        """Run from states until each has ended; those above the level have ended at once.

        `key` names the random numbers: trials of different keys are independent.
        """
        steps, how = np.zeros(states.shape[1]), np.full(states.shape[1], ROSE)
        states = states.copy()
        begun = np.flatnonzero(~(self.scores(states) > level))
        if len(begun):
            outcome = self._outcome(states[:, begun], key, max(1, LONGEST // self.prepared.plan.substeps), floor, level)
            extra = len(self.regions)
            lost = ~np.isfinite(outcome.state).all(axis=0)  # below every floor, if at minus infinity
            if (lost & (outcome.exit_region >= extra)).any() or (outcome.exit_region < 0).any():
                raise ValueError("landscape: paths left the finite numbers, so that they never end")
            states[:, begun], steps[begun] = outcome.state, outcome.exit_step
            how[begun] = np.where(outcome.exit_region >= extra, outcome.exit_region - extra - 2, outcome.exit_region)
        return Ends(states, how, steps)

    def _outcome(self, states: Array, key: Sequence[int], updates: int, floor: float, level: float) -> Outcome:
        request, program = self.prepared.request, self.prepared.program
        landscape = request.landscape.with_parameters(**dict(zip(self.names, (floor, level), strict=True)))
        values: Mapping[str, Any] = request.values
        (seed,) = np.random.SeedSequence((self.seed, *key)).generate_state(1, np.uint64)
        plan = dataclasses.replace(
            self.prepared.plan, start=states, seed=int(seed), updates=updates,
            constants=program.constants(landscape, values), progress=lambda fraction: None,
        )  # fmt: skip
        outcome = engines.run(self.prepared.engine, plan)
        length = float(updates * plan.substeps)
        self.taken.append(float(np.where(outcome.exit_region >= 0, outcome.exit_step, length).sum()))
        return outcome


def _default_score(regions: Sequence[Region]) -> str:
    """The margin of the nearest region: negative outside, positive inside."""
    alternatives = [_nested("min", each) for region in regions for each in region.alternatives]
    return _nested("max", alternatives)


def _nested(function: str, texts: Sequence[str]) -> str:
    found = f"({texts[-1]})"
    for text in reversed(texts[:-1]):
        found = f"{function}({text}, {found})"
    return found


def _free(name: str, known: Sequence[str]) -> str:
    """`name`, lengthened until it is nobody else's."""
    while name in known:
        name += "_"
    return name
