"""Mean and variance of SGD on any landscape of one variable while ε(k) and B(k) change, for examples of two values."""

from __future__ import annotations

import numpy as np
from numpy.polynomial import chebyshev
from numpy.typing import ArrayLike, NDArray
from scipy.stats import binom, hypergeom

from sgdsde.arguments import integer, positive, real, real_array
from sgdsde.config import SGDConfig
from sgdsde.theory.scheduled import ScheduledLaw, schedules_of
from sgdsde.theory.surface import Surface, line_of
from sgdsde.whitened import whitened_examples

Array = NDArray[np.float64]


def scheduled_moments(
    landscape: Surface,
    config: SGDConfig,
    w0: float,
    *,
    examples: ArrayLike,
    reach: float,
    learning_rates: ArrayLike | None = None,
    batch_sizes: ArrayLike | None = None,
    points: int = 128,
) -> ScheduledLaw:
    """Exact mean and variance of SGD, ω ← ω − ε(k)(L' + A ξ), with any L and F(ω): no SDE in it.

    Parameters
    ----------
    landscape : Landscape
        Of one variable.
    config : SGDConfig
        N, the sampling, and ε and B where there is no schedule; without momentum and weight decay, and with batches
        that are independent.
    w0 : float
        ω of all paths.
    examples : array_like, (N,) or (N, 1)
        Examples of :func:`sgdsde.simulate_sgd` of two values, such as signs; they are whitened as there.
    reach : float
        No path may leave [−reach, reach].
    learning_rates, batch_sizes : array_like, (n,)
        As in :func:`~sgdsde.theory.scheduled_law`; at least one of the two.
    points : int
        Chebyshev points: the error falls exponentially in them where L' and √F are smooth.

    Returns
    -------
    ScheduledLaw
        With the mean of ω itself, (n + 1, 1), and its variance, (n + 1, 1, 1).

    Raises
    ------
    ValueError
        When an argument is not as above; the message says how large `reach` must be at least.

    Notes
    -----
    The number of examples of the first value in a batch is binomial, or hypergeometric without replacement: an update
    takes a smooth function of ω to its average over B + 1 points, here as a matrix on Chebyshev points.

    Examples
    --------
    >>> from sgdsde.landscapes import Landscape
    >>> config = SGDConfig(0.4, batch_size=4, n_examples=64)
    >>> signs = np.tile([-1.0, 1.0], 32)
    >>> law = scheduled_moments(Landscape("x**2/2", "x"), config, 1.0, examples=signs, reach=2, learning_rates=[0.4])
    >>> law.mean[:, 0].round(6), law.covariance[:, 0, 0].round(6), round(0.4**2 * config.batch_noise, 6)
    (array([1. , 0.6]), array([0.    , 0.0375]), 0.0375)
    """
    config.require_plain("momentum", "weight_decay")
    if config.permuted:
        raise ValueError(f"config must have batches that are independent here, got sampling = {config.sampling!r}")
    line, half, n = line_of(landscape), positive("reach", reach), config.n_examples
    w0, points = real("w0", w0, -half, half), integer("points", points, 4)
    table = whitened_examples(real_array("examples", examples).reshape(-1, 1), n, 1)[:, 0]
    values = np.unique(table.round(9))
    if len(values) != 2:
        raise ValueError(f"examples must have two values, got {len(values)}")
    upper = table > values.mean()
    low, high, share = table[~upper].mean(), table[upper].mean(), int(upper.sum())
    rates, sizes = schedules_of(config, learning_rates, batch_sizes)
    x = half * chebyshev.chebpts1(points)
    slope, noise = line(x)
    to_coefficients = np.linalg.inv(chebyshev.chebvander(x / half, points - 1))

    def update(rate: float, size: int) -> Array:
        picks = np.arange(size + 1)
        with_replacement = config.sampling == "with_replacement"
        law = binom(size, share / n) if with_replacement else hypergeom(n, share, size)
        kicks = low + (high - low) * picks / size
        ends = (x - rate * slope)[:, None] - rate * np.multiply.outer(np.sqrt(noise), kicks)
        if np.abs(ends).max() > half:
            raise ValueError(f"reach must be at least {np.abs(ends).max():.3g}, got {reach}")
        basis = chebyshev.chebvander(ends / half, points - 1)
        return np.asarray(np.einsum("xbn,b->xn", basis, law.pmf(picks)) @ to_coefficients)

    made: dict[tuple[float, int], Array] = {}
    row = chebyshev.chebvander(np.array([w0 / half]), points - 1) @ to_coefficients
    moments = [(w0, w0**2)]
    for key in zip(rates.tolist(), sizes.tolist(), strict=True):
        if key not in made:
            made[key] = update(*key)
        row = row @ made[key]
        moments.append(((row @ x).item(), (row @ x**2).item()))
    mean, second = np.array(moments).T
    time = np.concatenate([[0.0], np.cumsum(rates)])
    return ScheduledLaw(time, mean[:, None], (second - mean**2)[:, None, None])
