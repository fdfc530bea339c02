"""What ``gradient_normality`` runs, what its numbers are made into, and its figures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import xarray as xr

from sgdsde.plotting import Figure, Series, against_theory_panels
from sgdsde.plotting.style import bare_figure, house_style, looks, plain_log_ticks
from validation.context import Context
from validation.measure import Array, mean_and_error
from validation.mnist.cells.normality.gradients import KINDS, LEADING, RANDOM, batch_gradients
from validation.mnist.networks import Cells, swept

#: Kinds of directions of which batches are vectors.
VECTORS = (RANDOM, LEADING)
#: Distances are drawn on a linear scale up to here, and on a logarithmic one beyond.
LINEAR = 0.02


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
    own = {
        name: getattr(size, name)
        for name in ("learning_rate", "momentum", "batch_sizes", "directions", "draws", "examples", "groups")
    } | {"stages": tuple(size.stages.values())}
    jobs = {"all": Cells("trained_with", [size.trained_with], own)}
    found = swept(context, batch_gradients, source, size, jobs, "gradients of batches", single=True)["all"]
    names = {"stage": list(size.stages), "kind": list(KINDS), "batch": list(size.batch_sizes)}
    return Runs(size, found.assign_coords(names))


def kurtosis_figure(runs: Runs) -> Figure:
    """Kurtosis of batches, a mean over networks, and κ/B + 3; a panel for each stage."""
    batches = np.array(runs.size.batch_sizes)
    fine = np.geomspace(float(batches[0]), float(batches[-1]), 40)
    panels = {}
    for stage in runs.size.stages:
        shown = []
        for kind in KINDS:
            exact = runs.found["kurtosis"].sel(kind=kind, stage=stage).mean("replica").to_numpy()
            ratios = np.array([mean_and_error(runs.ratios(kind, stage, int(b))[0]) for b in batches]).T
            line = 3 + runs.excess(kind, stage).mean() / fine
            shown.append(Series(kind, batches, exact * ratios[0], exact * ratios[1], exact, fine, line))
        panels[stage] = shown
    return against_theory_panels(panels, "batch size B", "kurtosis   (normal: 3)", ratio="measured / exact")


def distance_figure(runs: Runs) -> Figure:
    """Distances from normal vectors, a panel for each kind of directions and a line for each stage."""
    with house_style():
        figure = bare_figure(9.0, 4.4)
        panels = figure.subplots(1, len(VECTORS), sharey=True)
        for axes, kind in zip(panels, VECTORS, strict=True):
            for stage, (colour, marker) in zip(runs.size.stages, looks(), strict=False):
                found = np.array([mean_and_error(runs.distances(kind, stage, b)) for b in runs.size.batch_sizes]).T
                look = {"color": colour, "marker": marker, "markerfacecolor": "white", "capsize": 3}
                axes.errorbar(runs.size.batch_sizes, *found, label=stage, **look)
            axes.axhline(0.0, color="#333333", linewidth=1.0)
            axes.set_yscale("symlog", linthresh=LINEAR)
            axes.set(xscale="log", xlabel="batch size B", title=kind)
            plain_log_ticks(axes.xaxis)
        panels[0].set_ylabel("energy distance from normal vectors")
        figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper left", ncols=len(runs.size.stages))
        return figure
