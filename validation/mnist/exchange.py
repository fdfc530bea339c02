"""What ``exchange_breaks`` runs, ε and B times common factors, for as many epochs, at several N; and its figures."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import xarray as xr

from sgdsde.plotting import Curve, CurvePanel, Figure, curve_panels
from validation.context import Context
from validation.mnist.breaking import broken_at
from validation.mnist.cells.descent import descent
from validation.mnist.descents import Array, Run, readings
from validation.mnist.networks import swept
from validation.mnist.rates import means

#: What is compared, by what it is called in labels; what a diverged replica is taken to have of it is what those have
#: whose units are dead: they guess one of ten classes, and tr H is next to 1.
QUANTITIES = {"ln tr H": "trace", "ln training loss": "train_loss", "test accuracy": "test_accuracy"}
DEAD = {"trace": 0.0, "train_loss": math.log(math.log(10)), "test_accuracy": 0.1}
#: By which factor ε is multiplied alone.
ALONE = 2
#: When a quantity is read: at the last readings, or the first.
LATE, EARLY = "late", "early"
#: In margins, how far the axes of the figure reach.
REACH = 6.0


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
    """Train all."""
    jobs = {key: size.run(*key).cells(n_examples=key[0]) for key in settings(size)}
    return Runs(size, swept(context, descent, source, size, jobs, "replicas", single=True))


def apart_figure(runs: Runs) -> Figure:
    """A panel for each quantity, with its margin, against the factor."""
    size, panels = runs.size, []
    for text, name in QUANTITIES.items():
        margin, words = size.margins[name], f"{text}, less that at factor 1"
        curves = [means(f"N = {n}", size.factors, runs.apart(name, n).T) for n in size.n_examples]
        panels.append(
            CurvePanel(
                "factor of ε and B",
                words,
                curves,
                band=(-margin, margin),
                x_scale="log",
                y_range=(-REACH * margin, REACH * margin),
            )
        )
    return curve_panels(panels)


def breaking_figure(runs: Runs) -> Figure:
    """The factors at which quantities leave their margins against N, late and early in training."""
    panels = []
    for when in (LATE, EARLY):
        curves = [_broken(runs, text, name, when) for text, name in QUANTITIES.items()]
        panels.append(CurvePanel("N", "factor that breaks", curves, title=when, x_scale="log", y_scale="log"))
    return curve_panels(panels)


def _broken(runs: Runs, text: str, name: str, when: str) -> Curve:
    size = runs.size
    found = [broken_at(size.factors, runs.apart(name, n, when), size.margins[name]) for n in size.n_examples]
    values, errors = np.array([(each.value, each.standard_error) for each in found]).T
    return Curve(text, size.n_examples, values, errors)
