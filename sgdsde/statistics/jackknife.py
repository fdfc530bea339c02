"""Functions of means, with their errors, from groups of repetitions."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sgdsde.arguments import real_array
from sgdsde.statistics.estimates import Estimate

Array = NDArray[np.float64]


def jackknife(groups: ArrayLike, function: Callable[[Array], ArrayLike]) -> Estimate:
    """A function of a mean, its bias removed to first order, with its standard error.

    Parameters
    ----------
    groups : array_like, (n, ...)
        Means of n ≥ 2 independent groups of equal size, along the first axis.
    function : callable
        Of the mean of groups, an array (...), to a number or an array.

    Returns
    -------
    Estimate
        In the unit of the function. With n groups the error itself is known to 1/√(2(n − 1)).

    Raises
    ------
    ValueError
        When there are fewer than two groups or a number is not finite.

    Notes
    -----
    With f₋ₖ that of all groups but the k-th: n f − (n − 1)⟨f₋ₖ⟩ ± √((n − 1)⟨(f₋ₖ − ⟨f₋ₖ⟩)²⟩). Quenouille 1956;
    Efron & Stein, Ann. Stat. 9 (1981) 586.

    Examples
    --------
    >>> jackknife([1.0, 2.0, 3.0], lambda mean: mean**2)                    # 4 − s²/n with s² = 1, n = 3
    Estimate(value=3.66667, standard_error=2.31541)
    """
    every = real_array("groups", groups)
    n = len(every) if every.ndim else 0
    if n < 2 or not np.isfinite(every).all():
        raise ValueError(f"groups must be finite numbers of at least 2 groups, got the shape {every.shape}")
    rest = (every.sum(axis=0) - every) / (n - 1)
    without = np.array([np.asarray(function(each), dtype=float) for each in rest])
    value = n * np.asarray(function(every.mean(axis=0))) - (n - 1) * without.mean(axis=0)
    error = np.sqrt((n - 1) * without.var(axis=0))
    return Estimate(float(value), float(error)) if value.ndim == 0 else Estimate(value, error)
