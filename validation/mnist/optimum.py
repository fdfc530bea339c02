"""Where smooth curves are highest, how that moves from curve to curve, and errors of both by a bootstrap over replicas.

A curve is smoothed by a local quadratic in log2 of its abscissa (Gaussian weights), and its optimum is where that is
highest. Unlike the best point of the grid, this moves continuously with the data, and it commutes with a shift of the
curve, which is what a power law predicts. A replica has its own training set, initial weights and batches, the same
at every point of every curve: resampling replicas, all curves together, is resampling training sets and seeds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

FloatArray = NDArray[np.float64]
#: Width of the Gaussian weights in octaves, and how many times replicas are resampled.
BANDWIDTH, RESAMPLES = 0.75, 2000


@dataclass(frozen=True, eq=False)
class Optima:
    """The optimum of each curve, and the exponent α of (optimum) ∝ (variable)^α.

    Attributes
    ----------
    place : array, (curves,)
        Where the smoothed mean over replicas is highest.
    value : array, (curves,)
        How high it is there.
    octave_error : array, (curves,)
        Standard error of log2(place).
    interval : array, (curves, 2)
        95 % intervals of place: Student's t on log2.
    bracketed : array of bool, (curves,)
        Whether the optimum lies inside the grid; elsewhere it is a bound.
    smooth : tuple of (place, value) arrays
        The smoothed curves, for drawing.
    exponent, exponent_error : float
        α by least squares on the logarithms, and its standard error.
    exponent_interval : tuple of float
        95 % interval of α: Student's t.
    dof : int
        Replicas − 1.
    """

    place: FloatArray
    value: FloatArray
    octave_error: FloatArray
    interval: FloatArray
    bracketed: NDArray[np.bool_]
    smooth: tuple[tuple[FloatArray, FloatArray], ...]
    exponent: float
    exponent_error: float
    exponent_interval: tuple[float, float]
    dof: int


def optima(
    variable: Sequence[float],
    places: Sequence[FloatArray],
    values: Sequence[FloatArray],
    generator: np.random.Generator,
    bandwidth: float = BANDWIDTH,
) -> Optima:
    """The optima of curves, one for each value of a variable.

    Parameters
    ----------
    variable : sequence of float
        What the optimum is a power of, at least two values.
    places : sequence of arrays, (points,)
        The abscissa of each curve, positive and increasing.
    values : sequence of arrays, (points, replicas)
        What was measured there; the same replicas in all curves.
    generator : numpy.random.Generator
        Of the bootstrap.
    bandwidth : float
        In octaves.

    Examples
    --------
    >>> x = np.array([1.0, 2.0, 4.0, 8.0])
    >>> curve = lambda best: (1 - np.log2(x / best) ** 2)[:, None] + np.zeros(3)
    >>> found = optima([0.1, 0.2], [x, x], [curve(2.0), curve(4.0)], np.random.default_rng(0))
    >>> found.place.round(2), round(found.exponent, 2)
    (array([2., 4.]), 1.0)
    """
    r = values[0].shape[1]
    shares = generator.multinomial(r, np.full(r, 1 / r), size=RESAMPLES) / r
    weights = np.vstack([np.full(r, 1 / r), shares])  # the first row is the measurement itself
    tops, heights, smooth, bracketed = [], [], [], []
    for place, value in zip(places, values, strict=True):
        x, smoother = local_quadratic(np.log2(place), bandwidth)
        curve = smoother @ value @ weights.T
        best = curve.argmax(axis=0)
        tops.append(x[best])
        heights.append(curve[best[0], 0])
        smooth.append((2**x, curve[:, 0]))
        bracketed.append(0 < best[0] < len(x) - 1)
    log_tops, log_variable = np.array(tops), np.log2(variable)
    centred = log_variable - log_variable.mean()
    slopes = centred @ log_tops / (centred @ centred)
    # The bootstrap's spread is that of r draws about their own mean: r/(r − 1) corrects it, Student's t the interval.
    inflate, t = np.sqrt(r / (r - 1)), stats.t.ppf(0.975, r - 1)
    error = log_tops[:, 1:].std(axis=1) * inflate
    exponent, exponent_error = float(slopes[0]), float(slopes[1:].std() * inflate)
    return Optima(
        place=2 ** log_tops[:, 0],
        value=np.array(heights),
        octave_error=error,
        interval=2 ** (log_tops[:, :1] + t * error[:, None] * np.array([-1, 1])),
        bracketed=np.array(bracketed),
        smooth=tuple(smooth),
        exponent=exponent,
        exponent_error=exponent_error,
        exponent_interval=(exponent - t * exponent_error, exponent + t * exponent_error),
        dof=r - 1,
    )


def local_quadratic(x: FloatArray, bandwidth: float, points: int = 2001) -> tuple[FloatArray, FloatArray]:
    """A fine grid over the range of `x`, and the matrix that takes values at `x` to the smoothed curve on it."""
    fine = np.linspace(x[0], x[-1], points)
    away = x - fine[:, None]
    design = away[..., None] ** np.arange(3)
    weighted = np.exp(-0.5 * (away / bandwidth) ** 2)[..., None] * design
    normal = np.einsum("pij,pik->pjk", design, weighted)
    return fine, np.linalg.solve(normal, weighted.transpose(0, 2, 1))[:, 0]
