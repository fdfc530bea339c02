"""Mutations of adaptive_network: another power of κ where the square-root rule is said."""

from __future__ import annotations

from typing import Any

import pytest
import xarray as xr

from tests.mutations import mutation
from validation.mnist import adaptive as runs
from validation.mnist.cells.adaptive.training import adapted


def by_linear_rule(power: float, **cell: Any) -> xr.Dataset:
    """ε → κε in the place of √κ ε."""
    return adapted(power=1.0 if power == 0.5 else power, **cell)


def as_it_was(power: float, **cell: Any) -> xr.Dataset:
    """ε in the place of √κ ε."""
    return adapted(power=0.0 if power == 0.5 else power, **cell)


@mutation("adaptive_network", "the linear rule")
def linear(patch: pytest.MonkeyPatch) -> None:
    """ε by κ where it is said to go by √κ"""
    patch.setattr(runs, "adapted", by_linear_rule)


@mutation("adaptive_network", "ε stays")
def stays(patch: pytest.MonkeyPatch) -> None:
    """ε as it was where it is said to go by √κ"""
    patch.setattr(runs, "adapted", as_it_was)
