"""Order of convergence: the slope of log₂|error| against log₂ Δ, with an interval."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sgdsde.arguments import integer, positive, real, real_array
from sgdsde.statistics.regression import regression

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Order:
    """A measured order of convergence, |error| = 2^intercept Δ^slope 2^(bend Δ^next_power).

    Attributes
    ----------
    step_sizes, errors, standard_errors : (n,)
        What was given, in its order.
    used : (n,) of bool
        The points of the fit.
    slope, standard_error : float
        The order; NaN where too few points are left.
    interval : (float, float)
        Two-sided, at the level `confidence`.
    intercept, bend : float
        log₂ of the constant, and the coefficient of the next term (0 where it was not fitted).
    next_power : float
        q of the next term.
    confidence : float
    excluded : tuple of str
        A sentence for each point left out.
    """

    step_sizes: Array
    errors: Array
    standard_errors: Array
    used: NDArray[np.bool_]
    slope: float
    standard_error: float
    interval: tuple[float, float]
    intercept: float
    bend: float
    next_power: float
    confidence: float
    excluded: tuple[str, ...]

    @property
    def determined(self) -> bool:
        """Whether enough points were left for a slope."""
        return math.isfinite(self.slope)

    def line(self, step_sizes: ArrayLike) -> Array:
        """|error| that the fit gives at these step sizes."""
        step = real_array("step_sizes", step_sizes)
        return np.asarray(2.0 ** (self.intercept + self.bend * step**self.next_power) * step**self.slope)

    def __str__(self) -> str:
        low, high = self.interval
        found = f"{self.slope:.3f} ± {self.standard_error:.3f} ({self.confidence:.0%}: {low:.3f} … {high:.3f})"
        counts = f"{self.used.sum()} of {len(self.used)} step sizes usable"
        return "; ".join([f"order {found if self.determined else 'undetermined'}, {counts}", *self.excluded])

    def __repr__(self) -> str:
        return str(self)


def fit_order(
    step_sizes: ArrayLike,
    errors: ArrayLike,
    standard_errors: ArrayLike | None = None,
    *,
    covariance: ArrayLike | None = None,
    next_power: float | None = None,
    confidence: float = 0.95,
    least_points: int = 3,
    noise_factor: float = 4.0,
) -> Order:
    """Fit the order p of error = C Δ^p, by least squares on logarithms.

    Parameters
    ----------
    step_sizes : array_like, (n,)
        Δ, positive and distinct.
    errors : array_like, (n,)
        Strong or (signed) weak errors.
    standard_errors : array_like, (n,) or a number
        Of `errors`; 0 where they are exact.
    covariance : array_like, (n, n)
        Of `errors`, in place of `standard_errors`, where step sizes share Brownian paths.
    next_power : float, optional
        q > 0: allow for error = C Δ^p (1 + aΔ^q + …), by a column Δ^q in the fit of the logarithm. It needs one point
        more than `least_points`; with fewer the straight line is fitted. Wider, and right where Δ is not tiny.
    confidence : float
        Of the interval, in (0, 1).
    least_points : int
        At least 3; with fewer usable points the order is undetermined.
    noise_factor : float
        A point is left out where |error| is less than this many of its standard errors.

    Returns
    -------
    Order

    Raises
    ------
    ValueError
        When a shape, a sign or a range is wrong; too few usable points are not an error.

    Notes
    -----
    Delta method: Cov(log₂|e_i|, log₂|e_j|) = Cov(e_i, e_j)/(e_i e_j ln²2). Residuals that scatter more than that widen
    the interval, by a Student quantile too: see :func:`~sgdsde.statistics.regression.regression`. Exact errors are
    fitted by ordinary least squares.

    A smooth bend is little scatter: a straight line through it has an interval about the wrong slope. Give
    `next_power` unless the steps are in the asymptotic regime.

    What is left out is decided on |error|/SE alone, point by point, never on how it fits. A point near the limit stays
    when it fluctuated up, which by itself lowers the slope; at a factor of 4 that is within the interval.

    Examples
    --------
    >>> steps = [0.5, 0.25, 0.125, 0.0625]
    >>> print(fit_order(steps, [0.5, 0.26, 0.128, 0.001], [0.01, 0.01, 0.005, 0.002]))  # doctest: -ELLIPSIS
    order 0.977 ± 0.030 (95%: 0.918 … 1.037), 3 of 4 step sizes usable; Δ = 0.0625: error 0.001 is under the Monte
    Carlo noise, 4 standard errors of 0.002
    """
    step, error = real_array("step_sizes", step_sizes), real_array("errors", errors)
    spread = _spread(standard_errors, covariance, step.size)
    good = step.ndim == 1 and np.isfinite(step).all() and (step > 0).all() and len(np.unique(step)) == step.size > 0
    if not good:
        raise ValueError(f"step_sizes must be a sequence of positive, finite and distinct numbers, got {step_sizes!r}")
    if error.shape != step.shape:
        raise ValueError(f"errors must be numbers, one for each step size, got {errors!r}")
    power = 1.0 if next_power is None else positive("next_power", next_power)
    confidence = real("confidence", confidence, above=0, below=1)
    least_points, noise_factor = integer("least_points", least_points, 3), real("noise_factor", noise_factor, 0)
    deviation = np.sqrt(np.diagonal(spread))
    reasons = [_reason(*point, noise_factor) for point in zip(step, error, deviation, strict=True)]
    used = np.array([not reason for reason in reasons])
    bent = next_power is not None and used.sum() > least_points
    intercept = slope = bend = own = reach = math.nan
    if used.sum() >= least_points:
        columns = [np.ones(used.sum()), np.log2(step[used]), step[used] ** power]
        relative = spread[np.ix_(used, used)] / np.outer(error[used], error[used]) / math.log(2) ** 2
        fit, freedom = regression(np.stack(columns[: 2 + bent], axis=1), np.log2(np.abs(error[used])), relative)
        intercept, slope, bend = map(float, np.append(fit.value, 0.0)[:3])
        own = float(np.asarray(fit.standard_error)[1])
        reach = own * _quantile((1 + confidence) / 2, freedom)
    return Order(
        step, error, deviation, used, slope, own, (slope - reach, slope + reach), intercept, bend, power, confidence,
        tuple(filter(None, reasons)),
    )  # fmt: skip


def _quantile(probability: float, freedom: float) -> float:
    """The quantile of Student's distribution, or of the normal one where `freedom` is infinite."""
    from scipy.special import ndtri, stdtrit  # here, as in regression

    return float(stdtrit(freedom, probability) if math.isfinite(freedom) else ndtri(probability))


def _reason(step: float, error: float, deviation: float, noise_factor: float) -> str:
    """Why a point is left out, or nothing."""
    if not (math.isfinite(error) and math.isfinite(deviation)):
        return f"Δ = {step:.6g}: error {error:.3g} with standard error {deviation:.3g} is not finite"
    if abs(error) < noise_factor * deviation:
        limit = f"{noise_factor:g} standard errors of {deviation:.3g}"
        return f"Δ = {step:.6g}: error {error:.3g} is under the Monte Carlo noise, {limit}"
    return "" if error else f"Δ = {step:.6g}: error 0 has no logarithm"


def _spread(standard_errors: ArrayLike | None, covariance: ArrayLike | None, n: int) -> Array:
    """Covariance matrix of the errors, from what was given."""
    if (standard_errors is None) == (covariance is None):
        raise ValueError("give standard_errors (0 where errors are exact) or covariance, one of them")
    if covariance is None:
        deviation = real_array("standard_errors", standard_errors)
        if deviation.shape not in ((), (n,)) or (deviation < 0).any():
            raise ValueError(f"standard_errors must be {n} numbers, at least 0, got {standard_errors!r}")
        return np.diag(np.broadcast_to(deviation, n) ** 2)
    matrix = real_array("covariance", covariance)
    if matrix.shape != (n, n):
        raise ValueError(f"covariance must have the shape {(n, n)}, got {matrix.shape}")
    known = np.isfinite(np.diagonal(matrix))
    part = matrix[np.ix_(known, known)]
    symmetric = np.allclose(part, part.T, rtol=1e-9, atol=0.0)
    least = np.linalg.eigvalsh(part).min(initial=0.0) if symmetric else -math.inf
    if least < -1e-10 * np.abs(part).max(initial=0.0) or (np.diagonal(part) < 0).any():
        raise ValueError(f"covariance must be symmetric and positive semidefinite, got {covariance!r}")
    return matrix
