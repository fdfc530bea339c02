"""How fast E|ω − ω*|² of SGD grows near a minimum that fits all examples, from SGD's own batches: by no formula."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sgdsde.arguments import integer
from sgdsde.config import SGDConfig
from sgdsde.run import AnyLandscape
from sgdsde.simulate import simulate_sgd

Array = NDArray[np.float64]
#: From ω − ω* and ε times what is carried, (paths, 1 or 2, d), and a seed, to the same some updates later.
Advance = Callable[[Array, int], Array]

#: The least curvature that is counted, in units of the largest.
LEAST = 1e-6
#: The gradient and the noise of a minimum that fits all examples, relative to the curvature: rounding.
ROUNDING = 1e-9


def second_moment_growth(
    landscape: AnyLandscape,
    config: SGDConfig,
    minimum: ArrayLike,
    *,
    blocks: int = 20,
    updates: int = 8,
    paths: int = 4096,
    groups: int = 16,
    burn_in: int = 6,
    seed: int = 0,
    simulate: Callable[..., Any] = simulate_sgd,
    **options: Any,
) -> Array:
    """The logarithm of the factor by which E|ω − ω*|² grows per update, once for each of independent groups of paths.

    Parameters
    ----------
    landscape, config
        Quadratic, with the minimum ω* = `minimum`, at which no example has a gradient.
    minimum : (d,) or a number
        ω*.
    blocks, updates, burn_in : int
        So many blocks of so many updates, after `burn_in` blocks that are left out.
    paths, groups : int
        Paths in all, in groups of equal size.
    seed : int
        Of the start and of all batches.
    simulate : callable
        :func:`sgdsde.simulate_sgd`, or :func:`sgdsde.simulate_sde`.
    **options
        For it, such as ``examples`` or ``substeps``.

    Returns
    -------
    ndarray, (groups,), per update.

    Raises
    ------
    ValueError
        When a number is out of range, the groups do not divide the paths, or the gradient or its noise at `minimum` is
        not 0; and as `simulate` does.

    Notes
    -----
    Near the limit E|ω|² is made by few of very many paths: a plain mean over paths falls even where the expectation
    grows. So after each block the paths of a group are drawn anew, each as often as its |ω|² + |v|² has grown, and
    scaled to 1: the expectation grows by the product over blocks of the mean factors (a particle approximation of a
    Feynman–Kac formula; Del Moral 2004). The mean of the estimates is too small by O(1/paths of a group).

    Every direction counts by its curvature, in |ω|² and in where paths start: what is followed is twice the loss above
    its least, E (ω − ω*)ᵀH(ω − ω*). In the long run it grows by the same factor as E|ω − ω*|², and much sooner: what
    lies along directions of little curvature falls slowly, and would hide for 1/(εh) updates how the rest grows.

    Examples
    --------
    >>> import sgdsde as sg
    >>> well = sg.Landscape("x**2/2", "x", noise_factor=[["0.5*x"]])
    >>> config = sg.SGDConfig(0.5, batch_size=1, n_examples=2, sampling="with_replacement")
    >>> found = second_moment_growth(well, config, 0.0, blocks=10, examples="rademacher")
    >>> exact = np.log(0.5**2 + (0.5 * 0.5) ** 2 / 2)              # of two examples, h = 1 ± 0.5/√2
    >>> bool(abs(found.mean() - exact) < 0.01)
    True
    """
    centre = landscape.point(minimum, "minimum")
    curvature, axes = np.linalg.eigh(landscape.hessian(centre))
    for name, value in (("gradient", landscape.gradient(centre)), ("noise", landscape.noise_covariance(centre))):
        if np.abs(value).max() > ROUNDING * np.abs(curvature).max():
            raise ValueError(f"minimum must be where the {name} is 0, got {np.abs(value).max():.3g} at {minimum!r}")
    updates, rate = integer("updates", updates, 1), config.learning_rate
    weight, names = counted(curvature), list[str]()

    def advance(state: Array, own: int) -> Array:
        apart = (state / weight) @ axes.T
        carried = {name: apart[:, k] / rate for k, name in enumerate(names, 1)}
        w0 = centre + apart[:, 0]
        run = simulate(landscape, config, w0, updates, len(state), seed=own, state0=carried, **options)
        names[:] = run.auxiliary
        after = np.stack([run.final - centre, *(rate * value for value in run.auxiliary.values())], axis=1)
        return np.asarray(after @ axes * weight)

    return population_growth(advance, weight**2, blocks, paths, groups, burn_in, seed) / updates


def counted(curvature: Array) -> Array:
    """√(h/h_max) of each direction: by how much it is counted, at least `LEAST` of h/h_max."""
    return np.asarray(np.sqrt(np.clip(curvature / curvature.max(), LEAST, 1.0)))


def population_growth(
    advance: Advance, start: Array, blocks: int, paths: int, groups: int, burn_in: int, seed: int
) -> Array:
    """ln of the factor of E|state|² in one `advance`, (groups,): see `second_moment_growth`.

    Parameters
    ----------
    advance : callable
        Linear in the state, with random numbers of its own for every path.
    start : (d,)
        Standard deviations of the normal numbers that the state (paths, 1, d) starts with, before it is scaled to 1.
    blocks, paths, groups, burn_in, seed : int
        As there.

    Returns
    -------
    ndarray, (groups,).

    Raises
    ------
    ValueError
        When a number is out of range or the groups do not divide the paths.
    """
    numbers = {"blocks": blocks, "paths": paths, "groups": groups}
    blocks, paths, groups = (integer(name, value, 1) for name, value in numbers.items())
    burn_in, seed = integer("burn_in", burn_in, 0), integer("seed", seed, 0)
    if paths % groups:
        raise ValueError(f"paths must be a multiple of groups = {groups}, got {paths}")
    generator = np.random.default_rng([seed, 1])
    state = _unit(generator.standard_normal((paths, 1, len(start))) * start)
    growth = np.empty((burn_in + blocks, groups))
    for block in range(burn_in + blocks):
        state = advance(state, int(generator.integers(2**53)))
        factor = (state**2).sum(axis=(1, 2)).reshape(groups, -1)
        growth[block] = np.log(factor.mean(axis=1))
        state = _unit(state[_drawn_anew(factor, generator)])
    return np.asarray(growth[burn_in:].mean(axis=0))


def _unit(state: Array) -> Array:
    return np.asarray(state / np.linalg.norm(state, axis=(1, 2), keepdims=True))


def _drawn_anew(factor: Array, generator: np.random.Generator) -> NDArray[np.int64]:
    """Indices of paths, each drawn in its group as often as its share of the factors (groups, n) says, ± 1."""
    groups, n = factor.shape
    share = np.cumsum(factor, axis=1) / factor.sum(axis=1, keepdims=True)
    places = (np.arange(n) + generator.random((groups, 1))) / n
    rows = zip(share, places, strict=True)
    return np.concatenate([np.searchsorted(row, at).clip(max=n - 1) + n * k for k, (row, at) in enumerate(rows)])
