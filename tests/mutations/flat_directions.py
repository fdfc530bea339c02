"""Mutation of flat_directions: batches that know nothing of each other where a permutation is said."""

from __future__ import annotations

from typing import Any

import pytest
import xarray as xr

from tests.mutations import mutation
from validation.mnist import directions as runs
from validation.mnist.cells.directions.spread import spread_along


def with_independent_batches(learning_rate: float, **cell: Any) -> xr.Dataset:
    """Reshuffled SGD is SGD with batches drawn with replacement."""
    found = spread_along(learning_rate=learning_rate, **cell)
    chosen = ["independent" if name == "reshuffled" else name for name in found["run"].to_numpy()]
    return found.sel(run=chosen).assign_coords(run=found["run"])


@mutation("flat_directions", "independent batches")
def independent(patch: pytest.MonkeyPatch) -> None:
    """batches drawn with replacement in the place of permutations"""
    patch.setattr(runs, "spread_along", with_independent_batches)
