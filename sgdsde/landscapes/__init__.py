"""Closed-form losses with their gradient noise; named ones are functions here, ``landscapes.double_well(a=2.0)``.

:func:`two_bowls` has noises of one trace and many shapes; :func:`two_weights` is a network of two weights, on data. Of
many dimensions, those of arrays: :func:`wide_quadratic`, :func:`linear_regression` and :func:`separable`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from sgdsde.landscapes.bowls import BOWL_NOISES, two_bowls
from sgdsde.landscapes.catalog import CATALOG, minima, named
from sgdsde.landscapes.landscape import Landscape
from sgdsde.landscapes.modified import modified_landscape, weight_decayed
from sgdsde.landscapes.modified_by_driver import modified_for
from sgdsde.landscapes.saddle import find_minimum, find_saddle
from sgdsde.landscapes.two_weights import two_weights
from sgdsde.landscapes.wide import WideLandscape, linear_regression, separable, wide_quadratic

__all__ = [
    "BOWL_NOISES",
    "Landscape",
    "WideLandscape",
    "find_minimum",
    "find_saddle",
    "linear_regression",
    "minima",
    "modified_for",
    "modified_landscape",
    "named",
    "separable",
    "two_bowls",
    "two_weights",
    "weight_decayed",
    "wide_quadratic",
]


def __getattr__(name: str) -> Callable[..., Landscape]:
    if name not in CATALOG:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return partial(named, name)


def __dir__() -> list[str]:
    return sorted([*__all__, *CATALOG])
