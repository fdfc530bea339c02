"""How long SGD and its SDEs remember where they started."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sgdsde.arguments import choice
from sgdsde.config import SGDConfig
from sgdsde.theory.modes import symmetric

Array = NDArray[np.float64]


def relaxation_time(hessian: ArrayLike, config: SGDConfig, dynamics: str = "sgd", clock: str = "updates") -> float:
    """Time in which the mean of ω falls to 1/e near a minimum, in the slowest direction: exact at any ε.

    Parameters
    ----------
    hessian : array_like, (P, P) or a number
        H of the mean loss at the minimum, or at another point without slope.
    config : SGDConfig
        Gives ε, m, the dampening, and the weight decay, which is added to H.
    dynamics : str
        ``"sgd"``, heavy ball at finite ε; ``"sde"``, overdamped; ``"momentum_sde"``, of second order; or ``"slower"``,
        the larger of the first two, that of the SDE where SGD is not stable.
    clock : str
        ``"updates"``, or ``"s"``: the SDE's time, in which an update is ε/(1 − m).

    Returns
    -------
    float
        In that clock; variances take half as long. 0 where one update forgets all, infinite where a direction is flat.
        Negative where paths run away, at a saddle or because SGD is not stable: they grow by e in so long.

    Raises
    ------
    ValueError
        When `hessian` is not symmetric, or `dynamics` or `clock` is not one of these.

    Notes
    -----
    SDE: 1/(h s), an update being s = ε/(1 − m). SGD: −1/ln ρ, ρ the largest modulus of an eigenvalue of
    [[1 − εh, m], [−εh, m]] (docs/theory.md §3). SDE with momentum: the slower root of r² − (1 − m) r + εh = 0 per
    update (§4). Oscillations die with √m an update however small ε is, so that momentum makes SGD slow in stiff
    directions too. At critical damping the decay is (1 + k/τ) e^(−k/τ).

    Examples
    --------
    >>> [round(relaxation_time(1.0, SGDConfig(0.1, 4, 64, momentum=m)), 6) for m in (0.0, 0.999)]
    [9.491222, 1998.999833]
    >>> config = SGDConfig(0.01, 4, 64, momentum=0.9)
    >>> [round(relaxation_time([[1.0, 0.0], [0.0, 4.0]], config, name, "s"), 3) for name in MODELS]
    [1.898, 1.0, 2.0, 1.898]
    """
    choice("dynamics", dynamics, MODELS)
    units = {"updates": 1.0, "s": config.mean_loss_time_per_update}
    choice("clock", clock, units)
    curvatures = np.linalg.eigvalsh(symmetric("hessian", hessian)) + config.weight_decay
    rate = MODELS[dynamics](np.asarray(config.kick * curvatures), config.momentum)
    return units[clock] / rate if rate else math.inf


def _sgd(p: Array, m: float) -> float:
    trace = 1 - m + p  # of I − M, whose determinant is p: nothing is lost where p is small
    inside = trace**2 - 4 * p
    large = (trace + np.sqrt(np.maximum(inside, 0.0))) / 2
    with np.errstate(divide="ignore", invalid="ignore"):  # −log of 0, and roots that are complex or vanish
        two = np.stack([-np.log(np.abs(1 - large)), -np.log1p(-p / large)])
        three = np.where(inside < 0, -np.log(m) / 2, np.fmin(*two))
    return float(three.min())


def _sde(p: Array, m: float) -> float:
    return float(p.min()) / (1 - m)


def _momentum_sde(p: Array, m: float) -> float:
    inside = (1 - m) ** 2 - 4 * p
    return float(np.where(inside < 0, (1 - m) / 2, 2 * p / (1 - m + np.sqrt(np.maximum(inside, 0.0)))).min())


def _slower(p: Array, m: float) -> float:
    sde, sgd = _sde(p, m), _sgd(p, m)
    return min(sde, sgd) if sgd > 0 else sde


#: p = εh in every direction, and m → the least rate of decay, per update.
MODELS: dict[str, Callable[[Array, float], float]] = {
    "sgd": _sgd, "sde": _sde, "momentum_sde": _momentum_sde, "slower": _slower,
}  # fmt: skip
