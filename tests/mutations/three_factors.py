"""Mutations of three_factors: other settings than it is said."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pytest
import xarray as xr

from tests.mutations import mutation
from validation.claims.three_factors import three_factors
from validation.context import Context
from validation.mnist.three_factors import Run, Size


def run_instead(patch: pytest.MonkeyPatch, which: str) -> None:
    """The rival's run where the other is announced: for both data sets, whose sizes name them."""
    original = Context.sweep
    sizes: list[Size] = [size for plan in three_factors.plans.values() for size in plan.size.values()]

    def rival(size: Size) -> tuple[Run, Run]:
        return (size.scaled[2], size.alone) if which == "scaled" else (size.cycles[1], size.hottest)

    pairs = dict(rival(size) for size in sizes)

    def sweep(
        self: Context, function: Any, grid: Mapping[str, Iterable[Any]], fixed: Mapping[str, Any], seed: str
    ) -> xr.Dataset:
        (setting,) = grid["setting"]
        said = Run(setting, fixed["distance"], fixed["readings"])
        if said in pairs and not fixed["random_share"]:
            run = pairs[said]
            grid = {"setting": [run.setting]}
            fixed = {**fixed, "distance": run.distance, "readings": run.readings}
        return original(self, function, grid, fixed, seed)

    patch.setattr(Context, "sweep", sweep)


@mutation("three_factors", "ε doubled alone")
def rate_alone(patch: pytest.MonkeyPatch) -> None:
    """B stays where it should double with ε"""
    run_instead(patch, "scaled")


@mutation("three_factors", "constant at the largest ε/B")
def no_cycle(patch: pytest.MonkeyPatch) -> None:
    """no cycle where that of B should be"""
    run_instead(patch, "cycle")


@mutation("three_factors", "no dependence")
def one_ratio(patch: pytest.MonkeyPatch) -> None:
    """every run has the ε and B of the second of its scan"""
    original = Context.sweep
    sizes: list[Size] = [size for plan in three_factors.plans.values() for size in plan.size.values()]
    scans = [*(size.scan for size in sizes), *(runs for size in sizes for runs in size.memories.values())]

    def sweep(
        self: Context, function: Any, grid: Mapping[str, Iterable[Any]], fixed: Mapping[str, Any], seed: str
    ) -> xr.Dataset:
        (setting,) = grid["setting"]
        said = Run(setting, fixed["distance"], fixed["readings"])
        for scan in scans:
            if said in scan:
                run = scan[1]
                grid = {"setting": [run.setting]}
                fixed = {**fixed, "distance": run.distance, "readings": run.readings}
                break
        return original(self, function, grid, fixed, seed).assign_coords(setting=[0])

    patch.setattr(Context, "sweep", sweep)
