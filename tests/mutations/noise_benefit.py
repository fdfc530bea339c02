"""Mutations of noise_benefit: networks are trained at another ε, or batch, than it is said."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pytest
import xarray as xr

from tests.mutations import mutation
from validation.context import Context


def trained_as(patch: pytest.MonkeyPatch, change: Callable[[int], tuple[int, float]]) -> None:
    """`change` takes B to the B that is used and the factor of ε; the number of epochs stays."""
    original = Context.sweep

    def sweep(
        self: Context, function: Any, grid: Mapping[str, Iterable[Any]], fixed: Mapping[str, Any], seed: str
    ) -> xr.Dataset:
        rates, batch = list(grid["learning_rate"]), fixed["batch_size"]
        if len(rates) == 1:  # for a number of updates
            return original(self, function, grid, fixed, seed)
        used, factor = change(batch)
        used = min(used, fixed["n_examples"])
        own = {**fixed, "batch_size": used, "updates": max(1, round(fixed["updates"] * batch / used))}
        found = original(self, function, {"learning_rate": [factor * rate for rate in rates]}, own, seed)
        return found.assign_coords(learning_rate=rates)

    patch.setattr(Context, "sweep", sweep)


#: About the middle of small and of large batches: the best ε grows with another power about it.
MIDDLES = 4.0, 250.0


def turned(patch: pytest.MonkeyPatch, small: float, large: float) -> None:
    """Take these powers of B from the best ε."""

    def change(batch: int) -> tuple[int, float]:
        middle, power = (MIDDLES[0], small) if batch < 30 else (MIDDLES[1], large)
        return batch, (batch / middle) ** power

    trained_as(patch, change)


@mutation("noise_benefit", "∝ √B")
def roots(patch: pytest.MonkeyPatch) -> None:
    """ε times B^(1/2) at small B, B^(−1/2) at large B"""
    turned(patch, 0.5, -0.5)


@mutation("noise_benefit", "no dependence")
def constant(patch: pytest.MonkeyPatch) -> None:
    """ε times B at small B"""
    turned(patch, 1.0, 0.0)


@mutation("noise_benefit", "∝ B")
def proportional(patch: pytest.MonkeyPatch) -> None:
    """ε times 1/B at large B"""
    turned(patch, 0.0, -1.0)


@mutation("noise_benefit", "falls as at large B")
def large_batches(patch: pytest.MonkeyPatch) -> None:
    """large batches, at their ε, where it says B = 8 (B = 4 in full)"""
    trained_as(patch, lambda batch: (500 if batch in (4, 8) else batch, 2.5 if batch in (4, 8) else 1.0))
