"""Mutations of weight_decay: no decay, or other batches than it is said."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import xarray as xr

from tests.mutations import mutation
from validation.mnist import weight_decay as runs
from validation.mnist.cells.decay.training import decayed
from validation.mnist.cells.training import trained


def not_at_all(weight_decay: float, **cell: Any) -> xr.Dataset:
    """The network without decay."""
    return trained(**cell, sampling="without_replacement", readings=1).isel(reading=-1)


def moved_to(factor: float) -> Callable[..., xr.Dataset]:
    """Batches of another size: the best one is then said to be that much smaller."""

    def cell(batch_size: int, n_examples: int, **others: Any) -> xr.Dataset:
        used = min(n_examples, max(1, round(factor * batch_size)))
        return decayed(batch_size=used, n_examples=n_examples, **others)

    return cell


@mutation("weight_decay", "as without weight decay")
def none(patch: pytest.MonkeyPatch) -> None:
    """no decay where there should be some"""
    patch.setattr(runs, "decayed", not_at_all)


@mutation("weight_decay", "half as large")
def half(patch: pytest.MonkeyPatch) -> None:
    """batches twice as large as it is said, with decay"""
    patch.setattr(runs, "decayed", moved_to(2.0))


@mutation("weight_decay", "twice as large")
def twice(patch: pytest.MonkeyPatch) -> None:
    """batches half as large as it is said, with decay"""
    patch.setattr(runs, "decayed", moved_to(0.5))
