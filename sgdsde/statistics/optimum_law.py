"""How the place where a curve is lowest moves from curve to curve: B_opt ∝ ε^α, with the error of α."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sgdsde.arguments import integer, real_array
from sgdsde.layout import one_line
from sgdsde.statistics.minima import LEAST, REPLICAS, minima, spread, student
from sgdsde.statistics.optimum import Optimum, optimum

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class OptimumLaw:
    """α of (place of the least error) ∝ (variable)^α.

    Attributes
    ----------
    exponent : float
        α, by least squares on the logarithms of the places.
    standard_error : float
        Of Student's t with `dof` degrees of freedom; ∞ where nothing is known of some optimum on a side.
    interval : (float, float)
        At the level that was asked for.
    located : bool
        Whether each curve's fit has its minimum inside of its grid; else the error is that of the brackets.
    optima : tuple of Optimum
        Of each curve.
    dof : int
        Replicas − 1.
    """

    exponent: float
    standard_error: float
    interval: tuple[float, float]
    located: bool
    optima: tuple[Optimum, ...]
    dof: int

    __repr__ = one_line


def optimum_law(
    variable: ArrayLike,
    places: Sequence[ArrayLike],
    errors: Sequence[ArrayLike],
    *,
    level: float = 0.95,
    resamples: int = 500,
    seed: int = 0,
) -> OptimumLaw:
    """The exponent with which the place of the least error grows.

    Parameters
    ----------
    variable : array_like, (curves,)
        At least two different positive numbers, such as learning rates.
    places, errors : sequence of array_like
        Of each curve, as :func:`optimum` takes them; row r is the same replica in all curves.
    level, resamples, seed
        As there.

    Returns
    -------
    OptimumLaw

    Raises
    ------
    ValueError
        When an argument is not as above.

    Notes
    -----
    A place is the minimum of :func:`optimum`'s cubic. On a skewed peak it is biased, by as much for all curves that
    are shifts of one another, which is what a power law predicts: α has no bias then, and is known better than the
    places are. Where curves differ in shape it has one. The standard error is that of a bootstrap of replicas, all
    curves together and windows chosen anew, and its distance from α of parabolas in the same windows, in squares.
    Where some minimum is not inside its grid, or there are too few points or replicas for fits, α's interval is all
    that the brackets allow.

    Over synthetic peaks and cliffs (tests/statistics/) intervals for 95 % cover 93 % and more; 85 % and more where the
    cliff of one curve has become a kink in the other.

    Examples
    --------
    >>> B = 2.0 ** np.arange(1, 9)
    >>> noise = np.random.default_rng(0).normal(0, 0.02, (2, 10, 8))
    >>> curves = [0.1 * np.exp(0.04 * np.log2(B / best) ** 2 + n) for best, n in zip((10, 40), noise)]
    >>> found = optimum_law([0.1, 0.4], [B, B], curves)
    >>> found.located, found.interval[0] < 1 < found.interval[1]
    (True, True)
    """
    values = real_array("variable", variable)
    if values.ndim != 1 or len(set(values.tolist())) < max(2, len(values)) or not (values > 0).all():
        raise ValueError(f"variable must be at least two different positive numbers, got {values.tolist()}")
    if not len(values) == len(places) == len(errors):
        raise ValueError(f"places and errors must be {len(values)} curves, got {len(places)} and {len(errors)}")
    of_each = [np.asarray(each, dtype=float) for each in errors]
    rows = {len(each) for each in of_each}
    if len(rows) > 1:
        raise ValueError(f"errors must have the same replicas in all curves, got {sorted(rows)} of them")
    found = tuple(
        optimum(x, e, level=level, resamples=resamples, seed=seed) for x, e in zip(places, of_each, strict=True)
    )
    replicas, away = rows.pop(), np.log(values) - np.log(values).mean()
    weights = away / (away @ away)
    t = student(replicas - 1, level)
    if replicas >= REPLICAS and min(each.shape[1] for each in of_each) >= LEAST:
        fits = [
            minima(np.log(np.asarray(x, dtype=float)), e, integer("resamples", resamples, 100), seed)
            for x, e in zip(places, of_each, strict=True)
        ]
        if all(fit.located for fit in fits):
            alpha, other = (weights @ np.array([getattr(fit, name) for fit in fits]) for name in ("cubic", "same"))
            error = math.hypot(spread(alpha, replicas), float(alpha[0] - other[0]))
            exponent = float(alpha[0])
            return OptimumLaw(exponent, error, (exponent - t * error, exponent + t * error), True, found, replicas - 1)
    with np.errstate(divide="ignore"):
        brackets = np.log([each.bracket for each in found])
    low, high = (
        sum(float(w * ends[side if w > 0 else 1 - side]) for w, ends in zip(weights, brackets, strict=True) if w)
        for side in (0, 1)
    )
    exponent = float(weights @ np.log([each.place for each in found]))
    return OptimumLaw(exponent, (high - low) / 2 / t, (low, high), False, found, replicas - 1)
