"""What a ladder has found: rungs with their distances, as a table and as a dataset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sgdsde.ensemble import Ensemble
from sgdsde.layout import one_line
from sgdsde.statistics import Distance, Distances
from sgdsde.tables import Table, in_notebook, picture

if TYPE_CHECKING:
    import xarray

CHANCE = 6  # an excess above it is called a difference: of equal laws one in 500 has it, and a table has 40 cells
_COLUMNS = 3  # marginals printed
_NOTABLE = 0.011  # error of the SDE's variance from which the table speaks of it


@dataclass(frozen=True, eq=False)
class Rung:
    """One dynamics between SGD and the SDE.

    Attributes
    ----------
    label : str
        ``"SGD"``, ``"SVAG(4)"``, ``"noisy GD"``, ``"SDE, 8 steps"``, ``"momentum SDE"``, ``"SDE again"``.
    steps : int
        Steps that stand for an update: l of SVAG, substeps of the SDE, 1 of the others.
    ensemble : Ensemble
    paired : bool
        Whether path p shares its noise with path p of the reference; otherwise the two are independent.
    over_time : tuple of Distances
        From the reference, after each of the ladder's `at`.
    """

    label: str
    steps: int
    ensemble: Ensemble
    paired: bool
    over_time: tuple[Distances, ...]

    __repr__ = one_line

    @property
    def distances(self) -> Distances:
        """At the end."""
        return self.over_time[-1]


@dataclass(frozen=True, eq=False, repr=False)
class Ladder:
    """What :func:`ladder` returns; printed, it is a table.

    Attributes
    ----------
    reference : Ensemble
        What distances are measured from; its label is the `against` of :func:`ladder`.
    reference_steps : int
        Its steps for an update.
    rungs : tuple of Rung
        Without the reference. The last repeats it with noise of its own: how far two ensembles of one law are apart.
    at : tuple of int
        Updates after which distances are measured, ascending; the end is the last of them.
    absent : dict
        Rungs that are not there, and why.
    """

    reference: Ensemble
    reference_steps: int
    rungs: tuple[Rung, ...]
    at: tuple[int, ...]
    absent: Mapping[str, str]

    @property
    def floor(self) -> Rung:
        """The reference again, with noise of its own."""
        return self.rungs[-1]

    def __getitem__(self, label: str) -> Rung:
        for rung in self.rungs:
            if rung.label == label:
                return rung
        raise KeyError(f"label must be one of {', '.join(rung.label for rung in self.rungs)}, got {label!r}")

    def to_xarray(self) -> xarray.Dataset:
        """``value``, ``standard_error``, ``noise`` and ``spread`` by rung, step (updates) and quantity, for netCDF.

        Quantities are ``mean``, ``covariance``, ``W1`` of each parameter and ``energy``; see
        :class:`sgdsde.statistics.Distance`. The differences of the means, with sign, are beside them.
        """
        import xarray

        names = self.reference.parameters
        found = [[quantities(each, names) for each in rung.over_time] for rung in self.rungs]
        where = ("rung", "step", "quantity")
        variables: dict[str, Any] = {
            field: (where, [[[float(getattr(each, field)) for each in at.values()] for at in rung] for rung in found])
            for field in ("value", "standard_error", "noise", "spread")
        }
        for name, field in (("mean_difference", "value"), ("mean_difference_error", "standard_error")):
            values = [[getattr(each.mean_difference, field) for each in rung.over_time] for rung in self.rungs]
            variables[name] = (("rung", "step", "parameter"), values)
        coordinates = {
            "rung": [rung.label for rung in self.rungs], "step": list(self.at), "quantity": list(found[0][0]),
            "parameter": list(names), "steps_per_update": ("rung", [rung.steps for rung in self.rungs]),
            "paired": ("rung", [rung.paired for rung in self.rungs]),
            "diverged": ("rung", [rung.ensemble.diverged for rung in self.rungs]),
        }  # fmt: skip
        config = {} if self.reference.config is None else self.reference.config.to_dict()
        about = {"title": "distances of each rung from the reference", "reference": self.reference.label}
        absent = "; ".join(f"{name}: {why}" for name, why in self.absent.items())
        return xarray.Dataset(
            variables, coordinates, {**about, "paths": self.reference.paths, "absent": absent, **config}
        )

    def text(self, width: int | None = None) -> str:
        """The table, with a title and notes; in blocks of columns where it is wider than so many characters."""
        return self._table().text(width)

    _repr_html_ = in_notebook
    plot = picture

    def _table(self) -> Table:
        shown = self.reference.parameters[:_COLUMNS]
        rows = [["rung", *quantities(self.floor.distances, shown)]]
        for rung in self.rungs:
            cells = [cell(each) for each in quantities(rung.distances, shown).values()]
            lost = f"  {rung.ensemble.diverged} diverged" if rung.ensemble.diverged else ""
            rows.append([rung.label + "*" * rung.paired, *cells[:-1], cells[-1] + lost])
        head = f"Distances from the {self.reference.label}"
        steps = f" of {self.reference_steps} steps an update" if self.reference_steps > 1 else ""
        title = f"{head}{steps} after {self.reference.updates} updates, {self.reference.paths} paths"
        legend = "( ) no more than chance" + "; * on the same noise, path by path" * any(r.paired for r in self.rungs)
        coarse = []
        if (error := self._step_error()) >= _NOTABLE:
            coarse.append(f"the SDE's variance is expected to be {error:+.1%} off by its steps: give more substeps")
        absent = (f"no {name}: {why}" for name, why in self.absent.items())
        return Table(rows, title, [legend, *coarse, *absent])

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        return str(self)

    def _step_error(self) -> float:
        """The relative error of the variance by the finest steps of Euler and Maruyama; 0 where nothing is known."""
        runs = [self.reference, *(rung.ensemble for rung in self.rungs)]
        told = [run.provenance for run in runs if run.provenance.get("scheme") == "euler_maruyama"]
        finest = max(told, key=lambda each: each["substeps"], default={})
        return float((finest.get("step_error") or {"variance": 0.0})["variance"])


def quantities(found: Distances, parameters: Sequence[str]) -> dict[str, Distance]:
    """Name → distance, W1 parameter by parameter."""
    each = found.wasserstein1
    fields = (each.value, each.standard_error, each.noise, each.spread)
    marginals = {
        f"W1 {name}": Distance(*(float(np.atleast_1d(field)[k]) for field in fields))
        for k, name in enumerate(parameters)
    }
    return {"mean": found.mean_distance, "covariance": found.covariance_distance, **marginals,
            "energy": found.energy_distance}  # fmt: skip


def cell(distance: Distance) -> str:
    """Value and error; in brackets what is no more than chance."""
    text = f"{distance.value:.3g} ± {distance.standard_error:.2g}"
    return text if float(distance.excess) > CHANCE else f"({text})"
