"""The minimum that a point belongs to, where landscapes are expanded to second order."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sgdsde.landscapes.landscape import Landscape
from sgdsde.landscapes.wide import WideLandscape

_STEPS = 500
_SURE = 0.5  # largest error of the expansion, of the decrease that it expects
_SHORT = 1e-6
_FLAT = 1e-12  # least curvature of a minimum, relative to the largest there and at the start


def nearby_minimum(landscape: Landscape | WideLandscape, start: ArrayLike) -> NDArray[np.float64] | None:
    """Go down from `start` to a local minimum with positive curvature in every direction.

    Parameters
    ----------
    landscape : Landscape
        Of which the loss is used.
    start : (d,)
        A number when d = 1.

    Returns
    -------
    array (d,), or None where there is none: the way down ends at a saddle or a flat direction, or does not end.

    Raises
    ------
    ValueError
        When `start` is not one point of the landscape.

    Notes
    -----
    Newton's method with the Hessian shifted until the loss falls (Goldfeld, Quandt & Trotter, Econometrica 34 (1966)
    541), so that it ends at the minimum of the basin in which it starts unless the basin is very narrow.

    Examples
    --------
    >>> well = Landscape("x**4/4 - a*x**2/2", "x", {"a": 4.0})
    >>> nearby_minimum(well, 0.1), nearby_minimum(well, 0.0)
    (array([2.]), None)
    """
    w = landscape.point(start, "start").copy()
    steepest = 0.0
    with np.errstate(all="ignore"):
        for _ in range(_STEPS):
            gradient, hessian = landscape.gradient(w), landscape.hessian(w)
            if not (np.isfinite(gradient).all() and np.isfinite(hessian).all()):
                return None
            curvatures, axes = np.linalg.eigh(hessian)
            largest = float(np.abs(curvatures).max())
            steepest = steepest or largest
            step = _downhill(landscape, w, curvatures, axes, axes.T @ gradient)
            if step is None or np.abs(step).max() <= 1e-13 * (1 + np.abs(w).max()):
                convex = curvatures[0] > _FLAT * max(largest, steepest)
                settled = np.abs(gradient).max() <= 1e-6 * largest * (1 + np.abs(w).max())
                return w if convex and settled else None
            w = w + step
    return None


def _downhill(
    landscape: Landscape | WideLandscape,
    w: NDArray[np.float64],
    curvatures: NDArray[np.float64],
    axes: NDArray[np.float64],
    slopes: NDArray[np.float64],
) -> NDArray[np.float64] | None:
    """The longest shifted Newton step along which the loss falls as its expansion says, more or less; None for none.

    Without that a step from beside a maximum, where slopes are small and the shifted curvature too, leads far away.
    """
    loss, largest = landscape.loss(w), float(np.abs(curvatures).max())
    shift = 0.0 if curvatures[0] > _FLAT * largest else 1e-3 * (1.0 + largest) - min(curvatures[0], 0.0)
    for _ in range(60):
        along = -slopes / (curvatures + shift)
        step = np.asarray(axes @ along)
        expected = along @ slopes + along @ (curvatures * along) / 2
        gained = landscape.loss(w + step) - loss if np.isfinite(w + step).all() else np.inf
        short = np.abs(step).max() <= _SHORT * (1 + np.abs(w).max())  # where differences of losses are rounding
        if gained <= 0 and (short or abs(gained - expected) <= -_SURE * expected):
            return step
        shift = max(4 * shift, 1e-3 * (1.0 + largest))
    return None
