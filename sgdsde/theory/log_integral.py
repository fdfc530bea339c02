"""Integrals of smooth peaked densities in a few dimensions, with an error."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import logsumexp

from sgdsde.arguments import real_array
from sgdsde.theory.modes import symmetric

Array = NDArray[np.float64]

#: The box ends where the density is e^{−DEPTH} of its peak; in standard deviations it is at most WIDEST.
DEPTH, FIRST, WIDER, WIDEST = 36.0, 9.0, 2.0, 64.0
#: Relative change with the step halved at which the finer sum is taken.
CHANGE, MOST_HALVINGS = 1e-11, 4
#: Points whose densities are computed at once.
CHUNK = 512


class LogIntegral(NamedTuple):
    """ln ∫ in nats.

    Attributes
    ----------
    value : float
    change : float
        By how much it changed when the step was last halved, which bounds the error.
    """

    value: float
    change: float


def log_integral(log_density: Callable[[Array], Array], centre: ArrayLike, covariance: ArrayLike) -> LogIntegral:
    """ln ∫ e^f dx over R^D by the trapezoidal rule along the principal axes of a Gaussian close to e^f.

    Parameters
    ----------
    log_density : callable
        f of points (n, D) → (n,).
    centre, covariance : array_like, (D,) and (D, D)
        Of the Gaussian: they place the nodes, and are no part of the result.

    Returns
    -------
    LogIntegral
        To 1e-11 of itself or better.

    Raises
    ------
    ValueError
        When the Gaussian has no such shape, or its covariance is not positive definite.
    ArithmeticError
        When the density does not fall within 64 standard deviations, or the sums do not settle.

    Notes
    -----
    For analytic densities that fall fast the error is e^{−c/step} (Trefethen & Weideman, SIAM Review 56 (2014) 385).

    Examples
    --------
    >>> found = log_integral(lambda x: -(x**2).sum(axis=-1) / 2, np.array([0.3, 0.0]), np.diag([2.0, 0.5]))
    >>> bool(abs(found.value - np.log(2 * np.pi)) < 1e-12)
    True
    """
    centre, covariance = real_array("centre", centre), symmetric("covariance", covariance)
    if centre.shape != covariance.shape[:1] or not np.isfinite(centre).all():
        raise ValueError(f"centre must be {len(covariance)} finite numbers, as covariance has rows, got {centre!r}")
    variances, axes = np.linalg.eigh(covariance)
    if not variances[0] > 0:
        raise ValueError(f"covariance must be positive definite, its least eigenvalue is {variances[0]:.6g}")
    scaled = axes * np.sqrt(variances)

    def density(nodes: Array) -> Array:
        points = centre + nodes @ scaled.T
        parts = np.array_split(points, max(1, len(points) // CHUNK))
        return np.concatenate([log_density(part) for part in parts])

    half, step = FIRST, 0.5
    while True:
        nodes = _grid(len(centre), half, step)
        values = density(nodes)
        if values[np.abs(nodes).max(axis=1) > half - step / 2].max() < values.max() - DEPTH:
            break
        half += WIDER
        if half > WIDEST:
            raise ArithmeticError(f"the density does not fall within {WIDEST:g} standard deviations of its centre")
    volume = np.log(variances).sum() / 2
    sums = [float(logsumexp(values) + volume + len(centre) * np.log(step))]
    for _ in range(MOST_HALVINGS):
        step /= 2
        sums.append(float(logsumexp(density(_grid(len(centre), half, step))) + volume + len(centre) * np.log(step)))
        if abs(sums[-1] - sums[-2]) < CHANGE * (1 + abs(sums[-1])):
            return LogIntegral(sums[-1], abs(sums[-1] - sums[-2]))
    raise ArithmeticError(f"the trapezoidal sums do not settle: {sums}")


def _grid(dimension: int, half: float, step: float) -> Array:
    line = step * np.arange(-round(half / step), round(half / step) + 1)
    return np.stack(np.meshgrid(*[line] * dimension, indexing="ij"), axis=-1).reshape(-1, dimension)
