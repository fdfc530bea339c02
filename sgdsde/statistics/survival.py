"""The probability that a path has not ended yet, against time, by the estimator of Kaplan and Meier."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sgdsde.arguments import as_integer, integer, real, real_array
from sgdsde.layout import one_line
from sgdsde.statistics.censoring import checked_times

# SciPy is imported where it is used: it costs more than everything else that this room imports.

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class SurvivalCurve:
    """Kaplan & Meier's estimate of P(τ > t).

    Attributes
    ----------
    times : (k,)
        Increasing.
    survival, low, high : (k,)
        Just after `times`, and a band that holds each of them, not all at once, with probability `confidence`. NaN
        where no path is left to tell.
    at_risk : (k,) of int
        Paths that neither ended nor were censored before `times`.
    confidence : float
    """

    times: Array
    survival: Array
    low: Array
    high: Array
    at_risk: NDArray[np.int64]
    confidence: float

    __repr__ = one_line


def survival_curve(
    times: ArrayLike, ended: ArrayLike, *, at: ArrayLike | int | None = None, confidence: float = 0.95
) -> SurvivalCurve:
    """Probability to be still inside, against time, whatever the law of the exits.

    Parameters
    ----------
    times, ended
        As in :func:`mean_exit_time`.
    at : (k,), int or None
        Times at which to give it, increasing; a number k of them, evenly from 0 to the last of `times`; or all times
        at which a path ended.
    confidence : float
        Of the band at each time, in (0, 1).

    Returns
    -------
    SurvivalCurve

    Raises
    ------
    ValueError
        When an argument is not as above.

    Notes
    -----
    Kaplan & Meier, J. Am. Stat. Assoc. 53 (1958) 457. The band is Greenwood's on the scale of ln(−ln S), by
    :func:`scipy.stats.ecdf`. That has no value before the first exit, where the exact binomial bound stands in, nor
    once nothing survives: there the upper end is that of the exit before.

    Examples
    --------
    >>> curve = survival_curve([1.0, 2.0, 3.0, 3.0], [True, True, True, False])
    >>> curve.times, curve.survival, curve.at_risk
    (array([1., 2., 3.]), array([0.75, 0.5 , 0.25]), array([4, 3, 2]))
    """
    from scipy.stats import CensoredData, ecdf

    t, over = checked_times(times, ended)
    confidence = real("confidence", confidence, above=0, below=1)
    asked = np.unique(t[over]) if at is None else _grid(at, float(t.max()))
    found = ecdf(CensoredData(uncensored=t[over], right=t[~over])).sf
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # it warns of what is filled in below
        band = found.confidence_interval(confidence, method="log-log")
    ordered = np.sort(t)
    place = np.searchsorted(found.quantiles, asked, side="right") - 1
    at_risk = len(t) - np.searchsorted(ordered, asked)
    left = len(t) - np.searchsorted(ordered, asked, side="right")
    whole, none = found.probabilities == 1, found.probabilities == 0
    low, high = (np.array(side.probabilities) for side in (band.low, band.high))
    low[none], high[whole] = 0.0, 1.0
    before = high[~none & ~whole][-1:]
    high[none] = before[0] if before.size else 1.0
    survival, low, high = (np.append(values, 1.0)[place] for values in (found.probabilities, low, high))
    # Nothing has ended yet: of those at risk until then, n of n survive.
    unharmed = survival == 1
    low[unharmed] = ((1 - confidence) / 2) ** (1 / np.maximum(at_risk[unharmed], 1))
    unknown = (left == 0) & (survival > 0) & (asked > ordered[-1])
    survival[unknown] = low[unknown] = high[unknown] = np.nan
    return SurvivalCurve(asked, survival, low, high, at_risk.astype(np.int64), confidence)


def _grid(at: ArrayLike | int, last: float) -> Array:
    if as_integer(at) is not None:
        return np.linspace(0.0, last, integer("at", at, 2, also=", or times"))
    asked = real_array("at", at)
    if asked.ndim != 1 or not np.isfinite(asked).all() or not (np.diff(asked, prepend=0.0) >= 0).all():
        raise ValueError(f"at must be a number of times, or finite times that increase from 0 on, got {at!r}")
    return asked
