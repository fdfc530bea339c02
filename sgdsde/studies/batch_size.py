"""At which batch size a network generalises best, and whether only the noise scale counts (Smith & Le)."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sgdsde.arguments import integer, integers, positive, real
from sgdsde.config import SGDConfig
from sgdsde.statistics.minima import LEAST
from sgdsde.statistics.optimum import Optimum, optimum
from sgdsde.statistics.optimum_law import OptimumLaw, optimum_law
from sgdsde.tables import Table, in_notebook, picture

if TYPE_CHECKING:
    import xarray as xr

    from sgdsde.data.dataset import Dataset

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class BatchSizeStudy:
    """Accuracies over (learning_rate, batch_size, replica), and where they are best.

    Attributes
    ----------
    runs : xarray.Dataset
        ``test_accuracy``, ``test_loss``, ``train_accuracy``, ``train_loss`` at the end, and ``diverged``; ``updates``
        over (learning_rate,); ``noise_scale``, g = εNc/(1 − m), over (learning_rate, batch_size).
    optima : tuple of Optimum
        For each learning rate, where the test error is least, in examples.
    config : SGDConfig
        What all runs have in common: N, m and the sampling.
    """

    runs: xr.Dataset
    optima: tuple[Optimum, ...]
    config: SGDConfig

    @property
    def learning_rates(self) -> Array:
        """ε, (n,)."""
        return np.asarray(self.runs.learning_rate.to_numpy(), dtype=float)

    def noise_scale(self, rate: float, batch_size: float) -> float:
        """g at any B, whole or not; ∞ at B = 0."""
        if not batch_size:
            return float("inf")
        n, one = self.config.n_examples, replace(self.config, learning_rate=rate, batch_size=1).noise_scale
        if self.config.sampling == "with_replacement":
            return one / batch_size
        return one * max(n / batch_size - 1, 0.0) / (n - 1)

    @property
    def best_noise_scales(self) -> tuple[tuple[float, tuple[float, float]], ...]:
        """g at the best batch size and its interval, for each ε: where only g counts they are one."""
        return tuple(
            (self.noise_scale(rate, best.place), (self.noise_scale(rate, high), self.noise_scale(rate, low)))
            for rate, best in zip(self.learning_rates.tolist(), self.optima, strict=True)
            for low, high in [best.interval]
        )

    @property
    def errors(self) -> Array:
        """Test errors, (learning_rate, replica, batch_size): those of diverged networks are 1."""
        found = (1 - self.runs.test_accuracy).where(~self.runs.diverged, 1.0)
        return np.asarray(found.transpose("learning_rate", "replica", "batch_size").to_numpy())

    @property
    def law(self) -> OptimumLaw:
        """α of B_opt ∝ ε^α, which is 1 where only g counts and B ≪ N; ValueError of a single learning rate."""
        sizes = self.runs.batch_size.to_numpy()
        return optimum_law(self.learning_rates, [sizes] * len(self.optima), list(self.errors))

    def __repr__(self) -> str:
        return self._table().text()

    _repr_html_ = in_notebook
    plot = picture

    def _table(self) -> Table:
        rows = [["ε", "B_opt", "interval", "resolved", "g", "interval of g", "test accuracy"]]
        accuracy = self.runs.test_accuracy.mean("replica").max("batch_size").to_numpy()
        for rate, best, (g, ends), top in zip(
            self.learning_rates, self.optima, self.best_noise_scales, accuracy, strict=True
        ):
            low, high = best.interval
            rows.append(
                [f"{rate:g}", f"{best.place:.3g}", f"{low:.3g} to {high:.3g}", "yes" if best.resolved else "no",
                 f"{g:.3g}", f"{ends[0]:.3g} to {ends[1]:.3g}", f"{top:.4f}"]
            )  # fmt: skip
        return Table(rows, right=(0, 1, 4, 6))


def batch_size_study(
    model: Any,
    data: Dataset | Sequence[Dataset],
    config: SGDConfig,
    batch_sizes: Sequence[int],
    *,
    replicas: int = 8,
    updates: int = 1000,
    learning_rates: Sequence[float] | None = None,
    dynamics: str = "sgd",
    level: float = 0.95,
    seed: int = 0,
    store: str | os.PathLike[str] | None = None,
    progress: Callable[[float], None] | None = None,
    **options: Any,
) -> BatchSizeStudy:
    """Train a network at every batch size and learning rate, and find the batch size of least test error.

    Parameters
    ----------
    model, data, dynamics, seed
        As in :func:`sgdsde.models.train`. Replica r has the same weights, data and seed at every batch size.
    config : SGDConfig
        N, m and the sampling; its batch size does not count, and its ε only where `learning_rates` is None.
    batch_sizes : sequence of int
        At least five, increasing; octaves are a good grid.
    replicas : int
        At least three.
    updates : int
        At the first learning rate; at others as many as make the same time, Σ ε/(1 − m).
    learning_rates : sequence of float, optional
        ε.
    level : float
        Of intervals.
    store : path, optional
        A folder: the same call goes on where it was cut short, and one with more batch sizes or learning rates trains
        only those.
    progress : callable, optional
        Called with the fraction of the examples that are done.
    **options
        Further arguments of :func:`sgdsde.models.train`: ``device``, ``dtype``, ``substeps``, ``initialization``.

    Returns
    -------
    BatchSizeStudy
        Prints as a table; :func:`sgdsde.plotting.batch_size_chart` draws it.

    Raises
    ------
    ValueError
        When an argument is not as above, before anything is trained; or when at some batch size no network makes any
        error.

    Notes
    -----
    Smith & Le, arXiv 1710.06451: B_opt ∝ εN/(1 − m), because accuracy depends on g alone. A network that diverged
    counts as wrong about every example. How intervals come about: :func:`sgdsde.statistics.optimum`.

    Examples
    --------
    >>> from sgdsde.data import digits
    >>> from sgdsde.models import mlp
    >>> config = SGDConfig(0.5, batch_size=1, n_examples=100)
    >>> study = batch_size_study(mlp(64, 10), digits(n_train=100), config, [2, 4, 8, 16, 32], replicas=3, updates=20)
    >>> dict(study.runs.sizes)
    {'learning_rate': 1, 'batch_size': 5, 'replica': 3}
    """
    import xarray as xr

    from sgdsde.models import train

    rates = (
        [config.learning_rate] if learning_rates is None else [positive("learning_rates", e) for e in learning_rates]
    )
    sizes = list(integers("batch_sizes", batch_sizes, 1))
    if len(sizes) < LEAST or sorted(set(sizes)) != sizes:
        raise ValueError(f"batch_sizes must be at least {LEAST} increasing integers, got {list(batch_sizes)!r}")
    if not rates or len(set(rates)) < len(rates):
        raise ValueError(f"learning_rates must be at least one and differ, got {learning_rates!r}")
    replicas, updates = integer("replicas", replicas, 3), integer("updates", updates, 1)
    level = real("level", level, above=0, below=1)
    for name in ("checkpoint", "evaluate_every", "learning_rates", "measures"):
        if name in options:
            raise ValueError(f"options must not have {name}: batch_size_study sets it")
    cells = [
        (replace(config, learning_rate=rate, batch_size=size), max(1, round(updates * rates[0] / rate)))
        for rate, size in product(rates, sizes)
    ]
    work = np.cumsum([0.0, *(each.batch_size * count for each, count in cells)])
    found = []
    for number, (each, count) in enumerate(cells):
        folder = None if store is None else Path(store) / f"{each.learning_rate!r} {each.batch_size} {count}"
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", ".*replicas diverged.*", RuntimeWarning)  # they are counted below
            run = train(
                model, data, each, count, replicas, dynamics, seed=seed, checkpoint=folder, **options
            )  # fmt: skip
        found.append(run[[*KEPT, "diverged"]].isel(step=-1).reset_coords(drop=True))
        if progress is not None:
            progress(float(work[number + 1] / work[-1]))
    table = [found[k * len(sizes) : (k + 1) * len(sizes)] for k in range(len(rates))]
    runs = xr.concat([xr.concat(row, "batch_size") for row in table], "learning_rate").assign_coords(
        learning_rate=rates, batch_size=sizes
    )
    runs["updates"] = ("learning_rate", [count for _, count in cells[:: len(sizes)]])
    scales = np.reshape([each.noise_scale for each, _ in cells], (len(rates), len(sizes)))
    runs = runs.assign_coords(noise_scale=(("learning_rate", "batch_size"), scales))
    errors = BatchSizeStudy(runs, (), config).errors
    return BatchSizeStudy(runs, tuple(optimum(sizes, each, level=level, seed=seed) for each in errors), config)


#: What is kept of the end of each run.
KEPT = ("test_accuracy", "test_loss", "train_accuracy", "train_loss")
