"""The learning rate at which something starts to grow, from measured growths alone."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from sgdsde.arguments import positive
from sgdsde.statistics import Estimate, jackknife

Array = NDArray[np.float64]

#: Bisection ends where the ends of the bracket are no further apart than by this factor.
NARROW = 1.1
#: Nothing that grows at a learning rate is still growing at this share of it.
LEAST = 2.0**-20


def growth_limit(
    growth: Callable[[float], Array], highest: float, coarse: Callable[[float], Array] | None = None
) -> Estimate:
    """The learning rate at which a growth is 0, by bisection and then a parabola, with its error over groups.

    Parameters
    ----------
    growth : callable
        ε → growths of independent groups, (groups,), such as those of `second_moment_growth`: negative below the limit
        and positive above. With one seed for all ε it is smoother in ε.
    highest : float
        A learning rate above the limit, such as 2(1 + m)/λ_max.
    coarse : callable, optional
        The same from fewer paths, for the bisection, where the sign of the mean is all that matters.

    Returns
    -------
    Estimate, in units of the learning rate.

    Raises
    ------
    ValueError
        When the mean growth is not positive at `highest`, or is still positive at 2⁻²⁰ of it.

    Notes
    -----
    ε is halved until the mean growth is negative, and the bracket in two, in ln ε, until its ends are within 10 %. The
    root of the parabola in ln ε through both ends and their middle is a jackknife over groups.

    Examples
    --------
    >>> growth_limit(lambda rate: np.log(rate / np.array([1.9, 2.1])), 8.0)
    Estimate(value=1.9975, standard_error=0.1)
    """
    high, tried = positive("highest", highest), coarse or growth
    if not tried(high).mean() > 0:
        raise ValueError(f"highest must be a learning rate at which the growth is positive, got {highest!r}")
    low = high / 2
    while tried(low).mean() > 0:
        low, high = low / 2, low
        if low < LEAST * highest:
            raise ValueError(f"growth must be negative at small learning rates, got one that is positive at {low:.3g}")
    while high > NARROW * low:
        middle = (low * high) ** 0.5
        low, high = (low, middle) if tried(middle).mean() > 0 else (middle, high)
    x = np.log([low, (low * high) ** 0.5, high])
    found = np.stack([growth(float(rate)) for rate in np.exp(x)], axis=1)

    def root(mean: Array) -> float:
        roots = np.roots(np.polyfit(x - x[1], mean, 2))
        return float(np.exp(x[1] + roots.real[np.abs(roots).argmin()]))

    return jackknife(found, root)
