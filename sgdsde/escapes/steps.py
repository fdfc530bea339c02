"""How many steps the SDE takes for an update, so that a mean exit time is hardly wrong for it."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from sgdsde.config import SGDConfig
from sgdsde.dynamics.limits import LIMITS, adaptive_substeps
from sgdsde.escapes.saddles import Pass
from sgdsde.landscapes import Landscape
from sgdsde.landscapes.minimum import nearby_minimum
from sgdsde.schemes import Declaration
from sgdsde.schemes.registry import ADAPTIVE_EQUATIONS

Array = NDArray[np.float64]

STEP_ERROR = 0.01  # of a mean exit time, to leading order
MOST_SUBSTEPS = 256
SEEN = 0.1  # of the time in which a velocity is forgotten: longest step of the momentum SDE


def largest_curvature(landscape: Landscape, w0: Array, passes: tuple[Pass, ...] | str) -> float:
    """h: the largest curvature, up or down, at the start, the minimum below it, and saddles that are known."""
    points = [w0, nearby_minimum(landscape, w0)]
    points += [] if isinstance(passes, str) else [each.saddle for each in passes]
    hessians = [landscape.hessian(point) for point in points if point is not None]
    return max(float(np.abs(np.linalg.eigvalsh(each)).max()) for each in hessians if np.isfinite(each).all())


def substeps_for(scheme: Declaration, config: SGDConfig, curvature: float) -> tuple[int, float]:
    """Steps for an update, and the relative error of a mean exit time that is expected of them.

    By its modified equation (constant F, one variable) Euler–Maruyama's step Δ changes ln τ by (|h_s| − h)Δ/4 to first
    order, h the curvature at the minimum and h_s at the saddle: by nothing that grows with the barrier. hΔ/4 with the
    largest curvature stands for it; hΔ²/8 for BAOAB, whose steps are at most a tenth of 1/γ besides, so that crossings
    are seen. For SDEs of adaptive rules no error is known: NaN. An update of SGD is what it is: one step, and NaN.

    >>> from sgdsde.schemes import find
    >>> substeps_for(find("euler_maruyama"), SGDConfig(0.1, 4, 64), 1.0)
    (3, 0.00833...)
    """
    if scheme.interpretation == "update":
        return 1, math.nan
    if scheme.equation in ADAPTIVE_EQUATIONS:
        return adaptive_substeps(LIMITS[f"{scheme.equation}_sde"].numbers(config)), math.nan
    if scheme.equation == "momentum":
        power, whole, least = 2, curvature * config.kick / 8, math.ceil((1 - config.momentum) / SEEN)
    else:
        power, whole, least = 1, curvature * config.mean_loss_time_per_update / 4, 1
    wished = min((whole / STEP_ERROR) ** (1 / power), MOST_SUBSTEPS)  # before it is an integer: it may be infinite
    steps = min(max(least, math.ceil(wished)), MOST_SUBSTEPS)
    return steps, whole / steps**power
