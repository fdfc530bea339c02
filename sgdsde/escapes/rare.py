"""Mean exit times that are too long to wait for, by multilevel splitting."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtrit

from sgdsde.arguments import MOST_STEPS, check_steps, choice, integer, real
from sgdsde.config import SGDConfig
from sgdsde.engines import footprint
from sgdsde.escapes.levels import Levels, entrances, place_levels, resampled
from sgdsde.escapes.trials import FELL, NEVER, ROSE, Trials
from sgdsde.landscapes import Landscape, weight_decayed
from sgdsde.landscapes.minimum import nearby_minimum
from sgdsde.memory import check_memory
from sgdsde.requests import sde_request, sgd_request
from sgdsde.run import check_landscape
from sgdsde.tables import Table, in_notebook
from sgdsde.theory import relaxation_time

Array = NDArray[np.float64]

_REQUESTS = {"sde": sde_request, "sgd": sgd_request}
_PILOT = 0.3  # of the time, about


@dataclass(frozen=True, eq=False)
class RareExitTime:
    """A mean exit time from splitting, with what it was made of.

    Attributes
    ----------
    mean, standard_error : float
        In updates.
    interval : (float, float)
        Of `confidence`, by Student's t over the repetitions.
    confidence : float
    cycle : float
        Mean updates from one entrance above the lowest level to the next, `floor` being visited between.
    probability : float
        That a path ends in a region before it comes back to the floor.
    probabilities : (stages,)
        Of reaching each level from the one below; their product is `probability`.
    floor, levels : float, tuple of float
        Of the score.
    shares : dict of str to float
        Of the regions among the ends.
    repetitions : (repetitions, 2)
        Mean cycle and probability of each independent repetition.
    updates : float
        Simulated in all, the pilot run included: the cost.
    substeps : int
        Steps for an update; of ``"sde"`` by default those of ``substeps="auto"`` of :func:`sgdsde.simulate_sde`.
    """

    mean: float
    standard_error: float
    interval: tuple[float, float]
    confidence: float
    cycle: float
    probability: float
    probabilities: Array
    floor: float
    levels: tuple[float, ...]
    shares: Mapping[str, float]
    repetitions: Array
    updates: float
    substeps: int

    def __repr__(self) -> str:
        low, high = self.interval
        return (
            f"<RareExitTime: {self.mean:.4g} ± {self.standard_error:.2g} updates ({self.confidence:.0%}: {low:.4g} to "
            f"{high:.4g}), {len(self.levels)} levels, {self.updates:.3g} updates simulated in {self.substeps} "
            f"step{'s' * (self.substeps > 1)} each>"
        )

    _repr_html_ = in_notebook

    def _table(self) -> Table:
        low, high = self.interval
        rows = [
            ["mean exit time", f"{self.mean:.4g} ± {self.standard_error:.2g} updates"],
            [f"{self.confidence:.0%} interval", f"{low:.4g} to {high:.4g}"],
            *([f"share that ends in {name}", f"{share:.4g}"] for name, share in self.shares.items()),
            ["probability of an exit in a cycle", f"{self.probability:.4g}"],
            ["updates of a cycle", f"{self.cycle:.4g}"],
            ["levels", str(len(self.levels))],
            ["updates simulated", f"{self.updates:.3g}, in {self.substeps} steps each"],
        ]
        return Table([["rare exit", ""], *rows])


def rare_exit_time(
    landscape: Landscape,
    config: SGDConfig,
    w0: ArrayLike,
    stop: str | Mapping[str, str],
    *,
    dynamics: str = "sde",
    score: str | None = None,
    trials: int = 4096,
    repetitions: int = 16,
    relaxation: int | None = None,
    seed: int = 0,
    confidence: float = 0.95,
    progress: Callable[[float], None] | None = None,
    **options: Any,
) -> RareExitTime:
    """Mean time in updates until a path from `w0` enters `stop`, however rare that is.

    Parameters
    ----------
    landscape, config
        As in :func:`sgdsde.simulate_sde`. Batches of permutations have a memory, and are not accepted.
    w0 : (d,)
        In the well that paths leave; a number when d = 1.
    stop : str or mapping of str to str
        As in :func:`sgdsde.simulate_sde`.
    dynamics : str
        ``"sde"`` or ``"sgd"``.
    score : str, optional
        An expression that grows on the way out, such as ``"x + y"``; any choice is right, a good one is cheap. By
        default the margin of `stop`: for ``"x > 0"`` it is x.
    trials : int
        Paths of each stage of a repetition.
    repetitions : int
        Independent repetitions, at least 4, from whose spread the standard error is.
    relaxation : int, optional
        Updates after which a path in the well has forgotten where it started; by default five times the longest
        relaxation time of the minimum next to `w0`.
    seed : int
        Also of the table of examples, where :func:`sgdsde.simulate_sgd` draws one.
    confidence : float
        Of the interval.
    progress : callable, optional
        Called with the fraction done.
    **options
        Further arguments of :func:`sgdsde.simulate_sde` or :func:`sgdsde.simulate_sgd`: scheme, substeps, bridge,
        examples, engine, device.

    Returns
    -------
    RareExitTime

    Raises
    ------
    ValueError
        For an argument that is not accepted; when paths leave the well too often for splitting, or when no path rises
        to `stop`.

    Notes
    -----
    With F the floor, the median score in the well, and a lowest level above it, τ = (mean time from one entrance above
    the level to the next)/(probability that an entrance ends in `stop` before it comes back to F): Hill's relation for
    paths that start anew at `w0` when they end. The probability is a product over levels, each estimated from a
    fixed number of trials that begin where those of the level below entered it (fixed-effort splitting: Garvels, PhD
    thesis 2000; forward flux sampling: Allen, Frenkel & ten Wolde, J. Chem. Phys. 124 (2006) 024102), and is unbiased
    for levels that are fixed. They are placed adaptively by a pilot run whose paths are not used again, so that about a
    quarter of trials pass each (Cérou & Guyader, Stoch. Anal. Appl. 25 (2007) 417). A path keeps its velocity.

    Examples
    --------
    >>> well = Landscape("x**4/4 - x**2/2", "x")
    >>> config = SGDConfig(learning_rate=0.1, batch_size=2, n_examples=512)
    >>> found = rare_exit_time(well, config, -1.0, "x > 0.5", trials=512, repetitions=8)
    >>> from sgdsde.theory import mean_exit_time
    >>> exact = mean_exit_time(well, config, -1.0, stop="x > 0.5")
    >>> exact > 1e6, bool(abs(found.mean / exact - 1) < 0.5)
    (True, True)
    """
    request_of = _REQUESTS[choice("dynamics", dynamics, _REQUESTS)]
    if taken := {"w0", "updates", "paths", "burn_in", "save_every", "learning_rates", "batch_sizes", "brownian"} & {
        *options
    }:
        raise ValueError(f"{sorted(taken)[0]} is not an argument of rare_exit_time: its paths have no common clock")
    count, groups = integer("trials", trials, 64), integer("repetitions", repetitions, 4)
    integer("trials × repetitions", count * groups, 1, 2**32 - 1)  # paths have numbers of 32 bits
    confidence = real("confidence", confidence, above=0, below=1)
    check_landscape(landscape)
    request = request_of(landscape, config, w0, 1, 1, stop=stop, seed=seed, **options)
    process = Trials.of(request, score)
    program = process.prepared.program
    size = footprint.paths_size(program.dimension, program.state_dimension, program.regions, count * groups)
    check_memory(2 * size, f"trials or repetitions must be fewer: {groups} × {count} paths and where they entered")
    report = progress or (lambda fraction: None)
    rest = _relaxation(landscape, config, w0) if relaxation is None else integer("relaxation", relaxation, 1)
    substeps = process.prepared.plan.substeps
    check_steps(rest, substeps, "relaxation")
    levels = place_levels(process, rest * substeps, lambda fraction: report(_PILOT * fraction))
    found = entrances(process, levels.floor, levels.heights[0], groups, count, (1,), rest * substeps)
    states, ends = found.states, found.ends
    passed = np.zeros((len(levels.heights), groups))
    random = np.random.Generator(np.random.Philox(np.random.SeedSequence((process.seed, 2))))
    for stage, height in enumerate([*levels.heights[1:], NEVER]):
        report(_PILOT + (1 - _PILOT) * (stage + 1) / (len(passed) + 1))
        for group in range(groups):
            states[:, group], ends[group] = resampled(random, states[:, group], ends[group], count)
        going = ends == ROSE
        tried = process.run(states[:, going], (3, stage), levels.floor, height)
        states[:, going], ends[going] = tried.state, tried.how
        passed[stage] = (ends != FELL).mean(axis=1)
    report(1.0)
    return _result(process, levels, found.cycles / substeps, passed, ends, confidence)


def _result(
    process: Trials,
    levels: Levels,
    cycles: Array,
    passed: Array,
    ends: NDArray[np.int64],
    confidence: float,
) -> RareExitTime:
    """Ratio of means over the repetitions, its error by the delta method."""
    chances, groups = passed.prod(axis=0), passed.shape[1]
    if not chances.any():
        raise ValueError("trials must be more: in every repetition a stage had no path that passed")
    cycle, chance = float(cycles.mean()), float(chances.mean())
    mean = cycle / chance
    relative = (cycles / cycle - chances / chance).std(ddof=1) / np.sqrt(groups)
    reach = -float(stdtrit(groups - 1, (1 - confidence) / 2)) * relative
    into = np.array([(ends == region).mean(axis=1) for region in range(len(process.regions))])
    weights = into @ np.divide(chances, passed[-1], out=np.zeros(groups), where=passed[-1] > 0)
    return RareExitTime(
        mean, mean * relative, (mean * np.exp(-reach), mean * np.exp(reach)), confidence, cycle, chance,
        passed.mean(axis=1), levels.floor, levels.heights,
        dict(zip(process.regions, (weights / weights.sum()).tolist(), strict=True)),
        np.stack([cycles, chances], axis=1), sum(process.taken) / process.prepared.plan.substeps,
        process.prepared.plan.substeps,
    )  # fmt: skip


def _relaxation(landscape: Landscape, config: SGDConfig, w0: ArrayLike) -> int:
    """Updates in which the slowest mode of the well falls to e⁻⁵."""
    decayed = weight_decayed(landscape, config.weight_decay)
    minimum = nearby_minimum(decayed, w0)
    if minimum is None:
        raise ValueError(
            f"w0 must be in the well of a minimum with positive curvature, or relaxation given; got {w0!r}"
        )
    hessian = decayed.hessian(minimum)
    longest = 5 * relaxation_time(hessian, replace(config, weight_decay=0.0), "slower")
    if longest > MOST_STEPS:
        slowest = float(np.linalg.eigvalsh(hessian)[0])
        raise ValueError(
            f"relaxation must be given: by the least curvature of the minimum, {slowest:g}, it would take {longest:g} "
            f"updates"
        )
    return math.ceil(longest)
