"""Networks of ``flat_directions``: spread along eigenvectors of H by how long an epoch is on their scale."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sgdsde.plotting import Curve, CurvePanel, Figure, Line, curve_panels
from validation.check import Check
from validation.context import Context
from validation.laws.epoched_bowl import Case
from validation.measure import Array
from validation.mnist.cells.directions.spread import RUNS, spread_along
from validation.mnist.networks import Cells, swept
from validation.mnist.sde.checks import comparison

SGD, SDE, INDEPENDENT = RUNS
#: εhN/B below which a direction is flat, and above which it is steep: the crossover is at 3.
FLAT, STEEP = 1.0, 3.0
#: Of the picture: points of each run, and N/B of the exact law.
BINS, BATCHES = 10, 1000


@dataclass(frozen=True)
class Size:
    """As the arguments of `spread_along`; `replicas` of each seed."""

    n_examples: int
    hidden: int
    trained: int
    trained_rate: float
    learning_rate: float
    batch_size: int
    epochs: int
    looks: int
    pairs: int
    replicas: int


@dataclass(frozen=True, eq=False)
class Runs:
    """What was found: (seed, replica, run, direction), (seed, replica, run) and twice (seed, direction)."""

    units: Array
    excess: Array
    lengths: Array

    def along(self, run: str, steep: bool) -> Array:
        """Mean over flat or steep directions of the spread in units of TF/(2h), (seed, replica)."""
        units, chosen = self.units[:, :, list(RUNS).index(run)], self._chosen(steep)
        return np.stack([values[:, of].mean(axis=1) for values, of in zip(units, chosen, strict=True)])

    def flat_over_steep(self, run: str) -> Array:
        """The quotient of means of each seed, as what each replica would add to it to first order, (seed, replica)."""
        flat, steep = self.along(run, False), self.along(run, True)
        means = flat.mean(axis=1, keepdims=True), steep.mean(axis=1, keepdims=True)
        return np.asarray(means[0] / means[1] * (1 + flat / means[0] - steep / means[1]))

    def losses(self, run: str) -> Array:
        """Training loss above gradient descent's, (seed, replica)."""
        return np.asarray(self.excess[:, :, list(RUNS).index(run)])

    def _chosen(self, steep: bool) -> NDArray[np.bool_]:
        chosen = self.lengths > STEEP if steep else self.lengths < FLAT
        if not chosen.any(axis=1).all():
            raise RuntimeError(f"of a network no direction is {'steep' if steep else 'flat'}: εhN/B is {self.lengths}")
        return np.asarray(chosen)


def run_all(context: Context, source: str, size: Size) -> Runs:
    """Every run of every seed."""
    own: dict[str, Any] = {name: value for name, value in vars(size).items() if name != "learning_rate"}
    job = {"all": Cells("learning_rate", [size.learning_rate], own)}
    found = swept(context, spread_along, source, size, job, single=True)["all"]
    return _runs(found, size, len(context.seeds))


def _runs(found: xr.Dataset, size: Size, seeds: int) -> Runs:
    def by_seed(name: str) -> Array:
        values = found[name].to_numpy()
        return np.asarray(values.reshape(seeds, -1, *values.shape[1:]))

    h, noise = by_seed("curvature")[:, 0], by_seed("noise")[:, 0]
    temperature = size.learning_rate / size.batch_size
    units = by_seed("spread") * (2 * h / (temperature * noise))[:, None, None]
    return Runs(units, by_seed("excess"), temperature * size.n_examples * h)


def checks(runs: Runs) -> Iterator[Check]:
    """SGD of permutations against the SDE of epoched Brownian motion; independent batches are those of Brownian."""
    numbers = {
        "spread along flat eigenvectors over that along steep ones": runs.flat_over_steep,
        "spread along flat eigenvectors": lambda run: runs.along(run, False),
        "spread along steep eigenvectors": lambda run: runs.along(run, True),
        "training loss above gradient descent's": runs.losses,
    }
    for label, of in numbers.items():
        yield comparison(f"{label}, SGD against SDE", of(SGD), of(SDE), {"independent batches": of(INDEPENDENT)})


def figure(runs: Runs) -> Figure:
    """Spread in units of TF/(2h), by εhN/B: groups of directions of all seeds."""
    x = runs.lengths.ravel()
    groups = np.array_split(np.argsort(x), BINS)
    middles = np.array([np.exp(np.log(x[each]).mean()) for each in groups])
    curves = []
    for run, label in ((SGD, "SGD, reshuffled"), (SDE, "SDE, epoched"), (INDEPENDENT, "SGD, independent")):
        values = runs.units[:, :, list(RUNS).index(run)].mean(axis=1).ravel()
        mean, error = np.array([(values[g].mean(), values[g].std(ddof=1) / len(g) ** 0.5) for g in groups]).T
        curves.append(Curve(label, middles, mean, error, joined=False))
    fine = np.geomspace(middles[0], middles[-1], 60)
    law = [Case(float(length), BATCHES).in_long_epochs("sgd") for length in fine]
    lines = [Line("bowl, permutations", fine, law), Line("bowl, Brownian", fine, np.ones(len(fine)))]
    text = "variance along eigenvectors / (TF/(2h))"
    return curve_panels([CurvePanel("εhN/B", text, curves, lines, x_scale="log", y_scale="log")], columns=2)
