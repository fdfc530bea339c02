"""Two minima, a deep sharp A and a shallow wide B: their Bayesian evidence, and where noise stays."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable

import numpy as np
from scipy.optimize import brentq

import sgdsde as sg
from sgdsde.arguments import integer
from sgdsde.theory import Evidence, laplace_evidence
from validation.escape.occupancy import (
    BOX,
    LOSS,
    NOISE,
    SHARP,
    WIDE,
    N,
    config_at,
    log_ratio,
    nodes,
    top,
    update_log_ratio,
)

#: L_B − L_A, in units of loss; L_A = 0. The maximum between them is 0.80 above A and 0.55 above B.
DEPTH = 0.25
#: L'' at A and B: the cubic of `LOSS` that lowers A adds to its curvature and takes from that of B.
SHARPNESS, WIDTH = 8 + 1.5 * DEPTH, 2 - 1.5 * DEPTH
#: Curvature along every direction but x: 2 at A, 4/3 at B, where it does not change with x.
ACROSS = "(5/3 - 2/3*x/(1 + x**2))"
#: As L'' at A and at B, over the geometric mean of both; positive between them, where L'' is not.
FOLLOWING = "(5 - (6 + 3*depth)*x/(1 + x**2))/sqrt((8 + 3/2*depth)*(2 - 3/2*depth))"
#: λ of the prior: as wide as the minima are apart. It is common to both, and no ratio depends on it.
PRIOR = 1.0


def wells(dimension: int = 1, aligned: float | None = None) -> sg.Landscape:
    """L = V(x) + ½ k(x)|y|²: curvatures 8.375 and 1.625 at A = (−1, 0) and B = (1, 0) along x, 2 and 4/3 along y.

    Parameters
    ----------
    dimension : int
        P ≥ 1: x, and P − 1 directions y.
    aligned : float, optional
        In one dimension, the share from 0 to 1 of F that follows the curvature of the minima: F = σ²(1 − share +
        share·h(x)/√(h_A h_B)), σ² = `NOISE`. Without it F = σ² I.

    Raises
    ------
    ValueError
        When `dimension` is not a positive integer or `aligned` not such a share.

    Examples
    --------
    >>> three = wells(3)
    >>> three.loss([[-1, 0, 0], [1, 0, 0]]), three.hessian([-1, 0, 0]).diagonal()
    (array([0.  , 0.25]), array([8.375, 2.   , 2.   ]))
    >>> wells(aligned=1.0).covariance([[-1], [1]])[:, 0, 0].round(3), (NOISE * np.sqrt([67 / 13, 13 / 67])).round(3)
    (array([181.617,  35.239]), array([181.617,  35.239]))
    """
    integer("dimension", dimension, 1)
    if aligned is not None and not (dimension == 1 and 0 <= aligned <= 1):
        raise ValueError(f"aligned must be from 0 to 1, in one dimension, got {aligned!r} in {dimension}")
    across = [f"y{k}" for k in range(1, dimension)]
    loss = f"{LOSS} + depth" + (f" + {ACROSS}*({' + '.join(f'{y}**2' for y in across)})/2" if across else "")
    parameters = {"depth": DEPTH, "noise": NOISE}
    if aligned is None:
        return sg.Landscape(loss, ["x", *across], parameters, covariance="noise", name=f"evidence, P = {dimension}")
    covariance = f"noise*(1 - aligned + aligned*{FOLLOWING})"
    return sg.Landscape(loss, "x", parameters | {"aligned": aligned}, covariance, name=f"evidence, {aligned:g} aligned")


def config_for(temperature: float, batch: int = 0) -> sg.SGDConfig:
    """SGD with Tσ²/2 = `temperature`, σ² = `NOISE`; without a batch size the largest whose ε is a step for the SDE.

    >>> config = config_for(0.3, batch=2)
    >>> round(config.temperature * NOISE / 2, 12), round(config.learning_rate, 4)
    (0.3, 0.015)
    """
    return config_at(2 * temperature / NOISE * N / (N - 1), batch)


def laplace(temperature: float, dimension: int = 1) -> tuple[Evidence, Evidence]:
    """Laplace's approximation of the evidence of A and of B with C = L/D, D the temperature.

    >>> a, b = laplace(0.1, 2)
    >>> a.cost, b.cost, b.log_occam_factors - a.log_occam_factors
    (0.0, 2.5, array([0.20273255, 0.81987163]))
    """
    landscape = wells(dimension)
    minima = np.eye(1, dimension) * np.array([[SHARP], [WIDE]])
    a, b = (
        laplace_evidence(float(landscape.loss(w)) / temperature, np.linalg.eigvalsh(hessian) / temperature, PRIOR)
        for w, hessian in zip(minima, landscape.hessian(minima), strict=True)
    )
    return a, b


def log_evidences(temperature: float, dimension: int = 1) -> tuple[float, float]:
    """Exact ln Z of the sides of A and of B: ∫ (λ/2π)^{P/2} e^{−L/D} dω over x below and above V's maximum.

    The integral over y is (2πD/k(x))^{(P−1)/2}; that over x is by Gauss and Legendre, in the box of `occupancy`.

    >>> exact, approximate = log_evidences(0.02, 3), laplace(0.02, 3)
    >>> [bool(abs(z - about.log_evidence) < 0.02) for z, about in zip(exact, approximate, strict=True)]
    [True, True]
    """
    line, across = wells(), sg.Landscape(f"{ACROSS}", "x")
    found = []
    for low, high in ((BOX[0], middle()), (middle(), BOX[1])):
        x, weights = nodes(low, high)
        widths = np.log(2 * math.pi * temperature / across.loss(x[:, None])) * (dimension - 1) / 2
        logs = widths - line.loss(x[:, None]) / temperature
        highest = float(logs.max())
        found.append(highest + math.log(np.exp(logs - highest) @ weights))
    prior = dimension / 2 * math.log(PRIOR / (2 * math.pi))
    return found[0] + prior, found[1] + prior


def evidence_preference(temperature: float, dimension: int = 1) -> float:
    """Exact ln(Z_B/Z_A), in nats."""
    a, b = log_evidences(temperature, dimension)
    return b - a


def laplace_preference(temperature: float, dimension: int = 1) -> float:
    """The same by Laplace: (L_A − L_B)/D + ½ ln(det H_A/det H_B)."""
    a, b = laplace(temperature, dimension)
    return b.log_evidence - a.log_evidence


def noise_preference(temperature: float, aligned: float) -> float:
    """Exact ln(p_B/p_A) of the SDE in one dimension."""
    return log_ratio(wells(aligned=aligned), 2 * temperature / NOISE)


def update_preference(temperature: float, aligned: float, batch: int) -> float:
    """Exact ln(p_B/p_A) of SGD's updates in one dimension, for normal batch means."""
    return update_log_ratio(wells(aligned=aligned), config_for(temperature, batch))


def hottest(temperature: float, aligned: float) -> float:
    """TF/2 at A, where there is most noise; `temperature` is Tσ²/2.

    >>> round(hottest(0.1, 1.0), 4), hottest(0.1, 0.0)
    (0.227, 0.1)
    """
    return temperature * float(wells(aligned=aligned).covariance([SHARP])[0, 0]) / NOISE


def tilt(aligned: float) -> float:
    """∫ L'σ²/F dx from A to B: D ln(p_A/p_B) as D → 0; where it is negative, the faintest noise chooses B.

    >>> round(tilt(0.0), 9), tilt(1.0) < 0
    (0.25, True)
    """
    landscape = wells(aligned=aligned)
    x, weights = nodes(SHARP, WIDE)
    w = x[:, None]
    return float(landscape.gradient(w)[:, 0] * NOISE / landscape.covariance(w)[:, 0, 0] @ weights)


def crossing(preference: Callable[[float], float], low: float, high: float) -> float:
    """The temperature between these two at which ln(p_B/p_A) passes 0; ValueError where its sign is the same.

    >>> round(crossing(laplace_preference, 0.1, 1.0), 6), round(DEPTH / (math.log(SHARPNESS / WIDTH) / 2), 6)
    (0.304926, 0.304926)
    """
    return float(brentq(preference, low, high, xtol=1e-12))


@functools.cache
def middle() -> float:
    """The maximum of V between the minima, where x is said to change sides."""
    return top(wells())
