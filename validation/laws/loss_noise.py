"""Where noise follows the loss: landscapes with F = 2hL, and laws of L/L₀ by several theories."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.integrate import quad
from scipy.special import digamma
from scipy.stats import betaprime, chi2

import sgdsde as sg
from sgdsde.models import LinearRegression
from validation.check import Check

Array = NDArray[np.float64]
MINIMUM, LESS, STRATONOVICH = "F as at the minimum", "p ∝ L^(−B/(εh))", "noise in the sense of Stratonovich"
ARRHENIUS, MINUS, PLAIN = "Arrhenius", "F = 2LH − ∇L∇Lᵀ", "F = 2LH"
#: Where paths escape, and a = 1/(Th) there.
BOWL, WELLS, ESCAPES = "out of a bowl", "over a barrier", 2.0


def bowl(dimension: int, noise: str = "loss") -> sg.Landscape:
    """L₀ + h|ω|²/2 with h = L₀ = 1."""
    names = ["x", "y", "z"][:dimension]
    squares = " + ".join(f"{name}**2" for name in names)
    return sg.Landscape(f"1 + ({squares})/2", names, noise_covariance=noise)


def wells(ratio: float, noise: str | None = None) -> sg.Landscape:
    """Minima at ±1 of curvature h = 2, F = 2hL, and L at the saddle `ratio` times that at a minimum."""
    loss = "floor + (x**2 - 1)**2/4"
    return sg.Landscape(loss, "x", {"floor": 0.25 / (ratio - 1)}, noise_covariance=noise or f"4*({loss})")


@dataclass(frozen=True)
class Law:
    """L/L₀ where the density of ω in a bowl of n dimensions is ∝ L^{−1−a}, so that h|ω|²/(2L₀) is beta prime."""

    dimension: int
    a: float

    @property
    def log_mean(self) -> float:
        """E ln(L/L₀)."""
        return float(digamma(1 + self.a) - digamma(1 + self.a - self.dimension / 2))

    def beyond(self, level: ArrayLike) -> Array:
        """P(L/L₀ > level)."""
        return np.asarray(betaprime.sf(np.asarray(level) - 1, self.dimension / 2, 1 + self.a - self.dimension / 2))

    def level(self, share: float) -> float:
        """These are of L/L₀, beyond which that share lies."""
        return 1 + float(betaprime.isf(share, self.dimension / 2, 1 + self.a - self.dimension / 2))


@dataclass(frozen=True)
class Normal:
    """The same where F is 2hL₀ everywhere: h|ω|²/(2L₀) is χ²/(2a)."""

    dimension: int
    a: float

    @property
    def log_mean(self) -> float:
        """E ln(L/L₀)."""
        density = chi2(self.dimension).pdf
        return float(quad(lambda x: 2 * x * np.log1p(x**2 / (2 * self.a)) * density(x**2), 0, 40)[0])

    def beyond(self, level: ArrayLike) -> Array:
        """P(L/L₀ > level)."""
        return np.asarray(chi2.sf(2 * self.a * (np.asarray(level) - 1), self.dimension))


def others(dimension: int, a: float) -> Mapping[str, Law | Normal]:
    """What other theories make of it."""
    return {MINIMUM: Normal(dimension, a), LESS: Law(dimension, a - 1), STRATONOVICH: Law(dimension, a - 0.5)}


def place(where: str, ratio: float, noise: str | None = None) -> tuple[sg.Landscape, float, str, float]:
    """Landscape, start, region in which paths end, and curvature at the minimum."""
    if where == BOWL:
        edge = math.sqrt(2 * (ratio - 1))
        return bowl(1, noise or "loss"), 0.0, f"x > {edge!r} or x < {-edge!r}", 1.0
    return wells(ratio, noise), -1.0, "x > 0", 2.0


def exact_time(where: str, ratio: float, noise: str | None = None) -> float:
    """Mean time of escape of the SDE."""
    landscape, start, stop, curvature = place(where, ratio, noise)
    return sg.theory.mean_exit_time(landscape, 1 / (ESCAPES * curvature), start, stop=stop)


def arrhenius(where: str, ratio: float) -> float:
    """The exact time with F as it is at the minimum, 2hL₀."""
    floor = 1.0 if where == BOWL else 0.25 / (ratio - 1)
    return exact_time(where, ratio, repr(2 * place(where, ratio)[3] * floor))


def moment_check() -> Check:
    """What F of linear regression on normal inputs is beyond 2LH, along ∇L and in units of |∇L|⁴."""
    problem = LinearRegression.gaussian(3, None, [1.0, 0.5, 0.25], 1.0)
    away = np.array([0.3, -0.7, 1.1])
    slope = problem.hessian @ away
    loss = (away @ slope + problem.label_variance) / 2
    beyond = problem.noise_covariance(problem.optimum + away) - 2 * loss * problem.hessian
    found = float(slope @ beyond @ slope / (slope @ slope) ** 2)
    return Check("(F − 2LH)/∇L∇Lᵀ, normal inputs", 1.0, found, 0.0, {MINUS: -1.0, PLAIN: 0.0}, rounding=1e-10)
