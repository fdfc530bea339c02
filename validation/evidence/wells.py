"""A loss with a deep sharp minimum A and a shallow wide one B, in one or more dimensions; its evidence by Laplace."""

from __future__ import annotations

import functools

import numpy as np

import sgdsde as sg
from sgdsde.theory import Evidence, laplace_evidence
from validation.escape.occupancy import NOISE, SHARP, WIDE, top

#: L_B − L_A, in units of loss; L_A = 0. The maximum between them is 0.80 above A and 0.55 above B.
DEPTH = 0.25
A, B = SHARP, WIDE
#: L'' at A and B: the cubic that lowers A adds to its curvature and takes from that of B.
SHARPNESS, WIDTH = 8 + 1.5 * DEPTH, 2 - 1.5 * DEPTH
LOSS = "(x**2 - 1)**2*(5/8 - 3/4*x/(1 + x**2)) - depth*(2 - 3*x + x**3)/4 + depth"
#: Curvature along every direction but x: 2 at A, 4/3 at B, where it does not change with x.
ACROSS = "(5/3 - 2/3*x/(1 + x**2))"
#: As L'' at A and at B, over the geometric mean of both; positive between them, where L'' is not.
FOLLOWING = "(5 - (6 + 3*depth)*x/(1 + x**2))/sqrt((8 + 3/2*depth)*(2 - 3/2*depth))"
#: λ of the prior: common to both minima, and no ratio depends on it.
PRIOR = 1.0


def wells(dimension: int = 1, aligned: float = 0.0) -> sg.Landscape:
    """L = V(x) + ½ k(x)|y|²: curvatures 8.375 and 1.625 at A = (−1, 0) and B = (1, 0) along x, 2 and 4/3 along y.

    F = σ² I, or in one dimension F = σ²(1 − aligned + aligned·h(x)/√(h_A h_B)).

    >>> three = wells(3)
    >>> three.loss([[-1, 0, 0], [1, 0, 0]]), three.hessian([-1, 0, 0]).diagonal()
    (array([0.  , 0.25]), array([8.375, 2.   , 2.   ]))
    """
    across = [f"y{k}" for k in range(1, dimension)]
    loss = LOSS + (f" + {ACROSS}*({' + '.join(f'{y}**2' for y in across)})/2" if across else "")
    parameters = {"depth": DEPTH, "noise": NOISE}
    if not aligned:
        return sg.Landscape(loss, ["x", *across], parameters, noise_covariance="noise")
    return sg.Landscape(loss, "x", parameters | {"aligned": aligned}, f"noise*(1 - aligned + aligned*{FOLLOWING})")


def marginal(temperature: float, dimension: int) -> sg.Landscape:
    """One dimension with the law of x under isotropic noise: V + (P − 1)(D/2) ln k."""
    parameters = {"depth": DEPTH, "noise": NOISE, "warm": (dimension - 1) * temperature / 2}
    return sg.Landscape(f"{LOSS} + warm*log{ACROSS}", "x", parameters, noise_covariance="noise")


@functools.cache
def ridge() -> float:
    """The maximum of V between the minima, where x is said to change sides."""
    return top(wells())


def laplace(temperature: float, dimension: int = 1) -> tuple[Evidence, Evidence]:
    """Laplace's approximation of the evidence of A and of B with C = L/D.

    >>> a, b = laplace(0.1, 2)
    >>> a.cost, b.cost, b.log_occam_factors - a.log_occam_factors
    (0.0, 2.5, array([0.20273255, 0.81987163]))
    """
    landscape, minima = wells(dimension), np.eye(1, dimension) * np.array([[A], [B]])
    a, b = (
        laplace_evidence(float(landscape.loss(w)) / temperature, np.linalg.eigvalsh(hessian) / temperature, PRIOR)
        for w, hessian in zip(minima, landscape.hessian(minima), strict=True)
    )
    return a, b


def laplace_preference(temperature: float, dimension: int = 1) -> float:
    """ln(Z_B/Z_A) by Laplace: (L_A − L_B)/D + ½ ln(det H_A/det H_B)."""
    a, b = laplace(temperature, dimension)
    return b.log_evidence - a.log_evidence
