"""Linear regression on data whose covariance is known, and which may scatter more than that."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sgdsde.statistics.estimates import Estimate

Array = NDArray[np.float64]

#: Scatter of noise-free data about an exact line: that of rounding, not none.
ROUNDING = 1e-15


def regression(columns: Array, values: Array, covariance: Array) -> tuple[Estimate, float]:
    """Generalised least squares, with as much additional scatter as the residuals ask for.

    Parameters
    ----------
    columns : (n, p)
        The regressors, n > p.
    values : (n,)
        What they are to explain.
    covariance : (n, n)
        V of `values`; it may be 0.

    Returns
    -------
    Estimate, float
        The p coefficients; and the degrees of freedom of their standard errors, infinite where V explains all scatter
        (the quantiles are then normal), otherwise n − p.

    Notes
    -----
    Scatter beyond V is taken for a variance σ² that all values share, with σ² ≥ 0 such that rᵀ(V + σ²I)⁻¹r = n − p for
    the residuals r (Paule & Mandel, J. Res. NBS 87 (1982) 377). It widens as a Birge ratio above 1 does, but by a term
    and not by a factor: where V is small it is ordinary least squares.

    Examples
    --------
    >>> columns = np.stack([np.ones(4), np.arange(4.0)], axis=1)
    >>> regression(columns, np.array([0.0, 1.2, 1.8, 3.0]), np.eye(4))[1]
    inf
    >>> regression(columns, np.array([0.0, 1.2, 1.8, 3.0]), np.zeros((4, 4)))
    (Estimate(value=[0.06, 0.96], standard_error=[0.158745, 0.0848528]), 2.0)
    """
    from scipy.optimize import brentq  # here: it costs more than everything else that this room imports

    n, p = columns.shape

    variances, axes = np.linalg.eigh(covariance)
    design, target = axes.T @ columns, axes.T @ values

    def solve(extra: float) -> tuple[Array, Array, float]:
        weights = 1 / np.sqrt(np.maximum(variances, 0.0) + extra)
        q, r = np.linalg.qr(design * weights[:, None])
        inverse, along = np.linalg.inv(r), q.T @ (weights * target)
        misfit = weights * target - q @ along
        return inverse @ along, np.sqrt((inverse**2).sum(axis=1)), float(misfit @ misfit) - (n - p)

    residual = values - columns @ np.linalg.lstsq(columns, values, rcond=None)[0]
    # There rᵀ(V + σ²I)⁻¹r < n − p, whatever V; residuals are not smaller than rounding of the values.
    most = 2 * float(residual @ residual) / (n - p) + (ROUNDING * max(1.0, float(np.abs(values).max()))) ** 2
    least = 1e-12 * (most + float(np.trace(covariance)))  # as good as none, and V need not be regular
    scattered = solve(least)[2] > 0
    found, errors, _ = solve(brentq(lambda s: solve(s)[2], least, most, xtol=least, rtol=1e-9) if scattered else least)
    return Estimate(found, errors), float(n - p) if scattered else np.inf
