"""Checks of effects of which a paper has the sign and no size."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from validation.check import Check
from validation.measure import mean_and_error

#: The rival of every effect.
NONE = "no dependence"


def of_sign(label: str, effect: tuple[float, float], sign: int, least: float, dof: float = math.inf) -> Check:
    """The check that an effect (value, standard error) has a sign and is beyond `least` on that side.

    The reference is the nearest to what was measured of the numbers of this sign from 2 `least` on, and `scale` its
    distance from `least`. So at a margin of 1, relative to this, the check agrees where the whole interval is beyond
    `least` on the side of the sign, and differs where none of it is: an effect of the other sign is shown with the sign
    that it has. The rival is that there is none.

    >>> found = of_sign("slope", (0.3, 0.02), -1, 0.05)
    >>> found.predicted, found.measured, found.unit, found.beyond
    (-0.1, 0.3, 0.05, -0.05)
    """
    value, error = effect
    reference = sign * max(2 * least, sign * value)
    return Check(label, reference, value, error, {NONE: 0.0}, 0.0, abs(reference) - least, dof, sign * least)


def of_sign_in(label: str, values: ArrayLike, sign: int, least: float) -> Check:
    """The same of values of replicas, (n,), NaN where one never came to where it is read."""
    value, error, dof = mean_known(values)
    return of_sign(label, (value, error), sign, least, dof)


def mean_known(values: ArrayLike, unknown: float = 0.0) -> tuple[float, float, float]:
    """Mean of the replicas that have a number, its standard error, and its degrees of freedom.

    What fewer than two have is `unknown`, by 1.

    >>> mean_known([1.0, np.nan, 3.0]), mean_known([1.0, np.nan])
    ((2.0, 1.000..., 1), (0.0, 1.0, inf))
    """
    found = np.asarray(values, dtype=float)
    found = found[np.isfinite(found)]
    if len(found) < 2:
        return unknown, 1.0, math.inf
    return *mean_and_error(found), len(found) - 1
