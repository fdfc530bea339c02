"""A test of whether exit times, some of which are censored, are exponential."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sgdsde.arguments import real
from sgdsde.layout import one_line
from sgdsde.statistics.censoring import checked_times
from sgdsde.statistics.estimates import Estimate

# SciPy is imported where it is used: it costs more than everything else that this room imports.

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Exponentiality:
    """A test of whether exit times are exponential.

    Attributes
    ----------
    statistic, p_value : float
        Standard normal under the exponential law, positive where the rate of exits grows with time; two-sided.
    shape, standard_error : float
        The effect: β of the Weibull law P(τ > t) = exp(−(λt)^β) that fits best, 1 for the exponential law.
    coefficient_of_variation : Estimate or None
        Standard deviation over mean, 1 for the exponential law; None where paths are censored.
    exits, censored : int
        Of the paths that were left after the time `after`.
    after : float
        What was taken off as a transient.
    """

    statistic: float
    p_value: float
    shape: float
    standard_error: float
    coefficient_of_variation: Estimate | None
    exits: int
    censored: int
    after: float

    __repr__ = one_line


def exponentiality(
    times: ArrayLike, ended: ArrayLike, *, after: float = 0.0, resolution: float = 0.0
) -> Exponentiality:
    """Test whether exit times are exponential, as they are when a path forgets where it started before it leaves.

    Parameters
    ----------
    times, ended
        As in :func:`mean_exit_time`.
    after : float
        Length of a transient: paths that are over by then are left out, and time is counted from there.
    resolution : float
        Times of exit have been rounded up to multiples of it: a step. They are put in the middle of it, their logarithm
        is its average over the step, and `after` is taken down to a multiple. 0 for exact times.

    Returns
    -------
    Exponentiality

    Raises
    ------
    ValueError
        When an argument is not as above, fewer than two exits are left, or these are so nearly at one time that no
        Weibull law with a shape of less than 50 fits.

    Notes
    -----
    The score test against Weibull's law, with censoring (Cox & Oakes, Analysis of Survival Data, 1984, p. 43). With x
    the times, k exits, d over these, and ⟨·⟩ the average with weights x,

        U = k + Σ_d ln x − k⟨ln x⟩,    I = k(1 + ⟨ln² x⟩ − ⟨ln x⟩²),    z = U/√I.

    It is the most powerful locally against rates of exit that grow or fall as a power of time, and sees exits that come
    too soon or too late. Of 10⁵ exponential times, rounded up to 1 % of their mean, z is 6 to 9 without `resolution`.

    Examples
    --------
    >>> times = np.random.default_rng(0).exponential(size=1000)
    >>> exponentiality(np.minimum(times, 2.0), times < 2.0).p_value > 0.05
    True
    >>> test = exponentiality(times**0.5, times > 0)
    >>> bool(test.p_value < 1e-6), round(test.shape, 1)
    (True, 2.0)
    """
    from scipy.optimize import brentq
    from scipy.special import ndtr

    t, over = checked_times(times, ended)
    after, resolution = real("after", after, 0), real("resolution", resolution, 0)
    start = math.floor(after / resolution + 1e-9) * resolution if resolution else after
    kept = t > start * (1 + 1e-12)
    x, over = t[kept] - start, over[kept]
    x[over] -= resolution / 2
    k = int(over.sum())
    if k < 2:
        raise ValueError(f"times must have at least two exits after {start:g}, got {k}")
    if x.min() <= 0:
        raise ValueError(f"resolution must be at most the shortest time, got {resolution!r}")
    unit = x.sum() / k
    x /= unit
    logs = np.log(x)
    own = _mean_logs(x[over], resolution / unit) if resolution else logs[over]

    def score(shape: float) -> tuple[float, float]:
        """U and I of the times to the power `shape`."""
        y = shape * logs
        weights = np.exp(y - y.max())
        weights /= weights.sum()
        centre = float(weights @ y)
        return k + shape * float(own.sum()) - k * centre, k * (1 + float(weights @ (y - centre) ** 2))

    slope, information = score(1.0)
    statistic = slope / math.sqrt(information)
    if score(0.02)[0] <= 0 or score(50.0)[0] >= 0:
        raise ValueError("times must vary more or less: no Weibull law of shape 0.02 to 50 fits them")
    shape = math.exp(brentq(lambda power: score(math.exp(power))[0], math.log(0.02), math.log(50.0), xtol=1e-9))
    return Exponentiality(
        statistic, 2 * float(ndtr(-abs(statistic))), shape, shape / math.sqrt(score(shape)[1]),
        _variation(x) if over.all() else None, k, len(x) - k, start,
    )  # fmt: skip


def _mean_logs(centres: Array, width: float) -> Array:
    """Average of ln x over intervals, the first of which begins at 0, where ln at the centre would be far off."""
    from scipy.special import xlogy

    low, high = np.maximum(centres - width / 2, 0.0), centres + width / 2
    return np.asarray((xlogy(high, high) - xlogy(low, low)) / width - 1)


def _variation(x: Array) -> Estimate:
    """Coefficient of variation, by the delta method: the influence of x is CV times that of ln s − ln x̄."""
    mean, deviation = float(x.mean()), float(x.std(ddof=1))
    scaled = (x - mean) / deviation
    influence = scaled**2 / 2 - scaled * deviation / mean
    value = deviation / mean
    return Estimate(value, value * float(influence.std(ddof=1)) / math.sqrt(len(x)))
