"""SGD itself in one dimension, at any learning rate: exit times and occupancies, by integral equations."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sgdsde.arguments import real_array
from sgdsde.config import SGDConfig
from sgdsde.theory.cumulants import batch_cumulants
from sgdsde.theory.interval import interval
from sgdsde.theory.momentum_exits import exit_with_momentum
from sgdsde.theory.panels import open_end
from sgdsde.theory.surface import Line, Surface, line_of

Array = NDArray[np.float64]

#: Gauss–Legendre nodes of a panel, its width in standard deviations of an update, and the most nodes.
ORDER, WIDTH, MOST = 16, 5.0, 8000
#: The most of the paths that may be lost beyond an open side or the outermost edges.
LOST = 1e-8
#: How far an open side reaches, in units of how far the SDE goes: SGD goes further.
REACHES = (1.0, 1.5, 2.25)


def sgd_exit_time(
    landscape: Surface,
    config: SGDConfig,
    w0: float,
    left: float | None = None,
    right: float | None = None,
    *,
    stop: str | Mapping[str, str] | None = None,
    examples: ArrayLike | None = None,
) -> float:
    """Mean number of updates after which ω ← ω − ε(L' + ξ) is first outside of an interval: no SDE in it.

    Parameters
    ----------
    landscape, w0, left, right, stop
        As in :func:`sgdsde.theory.mean_exit_time`.
    config : SGDConfig
        ε, B, N, m and the sampling, whose batches are taken as independent; without weight decay.
    examples : array_like, (N,) or (N, 1), optional
        The whitened examples of :func:`sgdsde.simulate_sgd`: ξ then has the first four cumulants of their batches, by
        an Edgeworth series. None: ξ is normal, as it has to be with momentum.

    Returns
    -------
    float, in updates, as `exits.update` of an ensemble.

    Raises
    ------
    ValueError
        As :func:`sgdsde.theory.mean_exit_time`; when `config` has weight decay or reshuffled batches, or momentum
        beside `examples`; when updates are so short that too many nodes were needed (it is the SDE then); or when an
        open side does not hold SGD.

    Notes
    -----
    τ(x) = 1 + ∫ k(x, y) τ(y) dy over the interval, k the density of the next ω, by Nyström's method on panels of
    Gauss–Legendre nodes; exact to about 1e-10 for normal ξ. With momentum τ depends on the velocity too, which is 0 at
    first, and is exact to about 1e-4 (:mod:`sgdsde.theory.momentum_exits`): Kramers' factor of the friction, which
    :func:`~sgdsde.theory.relaxation_time` at the maximum gives, is its limit for high barriers.

    Examples
    --------
    >>> from sgdsde.landscapes import Landscape
    >>> config = SGDConfig(learning_rate=0.0025, batch_size=1, n_examples=10**9)      # T = ε: with F = 1/ε a step has
    >>> free = Landscape("0", "x", {"f": 1 / config.temperature}, noise_covariance="f")     # the variance ε
    >>> beyond = 0.5826 * 0.0025**0.5           # a walk sees ends so much further away (Siegmund 1985)
    >>> round(sgd_exit_time(free, config, 0.0, -1.0, 1.0)), round((1 + beyond)**2 / 0.0025)
    (424, 424)
    >>> heavy = SGDConfig(learning_rate=0.002, batch_size=1, n_examples=512, momentum=0.9)
    >>> well = Landscape("x**4/4 - x**2/2", "x", {"f": 1 / 6 / heavy.temperature}, noise_covariance="f")
    >>> round(0.02 * sgd_exit_time(well, heavy, -1.0, right=1.0), 1)           # 106.6 for the SDE
    120.7
    """
    line = line_of(landscape)
    if config.momentum and examples is not None:
        raise ValueError("examples must be None with momentum, where batches are taken as normal")
    law = _law(line, config, examples)
    x0, (low, high) = interval(landscape, w0, left, right, stop)
    asked = "{} must be a number" if stop is None else "stop must hold somewhere on the {}"
    for reach in REACHES:
        ends = [
            end
            if end is not None
            else x0 + reach * (open_end(line, config.temperature, x0, other or 0.0, 1, asked.format(side)) - x0)
            for end, other, side in ((low, high, "left"), (high, low, "right"))
        ]
        is_open = (low is None, high is None)
        if config.momentum:
            gone, updates = exit_with_momentum(law.moved, config.momentum, x0, ends, is_open)
        else:
            gone, updates = _exit(law, x0, ends, is_open)
        if gone < LOST:
            return updates
    raise ValueError(
        f"learning_rate must be so small that the open side holds SGD, got {config.learning_rate!r}: {gone:.2g} of the "
        "paths leave by it"
    )


def _exit(law: _Law, x0: float, ends: Sequence[float], is_open: tuple[bool, bool]) -> tuple[float, float]:
    """The fraction of paths that leave by an end that is open, and the mean number of updates."""
    grid = _nodes(law, ends)
    kernel = law.density(grid.at, grid.at) * grid.weights
    lost = np.zeros(len(grid.at))
    for end, sign, held in zip(ends, (-1.0, 1.0), is_open, strict=True):
        if held:
            lost += law.beyond(grid.at, end, sign)
    times, chances = np.linalg.solve(np.eye(len(grid.at)) - kernel, np.stack([np.ones(len(grid.at)), lost], 1)).T
    first = law.density(np.array([x0]), grid.at)[0] * grid.weights
    return float(first @ chances), float(1 + first @ times)


def sgd_occupancy(
    landscape: Surface, config: SGDConfig, edges: Sequence[float], *, examples: ArrayLike | None = None
) -> Array:
    """Stationary probability that SGD, ω ← ω − ε(L' + ξ), is between `edges`.

    Parameters
    ----------
    landscape, config, examples
        As in :func:`sgd_exit_time`.
    edges : sequence of float, (n + 1,)
        Increasing; SGD never comes to the first and the last.

    Returns
    -------
    ndarray, (n,), of sum 1.

    Raises
    ------
    ValueError
        As :func:`sgd_exit_time`; when `edges` do not increase, or more than 1e-8 of the paths leave them in an update.

    Notes
    -----
    The density is the eigenvector, of eigenvalue 1, of the density of the next ω, by Nyström's method.

    Examples
    --------
    >>> from sgdsde.landscapes import Landscape
    >>> bowl, config = Landscape("x**2/2", "x"), SGDConfig(1.0, batch_size=1, n_examples=10**9)   # ω ← −ξ, normal
    >>> sgd_occupancy(bowl, config, [-8, -1, 0, 8]).round(4)
    array([0.1587, 0.3413, 0.5   ])
    """
    at = real_array("edges", edges)
    if at.ndim != 1 or len(at) < 2 or not np.isfinite(at).all() or not (np.diff(at) > 0).all():
        raise ValueError(f"edges must be at least two increasing numbers, got {edges!r}")
    config.require_plain("momentum")
    law = _law(line_of(landscape), config, examples)
    grid = _nodes(law, at.tolist())
    kernel = law.density(grid.at, grid.at) * grid.weights
    system = kernel.T - np.eye(len(grid.at))
    system[-1] = 1.0  # one equation of balance follows from the others; the masses add up to 1
    mass = np.linalg.solve(system, np.eye(len(grid.at))[-1])
    if (gone := float(mass @ (law.beyond(grid.at, at[0], -1.0) + law.beyond(grid.at, at[-1], 1.0)))) > LOST:
        raise ValueError(f"edges must begin and end where SGD never comes: {gone:.2g} of the paths leave in an update")
    return np.add.reduceat(mass, np.searchsorted(grid.at, at[:-1]))


class _Law(NamedTuple):
    """The law of an update: where it goes without noise, its standard deviation, skewness and excess kurtosis."""

    line: Line
    rate: float
    scale: float
    skewness: float
    kurtosis: float

    def moved(self, x: Array) -> tuple[Array, Array]:
        slope, noise = self.line(x)
        if not (noise > 0).all():
            raise ValueError("landscape must have a positive covariance wherever SGD goes")
        return x - self.rate * slope, self.scale * np.sqrt(noise)

    def density(self, start: Array, to: Array) -> Array:
        """The density of the next ω at `to` (m,), from `start` (n,): (n, m), Edgeworth's series to four cumulants."""
        centre, deviation = self.moved(start)
        z = (to - centre[:, None]) / deviation[:, None]
        shape = 1 + self.skewness / 6 * (z**3 - 3 * z) + self.kurtosis / 24 * (z**4 - 6 * z**2 + 3)
        return np.asarray(np.exp(-(z**2) / 2) * shape / (math.sqrt(2 * math.pi) * deviation[:, None]))

    def beyond(self, start: Array, end: float, sign: float) -> Array:
        """Chance that the next ω is beyond `end`, below it where `sign` is −1; from the normal part."""
        from scipy.special import ndtr

        centre, deviation = self.moved(start)
        return np.asarray(ndtr(sign * (centre - end) / deviation))


class _Grid(NamedTuple):
    at: Array
    weights: Array


def _law(line: Line, config: SGDConfig, examples: ArrayLike | None) -> _Law:
    config.require_plain("weight_decay")
    if config.permuted:
        raise ValueError(f"config must have batches that are independent here, got sampling = {config.sampling!r}")
    if not config.batch_noise > 0:
        raise ValueError("config must have noise: with batch_size = n_examples there is none")
    if examples is None:
        return _Law(line, config.kick, config.kick * math.sqrt(config.batch_noise), 0.0, 0.0)
    table = real_array("examples", examples)
    _, variance, third, fourth = batch_cumulants(table[:, 0] if table.ndim == 2 else table, config)
    if not variance > 0:
        raise ValueError("examples must differ")
    return _Law(line, config.kick, config.kick * math.sqrt(variance), -third / variance**1.5, fourth / variance**2)


def _nodes(law: _Law, points: Sequence[float]) -> _Grid:
    """Panels no wider than so many standard deviations of the updates that start in them, with edges at `points`."""
    nodes, weights = np.polynomial.legendre.leggauss(ORDER)
    edges = [points[0]]
    for low, high in pairwise(points):
        while edges[-1] < high:
            wide = WIDTH * float(law.moved(np.array([edges[-1]]))[1][0])
            within = np.linspace(edges[-1], min(high, edges[-1] + wide), 9)
            wide = WIDTH * float(law.moved(within)[1].min())
            edges.append(high if high - edges[-1] <= wide else edges[-1] + wide)
            if ORDER * len(edges) > MOST:
                raise ValueError(
                    f"learning_rate must be larger between {low:g} and {high:g}: updates of {wide / WIDTH:.2g} need "
                    f"more than {MOST} nodes, and mean_exit_time of the SDE holds"
                )
    half = np.diff(edges)[:, None] / 2
    return _Grid((np.array(edges[:-1])[:, None] + half * (1 + nodes)).ravel(), (half * weights).ravel())
