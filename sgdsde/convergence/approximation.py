"""How wrong the SDE is in the place of SGD: E φ(ω_K) − E φ(ω(s)), with a relative error that does not depend on ε."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sgdsde.arguments import integer
from sgdsde.config import SGDConfig
from sgdsde.convergence.exact import Function
from sgdsde.convergence.spectral import Grid, backward
from sgdsde.landscapes import Landscape
from sgdsde.landscapes.modified import LEARNING_RATE, modified_landscape
from sgdsde.layout import one_line
from sgdsde.simulate import simulate_sgd
from sgdsde.statistics.orders import Order, fit_order
from sgdsde.whitened import whitened_examples

Array = NDArray[np.float64]

#: Batches that are averaged over one by one.
MOST_BATCHES = 5000


@dataclass(frozen=True)
class Equation:
    """dω = −∇(L + correction (ε/4)|∇L|²) ds + √(noise T F) dW, T = εc: what stands for SGD.

    Examples
    --------
    >>> SDE, MODIFIED
    (Equation(correction=0.0, noise=1.0), Equation(correction=1.0, noise=1.0))
    """

    correction: float = 0.0
    noise: float = 1.0


#: The SDE itself, of weak order 1, and the modified equation, of weak order 2.
SDE, MODIFIED = Equation(), Equation(correction=1.0)


@dataclass(frozen=True)
class WeakError:
    """E φ of SGD minus E φ of an equation.

    Attributes
    ----------
    error, standard_error : float
        From the spread over independent paths of SGD.
    expectation : float
        E φ of the equation.
    unresolved : float
        Size of the last Chebyshev coefficients of u(0, ·): what `expectation`, and with it `error`, may be off by.
    """

    error: float
    standard_error: float
    expectation: float
    unresolved: float

    __repr__ = one_line


def approximation_errors(
    landscape: Landscape,
    config: SGDConfig,
    w0: ArrayLike,
    updates: int,
    observable: Function | str,
    equations: Mapping[str, Equation],
    grid: Grid,
    *,
    paths: int = 500,
    seed: int = 0,
    examples: str | ArrayLike = "gaussian",
) -> dict[str, WeakError]:
    """Weak error E φ(ω_K) − E φ(ω(Kε)) of each equation, all on the same paths of SGD.

    Parameters
    ----------
    landscape, config, w0, updates, paths, seed, examples
        As in :func:`sgdsde.simulate_sgd`; w0 is one point and K = `updates`. Without momentum, and with batches that do
        not depend on each other.
    observable : callable or str
        φ, from (n, d) to (n,), or an expression in the landscape's variables and parameters.
    equations : mapping of str to Equation
        What to hold against SGD, by any name.
    grid : Grid
        For Kolmogorov's backward equation. Its box holds all that SGD may reach in one update from a point of a path.

    Returns
    -------
    dict of str to WeakError

    Raises
    ------
    ValueError
        For momentum, reshuffling, fewer than two paths, several starts, too many batches to go through, or a box that
        is too small.

    Notes
    -----
    With u(s, ω) = E[φ(ω(Kε)) | ω(s) = ω] of the equation and s_k = kε, a sum telescopes along the paths of SGD:

        E φ(ω_K) − u(0, ω_0) = E Σ_k d_k(ω_k),   d_k(ω) = E[u(s_{k+1}, ω − ε(∇L + A z̄))] − u(s_k, ω),

    where the mean in d_k goes over every batch, one by one. So what is sampled is itself as small as the error: O(ε²)
    an update for the SDE, O(ε³) for the modified equation. The sum telescopes for any functions u(s_k, ·) that end in
    φ: if they are solved inexactly, its mean is off by the error of the one number u(0, ω_0).

    Examples
    --------
    >>> bowl, config = Landscape("x**2/2", "x"), SGDConfig(0.1, batch_size=1, n_examples=3)
    >>> found = approximation_errors(bowl, config, 1.0, 10, "x", {"SDE": SDE}, Grid(((-2.0, 2.0),), 8))["SDE"]
    >>> abs(found.error - (0.9**10 - math.exp(-1))) < 4 * found.standard_error < 0.05 * abs(found.error)
    True
    """
    config.require_plain("momentum", "dampening", "weight_decay")
    if config.permuted:
        raise ValueError(f"config must have independent batches here, got sampling {config.sampling!r}")
    phi = observable if callable(observable) else Landscape(observable, landscape.variables, landscape.parameters).loss
    table = whitened_examples(examples, config.n_examples, landscape.noise_dimension, seed)
    means, odds = _batches(table, config)
    start, paths = landscape.points(w0, "w0"), integer("paths", paths, 2)
    if start.ndim != 1:
        raise ValueError(f"w0 must be one point, of shape {(landscape.dimension,)}, got shape {start.shape}")
    run = simulate_sgd(landscape, config, start, updates, paths, seed=seed, examples=table, save_every=1)
    u = np.stack([_solution(landscape, config, each, updates, phi, grid) for each in equations.values()], axis=-1)
    sums = np.zeros((paths, len(equations)))
    for k, w in enumerate(run.snapshots[:-1]):
        kicks = np.einsum("pdk,mk->mpd", landscape.noise_factor(w), means)
        ahead = w - config.learning_rate * (landscape.gradient(w) + kicks)
        grid.require(ahead)
        later = grid.values(u[..., k + 1, :], ahead.reshape(-1, w.shape[1])).reshape(len(odds), paths, -1)
        sums += np.tensordot(odds, later, 1) - grid.values(u[..., k, :], w)
    now = grid.values(u[..., 0, :], start[None])[0]
    error, deviation = sums.mean(axis=0), sums.std(axis=0, ddof=1) / math.sqrt(paths)
    rows = zip(error, deviation, now, grid.tail(u[..., 0, :]), strict=True)
    return {name: WeakError(*map(float, row)) for name, row in zip(equations, rows, strict=True)}


def approximation_orders(
    landscape: Landscape,
    time: float,
    updates: Sequence[int],
    w0: ArrayLike,
    observable: Function | str,
    equations: Mapping[str, Equation],
    grid: Grid,
    *,
    batch_size: int,
    n_examples: int,
    sampling: str = "without_replacement",
    paths: int = 500,
    seed: int = 0,
    examples: str | ArrayLike = "gaussian",
    next_power: float | None = 1.0,
    progress: Callable[[float], None] = lambda fraction: None,
) -> dict[str, Order]:
    """Order of each equation's weak error in ε = time/K, at a fixed time and a fixed batch size.

    Parameters
    ----------
    time : float
        s, in the clock in which an update lasts ε.
    updates : sequence of int
        The numbers K of updates; each has paths of its own, all the same examples.
    batch_size, n_examples, sampling
        As in `SGDConfig`.
    next_power : float, optional
        Fit the next term of the error's expansion too: see :func:`sgdsde.statistics.orders.fit_order`.
    progress : callable
        Called with the fraction done.
    landscape, w0, observable, equations, grid, paths, seed, examples
        As in :func:`approximation_errors`.

    Returns
    -------
    dict of str to Order

    Examples
    --------
    >>> bowl, grid = Landscape("x**2/2", "x"), Grid(((-2.0, 2.0),), 12)
    >>> arguments = {"batch_size": 1, "n_examples": 3, "paths": 50}
    >>> found = approximation_orders(bowl, 1.0, (8, 16, 32, 64), 1.0, "x**2", {"SDE": SDE}, grid, **arguments)
    >>> round(found["SDE"].slope, 1)
    1.0
    """
    rates = [time / count for count in updates]
    table = whitened_examples(examples, n_examples, landscape.noise_dimension, seed)  # the same whatever ε
    found = []
    for done, (count, rate) in enumerate(zip(updates, rates, strict=True)):
        config = SGDConfig(rate, batch_size, n_examples, sampling=sampling)
        own = int(np.random.SeedSequence([seed, count]).generate_state(1, np.uint64)[0])
        found.append(
            approximation_errors(
                landscape, config, w0, count, observable, equations, grid, paths=paths, seed=own, examples=table
            )
        )
        progress((done + 1) / len(rates))

    def order(name: str) -> Order:
        points = [errors[name] for errors in found]
        spread = [math.hypot(point.standard_error, point.unresolved) for point in points]
        return fit_order(rates, [point.error for point in points], spread, next_power=next_power)

    return {name: order(name) for name in equations}


def _solution(
    landscape: Landscape, config: SGDConfig, equation: Equation, updates: int, phi: Function, grid: Grid
) -> Array:
    """Coefficients of u at every update (n, …, n, K + 1)."""
    rate = config.learning_rate
    if equation.correction:
        landscape = modified_landscape(landscape, rate).with_parameters(**{LEARNING_RATE: equation.correction * rate})
    return backward(landscape, equation.noise * config.temperature, rate, updates, phi, grid)


def _batches(table: Array, config: SGDConfig) -> tuple[Array, Array]:
    """Means of all batches (m, k), those that are alike taken together, and their probabilities (m,)."""
    examples, size = range(config.n_examples), config.batch_size
    without = config.sampling == "without_replacement"
    number = math.comb(len(examples), size) if without else len(examples) ** size
    if number > MOST_BATCHES:
        raise ValueError(f"config must have at most {MOST_BATCHES} batches to go through, got {number} of {config!r}")
    picks: Iterable[tuple[int, ...]] = (
        itertools.combinations(examples, size) if without else itertools.product(examples, repeat=size)
    )
    means = table[np.array(list(picks))].mean(axis=1)
    _, first, count = np.unique(means.round(12) + 0.0, axis=0, return_index=True, return_counts=True)
    return means[first], count / number
