"""Mean exit times and rates, from paths of which some are censored."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sgdsde.arguments import choice, real
from sgdsde.statistics.censoring import checked_times
from sgdsde.statistics.estimates import Estimate

# SciPy is imported where it is used: it costs more than everything else that this room imports.

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

#: Exits from which a standard error says about as much as the interval; with fewer it is not printed.
FEW = 10


@dataclass(frozen=True, repr=False)
class ExitTime:
    """A mean exit time, in the unit of the times given, and its inverse, the rate; printed, one line.

    Attributes
    ----------
    mean, standard_error : float
        Without any exit infinite and NaN.
    interval, rate_interval : (float, float)
        Two-sided, at the level `confidence`; one-sided without any exit, where `mean` has no upper end.
    rate : float
        1/mean.
    exits, censored : int
        Paths that ended, and paths that did not.
    method : str
        ``"sample_mean"`` or ``"exponential"``: which was used.
    confidence : float
    """

    mean: float
    standard_error: float
    interval: tuple[float, float]
    rate: float
    rate_interval: tuple[float, float]
    exits: int
    censored: int
    method: str
    confidence: float

    @property
    def few(self) -> bool:
        """Whether so few paths ended that the interval tells what the standard error does not."""
        return self.exits < FEW

    def __str__(self) -> str:
        """The mean with its error; with few exits without, and without any the lower end.

        >>> print(mean_exit_time([1.0, 2.0, 3.0, 3.0], [True, True, False, False]))
        4.5
        """
        if not self.exits:
            return f"> {self.interval[0]:.4g}"
        return f"{self.mean:.5g}" if self.few else f"{self.mean:.5g} ± {self.standard_error:.2g}"

    def __repr__(self) -> str:
        low, high = (f"{end:.4g}" for end in self.interval)
        interval = f" ({self.confidence:.0%}: {low} to {high})" if self.exits else f" ({self.confidence:.0%})"
        ended = "1 exit" if self.exits == 1 else f"{self.exits} exits"
        return f"<ExitTime: {self}{interval}, {ended}, {self.censored} censored, {self.method}>"

    @property
    def estimate(self) -> Estimate:
        """Mean and standard error, for :func:`~sgdsde.statistics.check`."""
        return Estimate(self.mean, self.standard_error)


def mean_exit_time(times: ArrayLike, ended: ArrayLike, *, method: str = "auto", confidence: float = 0.95) -> ExitTime:
    """Mean time to exit, of paths that ended and perhaps of paths that were given up before.

    Parameters
    ----------
    times : (n,)
        When each path ended, or when watching it ended. Positive, in any unit.
    ended : (n,) of bool
        False for a censored path.
    method : str
        ``"sample_mean"``: assumes nothing of the law, and needs that every path has ended, and two at least.
        ``"exponential"``: maximum likelihood for exponential times. ``"auto"``: the first where no path is censored,
        otherwise the second; the result says which.
    confidence : float
        Of the intervals, in (0, 1).

    Returns
    -------
    ExitTime

    Raises
    ------
    ValueError
        When an argument is not as above.

    Notes
    -----
    Sample mean: its error from the spread, and Student's interval on the logarithm, which suits skewed times.

    Exponential: with k exits in a total time at risk S, τ = S/k, its error τ/√k. The interval of the rate is
    (χ²_{2k}(α/2), χ²_{2k}(1 − α/2))/(2S), exact without censoring; with it the upper end has 2k + 2 degrees of freedom
    (Garwood, Biometrika 28 (1936) 437), exact for a total time fixed beforehand. Without exits the rate is less than
    −ln(1 − confidence)/S. Where times are not exponential, censoring makes this an answer to another question: look at
    :func:`exponentiality`.

    Examples
    --------
    >>> mean_exit_time([1.0, 2.0, 6.0], [True, True, True]).estimate
    Estimate(value=3, standard_error=1.52753)
    >>> found = mean_exit_time([1.0, 2.0, 3.0, 3.0], [True, True, False, False])
    >>> found.mean, round(found.standard_error, 3), found.method
    (4.5, 3.182, 'exponential')
    >>> nothing = mean_exit_time([100.0] * 3, [False] * 3)
    >>> nothing.mean, round(nothing.interval[0], 1)                     # 300/ln 20
    (inf, 100.1)
    """
    t, over = checked_times(times, ended)
    confidence = real("confidence", confidence, above=0, below=1)
    choice("method", method, ("auto", *_METHODS))
    used = method if method != "auto" else "sample_mean" if over.all() else "exponential"
    k = int(over.sum())
    mean, error, rates = _METHODS[used](t, over, confidence)
    interval = (1 / rates[1], 1 / rates[0] if rates[0] > 0 else math.inf)
    return ExitTime(mean, error, interval, 1 / mean, rates, k, len(t) - k, used, confidence)


_Found = tuple[float, float, tuple[float, float]]


def _sample_mean(times: Array, ended: Flags, confidence: float) -> _Found:
    """Mean, standard error, and the interval of the rate."""
    from scipy.special import stdtrit

    n = len(times)
    if not ended.all():
        raise ValueError(
            f"method 'sample_mean' needs that every path has ended, but {n - ended.sum()} of {n} are censored; "
            f"'exponential' accepts them"
        )
    if n < 2:
        raise ValueError(f"times must be at least two for method 'sample_mean', got {n}")
    mean, error = float(times.mean()), float(times.std(ddof=1)) / math.sqrt(n)
    reach = float(stdtrit(n - 1, (1 + confidence) / 2)) * error / mean
    return mean, error, (math.exp(-reach) / mean, math.exp(reach) / mean)


def _exponential(times: Array, ended: Flags, confidence: float) -> _Found:
    from scipy.special import gammainccinv, gammaincinv  # of k: the quantiles of χ² with 2k degrees of freedom, halved

    total, k, tail = float(times.sum()), int(ended.sum()), (1 - confidence) / 2
    if k == 0:
        return math.inf, math.nan, (0.0, -math.log1p(-confidence) / total)
    upper = gammainccinv(k + (k < len(times)), tail)
    return total / k, total / k / math.sqrt(k), (float(gammaincinv(k, tail)) / total, float(upper) / total)


_METHODS: dict[str, Callable[[Array, Flags, float], _Found]] = {
    "sample_mean": _sample_mean,
    "exponential": _exponential,
}
