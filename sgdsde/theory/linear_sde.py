"""The SDE on a quadratic, update by update and one pair of Hessian modes at a time: the algebra under stationary.py.

Mode i is ω_i, or (s_i, v_i) with momentum, and obeys dy = G y dk + b dX, k in updates. Over an update y' = M y + η with
M = e^G and η = ∫ e^{G(1 − u)} b dX_u. With J = ∫ e^{Gu} b du and R the scatter of e^{Gu} b about J, u in [0, 1],

    Brownian motion:  Cov(η_k, η_l) = δ_kl (J Jᵀ + R),
    epoched, n batches:  Cov(η_k, η_l) = (δ_kl − 1/n) J Jᵀ + δ_kl R:

the second is the noise of reshuffled SGD, whose batches kick by J, and the independent noise R of what happens inside
an update. So SGD's algebra (`sgdsde.theory.heavy_ball`) gives the law of its SDE too, at any ε. The same doubling as
there gives M, J and R: a short piece of an update is put together with itself, and nothing cancels.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from sgdsde import clock
from sgdsde.config import SGDConfig
from sgdsde.drivers import DRIVERS
from sgdsde.theory.heavy_ball import Law, Merge, apply, average_of_epochs, end_of_epochs, merged, multiply, solve_pairs

Array = NDArray[np.float64]

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(16)
_TERMS = 22  # of the exponential's series, for matrices whose entries are at most ½

POSITIONS: dict[str, Callable[..., Array]] = {"average": average_of_epochs, "epoch_end": end_of_epochs}


class Flow:
    """A mode over an update: departure I − M, kick J, and what the scatter R of two modes is merged from.

    Parameters
    ----------
    generator : (m, m, …)
        G.
    entry : (m, …)
        b.
    doublings : int
        So often is a piece put together with itself; over a piece G is at most ½.
    """

    def __init__(self, generator: Array, entry: Array, doublings: int) -> None:
        length = 0.5**doublings
        piece = generator * length
        # (e^{Gu} − I) b at the nodes of a piece, so that b itself, the same at all, does not hide what differs
        reached = np.stack([apply(_grown(piece * ((1 + node) / 2)), entry) for node in _NODES])
        mean = np.einsum("q,q...->...", _WEIGHTS / 2, reached)
        self.weights, self.spread = length * _WEIGHTS / 2, reached - mean
        d, kick, self.merges = -_grown(piece), (entry + mean) * length, list[Merge]()
        for _ in range(doublings):
            self.merges.append(Merge(d, apply(d, kick / length), length / 2, doubles=True))
            kick = 2 * kick - apply(d, kick)
            d = 2 * d - multiply(d, d)
            length *= 2
        self.departure, self.kick = d, kick

    def scatter(self, other: Flow) -> Array:
        """R of two modes, (m, m, …)."""
        found = np.einsum("q,qa...,qb...->ab...", self.weights, self.spread, other.spread)
        for a, b in zip(self.merges, other.merges, strict=True):
            found = merged(found, a, b)
        return np.asarray(found)


def overdamped_law(left: Array, right: Array, config: SGDConfig, position: str, driver: str) -> Law:
    """Law of ω of the SDE for unit noise F_ij = 1 in modes of curvature ``left`` and ``right``."""
    if not DRIVERS[driver].bridged:
        none = np.full(np.broadcast_shapes(left.shape, right.shape), np.nan)
        return Law(config.temperature / (left + right), none, none)
    return _scaled(overdamped(*_arguments(left, right, config, driver), position), config, driver)


def momentum_law(left: Array, right: Array, config: SGDConfig, position: str, driver: str) -> Law:
    """Law of ω and v = √ε p of the SDE with momentum, as `overdamped_law`."""
    return _scaled(with_momentum(*_arguments(left, right, config, driver), position), config, driver)


def _arguments(left: Array, right: Array, config: SGDConfig, driver: str) -> tuple[Array, Array, float, int | None]:
    batches = config.n_examples // config.batch_size if DRIVERS[driver].bridged else None
    return config.kick * left, config.kick * right, config.momentum, batches


def _scaled(law: Law, config: SGDConfig, driver: str) -> Law:
    """From units of ε²c, c that of the driver."""
    c = DRIVERS[driver].batch_noise(config.sampling, config.n_examples, config.batch_size)
    return Law(*(config.kick**2 * c * part for part in law))


def overdamped(left: Array, right: Array, momentum: float, batches: int | None, position: str) -> Law:
    """Law of ω for modes of p = εh, in units of ε²F_ij/B or, with Brownian motion (no `batches`), of ε²cF_ij.

    dω = (−p ω dk + dX)/(1 − m); it has no velocity.
    """
    rates = [clock.overdamped(p, 1.0, momentum).update for p in (left, right)]
    doublings = _doublings(*rates)
    one, other = (Flow(-p[None, None], np.full((1, *p.shape), 1 / (1 - momentum)), doublings) for p in rates)
    found = _covariance(one, other, batches, position)[0, 0]
    none = np.full_like(found, np.nan)
    return Law(found, none, none)


def with_momentum(left: Array, right: Array, momentum: float, batches: int | None, position: str) -> Law:
    """Law of ω and v of the SDE with momentum, dω = v dk, dv = −((1 − m) v + p ω) dk + dX; units as `overdamped`.

    In s = ω + κ v, κ → 1/(1 − m) for small p: where ω comes to rest, which moves by p alone.
    """
    keep = 1 - momentum
    thetas = [1 / (1 + p / keep**2) for p in (left, right)]  # towards (ω, v) where p is not small
    coasts = [theta / keep for theta in thetas]
    generators = [
        np.array([[-k * p, p * (theta / keep**2 + k**2)], [-p, p * k - keep]])
        for p, theta, k in zip((left, right), thetas, coasts, strict=True)
    ]
    doublings = _doublings(*generators)
    one, other = (Flow(g, np.array([k, np.ones_like(k)]), doublings) for g, k in zip(generators, coasts, strict=True))
    (ss, sv), (vs, vv) = _covariance(one, other, batches, position)
    here, there = coasts
    return Law(ss - there * sv - here * vs + here * there * vv, vs - there * vv, vv)


def _covariance(one: Flow, other: Flow, batches: int | None, position: str) -> Array:
    """Stationary covariance of two modes, at the ends of updates."""
    scatter = one.scatter(other)
    if batches is None:
        return solve_pairs(one.departure, other.departure, scatter + one.kick[:, None] * other.kick[None, :])
    return POSITIONS[position](one, other, batches) + solve_pairs(one.departure, other.departure, scatter)


def _grown(generator: Array) -> Array:
    """e^A − I of matrices (m, m, …) with entries of ½ at most, by its series."""
    term = found = generator
    for order in range(2, _TERMS):
        term = multiply(term, generator) / order
        found = found + term
    return found


def _doublings(*generators: Array) -> int:
    largest = max(float(np.abs(each).max(initial=0.0)) for each in generators)
    return max(0, math.ceil(math.log2(2 * largest))) if largest > 0 else 0
