"""What ``exchange_breaks`` runs: ε and B times common factors, for as many epochs, at several N."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import xarray as xr

from validation.context import Context
from validation.mnist.descents import Array, descended, readings
from validation.mnist.three_factors.runs import Run

#: What is compared, by what it is called in labels; what a diverged replica is taken to have of it is what those have
#: whose units are dead: they guess one of ten classes, and tr H is next to 1.
QUANTITIES = {"ln tr H": "trace", "ln training loss": "train_loss", "test accuracy": "test_accuracy"}
DEAD = {"trace": 0.0, "train_loss": math.log(math.log(10)), "test_accuracy": 0.1}
#: By which factor ε is multiplied alone.
ALONE = 2
#: When a quantity is read: at the last readings, or the first.
LATE, EARLY = "late", "early"


@dataclass(frozen=True)
class Size:
    """ε and B at factor 1, the factors, every N, and how long: ``epochs``, read at equal distances.

    Numbers are means over the ``averaged`` last readings, early ones those of the first. ``margins`` are how far the
    quantities may be from those at factor 1; ``least`` the smallest exponent of N that counts, and the smallest ln of a
    loss. Replicas of each seed.
    """

    base: tuple[float, int]
    factors: tuple[int, ...]
    n_examples: tuple[int, ...]
    epochs: int
    readings: int
    averaged: int
    margins: dict[str, float]
    least: dict[str, float]
    replicas: int
    hidden: int = 256
    n_test: int = 2500

    def run(self, n: int, factor: int, batch_factor: int) -> Run:
        """ε and B times factors, at least to the distance Σ ε(k) that the base goes in the epochs."""
        rate, batch = self.base[0] * factor, self.base[1] * batch_factor
        every = math.ceil(round(self.distance(n) / (rate * self.readings), 9))
        return Run((rate, batch), every * self.readings * rate, self.readings)

    def distance(self, n: int) -> float:
        """Σ ε(k) at the end."""
        return self.base[0] / self.base[1] * self.epochs * n


@dataclass(frozen=True)
class Runs:
    """What was run, by N and the factors of ε and of B."""

    size: Size
    found: dict[tuple[int, int, int], xr.Dataset]

    def courses(self, name: str, n: int, factor: int, batch_factor: int) -> Array:
        """A quantity at the base's distances, (replica, reading): readings of long steps are a little further on.

        Logarithms of what is positive. A diverged replica is `DEAD`.
        """
        runs = self.found[n, factor, batch_factor]
        at = self.size.distance(n) * np.arange(1, self.size.readings + 1) / self.size.readings
        x, values = runs["distance"].to_numpy(), readings(runs, name)
        values = np.where(np.isfinite(values), values, DEAD[name])
        return np.array([np.interp(at, x, row) for row in values])

    def means(self, name: str, n: int, factor: int, batch_factor: int, when: str = LATE) -> Array:
        """The mean over the readings that count, (replica,)."""
        courses = self.courses(name, n, factor, batch_factor)
        mean: Array = (courses[:, :1] if when == EARLY else courses[:, -self.size.averaged :]).mean(axis=1)
        return mean

    def apart(self, name: str, n: int, when: str = LATE) -> Array:
        """How far it is at each factor from what it is without, (replica, factor)."""
        values: Array = np.array([self.means(name, n, factor, factor, when) for factor in self.size.factors])
        away: Array = values - values[0]
        return away.T

    def alone(self, name: str, n: int) -> Array:
        """How far it is where ε is doubled and B is not, (replica,)."""
        return self.means(name, n, ALONE, 1) - self.means(name, n, 1, 1)


def settings(size: Size) -> Iterator[tuple[int, int, int]]:
    """N, and the factors of ε and of B, of all runs."""
    for n in size.n_examples:
        yield from ((n, factor, factor) for factor in size.factors)
        yield n, ALONE, 1


def run_all(context: Context, source: str, size: Size) -> Runs:
    """Each run a sweep of its own: it is kept when the next one is stopped."""
    jobs = [(key, size.run(*key)) for key in settings(size)]
    found = {}
    for (key, run), part in context.shares(jobs, [run.distance / run.ratio for _, run in jobs]):
        found[key] = descended(part, source, size, run, key[0])
    return Runs(size, found)
