"""On which side of a ridge paths are, once they have forgotten on which they began."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from sgdsde.arguments import integer, positive
from sgdsde.config import SGDConfig
from sgdsde.landscapes import Landscape
from sgdsde.simulate import simulate_sde, simulate_sgd
from sgdsde.statistics import Estimate, mean
from sgdsde.theory import mean_exit_time


def log_odds_of_sides(
    landscape: Landscape,
    config: SGDConfig,
    minima: tuple[float, float],
    ridge: float,
    paths: int,
    *,
    line: Landscape | None = None,
    settled: float = 8.0,
    between: float = 0.5,
    snapshots: int = 24,
    **options: Any,
) -> Estimate:
    """Stationary ln(p_second/p_first) of two minima, from snapshots of paths of which half begin in each.

    Parameters
    ----------
    landscape : Landscape
        Its first variable says on which side a path is.
    config : SGDConfig
        What sets the temperature and the clock.
    minima : (float, float)
        First variable at the minima, below and above the ridge; the other variables are 0 there.
    ridge : float
        Where paths change sides.
    paths : int
        The sample; at least 2.
    line : Landscape, optional
        One variable with about the same law along it, from whose exit times the time of relaxation is taken; the
        landscape itself where it has one variable.
    settled, between : float
        Relaxation times before the first snapshot, and between snapshots.
    snapshots : int
        How many.
    options
        Of :func:`sgdsde.simulate_sde`, whose ``scheme`` it then is; with ``dynamics`` those of
        :func:`sgdsde.simulate_sgd`.

    Returns
    -------
    Estimate
        Its standard error is from the scatter over paths.

    Raises
    ------
    RuntimeError
        When a path diverges, or all snapshots are on one side.
    ValueError
        When an argument is not as above.

    Examples
    --------
    >>> import sgdsde as sg
    >>> wells, config = sg.landscapes.double_well(), sg.SGDConfig(0.25, batch_size=1, n_examples=10**6)
    >>> odds = log_odds_of_sides(wells, config, (-1.0, 1.0), 0.0, 1000, scheme="euler_maruyama", seed=1)
    >>> abs(odds.value) < 4 * odds.standard_error
    True
    """
    integer("snapshots", snapshots, 1)
    waits = [
        mean_exit_time(line or landscape, config, start, stop=f"{(line or landscape).variables[0]} {sign} {ridge!r}")
        for start, sign in zip(minima, "><", strict=True)
    ]
    # From the ridge half of the paths go back.
    every = math.ceil(positive("between", between) / sum(0.5 / wait for wait in waits))
    first = math.ceil(positive("settled", settled) / between)
    start = np.zeros((paths, len(landscape.variables)))
    start[:, 0] = np.where(np.arange(paths) % 2, *minima)
    simulate = simulate_sgd if "dynamics" in options else simulate_sde
    run = simulate(landscape, config, start, (first + snapshots - 1) * every, paths, save_every=every, **options)  # type: ignore[operator]
    if run.diverged:
        raise RuntimeError(f"{run.diverged} of {run.paths} paths diverged in {run.label}")
    below = mean((run.snapshots[first:, :, 0] < ridge).mean(axis=0))
    share, error = float(below.value), float(below.standard_error)
    if not 0 < share < 1:
        raise RuntimeError(f"all snapshots of {run.label} are on one side of {ridge:g}")
    return Estimate(math.log((1 - share) / share), error / (share * (1 - share)))
