"""Mutations of epoch_budget: networks are trained at another ε than it is said, by a power of the budget."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pytest
import xarray as xr

from tests.mutations import mutation
from validation.claims.epoch_budget import PAPER, epoch_budget
from validation.context import Context
from validation.mnist.epoch_budget import Size

#: The budget at which ε is what it is said to be.
MIDDLE = 40.0


def falls_as(patch: pytest.MonkeyPatch, gamma: float) -> None:
    """Where the best ε knows no budget, it now seems to be in proportion to budget^γ."""
    original = Context.sweep

    def sweep(
        self: Context, function: Any, grid: Mapping[str, Iterable[Any]], fixed: Mapping[str, Any], seed: str
    ) -> xr.Dataset:
        rates = list(grid["learning_rate"])
        epochs = fixed["updates"] * fixed["batch_size"] / fixed["n_examples"]
        factor = (epochs / MIDDLE) ** -gamma
        found = original(self, function, {"learning_rate": [factor * rate for rate in rates]}, fixed, seed)
        return found.assign_coords(learning_rate=rates)

    patch.setattr(Context, "sweep", sweep)


@mutation("epoch_budget", "as for training loss")
def as_for_loss(patch: pytest.MonkeyPatch) -> None:
    """ε times the budget to 4/7"""
    falls_as(patch, PAPER["training loss"])


@mutation("epoch_budget", "as at small B for training loss")
def as_for_loss_at_large(patch: pytest.MonkeyPatch) -> None:
    """ε times the budget to 4/7"""
    falls_as(patch, PAPER["training loss"])


@mutation("epoch_budget", "as for test accuracy")
def as_for_accuracy(patch: pytest.MonkeyPatch) -> None:
    """ε times the budget to 1/7"""
    falls_as(patch, PAPER["test accuracy"])


@mutation("epoch_budget", "∝ 1/epochs")
def inverse(patch: pytest.MonkeyPatch) -> None:
    """ε times the budget"""
    falls_as(patch, -1.0)


@mutation("epoch_budget", "no dependence")
def one_size(patch: pytest.MonkeyPatch) -> None:
    """batches of the smallest size where larger ones should be, for as many epochs"""
    original = Context.sweep
    sizes: list[Size] = [size for plan in epoch_budget.plans.values() for size in plan.size.values()]

    def sweep(
        self: Context, function: Any, grid: Mapping[str, Iterable[Any]], fixed: Mapping[str, Any], seed: str
    ) -> xr.Dataset:
        batch = fixed["batch_size"]
        (small,) = {s.small.batch_size for s in sizes if batch in (s.small.batch_size, s.large.batch_size)}
        own = {**fixed, "batch_size": small, "updates": fixed["updates"] * batch // small}
        return original(self, function, grid, own, seed)

    patch.setattr(Context, "sweep", sweep)
