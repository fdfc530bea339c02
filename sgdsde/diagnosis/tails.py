"""The effects of examples that are not normal: on the shape of the law, and on how it leaves a minimum."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicHermiteSpline
from scipy.optimize import brentq

from sgdsde.config import SGDConfig
from sgdsde.diagnosis.case import Case
from sgdsde.diagnosis.registry import EXIT, KURTOSIS, Size, effect
from sgdsde.theory import stability_limit, stationary_cumulants

Array = NDArray[np.float64]

#: The barrier of `heavy_tails`, in temperatures: 2ΔL/(TF), as the claims on escape have it.
BARRIER = 5.0
#: Variances of examples that are none, relative to the largest.
NOTHING = 1e-12
#: Kicks count that are at least this part of the newest, and at most so many; points of a table.
FADED, MOST_KICKS, TABLE = 1e-4, 20_000, 257
#: Of very many examples so many at either end are taken one by one.
KEPT = 1000


@effect("non-normal batches", claim="heavy_tails", network_claim="gradient_normality")
def non_normal(case: Case) -> Size | None:
    """3 over the kurtosis of ω, less 1, in the direction in which that is farthest from 0."""
    config, place = case.of_examples, case.place
    if not config.batch_noise or not config.learning_rate < stability_limit(place.steep[-1:, None], config):
        return Size(0.0, KURTOSIS) if not config.batch_noise else None
    excess = 0.0
    for h, gradients in _directions(case):
        _, second, _, fourth = stationary_cumulants(h, gradients, config)
        excess = max(excess, fourth / second**2, key=abs)
    note = f"the kurtosis of ω is {3 + excess:.3g}, and 3 for the SDE" if abs(excess) > 0.02 else ""
    return Size(3 / (3 + excess) - 1, KURTOSIS, note=note)


@effect("heavy or light tails", claim="large_deviations", network_claim="gradient_normality")
def heavy_tails(case: Case) -> Size | None:
    """The time over barriers of `BARRIER` temperatures, on either side, by the chance that ω is so far out."""
    config = case.of_examples
    if not config.batch_noise:
        return Size(0.0, EXIT)
    if not config.learning_rate < stability_limit(case.place.steep[-1:, None], config):
        return None
    errors = [0.0]
    for h, gradients in _directions(case):
        steps = kicks(h, config)
        sides = [rarity(sign * gradients / config.batch_size, config.batch_size, steps) for sign in (1, -1)]
        errors.append(math.fsum(math.exp(min(BARRIER - each, 700.0)) / 2 for each in sides) - 1)
    note = f"over barriers of {BARRIER:g} temperatures, by the chance to be so far out with these examples"
    return Size(max(errors, key=abs), EXIT, note=note)


def kicks(h: float, config: SGDConfig) -> Array:
    """What is left in ω of the batches of the past, from the newest on."""
    p, m = config.kick * h, config.momentum
    found: list[float] = []
    step, state = np.array([[1 - p, m], [-p, m]]), np.ones(2)
    while np.abs(state).max() > FADED and len(found) < MOST_KICKS:
        found.append(config.kick * state[0])
        state = step @ state
    return np.array(found)


def rarity(parts: Array, batch: int, steps: Array) -> float:
    """Cramér's −ln of the chance that ω, a sum over batches, is `BARRIER` temperatures up: BARRIER for normal examples.

    Parameters
    ----------
    parts : (N,)
        What each example adds to the mean gradient of a batch.
    batch : int
        B independent draws make a batch.
    steps : (n,)
        What is left in ω of each batch.

    Notes
    -----
    sup_θ θx − Σ_k K(θ a_k) with K(u) = B ln mean e^{u g/B} and x² = 2 BARRIER Var ω: Cramér's theorem for the law of
    SGD in a bowl at any ε and m, with replacement. Infinite where no examples lead so far.

    >>> signs = np.array([1.0, -1.0])
    >>> round(rarity(signs, 1, np.full(1000, 0.01)), 2), rarity(signs, 1, np.full(8, 0.01))
    (5.01, inf)
    """
    parts = parts - parts.mean()
    variance = batch * float(parts.var()) * float(steps @ steps)
    away = math.sqrt(2 * BARRIER * variance)
    top, low = batch * float(parts.max()), batch * float(parts.min())
    if not away < float(np.where(steps > 0, steps * top, steps * low).sum()) * (1 - 1e-9):
        return math.inf
    law = _Generating(parts, batch)

    def slope(theta: float) -> float:
        return float(steps @ law(theta * steps)[1]) - away

    high = away / variance
    while slope(high) < 0:
        high *= 2
    theta = float(brentq(slope, 1e-9 * high, high, xtol=1e-10 * high))
    return theta * away - float(law(theta * steps)[0].sum())


class _Generating:
    """K(u) = B ln mean e^{u g} and its slope, from a table that grows with the u that are asked for."""

    def __init__(self, parts: Array, batch: int) -> None:
        self.values, self.weights = _condensed(np.sort(parts))
        self.batch, self.reach = batch, 0.0

    def __call__(self, u: Array) -> tuple[Array, Array]:
        if len(u) <= TABLE:
            return self._exactly(u)
        if (asked := float(np.abs(u).max())) > self.reach:
            self.reach = 2 * asked
            at = np.linspace(-self.reach, self.reach, 2 * TABLE + 1)
            self.spline = CubicHermiteSpline(at, *self._exactly(at))
        return self.spline(u), self.spline(u, 1)

    def _exactly(self, u: Array) -> tuple[Array, Array]:
        powers = np.multiply.outer(u, self.values)
        top = powers.max(axis=1)
        masses = np.exp(powers - top[:, None]) * self.weights
        mean = masses.sum(axis=1)
        return self.batch * (np.log(mean) + top), self.batch * (masses @ self.values) / mean


def _condensed(ordered: Array) -> tuple[Array, Array]:
    """Values and their shares: of very many, all but those at both ends in groups of neighbours."""
    count = len(ordered)
    if count <= 4 * KEPT:
        return ordered, np.full(count, 1 / count)
    inner = np.array_split(ordered[KEPT:-KEPT], 2 * KEPT)
    values = np.concatenate([ordered[:KEPT], [group.mean() for group in inner], ordered[-KEPT:]])
    sizes = np.concatenate([np.ones(KEPT), [len(group) for group in inner], np.ones(KEPT)])
    return values, sizes / count


def _directions(case: Case) -> list[tuple[float, Array]]:
    """Curvatures and gradients of the directions in which there is noise."""
    columns = case.place.gradients.T
    least = NOTHING * max((float(each.var()) for each in columns), default=0.0)
    return [(float(h), g) for h, g in zip(case.place.steep, columns, strict=True) if g.var() > least]
