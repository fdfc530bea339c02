"""The stationary law of signSGD around a quadratic minimum, on the lattice that it moves on."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import log_ndtr

from sgdsde.arguments import real_array
from sgdsde.config import SGDConfig
from sgdsde.layout import one_line
from sgdsde.theory.sign_descent import batch_spread, positive

Array = NDArray[np.float64]
#: ln of the probability that is left out on each side, and sites on one side at most.
LEAST, MOST = -60.0, 1 << 16


@dataclass(frozen=True, eq=False)
class LatticeLaw:
    """A law on the sites start + kε: `positions` and their `probabilities`, both (n,), which add up to 1."""

    positions: Array
    probabilities: Array

    __repr__ = one_line

    @property
    def mean(self) -> float:
        """Σ p x."""
        return float(self.probabilities @ self.positions)

    @property
    def variance(self) -> float:
        """Σ p (x − mean)²."""
        return float(self.probabilities @ (self.positions - self.mean) ** 2)


def signsgd_stationary(
    curvature: float, noise_covariance: float, config: SGDConfig, start: float = 0.0, *, examples: ArrayLike = ()
) -> LatticeLaw:
    """Exact stationary law of signSGD without momentum around a quadratic minimum at 0, over times even and odd.

    Parameters
    ----------
    curvature, noise_covariance : float
        h > 0 and F > 0.
    config : SGDConfig
        As for :func:`signsgd_drift`.
    start : float
        Where paths start: they stay on the lattice start + kε for ever.
    examples : (N,), optional
        Whitened gradients z of the examples, for B = 1; by default the noise of a batch is normal.

    Returns
    -------
    LatticeLaw

    Raises
    ------
    ValueError
        As :func:`signsgd_variance`; when examples come with another B; when the lattice has too many sites.

    Notes
    -----
    A step is ±ε, so that the law is in detailed balance: p(x + ε)/p(x) is the chance of a step up from x over that of a
    step down from x + ε. Up from x is P(hx + noise < 0).

    Examples
    --------
    >>> config = SGDConfig(2.0, batch_size=4, n_examples=10**6, sampling="with_replacement")
    >>> [round(signsgd_stationary(1.0, 1.0, config, start).variance, 3) for start in (0.0, 1.0)]
    [2.0, 1.178]
    """
    h, rate = float(positive(curvature)), config.learning_rate
    spread, table = float(batch_spread(noise_covariance, config)), np.sort(real_array("examples", examples).ravel())
    if table.size and (config.batch_size != 1 or len(table) != config.n_examples):
        raise ValueError(
            f"examples must be N = {config.n_examples} of B = 1, got {len(table)} with B = {config.batch_size}"
        )

    def log_up(x: Array) -> tuple[Array, Array]:
        """Of the chances of a step up and down."""
        if not table.size:
            return log_ndtr(-h * x / spread), log_ndtr(h * x / spread)
        below = np.searchsorted(table, -h * x / math.sqrt(noise_covariance)) / len(table)
        with np.errstate(divide="ignore"):
            return np.log(below), np.log1p(-below)

    nearest, sides = start - rate * round(start / rate), []
    for way in (1, -1):
        count = 64
        while True:
            x = np.asarray(nearest + way * rate * np.arange(count + 1), np.float64)
            out, back = log_up(x)[::way]
            logs = np.cumsum(out[:-1] - back[1:])
            if logs[-1] < LEAST:
                break
            if count > MOST:
                raise ValueError(f"learning_rate must be larger for a lattice of {MOST} sites, got {rate!r}")
            count *= 4
        sides.append((x[1:], logs))
    (above, up), (under, down) = sides
    logs = np.concatenate([down[::-1], [0.0], up])
    weights = np.exp(logs - logs.max())
    return LatticeLaw(np.concatenate([under[::-1], [nearest], above]), weights / weights.sum())
