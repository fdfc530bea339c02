"""Times of which some are censored, and levels of confidence: the arguments of what is asked of exits, checked."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sgdsde.arguments import real_array

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]


def checked_times(times: ArrayLike, ended: ArrayLike) -> tuple[Array, Flags]:
    """Times of exit or of censoring (n,), and whether each path ended (n,); ValueError for any others.

    Examples
    --------
    >>> checked_times([1, 2], [True, False])
    (array([1., 2.]), array([ True, False]))
    """
    t, over = real_array("times", times), np.asarray(ended)
    if t.ndim != 1 or not t.size:
        raise ValueError(f"times must have the shape (n,) with n at least 1, got {t.shape}")
    if not (np.isfinite(t).all() and (t > 0).all()):
        raise ValueError("times must be positive and finite: leave diverged paths out, and say how many there were")
    if over.shape != t.shape or over.dtype != np.bool_:
        raise ValueError(f"ended must be booleans of the shape {t.shape} of times, got {over.dtype} of {over.shape}")
    return t, over
