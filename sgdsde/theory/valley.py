"""How SGD moves along a valley of minima: its noise across the valley pushes it to where that is less steep."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sgdsde.arguments import real_array
from sgdsde.config import SGDConfig
from sgdsde.theory.stationary import stationary_variance

Array = NDArray[np.float64]


def valley_drift(
    curvature: ArrayLike, slope: ArrayLike, noise_covariance: ArrayLike, config: SGDConfig, dynamics: str = "sde"
) -> Array:
    """Mean velocity dx/ds along the valley y = 0 of L = ½ h(x) y², where noise keeps y spread: −½ h'(x) Var y.

    Parameters
    ----------
    curvature, slope : array_like
        h(x) > 0 across the valley, and its derivative h'(x), where the path is.
    noise_covariance : array_like, shape that broadcasts
        F ≥ 0 across the valley, there.
    config : SGDConfig
        Gives ε, B, N, m and the sampling, which must draw independent batches.
    dynamics : str
        ``"sde"``: the law of the SDE, that of ε → 0. ``"sgd"``: exact in ε, where T is small.

    Returns
    -------
    ndarray of the broadcast shape, in units of x per unit of the SDE's time s; an update is s = ε/(1 − m).

    Raises
    ------
    ValueError
        As :func:`stationary_variance`, and for batches of permutations, whose noise has a law of its own.

    Notes
    -----
    docs/theory.md, on valleys of minima. With Var y = T F/(2h) of the SDE: F = σ²h, proportional to the Hessian as
    label noise makes it (Blanc et al., arXiv 1904.09080), drifts by −(Tσ²/4) h', down the trace of the Hessian (Li,
    Wang & Arora, arXiv 2110.06914); constant F = f by −(Tf/4) (ln h)'. SGD's own variance is larger by
    1/(1 − εh/(2(1 + m))), and so is its drift, which is then down −(Tσ²(1 + m)/2ε) ln(1 − εh/(2(1 + m))), and for
    constant F down (Tf/4) ln(h/(1 − εh/(2(1 + m)))). What is left out is of order T.

    Examples
    --------
    >>> config = SGDConfig(learning_rate=0.1, batch_size=1, n_examples=10**6)
    >>> [valley_drift(2.0, 1.0, f, config).round(4).item() for f in (1.0, 2.0)]
    [-0.0125, -0.025]
    """
    if config.permuted:
        raise ValueError(f"config must draw independent batches for a drift, got sampling = {config.sampling!r}")
    steep = real_array("slope", slope)
    if not np.isfinite(steep).all():
        raise ValueError(f"slope must be finite, got {slope!r}")
    h, f = np.broadcast_arrays(np.asarray(curvature, float), np.asarray(noise_covariance, float))
    return -steep / 2 * stationary_variance(h, f, config, dynamics)
