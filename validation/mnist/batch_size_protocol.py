"""Protocol of the claim ``mnist_batch_size``: the batch size of the highest test accuracy, at several learning rates.

Smith & Le (arXiv 1710.06451, §5): the test accuracy of a network depends on (ε, B, N, m) through the noise scale g
alone, so the best batch size grows in proportion to ε. With the effective batch size B' = 1/c (c is
`SGDConfig.batch_noise`; B' ≈ B while B ≪ N) the noise scale is g = εN/(B'(1 − m)) without approximation:

    B'_opt ∝ ε^α with α = 1.        Control: "the best batch size does not depend on ε", α = 0.

What is done, for each learning rate on its own grid of B: train `replicas` networks for `reading`/ε updates, that is,
to the same time of the SDE, and read the accuracy on the whole test set. Replica r has the same training subset,
initial weights and seed of batches at all ε and B: what is particular to it cancels in comparisons. The mean curve over
replicas is smoothed by a local quadratic in log2 B' (Gaussian weights, `bandwidth` octaves); B'_opt is where the smooth
curve is highest. Unlike the best point of the grid, this moves continuously with the data, and it commutes with the
shift of the curve that the law predicts. Errors come from a bootstrap over replicas, all ε and B of a replica together.
A diverged run counts as guessing. Sizes are fixed here, beforehand; the pilot runs used other seeds.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy import stats

from sgdsde.config import SGDConfig
from sgdsde.data import Dataset
from sgdsde.models import mlp, train

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Protocol:
    """Everything that is fixed before the first run: ``batch_sizes[i]`` is the grid of ``learning_rates[i]``."""

    learning_rates: tuple[float, ...]
    batch_sizes: tuple[tuple[int, ...], ...]
    replicas: int
    reading: float = 50.0
    n_examples: int = 1000
    hidden: int = 800
    momentum: float = 0.9
    sampling: str = "without_replacement"
    bandwidth: float = 0.75
    resamples: int = 2000

    def __post_init__(self) -> None:
        if len(self.learning_rates) < 2 or len(self.batch_sizes) != len(self.learning_rates):
            raise ValueError("learning_rates must be at least two, with one grid of batch sizes each")
        if any(len(grid) < 4 or list(grid) != sorted(set(grid)) for grid in self.batch_sizes):
            raise ValueError(f"batch_sizes must be increasing, at least four each, got {self.batch_sizes}")
        if max(map(max, self.batch_sizes)) >= self.n_examples:
            raise ValueError(f"batch_sizes must be below n_examples = {self.n_examples}: the whole set has no noise")
        if self.replicas < 2:
            raise ValueError(f"replicas must be at least 2, got {self.replicas}")

    def config(self, learning_rate: float, batch_size: int) -> SGDConfig:
        """One point of the grid."""
        return SGDConfig(learning_rate, batch_size, self.n_examples, self.momentum, self.sampling)

    def updates(self, learning_rate: float) -> int:
        """How many updates reach the reading."""
        return max(1, round(self.reading / learning_rate))

    def effective_batch_size(self, batch_size: int) -> float:
        """B' = 1/c, with which g = εN/(B'(1 − m)) exactly."""
        return 1 / self.config(1.0, batch_size).batch_noise


def _grids(learning_rates: tuple[float, ...], first: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
    """The grid of the first rate, and the same in proportion to ε for the others: equal noise scales while B ≪ N."""
    return tuple(tuple(round(b * e / learning_rates[0]) for b in first) for e in learning_rates)


_SMOKE, _MNIST, _DIGITS = (0.1, 0.4), (0.0125, 0.05), (0.025, 0.1)
_MNIST_FULL = (0.0125, 0.025, 0.05)
#: By name of the data set and preset. MNIST, quick: about 2 minutes on 2 cores.
PROTOCOLS: dict[str, dict[str, Protocol]] = {
    "MNIST": {
        "smoke": Protocol(_SMOKE, _grids(_SMOKE, (8, 16, 32, 64)), replicas=2, reading=8, hidden=50),
        "quick": Protocol(_MNIST, _grids(_MNIST, (1, 2, 3, 4, 6, 8, 16)), replicas=8),
        "full": Protocol(_MNIST_FULL, _grids(_MNIST_FULL, (1, 2, 3, 4, 5, 6, 8, 12, 16)), replicas=24),
    },
    "digits": {
        "smoke": Protocol(_SMOKE, _grids(_SMOKE, (8, 16, 32, 64)), replicas=2, reading=8, hidden=50, n_examples=400),
        "quick": Protocol(_DIGITS, _grids(_DIGITS, (2, 3, 4, 6, 8, 12, 16)), replicas=16, hidden=200, n_examples=400),
        "full": Protocol(_DIGITS, _grids(_DIGITS, (2, 3, 4, 6, 8, 12, 16)), replicas=60, n_examples=400),
    },
}


@dataclass(frozen=True, eq=False)
class OptimalBatchSizes:
    """What `measure_optimal_batch_size` found; arrays have one entry per learning rate.

    Parameters
    ----------
    protocol : Protocol
        What was done.
    curves : xarray.Dataset
        ``test_accuracy`` and ``diverged`` over (learning_rate, batch_size, replica), NaN and False off a rate's grid;
        coordinates ``effective_batch_size`` and ``noise_scale``; the attributes hold the provenance.
    smooth : tuple of (B', accuracy) pairs
        The smoothed mean curves, for drawing.
    batch_size, effective_batch_size, noise_scale : array
        B, B' and g of the highest accuracy.
    octave_error : array
        Standard error of log2 B'_opt.
    interval : array, shape (rates, 2)
        95 % interval of B_opt (Student's t on log2 B'_opt).
    bracketed : array of bool
        Whether the maximum lies inside the grid; elsewhere the result is a bound and the claim undecided.
    exponent, exponent_error : float
        α of B'_opt ∝ ε^α by least squares on the logarithms, and its standard error. Predicted 1, control 0.
    exponent_interval : tuple of float
        95 % interval of α (Student's t).
    """

    protocol: Protocol
    curves: xr.Dataset
    smooth: tuple[tuple[FloatArray, FloatArray], ...]
    batch_size: FloatArray
    effective_batch_size: FloatArray
    noise_scale: FloatArray
    octave_error: FloatArray
    interval: FloatArray
    bracketed: NDArray[np.bool_]
    exponent: float
    exponent_error: float
    exponent_interval: tuple[float, float]


def measure_optimal_batch_size(
    data_factory: Callable[..., Dataset],
    protocol: Protocol,
    seed: int,
    progress: Callable[[float], None] = lambda fraction: None,
) -> OptimalBatchSizes:
    """Run the protocol: train on the whole grid, then estimate the best batch sizes and the exponent.

    `data_factory` is called as ``data_factory(n_train=N, seed=…)``, once per replica (`sgdsde.data.mnist` and `digits`
    fit). `seed` sets everything random. `progress` is told the fraction done, by estimated work.
    """
    subsets, training, resampling = np.random.SeedSequence(seed).spawn(3)
    sets = [data_factory(n_train=protocol.n_examples, seed=int(s)) for s in subsets.generate_state(protocol.replicas)]
    curves = _train_all(sets, protocol, int(training.generate_state(1)[0]), progress)
    return estimate(curves, protocol, np.random.default_rng(resampling))


def _train_all(sets: list[Dataset], protocol: Protocol, seed: int, progress: Callable[[float], None]) -> xr.Dataset:
    points = [(e, b) for e, grid in zip(protocol.learning_rates, protocol.batch_sizes, strict=True) for b in grid]
    # An update costs a pass over the weights and one over the batch; a run ends with a pass over the test set.
    work = np.array([protocol.updates(e) * (20 + b) + sets[0].n_test / 3 for e, b in points])
    sizes = sorted({b for _, b in points})
    shape = (len(protocol.learning_rates), len(sizes), protocol.replicas)
    accuracy, diverged = np.full(shape, np.nan), np.zeros(shape, dtype=bool)
    model = mlp(sets[0].x_train.shape[1], protocol.hidden, max(d.n_classes for d in sets))
    attributes = {}
    for (e, b), done in zip(points, np.cumsum(work) / work.sum(), strict=True):
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", ".* replicas diverged", RuntimeWarning)  # they are counted below
            runs = train(model, sets, protocol.config(e, b), protocol.updates(e), protocol.replicas, seed=seed)
        at = protocol.learning_rates.index(e), sizes.index(b)
        accuracy[at] = runs["test_accuracy"].isel(update=-1).fillna(1 / sets[0].n_classes)
        diverged[at] = runs["diverged"]
        attributes = runs.attrs
        progress(float(done))
    kept = ("momentum", "n_examples", "sampling", "seed", "model", "data", "device", "dtype")
    curves = xr.Dataset(
        {
            "test_accuracy": (("learning_rate", "batch_size", "replica"), accuracy),
            "diverged": (("learning_rate", "batch_size", "replica"), diverged),
        },
        coords={
            "learning_rate": list(protocol.learning_rates),
            "batch_size": sizes,
            "effective_batch_size": ("batch_size", [protocol.effective_batch_size(b) for b in sizes]),
            "noise_scale": (
                ("learning_rate", "batch_size"),
                [[protocol.config(e, b).noise_scale for b in sizes] for e in protocol.learning_rates],
            ),
        },
    )
    versions = {key: value for key, value in attributes.items() if key.endswith("_version")}
    return curves.assign_attrs({key: attributes[key] for key in kept} | versions | {"reading": protocol.reading})


def estimate(curves: xr.Dataset, protocol: Protocol, generator: np.random.Generator) -> OptimalBatchSizes:
    """Best batch sizes and exponent from measured curves, with a bootstrap over replicas."""
    r = protocol.replicas
    shares = generator.multinomial(r, np.full(r, 1 / r), size=protocol.resamples) / r
    weights = np.vstack([np.full(r, 1 / r), shares])  # the first row is the measurement itself
    tops, smooth, bracketed = [], [], []
    for e, grid in zip(protocol.learning_rates, protocol.batch_sizes, strict=True):
        part = curves.sel(learning_rate=e, batch_size=list(grid))
        octaves = np.log2(part["effective_batch_size"].to_numpy())
        x, smoother = local_quadratic(octaves, protocol.bandwidth)
        curve = smoother @ part["test_accuracy"].to_numpy() @ weights.T
        best = curve.argmax(axis=0)
        tops.append(x[best])
        smooth.append((2**x, curve[:, 0]))
        bracketed.append(0 < best[0] < len(x) - 1)
    log_tops, log_rates = np.array(tops), np.log2(protocol.learning_rates)
    centred = log_rates - log_rates.mean()
    slopes = centred @ log_tops / (centred @ centred)
    # The bootstrap's spread is that of r draws about their own mean: r/(r − 1) corrects it, Student's t the interval.
    inflate, t = np.sqrt(r / (r - 1)), stats.t.ppf(0.975, r - 1)
    error = log_tops[:, 1:].std(axis=1) * inflate
    effective = 2 ** log_tops[:, 0]
    exponent, exponent_error = float(slopes[0]), float(slopes[1:].std() * inflate)
    bounds = 2 ** (log_tops[:, :1] + t * error[:, None] * np.array([-1, 1]))
    return OptimalBatchSizes(
        protocol=protocol,
        curves=curves,
        smooth=tuple(smooth),
        batch_size=_plain_batch_size(effective, protocol),
        effective_batch_size=effective,
        noise_scale=np.array(protocol.learning_rates) * protocol.n_examples / (effective * (1 - protocol.momentum)),
        octave_error=error,
        interval=_plain_batch_size(bounds, protocol),
        bracketed=np.array(bracketed),
        exponent=exponent,
        exponent_error=exponent_error,
        exponent_interval=(exponent - t * exponent_error, exponent + t * exponent_error),
    )


def local_quadratic(x: FloatArray, bandwidth: float, points: int = 2001) -> tuple[FloatArray, FloatArray]:
    """A fine grid over the range of `x`, and the matrix that takes values at `x` to the smoothed curve on it."""
    fine = np.linspace(x[0], x[-1], points)
    away = x - fine[:, None]
    design = away[..., None] ** np.arange(3)
    weighted = np.exp(-0.5 * (away / bandwidth) ** 2)[..., None] * design
    normal = np.einsum("pij,pik->pjk", design, weighted)
    return fine, np.linalg.solve(normal, weighted.transpose(0, 2, 1))[:, 0]


def _plain_batch_size(effective: FloatArray, protocol: Protocol) -> FloatArray:
    """B from B' = 1/c."""
    n = protocol.n_examples
    if protocol.sampling == "with_replacement":
        return np.asarray(effective * (n - 1) / n)
    return np.asarray(1 / (1 / effective + 1 / n))
