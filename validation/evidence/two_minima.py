"""Two minima, a deep sharp A and a shallow wide B: by evidence, by exact laws of noise, and by the sides of paths."""

from __future__ import annotations

import functools
import math
from typing import Any, NamedTuple

import numpy as np
from scipy.integrate import quad
from scipy.optimize import brentq
from scipy.special import ndtri

import sgdsde as sg
from sgdsde.escapes import log_odds_of_sides
from sgdsde.landscapes import find_saddle
from sgdsde.statistics import Estimate
from sgdsde.theory import Evidence, laplace_evidence, sgd_occupancy, stationary_density

#: L_B − L_A, in units of loss; L_A = 0. The maximum between them is 0.80 above A and 0.55 above B.
DEPTH = 0.25
A, B = -1.0, 1.0
#: L'' at A and B: the cubic that lowers A adds to its curvature and takes from that of B.
SHARPNESS, WIDTH = 8 + 1.5 * DEPTH, 2 - 1.5 * DEPTH
LOSS = "(x**2 - 1)**2*(5/8 - 3/4*x/(1 + x**2)) - depth*(2 - 3*x + x**3)/4 + depth"
#: Curvature along every direction but x: 2 at A, 4/3 at B, where it does not change with x.
ACROSS = "(5/3 - 2/3*x/(1 + x**2))"
#: As L'' at A and at B, over the geometric mean of both; positive between them, where L'' is not.
FOLLOWING = "(5 - (6 + 3*depth)*x/(1 + x**2))/sqrt((8 + 3/2*depth)*(2 - 3/2*depth))"
#: σ²: no more than a scale of ε/B. λ of the prior: common to both minima, and no ratio depends on it.
NOISE, PRIOR = 80.0, 1.0
#: Beyond it no path goes at any temperature that is asked for; single updates of SGD reach further.
BOX, BEYOND = (-2.3, 3.2), 0.5
#: Examples of SGD: quantiles of the normal law, which have no skewness that would tilt the wells.
N = 512
EXAMPLES = ndtri((np.arange(N) + 0.5) / N)[:, None]
#: Longest ε of an SDE, whose law depends on ε/B: and where F is not constant, as log ratios are off by 0.02 at 0.03.
LONGEST, SHORT = 0.02, 0.01
#: Between these temperatures lie all crossings.
CROSSINGS = (0.08, 0.7)


class Case(NamedTuple):
    """A run: D = Tσ²/2, P, the share of F that follows the curvature, and SGD's batch size, 0 for the SDE."""

    temperature: float
    dimension: int = 1
    aligned: float = 0.0
    batch: int = 0

    @property
    def noise(self) -> str:
        """In words."""
        return {0.0: "isotropic", 1.0: "F ∝ H"}.get(self.aligned, f"{100 * self.aligned:g} % of F follows H")

    @property
    def model(self) -> str:
        """In words.

        >>> Case(0.3, 4).model, Case(0.25, aligned=0.1, batch=2).model
        ('SDE, isotropic, P = 4', 'SGD, 10 % of F follows H, B = 2')
        """
        dimension = "" if self.aligned else f", P = {self.dimension}"
        return f"{'SGD' if self.batch else 'SDE'}, {self.noise}{dimension}" + (f", B = {self.batch}" * bool(self.batch))

    @property
    def landscape(self) -> sg.Landscape:
        return wells(self.dimension, self.aligned)

    @property
    def exact(self) -> float:
        """ln(p_B/p_A): the evidence where F is σ² I, else the stationary law of the SDE or of SGD's updates."""
        if self.batch:
            edges = [BOX[0] - BEYOND, ridge(), BOX[1] + BEYOND]
            a, b = sgd_occupancy(self.landscape, config_for(self.temperature, self.batch), edges)
            return math.log(b / a)
        if self.aligned:
            return preference(self.landscape, self.temperature)
        return evidence_preference(self.temperature, self.dimension)

    def at(self, temperature: float) -> Case:
        """The same at another temperature."""
        return self._replace(temperature=temperature)


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
        return sg.Landscape(loss, ["x", *across], parameters, covariance="noise")
    return sg.Landscape(loss, "x", parameters | {"aligned": aligned}, f"noise*(1 - aligned + aligned*{FOLLOWING})")


def marginal(temperature: float, dimension: int) -> sg.Landscape:
    """One dimension with the law of x under isotropic noise: V + (P − 1)(D/2) ln k."""
    parameters = {"depth": DEPTH, "noise": NOISE, "warm": (dimension - 1) * temperature / 2}
    return sg.Landscape(f"{LOSS} + warm*log{ACROSS}", "x", parameters, covariance="noise")


def config_for(temperature: float, batch: int = 0, longest: float = LONGEST) -> sg.SGDConfig:
    """SGD with Tσ²/2 = `temperature`, with replacement; without a batch size the largest whose ε is a step of an SDE.

    >>> config = config_for(0.3, batch=2)
    >>> round(config.temperature * NOISE / 2, 12), round(config.learning_rate, 4)
    (0.3, 0.015)
    """
    ratio = 2 * temperature / NOISE * N / (N - 1)
    size = batch or max(1, int(longest / ratio))
    return sg.SGDConfig(ratio * size, size, N, sampling="with_replacement")


@functools.cache
def ridge() -> float:
    """The maximum of V between the minima, where x is said to change sides."""
    return float(find_saddle(wells(), between=([A], [B]))[0])


def preference(landscape: sg.Landscape, temperature: float) -> float:
    """Exact ln(p_B/p_A) of the SDE in one dimension."""
    a, b = stationary_density(landscape, 2 * temperature / NOISE, BOX).masses([BOX[0], ridge(), BOX[1]])
    return math.log(b / a)


def evidence_preference(temperature: float, dimension: int = 1) -> float:
    """Exact ln(Z_B/Z_A), Z = ∫ (λ/2π)^{P/2} e^{−L/D} dω over a side, where the integral over y is (2πD/k)^{(P−1)/2}."""
    return preference(marginal(temperature, dimension), temperature)


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


def hottest(case: Case) -> float:
    """TF/2 at A, where there is most noise."""
    return case.temperature * float(case.landscape.covariance([A])[0, 0]) / NOISE


def tilt(aligned: float) -> float:
    """∫ L'σ²/F dx from A to B: D ln(p_A/p_B) as D → 0; where it is negative, the faintest noise chooses B.

    >>> round(tilt(0.0), 9), tilt(1.0) < 0
    (0.25, True)
    """
    landscape = wells(aligned=aligned)
    return float(quad(lambda x: landscape.gradient([x])[0] * NOISE / landscape.covariance([x])[0, 0], A, B)[0])


def crossing(case: Case) -> float:
    """The temperature at which both sides are equally likely, by the exact law of such runs."""
    return float(brentq(lambda d: case.at(d).exact, *CROSSINGS, xtol=1e-12))


def measured_preference(case: Case, paths: int, seed: int, **length: Any) -> Estimate:
    """ln(p_B/p_A) of paths, from a run of this length. The SDE's schemes have a law of second order in the step."""
    config = config_for(case.temperature, case.batch, SHORT if case.aligned else LONGEST)
    line = case.landscape if case.dimension == 1 else marginal(case.temperature, case.dimension)
    sde: dict[str, Any] = {"scheme": "weak_taylor_2" if case.aligned else "leimkuhler_matthews", "substeps": 1}
    runs: dict[str, Any] = {"dynamics": "sgd", "examples": EXAMPLES} if case.batch else sde
    return log_odds_of_sides(case.landscape, config, (A, B), ridge(), paths, line=line, seed=seed, **length, **runs)
