"""What ``adaptive_network`` runs, networks with batches κ times as large by three rules, and its figure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from sgdsde.plotting import Curve, CurvePanel, Figure, curve_panels
from validation.context import Context
from validation.measure import Array, mean_and_error
from validation.mnist.cells.adaptive.training import adapted
from validation.mnist.networks import Cells, swept

#: ε → κ^power ε, in words; the first is the paper's.
RULES = {0.5: "the square-root rule", 1.0: "the linear rule", 0.0: "ε stays"}


@dataclass(frozen=True)
class Size:
    """Rules of optimisers, what they run with at κ = 1, the κ, and `replicas` of each seed."""

    dynamics: tuple[str, ...]
    kappas: tuple[int, ...]
    learning_rate: float
    batch_size: int
    forgets: float
    squares: float
    updates: int
    readings: int
    replicas: int
    n_examples: int
    hidden: int
    test_stride: int = 1


@dataclass(frozen=True, eq=False)
class Run:
    """One optimiser's networks: by κ and power, ``train_loss`` and ``test_accuracy`` over (replica, reading)."""

    dynamics: str
    found: dict[tuple[int, float], xr.Dataset]

    def ln_losses(self, kappa: int, power: float) -> Array:
        """ln of the training loss less that at κ = 1, over the second half of the readings (replicas,)."""
        return self._over_half("train_loss", kappa, power, logs=True)

    def accuracies(self, kappa: int, power: float) -> Array:
        """Points of test accuracy, the same."""
        return 100 * self._over_half("test_accuracy", kappa, power)

    def _over_half(self, quantity: str, kappa: int, power: float, *, logs: bool = False) -> Array:
        one, other = (self.found[key][quantity].to_numpy() for key in ((kappa, power), (1, 0.5)))
        apart = np.log(one / other) if logs else one - other
        return np.asarray(apart[:, apart.shape[1] // 2 :].mean(axis=1))


def run_all(context: Context, source: str, size: Size) -> list[Run]:
    """Train all networks; those of a larger κ take fewer updates."""
    fixed = {
        "learning_rate": size.learning_rate, "batch_size": size.batch_size, "forgets": size.forgets,
        "squares": size.squares, "updates": size.updates, "readings": size.readings,
        "test_stride": size.test_stride,
    }  # fmt: skip
    jobs = {
        (dynamics, kappa): Cells(
            "power", (0.5,) if kappa == 1 else tuple(RULES), {**fixed, "dynamics": dynamics, "kappa": kappa},
            1.0 if kappa == 1 else len(RULES) / kappa,
        )
        for dynamics in size.dynamics for kappa in (1, *size.kappas)
    }  # fmt: skip
    done = swept(context, adapted, source, size, jobs)
    return [
        Run(name, {
            (kappa, float(power)): run.sel(power=power)
            for (of, kappa), run in done.items() if of == name for power in run["power"].to_numpy()
        })
        for name in size.dynamics
    ]  # fmt: skip


def network_figure(runs: list[Run], size: Size) -> Figure:
    """Training loss on the way, by examples seen, of the first optimiser at each κ; a panel for each rule."""
    run, panels = runs[0], []
    x = size.batch_size * size.updates * np.arange(1, size.readings + 1) / size.readings / size.n_examples
    for power, words in RULES.items():
        curves = []
        for kappa in (1, *size.kappas):
            losses = np.log(run.found[kappa, 0.5 if kappa == 1 else power]["train_loss"].to_numpy())
            mean, error = np.array([mean_and_error(each) for each in losses.T]).T
            curves.append(Curve(f"B = {size.batch_size * kappa}", x, np.exp(mean), np.exp(mean) * error))
        panels.append(CurvePanel("epochs", "training loss", curves, title=words, y_scale="log"))
    low = min(float(np.min(np.asarray(c.y) - np.asarray(c.error))) for panel in panels for c in panel.curves)
    high = max(float(np.max(c.y)) for panel in panels for c in panel.curves)
    shared = [CurvePanel(**{**vars(each), "y_range": (0.9 * low, 1.1 * high)}) for each in panels]
    return curve_panels(shared, columns=len(size.kappas) + 1)
