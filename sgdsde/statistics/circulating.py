"""Circulation: which way round, and how fast, paths go in their stationary state."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from sgdsde.arguments import integer, positive, real_array
from sgdsde.statistics.estimates import Estimate, mean


def circulation(states: ArrayLike, *, lag: int = 1, time: float = 1.0, about: ArrayLike = 0.0) -> Estimate:
    """The mean over times and paths of [ω_i(s) ω_j(s + δ) − ω_j(s) ω_i(s + δ)]/δ, with errors over paths.

    Parameters
    ----------
    states : array_like, (times, paths, d)
        Of a stationary state, at equal intervals: snapshots of an ensemble.
    lag : int
        Intervals from s to s + δ.
    time : float
        Of an interval; δ is `lag` times that.
    about : array_like, (d,) or a number
        The point that is gone round, such as the minimum.

    Returns
    -------
    Estimate, (d, d), antisymmetric; positive where ω turns from i towards j.

    Raises
    ------
    ValueError
        When `states` has another shape, no more times than `lag`, or fewer than two paths.

    Notes
    -----
    Zero on average where time has no direction; what it is for SGD and its SDE says
    :func:`sgdsde.theory.circulation`. Twice the area that the polygon of the path sweeps, by unit of time.

    Examples
    --------
    >>> turn = np.exp(0.1j * np.arange(50))[:, None] * np.exp([0.0, 1.0, 2.0] * np.array(1j))
    >>> circulation(np.stack([turn.real, turn.imag], axis=-1)).value.round(4)          # ω² sin 0.1
    array([[ 0.    ,  0.0998],
           [-0.0998,  0.    ]])
    """
    w, lag = real_array("states", states) - np.asarray(about), integer("lag", lag, 1)
    if w.ndim != 3 or len(w) <= lag or w.shape[1] < 2:
        raise ValueError(
            f"states must be (times, paths, d) with more than lag = {lag} times and at least two paths, got {w.shape}"
        )
    now, later = w[:-lag], w[lag:]
    product = np.einsum("tpi,tpj->pij", now, later) / (len(now) * lag * positive("time", time))
    found = mean((product - product.swapaxes(1, 2)).reshape(w.shape[1], -1))
    shape = (w.shape[2], w.shape[2])
    return Estimate(np.reshape(found.value, shape), np.reshape(found.standard_error, shape))
