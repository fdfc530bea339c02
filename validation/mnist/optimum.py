"""Where curves of accuracies are highest, and how that moves: the library's estimates in the words of the claims."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sgdsde.statistics import optimum_law

FloatArray = NDArray[np.float64]
#: The standard error of an exponent of which the measurement says nothing: more than any law's.
UNKNOWN = 10.0


@dataclass(frozen=True, eq=False)
class Optima:
    """The optimum of each curve, and the exponent α of (optimum) ∝ (variable)^α, as `sgdsde.statistics` finds them.

    ``place`` (curves,) and its 95 % ``interval`` (curves, 2), 0 or ∞ where it has no end; ``bracketed``, whether it has
    two; ``smooth``, the fits in their windows, for drawing; ``exponent``, its ``exponent_error``, of Student's t with
    ``dof`` degrees of freedom, and its 95 % ``exponent_interval``.
    """

    place: FloatArray
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
    bandwidth: float = 0.0,
) -> Optima:
    """The optima of curves, one for each value of a variable, from accuracies, (points, replicas).

    The `generator` gives the bootstrap's seed; `bandwidth` is of an estimate that is no more.
    """
    seed = int(generator.integers(2**31))
    law = optimum_law(variable, places, [1 - value.T for value in values], seed=seed)
    intervals = np.array([best.interval for best in law.optima])
    return Optima(
        place=np.array([best.place for best in law.optima]),
        interval=intervals,
        bracketed=np.isfinite(intervals).all(axis=1) & (intervals > 0).all(axis=1),
        smooth=tuple((best.curve[0], 1 - best.curve[1]) for best in law.optima),
        exponent=law.exponent,
        exponent_error=min(law.standard_error, UNKNOWN),
        exponent_interval=law.interval,
        dof=law.dof,
    )
