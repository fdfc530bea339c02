"""Mutations of exchange_breaks: other settings, or another N, than it is said."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pytest
import xarray as xr

from tests.mutations import mutation
from tests.mutations.settings import Setting, trained_at
from validation.claims.exchange_breaks import exchange_breaks
from validation.context import Context
from validation.mnist.exchange import ALONE, Size

SIZES: list[Size] = [size for plan in exchange_breaks.plans.values() for size in plan.size.values()]


@mutation("exchange_breaks", "ε alone")
def rate_alone(patch: pytest.MonkeyPatch) -> None:
    """B stays where it should double with ε"""
    bases = {(ALONE * size.base[0], ALONE * size.base[1]): size.base[1] for size in SIZES}

    def change(said: Setting, n: int) -> Setting:
        return (said[0], bases.get((said[0], int(said[1])), said[1]))

    trained_at(patch, change)


@mutation("exchange_breaks", "no dependence", "ln training loss, *")
def one_setting(patch: pytest.MonkeyPatch) -> None:
    """every run has the ε and B of the factor 1"""
    bases = {round(size.base[0] / size.base[1], 9): size.base for size in SIZES}
    trained_at(patch, lambda said, n: bases.get(round(said[0] / said[1], 9), said))


@mutation("exchange_breaks", "no dependence", "exponent *")
def one_number_of_examples(patch: pytest.MonkeyPatch) -> None:
    """N is the largest everywhere, and distances are said to be shorter"""
    original = Context.sweep

    def sweep(
        self: Context, function: Any, grid: Mapping[str, Iterable[Any]], fixed: Mapping[str, Any], seed: str
    ) -> xr.Dataset:
        longer = self.size[fixed["source"]].n_examples[-1] / fixed["n_examples"]
        n = round(longer * fixed["n_examples"])
        own = {**fixed, "n_examples": n, "distance": longer * fixed["distance"]}
        found = original(self, function, grid, own, seed)
        return found.assign(distance=found["distance"] / longer)

    patch.setattr(Context, "sweep", sweep)
