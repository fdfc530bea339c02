"""Runs compared where they are equally far: a reading along training where another one has a value.

Networks of different ε or B are at one loss, accuracy or distance after different times. What is compared there, such
as sharpness at equal training loss (Jastrzębski et al., arXiv 1711.04623), is read off each run's own readings.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sgdsde.arguments import positive, real_array

Array = NDArray[np.float64]


def where_reached(x: ArrayLike, y: ArrayLike, level: float) -> Array:
    """What y is where x first reaches a level, by straight lines from reading to reading.

    Parameters
    ----------
    x, y : array_like, (runs, readings)
        In the order of time.
    level : float
        In the unit of x.

    Returns
    -------
    ndarray, (runs,)
        In the unit of y; NaN in a run whose x does not reach the level, or has it at the first reading already.

    Raises
    ------
    ValueError
        When the shapes differ.

    Examples
    --------
    >>> where_reached([[0.2, 0.6, 1.0], [0.1, 0.2, 0.3]], [[5.0, 3.0, 1.0], [5.0, 3.0, 1.0]], 0.8)
    array([ 2., nan])
    """
    return _by_run(x, y, lambda at, values: _crossing(at, values, level))


def _crossing(x: Array, y: Array, level: float) -> float:
    passed = x >= level
    k = int(np.argmax(passed))
    if not passed[k] or not k:
        return float("nan")
    share = (level - x[k - 1]) / (x[k] - x[k - 1])
    return float(y[k - 1] + share * (y[k] - y[k - 1]))


def fitted_at_zero(x: ArrayLike, y: ArrayLike, reach: float) -> Array:
    """What y is where x falls to 0, by the line of least squares through the readings with |x| ≤ reach.

    The noise of a single reading moves the line less than it would move an interpolation.

    Parameters
    ----------
    x, y : array_like, (runs, readings)
        As the logarithm of a loss over the one of the comparison, which falls, and what is compared; y may have NaN.
    reach : float
        In the unit of x.

    Returns
    -------
    ndarray, (runs,)
        In the unit of y; NaN in a run whose x stays above 0, or has fewer than three such readings.

    Raises
    ------
    ValueError
        When the shapes differ, or reach is not positive.

    Examples
    --------
    >>> fitted_at_zero([[2.0, 0.5, 0.1, -0.4], [4.0, 3.0, 2.0, 1.0]], [[0.0, 4.0, 3.2, 2.2]] * 2, 0.7).round(3)
    array([ 3., nan])
    """
    near = positive("reach", reach)
    return _by_run(x, y, lambda at, values: _fitted(at, values, near))


def _fitted(x: Array, y: Array, reach: float) -> float:
    near = (np.abs(x) <= reach) & np.isfinite(y)
    if near.sum() < 3 or x.min() > 0:
        return float("nan")
    return float(np.polynomial.Polynomial.fit(x[near], y[near], 1)(0.0))


def mean_between(x: ArrayLike, y: ArrayLike, low: float, high: float) -> Array:
    """Mean of y where x is between two values, each value of x counting alike.

    Parameters
    ----------
    x, y : array_like, (runs, readings)
        y is taken by straight lines in the order of x, which need not be that of time; either may have NaN.
    low, high : float
        In the unit of x.

    Returns
    -------
    ndarray, (runs,)
        In the unit of y, from 201 points; NaN in a run whose readings do not reach both ends.

    Raises
    ------
    ValueError
        When the shapes differ.

    Examples
    --------
    >>> mean_between([[0.0, 2.0, 1.0], [0.0, 0.1, 0.2]], [[0.0, 4.0, 2.0], [1.0, 1.0, 1.0]], 0.5, 1.5)
    array([ 2., nan])
    """
    fine = np.linspace(low, high, 201)
    return _by_run(x, y, lambda at, values: _mean(fine, at, values))


def _mean(fine: Array, x: Array, y: Array) -> float:
    known = np.isfinite(x) & np.isfinite(y)
    order = np.argsort(x[known], kind="stable")
    x, y = x[known][order], y[known][order]
    if not len(x) or x[0] > fine[0] or x[-1] < fine[-1]:
        return float("nan")
    return float(np.interp(fine, x, y).mean())


def slopes(x: ArrayLike, y: ArrayLike) -> Array:
    """Slopes of the lines of least squares of each run's y against x.

    Parameters
    ----------
    x : array_like, (points,)
        At least two different numbers, such as the ln(ε/B) of each point.
    y : array_like, (points, runs)
        NaN where a run has no number.

    Returns
    -------
    ndarray, (runs,)
        y's unit over x's; NaN in a run that lacks a number.

    Raises
    ------
    ValueError
        When y does not have a row for each x.

    Examples
    --------
    >>> slopes([0.0, 1.0, 3.0], [[5.0, 1.0], [7.0, 0.0], [11.0, -2.0]])
    array([ 2., -1.])
    """
    at, values = real_array("x", x), real_array("y", y)
    if at.ndim != 1 or values.ndim != 2 or len(at) != len(values):
        raise ValueError(f"y must have a row for each x, got the shapes {values.shape} and {at.shape}")
    centred = at - at.mean()
    return np.asarray(centred @ values / (centred @ centred))


def _by_run(x: ArrayLike, y: ArrayLike, function: Callable[[Array, Array], float]) -> Array:
    every, values = real_array("x", x), real_array("y", y)
    if every.ndim != 2 or every.shape != values.shape:
        raise ValueError(f"x and y must have one shape (runs, readings), got {every.shape} and {values.shape}")
    return np.array([function(*pair) for pair in zip(every, values, strict=True)])
