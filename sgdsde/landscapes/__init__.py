"""Closed-form losses with their gradient noise; named ones are functions here, ``landscapes.double_well(a=2.0)``.

Those of many dimensions, made of arrays, are in :mod:`sgdsde.landscapes.wide`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from sgdsde.landscapes import wide
from sgdsde.landscapes.catalog import CATALOG, minima, named
from sgdsde.landscapes.landscape import Landscape
from sgdsde.landscapes.modified import modified_landscape, weight_decayed
from sgdsde.landscapes.saddle import find_minimum, find_saddle
from sgdsde.landscapes.wide import WideLandscape

__all__ = [
    "Landscape",
    "WideLandscape",
    "find_minimum",
    "find_saddle",
    "minima",
    "modified_landscape",
    "named",
    "weight_decayed",
    "wide",
]


def __getattr__(name: str) -> Callable[..., Landscape]:
    if name not in CATALOG:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return partial(named, name)


def __dir__() -> list[str]:
    return sorted([*__all__, *CATALOG])
