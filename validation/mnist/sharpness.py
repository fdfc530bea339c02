"""What ``sharpness_at_equal_loss`` runs, two scans of ε/B through one point and one with more images; its figure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from sgdsde.plotting import Curve, CurvePanel, Figure, Line, curve_panels
from validation.context import Context
from validation.mnist.cells.descent import descent
from validation.mnist.descents import Array, Run, at_loss, geometric, ratio_slopes
from validation.mnist.networks import swept
from validation.signs import mean_known

#: A label, runs of which ε/B differs, and N.
Scan = tuple[str, tuple[Run, ...], int]


@dataclass(frozen=True)
class Size:
    """Runs and sizes; replicas are those of each seed.

    ``batches``: B varied at one ε, from large to small; ``rates``: ε varied at one B, over the same ε/B; ``many``: B
    varied with ``many_examples`` images, without λ_max. Numbers are those at the training loss ``level``. ``least``:
    the smallest slopes against ln(ε/B) that count, of logarithms and of the test accuracy.
    """

    batches: tuple[Run, ...]
    rates: tuple[Run, ...]
    many: tuple[Run, ...]
    n_examples: int
    many_examples: int
    replicas: int
    least: dict[str, float]
    level: float = 0.1
    hidden: int = 256
    n_test: int = 2500

    def scans(self) -> dict[str, tuple[Run, ...]]:
        """The two scans by what is varied."""
        return {"B": self.batches, "ε": self.rates}


@dataclass(frozen=True)
class Runs:
    """What was run, by N and run."""

    size: Size
    found: dict[tuple[int, Run], xr.Dataset]

    def values(self, runs: tuple[Run, ...], name: str, n: int) -> Array:
        """A variable at the training loss of the comparison, (run, replica); logarithms of what is positive."""
        return np.array([at_loss(self.found[n, run], name, self.size.level) for run in runs])

    def slopes(self, runs: tuple[Run, ...], name: str, n: int | None = None) -> Array:
        """Least-squares slopes of the same against ln(ε/B), (replica,)."""
        return ratio_slopes(runs, self.values(runs, name, n or self.size.n_examples))

    def missing(self) -> Iterator[str]:
        """Runs of which a replica did not reach the loss where it is compared."""
        for n, run in self.found:
            names = ("trace", "largest") if n == self.size.n_examples else ("trace",)
            if any(np.isnan(self.values((run,), name, n)).any() for name in names):
                yield f"N = {n}, {run}"


def run_all(context: Context, source: str, size: Size) -> Runs:
    """Train all."""
    keys = [(size.n_examples, run) for run in dict.fromkeys((*size.batches, *size.rates))]
    keys += [(size.many_examples, run) for run in size.many]
    jobs = {(n, run): run.cells(n_examples=n, level=size.level, largest=n == size.n_examples) for n, run in keys}
    return Runs(size, swept(context, descent, source, size, jobs, "replicas", single=True))


def sharpness_figure(runs: Runs) -> Figure:
    """tr H, λ_max and test accuracy at equal training loss against ε/B."""
    scans = [(f"{varied} varied", scan, runs.size.n_examples) for varied, scan in runs.size.scans().items()]
    many = (f"B varied, N = {runs.size.many_examples}", runs.size.many, runs.size.many_examples)
    accuracies = [_accuracies(runs, *each) for each in scans]
    return curve_panels(
        [
            _sharpness(runs, "tr H", "trace", [*scans, many], [_inverse(runs)]),
            _sharpness(runs, "λ_max", "largest", scans),
            CurvePanel("ε/B", "test accuracy at equal training loss", accuracies, x_scale="log"),
        ]
    )


def _sharpness(runs: Runs, text: str, name: str, scans: list[Scan], lines: Sequence[Line] = ()) -> CurvePanel:
    curves = [geometric(label, _ratios(scan), runs.values(scan, name, n)) for label, scan, n in scans]
    return CurvePanel("ε/B", f"{text} at equal training loss", curves, lines, x_scale="log", y_scale="log")


def _accuracies(runs: Runs, label: str, scan: tuple[Run, ...], n: int) -> Curve:
    mean, error, _ = np.array([mean_known(each, np.nan) for each in runs.values(scan, "test_accuracy", n)]).T
    return Curve(label, _ratios(scan), mean, error)


def _inverse(runs: Runs) -> Line:
    """∝ B/ε through the last point."""
    ratios, last = np.array(_ratios(runs.size.batches[-3:])), runs.size.batches[-1:]
    height = np.exp(mean_known(runs.values(last, "trace", runs.size.n_examples)[0])[0])
    return Line("∝ B/ε", ratios, height * ratios[-1] / ratios)


def _ratios(scan: tuple[Run, ...]) -> list[float]:
    return [run.ratio for run in scan]
