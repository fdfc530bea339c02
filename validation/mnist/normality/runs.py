"""What ``gradient_normality`` runs, and what its numbers are made into."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from validation.context import Context
from validation.mnist.cells.normality.gradients import KINDS, LEADING, RANDOM, batch_gradients

Array = NDArray[np.float64]
#: Kinds of directions of which batches are vectors.
VECTORS = (RANDOM, LEADING)


@dataclass(frozen=True)
class Size:
    """Networks of each seed, stopped at `stages`, names and updates, and the batches drawn from each.

    `directions` of each kind; `draws` batches in each of the `groups`, or as many as have `examples` examples.
    """

    stages: dict[str, int]
    batch_sizes: tuple[int, ...]
    draws: int
    examples: int
    groups: int
    replicas: int
    n_examples: int = 1000
    hidden: int = 800
    learning_rate: float = 0.05
    momentum: float = 0.9
    trained_with: int = 16
    directions: int = 4


@dataclass(frozen=True, eq=False)
class Runs:
    """What was measured: ``found`` (replica, stage, kind, batch, group) with names for coordinates."""

    size: Size
    found: xr.Dataset

    def ratios(self, kind: str, stage: str, batch: int) -> tuple[Array, float]:
        """Kurtosis as measured over that by theory, of every network and group; and a normal law's 3 over that."""
        at = self.found.sel(kind=kind, stage=stage, batch=batch)
        exact = at["kurtosis"]
        return (at["measured"] / exact).to_numpy().ravel(), float((3 / exact).mean())

    def distances(self, kind: str, stage: str, batch: int) -> Array:
        """The distance from normal vectors, of every network."""
        found: Array = self.found["distance"].sel(kind=kind, stage=stage, batch=batch).mean("group").to_numpy()
        return found

    def cases(self, kinds: tuple[str, ...] = KINDS) -> Iterator[tuple[str, str, int]]:
        """Kind, stage and batch size of every point."""
        for stage in self.size.stages:
            for kind in kinds:
                yield from ((kind, stage, batch) for batch in self.size.batch_sizes)

    def excess(self, kind: str, stage: str) -> Array:
        """κ of single examples, of every network."""
        found: Array = self.found["excess"].sel(kind=kind, stage=stage).to_numpy()
        return found

    def hidden_from(self, kind: str, stage: str, limit: float) -> int | None:
        """The batch size from which on no distance is more than `limit` standard errors of its groups from 0."""
        at = self.found["distance"].sel(kind=kind, stage=stage).stack(each=("replica", "group"))
        value, error = at.mean("each"), at.std("each", ddof=1) / np.sqrt(at.sizes["each"])
        told = (value > limit * error).to_numpy()
        later = len(told) - int(told[::-1].argmax()) if told.any() else 0
        return self.size.batch_sizes[later] if later < len(told) else None


def run_all(context: Context, source: str, size: Size) -> Runs:
    """Train the networks of every seed and draw batches."""
    fixed = {
        "source": source, "n_examples": size.n_examples, "hidden": size.hidden, "learning_rate": size.learning_rate,
        "momentum": size.momentum, "stages": tuple(size.stages.values()), "batch_sizes": size.batch_sizes,
        "directions": size.directions, "draws": size.draws, "examples": size.examples, "groups": size.groups,
        "replicas": size.replicas, "device": context.place.device,
    }  # fmt: skip
    found = context.sweep(batch_gradients, {"trained_with": [size.trained_with]}, fixed, "gradients of batches")
    names = {"stage": list(size.stages), "kind": list(KINDS), "batch": list(size.batch_sizes)}
    return Runs(size, found.isel(trained_with=0, drop=True).assign_coords(names))
