"""Integrals of e^{±I} along a line, I(x) = ∫ 2L'/(T F), however large I is: the arithmetic under escape.py.

The line is cut into panels over which I changes by little, and on which I and ln F are polynomials to rounding. On each
there are Gauss–Legendre nodes; integrals up to a node come from the integrals of Legendre polynomials. All integrands
are positive, and they and their integrals are kept as logarithms: nothing cancels, and nothing overflows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.polynomial import legendre
from numpy.typing import NDArray

from sgdsde.theory.surface import Line

Array = NDArray[np.float64]

ORDER = 16
NODES, WEIGHTS = legendre.leggauss(ORDER)
_DEGREES = np.arange(ORDER)
#: Values at the nodes → coefficients of Legendre polynomials.
ANALYSIS: Array = (2 * _DEGREES[:, None] + 1) / 2 * legendre.legvander(NODES, ORDER - 1).T * WEIGHTS
_POWERS = legendre.legvander(NODES, ORDER)
_SUMMED = np.column_stack([NODES + 1, (_POWERS[:, 2:] - _POWERS[:, :-2]) / (2 * _DEGREES[1:] + 1)])
#: Values at the nodes → integrals from −1 to each node.
INTEGRALS: Array = _SUMMED @ ANALYSIS

#: Where a jump beyond the outermost node is looked for.
PROBES = np.r_[NODES, [-1 + 1e-9, 1 - 1e-9]]

#: Most that I, and ln F, may change over a panel: e^{3x/2} has no degree beyond ORDER to rounding.
CHANGE = 3.0
ROUGH = 1e-11  # largest of the last coefficients; ten times that beyond the outermost nodes
NARROW = 1e-13  # half width, relative to where it is and to the line: a panel with a kink or a jump in it
MOST = 200_000
#: A mass of e^{−46} is left out at an open end, which is looked for from so near to so far, so finely.
NEGLIGIBLE, NEAREST, FARTHEST, GRID = 46.0, 1e-8, 1e60, 8192


class Running(NamedTuple):
    """Logarithms of an integral from one end of the line to the nodes (m, 16) and to the edges (m + 1,)."""

    nodes: Array
    edges: Array


@dataclass(frozen=True)
class Panels:
    """A line cut into m panels.

    Attributes
    ----------
    edges : (m + 1,)
        Increasing; the points that were asked for are among them.
    exponent : (m, 16)
        I at the nodes, from 0 at the first edge.
    log_speed : (m, 16)
        ln(2e^{−I}/(T F)) at the nodes.
    """

    edges: Array
    exponent: Array
    log_speed: Array

    def index(self, at: float) -> int:
        """The index of the edge nearest to `at`."""
        return int(np.abs(self.edges - at).argmin())

    def running(self, log_integrand: Array, *, from_right: bool = False) -> Running:
        """Integrate a positive function, given by its logarithm at the nodes (m, 16), from the left or right end."""
        half = np.diff(self.edges) / 2
        if from_right:
            flipped = _running(log_integrand[::-1, ::-1], half[::-1])
            return Running(flipped.nodes[::-1, ::-1], flipped.edges[::-1])
        return _running(log_integrand, half)

    def exponent_at(self, x: Array) -> Array:
        """I at points between the first and the last edge."""
        panel = np.clip(np.searchsorted(self.edges, x, side="right") - 1, 0, len(self.edges) - 2)
        low, high = self.edges[panel], self.edges[panel + 1]
        inside = (2 * x - low - high) / (high - low)
        coefficients = np.moveaxis((self.exponent @ ANALYSIS.T)[panel], -1, 0)
        return np.asarray(legendre.legval(inside, coefficients, tensor=False))


def _running(log_integrand: Array, half: Array) -> Running:
    with np.errstate(divide="ignore"):
        largest = log_integrand.max(axis=1, keepdims=True)
        scale = np.where(np.isfinite(largest), largest, 0.0)
        values = np.exp(log_integrand - scale) * half[:, None]
        within = np.log(np.maximum(values @ INTEGRALS.T, 0.0)) + scale
        edges = np.logaddexp.accumulate(np.r_[-np.inf, np.log(values @ WEIGHTS) + scale[:, 0]])
    return Running(np.logaddexp(edges[:-1, None], within), edges)


def cut(line: Line, temperature: float, points: Sequence[float], change: float = CHANGE) -> Panels:
    """Cut the line from the first to the last of `points`, increasing, at those points and wherever needed.

    Raises
    ------
    ValueError
        Where F is not positive or L' not finite, and when T is so small that the panels would be too many.
    """
    low, high = np.array(points[:-1]), np.array(points[1:])
    done: list[tuple[Array, ...]] = []
    count = 0
    while low.size:
        centre, half = (low + high) / 2, (high - low) / 2
        slope, noise = line(centre[:, None] + half[:, None] * PROBES)
        with np.errstate(all="ignore"):
            rise, log_noise = 2 * slope / (temperature * noise) * half[:, None], np.log(temperature * noise / 2)
            variation = np.abs(rise[:, :ORDER]) @ WEIGHTS
            steep = ~(variation <= change)
            errors = np.maximum(_error(rise), _error(log_noise)) / np.maximum(1.0, variation)
            rough = ~(errors <= ROUGH) | ~(np.ptp(log_noise, axis=1) <= CHANGE)
            rise, log_noise = rise[:, :ORDER], log_noise[:, :ORDER]
        narrow = half <= NARROW * np.maximum(np.abs(centre), points[-1] - points[0])
        broken = narrow & (steep | ~np.isfinite(log_noise).all(axis=1))
        if broken.any():
            raise ValueError(
                f"landscape must have a finite gradient and a positive covariance F from {points[0]:g} to "
                f"{points[-1]:g}; it has not at {centre[broken.argmax()]:g}"
            )
        split = (steep | rough) & ~narrow
        done.append((low[~split], high[~split], rise[~split], log_noise[~split]))
        count += len(low)
        if count > MOST:
            raise ValueError(
                f"config must have a temperature above {temperature!r} for exact integrals from {points[0]:g} to "
                f"{points[-1]:g}: ∫ 2|L'|/(T F) is too large there"
            )
        left, middle, right = low[split], centre[split], high[split]
        low, high = np.concatenate([left, middle]), np.concatenate([middle, right])
    low, high, rise, log_noise = (np.concatenate(parts) for parts in zip(*done, strict=True))
    order = np.argsort(low)
    rise, log_noise = rise[order], log_noise[order]
    before = np.cumsum(np.r_[0.0, rise @ WEIGHTS])
    exponent = before[:-1, None] + rise @ INTEGRALS.T
    return Panels(np.r_[low[order], high[order][-1]], exponent, -exponent - log_noise)


def _error(values: Array) -> Array:
    """How far functions, given at PROBES, are from polynomials: (m, 18) → (m,)."""
    coefficients = values[:, :ORDER] @ ANALYSIS.T
    beyond = np.column_stack([coefficients @ (-1.0) ** _DEGREES, coefficients.sum(axis=1)]) - values[:, ORDER:]
    return np.asarray(np.maximum(np.abs(coefficients[:, -3:]).max(axis=1), np.abs(beyond).max(axis=1) / 10))


def open_end(line: Line, temperature: float, start: float, towards: float, moments: int, asked: str) -> float:
    """A point on the other side of `start` than `towards`, beyond which is e^{−46} of what is beyond `start`.

    Raises
    ------
    ValueError
        When there is none: the landscape does not hold the paths on that side. The message begins with what is `asked`.
    """
    away, distance = np.sign(start - towards), abs(start - towards) * np.geomspace(NEAREST, FARTHEST, GRID)
    with np.errstate(all="ignore"):
        x = start + away * distance
        slope, noise = line(x)
        pull = 2 * away * slope / (temperature * noise)
        known = int(np.argmin(np.r_[np.isfinite(pull) & (noise > 0), False]))
        pull, noise, distance = pull[:known], noise[:known], distance[:known]
        exponent = np.cumsum(np.diff(distance, prepend=0.0) * (pull + np.r_[pull[:1], pull[:-1]]) / 2)
        # Times grow outwards as those of free diffusion, or of sliding down, whichever is less.
        time = np.minimum(distance**2, 2 * distance / np.abs(pull)) / (temperature * noise)
        mass = -exponent - np.log(noise) + np.log(distance) + (moments - 1) * np.log(time)
        held = np.flatnonzero(mass > np.nanmax(mass, initial=-np.inf) - NEGLIGIBLE)
    last = int(held[-1]) + 1 if len(held) else known
    if last >= known:
        raise ValueError(
            f"{asked}: on that side, as far as there are a gradient and a positive covariance, "
            f"to {x[max(known - 1, 0)]:.3g}, nothing holds the paths, and exit times have no finite moments"
        )
    return float(x[last])
