"""Paths that leave the sharp one of two bowls: the Fokker–Planck equation, and what SGD's updates see of it."""

from __future__ import annotations

import functools
import math
import warnings

import numpy as np

from sgdsde.landscapes import two_bowls
from sgdsde.theory import FokkerPlanck
from sgdsde.theory.fokker_planck import CellWarning
from validation.measure import Array

#: Where paths start: at the bottom of the sharp bowl.
START = (1.0, 1.0)
#: Units of loss over which the ridge is rounded, wide enough for the steps of an SDE to resolve it.
RIDGE = 4.0
#: Half-way down the other side of the ridge (x + y)/√2 is this; paths that get there have left the sharp bowl.
LEFT = 0.6
ESCAPED = f"x + y < {LEFT * math.sqrt(2)!r}"
#: Of the Fokker–Planck equation, in u = (x + y)/√2 and v = (x − y)/√2: beyond, next to nothing goes.
BOX = ((LEFT - 0.05, 3.45), (-2.4, 2.4))


def escape_probability(noise: str, strength: float, time: float, cells: tuple[int, int], every: float = 0.0) -> float:
    """Probability that a path of the SDE from `START` has left the sharp bowl by `time`, where T tr F = `strength`.

    Parameters
    ----------
    noise : str
        One of `BOWL_NOISES`.
    strength, time : float
        In the SDE's time s.
    cells : (int, int)
        Along u and v, multiples of 4, for the Fokker–Planck equation. It is solved on three quarters of them too, and
        extrapolated: the error is of order 2.
    every : float
        Time between looks at the path, ε for SGD. What happens between them is not seen, as if the end were further
        by 0.5826 standard deviations of a step (Siegmund 1985; Broadie, Glasserman & Kou 1997); 0 for all the time.

    Examples
    --------
    >>> [round(escape_probability("isotropic", 4.0, 0.5, (184, 116), every), 4) for every in (0.0, 1e-4)]
    [0.0343, 0.0341]
    """
    quarters = (cells[0] * 3 // 4, cells[1] * 3 // 4)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CellWarning)  # a little too coarse: that is what it is there for
        coarse = _escaped(noise, strength, time, quarters, LEFT)
        variance = strength * float(
            two_bowls(noise, 1.0, ridge=RIDGE, variables="u v").noise_covariance([LEFT, 0.0])[0, 0]
        )
        beyond = 0.5826 * math.sqrt(every * variance)
        share = _escaped(noise, strength, time, quarters, LEFT - beyond) / coarse
    fine = _escaped(noise, strength, time, cells, LEFT)
    return share * (fine + (fine - coarse) / ((4 / 3) ** 2 - 1))


@functools.cache
def _escaped(noise: str, strength: float, time: float, cells: tuple[int, int], end: float) -> float:
    landscape = two_bowls(noise, strength, ridge=RIDGE, variables="u v")
    equation = FokkerPlanck(landscape, 1.0, BOX, cells, absorbing=f"u < {end!r}")
    left = equation.evolve([math.sqrt(2), 0.0], time, tolerance=1e-3)
    return 1 - float(left.sum()) * equation.grid.volume


def paired_examples(count: int, seed: int) -> Array:
    """(count, 2) normal vectors and their negatives: without third moments, which would act at order √(ε/B).

    >>> paired_examples(4, 0).sum(axis=0)
    array([0., 0.])
    """
    half = np.random.default_rng(seed).standard_normal((count // 2, 2))
    return np.concatenate((half, -half))
