"""How long SGD and its SDE remember where they started."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from sgdsde.config import SGDConfig
from sgdsde.theory.modes import symmetric


def relaxation_updates(hessian: ArrayLike, config: SGDConfig) -> float:
    """Updates in which the slower of SDE and SGD forgets all but 1/e of its start, near a minimum.

    Parameters
    ----------
    hessian : array_like, (P, P) or a number
        H of the mean loss at the minimum.
    config : SGDConfig
        Gives ε, m and the weight decay, which is added to H.

    Returns
    -------
    float
        The larger of (1 − m)/(ε h), of the SDE, and −1/ln ρ, of SGD, with ρ the spectral radius of a step of heavy
        ball in the slowest direction; the SDE's alone where SGD is not stable. Infinite where a direction is flat.

    Raises
    ------
    ValueError
        When `hessian` is not symmetric, or has a negative eigenvalue.

    Notes
    -----
    Oscillations die with √m an update however small ε is, so that momentum makes SGD slow where the
    SDE is quick.

    Examples
    --------
    >>> [round(relaxation_updates(1.0, SGDConfig(0.1, 4, 64, momentum=m)), 6) for m in (0.0, 0.999)]
    [10.0, 1998.999833]
    """
    matrix = symmetric("hessian", hessian)
    curvatures, m = np.linalg.eigvalsh(matrix) + config.weight_decay, config.momentum
    if curvatures[0] < 0:
        raise ValueError(f"hessian must have no negative eigenvalue, got {curvatures[0]:.6g}")
    if curvatures[0] == 0:
        return math.inf
    slowest = float(1 / (config.mean_loss_time_per_update * curvatures[0]))
    steps = [np.array([[1 - p, m], [-p, m]]) for p in config.kick * curvatures]
    radius = max(float(np.abs(np.linalg.eigvals(step)).max()) for step in steps)
    return max(slowest, -1 / math.log(radius)) if 0 < radius < 1 else slowest
