"""Networks trained at other settings than it is said, for claims whose sweeps call `descent`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pytest
import xarray as xr

from validation.context import Context

Setting = tuple[float, ...]


def trained_at(patch: pytest.MonkeyPatch, change: Callable[[Setting, int], Setting]) -> None:
    """`change` takes the (ε, B) that is said, and N, to the one that is used, for as long a distance Σ ε(k)."""
    original = Context.sweep

    def sweep(
        self: Context, function: Any, grid: Mapping[str, Iterable[Any]], fixed: Mapping[str, Any], seed: str
    ) -> xr.Dataset:
        (said,) = grid["setting"]
        used = change(said, fixed["n_examples"])
        return original(self, function, {"setting": [used]}, fixed, seed).assign_coords(setting=[0])

    patch.setattr(Context, "sweep", sweep)
