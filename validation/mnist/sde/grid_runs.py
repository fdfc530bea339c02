"""What a grid's runs are found to have: statistics by seed, replica and window of time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from validation.context import Context
from validation.mnist.cells.ensembles import looked_at
from validation.mnist.networks import Cells, swept
from validation.mnist.sde.grid import Case, Key, Row, Size
from validation.mnist.sde.runs import ISOTROPIC, NOISELESS, SDE, STRONGER, Array


@dataclass(frozen=True)
class Runs:
    """What was run, and the statistics of it."""

    size: Size
    sampling: str
    seeds: int
    found: dict[Key, xr.Dataset]

    def of(self, key: Key, name: str) -> Array:
        """A variable of a run, with its replicas by seed, (seed, replica, look or kept look)."""
        values = self.found[key][name].to_numpy()
        return values.reshape(self.seeds, -1, values.shape[-1])

    def in_windows(self, key: Key, name: str) -> Array:
        """(seed, replica, window): means over the looks of a window."""
        values = self.of(key, name)
        means: Array = values.reshape(*values.shape[:2], self.size.windows, -1).mean(axis=-1)
        return means

    def without_noise(self, key: Key, name: str) -> Array:
        """(seed, 1, window): the same of gradient descent, at the times at which this run is looked at."""
        values = self.of(self.quiet(key.hidden), name)
        stride = values.shape[-1] // self.of(key, name).shape[-1]
        means: Array = values[..., stride - 1 :: stride].reshape(self.seeds, 1, self.size.windows, -1).mean(axis=-1)
        return means

    def statistic(self, key: Key, name: str) -> Array:
        """(seed, replica, window), by the names of `grid_checks`."""
        if name == "excess":
            return self.in_windows(key, "train_loss") - self.without_noise(key, "train_loss")
        if name == "log_loss":
            return np.log(self.in_windows(key, "train_loss") / self.without_noise(key, "train_loss"))
        if name == "flattening":
            return self.without_noise(key, "hessian_trace") - self.in_windows(key, "hessian_trace")
        return self.in_windows(key, name)

    def quiet(self, hidden: int) -> Key:
        """Gradient descent."""
        return Key(NOISELESS, hidden, 0, self.size.reference_rate)

    def sde(self, hidden: int, row: Row) -> Key:
        """The SDE of a row."""
        return Key(SDE, hidden, row.ratio, self.size.reference_rate)

    def wrong(self, hidden: int, row: Row) -> dict[str, Key]:
        """Wrong noises by name, no noise among them."""
        keys = (
            self.quiet(hidden), Key(STRONGER, hidden, row.ratio, self.size.stronger(row)),
            Key(ISOTROPIC, hidden, row.ratio, self.size.isotropic_rate),
        )  # fmt: skip
        return {key.run: key for key in keys}


def run_all(context: Context, source: str, size: Size, sampling: str) -> Runs:
    """Every case."""
    every = {"time": size.time, "kept_every": size.kept_every}
    jobs = {
        key: Cells(
            "learning_rate", [key.rate], {**every, **case._asdict(), "hidden": key.hidden}, _work(size, key, case)
        )
        for key, case in size.cases(sampling)
    }
    return Runs(size, sampling, len(context.seeds), swept(context, looked_at, source, size, jobs, single=True))


def _work(size: Size, key: Key, case: Case) -> float:
    """About how long it takes: examples that go through a network of this width, and through it when looked at."""
    of_all = case.dynamics in ("sde", "noisy_gd", "isotropic", "gd")
    examples = size.n_examples if of_all else case.batch_size * (2 if case.dynamics == "svag" else 1)
    steps = size.time / key.rate * case.substeps
    return key.hidden * case.replicas * (steps * examples + case.looks * size.n_examples)
