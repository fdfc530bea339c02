"""Escape of SGD at a fixed batch size as ε → 0: its examples, exponents and, where there are none, a power of ε."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import ndtri, stdtrit

import sgdsde as sg
from sgdsde.whitened import whitened_examples
from validation.measure import Array

#: a of F = a(1 + ω²/2): signs climb the steepest slope, 0.385, with 0.64 of their length. F at the minimum is 1.5 a.
STRENGTH, N = 0.309, 64
WELL = sg.Landscape("x**4/4 - x**2/2", "x", {"a": STRENGTH}, noise_covariance="a*(1 + x**2/2)")
#: Signs of this F are shorter than the steepest slope.
WEAK = sg.Landscape("x**4/4 - x**2/2", "x", noise_covariance=0.14)
START, SADDLE, BEYOND = -1.0, "x > 0", "x > 0.5"
NAMES = {"gaussian": "normal", "rademacher": "signs", "student_t:3": "t, 3 degrees"}


class Case(NamedTuple):
    """Examples, how SGD takes them, and S/T at the largest and the smallest ε."""

    examples: str
    batch: int = 1
    momentum: float = 0.0
    least: float = 8.0
    most: float = 15.6

    def __str__(self) -> str:
        return f"{NAMES[self.examples]}, B = {self.batch}" + f", m = {self.momentum:g}" * (self.momentum > 0)

    def config(self, inverse: float, examples: int = N) -> sg.SGDConfig:
        """With B(1 − m)/ε = `inverse`."""
        rate = self.batch * (1 - self.momentum) / inverse
        return sg.SGDConfig(rate, self.batch, examples, momentum=self.momentum, sampling="with_replacement")


def quantiles(name: str, n: int = N) -> Array:
    """(n, 1) examples: the quantiles of a distribution at (i − ½)/n, whitened, so that no draw decides their tails."""
    levels = (np.arange(n) + 0.5) / n
    kind, _, freedom = name.partition(":")
    if kind == "student_t":
        values = stdtrit(float(freedom), levels)
    else:
        values = ndtri(levels) if kind == "gaussian" else np.sign(levels - 0.5)
    return whitened_examples(values[:, None], n, 1)


def action(examples: Array | str | None = None, landscape: sg.Landscape = WELL) -> float:
    """S from the minimum to the saddle: of SGD with these examples, of the SDE without."""
    return sg.theory.minimum_action_path(landscape, START, 0.0, examples=examples).action


def kramers() -> float:
    """2ΔL/F with the F of the minimum."""
    return float(2 * (WELL.loss([0.0]) - WELL.loss([START])) / WELL.noise_covariance([START])[0, 0])


def line(x: Array, y: Array, errors: Array) -> tuple[float, float, float]:
    """Slope, its standard error, and the y at x = 0 of the weighted least squares."""
    weights = 1 / errors**2
    middle = float(weights @ x / weights.sum())
    spread = float(weights @ (x - middle) ** 2)
    slope = float(weights @ ((x - middle) * y)) / spread
    return slope, spread**-0.5, float(weights @ y / weights.sum()) - slope * middle


def one_jump(rate: float, table: Array) -> float:
    """Mean updates until one example alone carries ω over the saddle, at B = 1.

    ω′ = ω − ε(L' + A z) > s, where ω is normal about the minimum, and s about the saddle with the width of the
    committor there: εF/(2|h|) is the variance of both, up to a factor 1 − εh/2 at the minimum.
    """
    nodes, weights = np.polynomial.hermite_e.hermegauss(11)
    low, high = (float(WELL.noise_covariance([x])[0, 0]) for x in (START, 0.0))
    curvature = float(WELL.hessian([START])[0, 0])
    x = START + nodes * np.sqrt(rate * low / (curvature * (2 - rate * curvature)))
    s = nodes * np.sqrt(rate * high / 2)
    slope, noise = WELL.gradient(x[:, None])[:, 0], WELL.noise_covariance(x[:, None])[:, 0, 0]
    needed = ((x[:, None] - s) / rate - slope[:, None]) / np.sqrt(noise)[:, None]
    chances = np.searchsorted(np.sort(table.ravel()), needed) / table.size
    return float(weights.sum() ** 2 / (weights @ chances @ weights))
