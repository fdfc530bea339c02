"""What ``memorisation`` runs, random labels on the grid of ε and B of Three Factors; what it compares; its figures.

Jastrzębski et al. train 300 epochs on all images at every ε and B, and look at accuracies there. Here every run goes on
until it has learnt the random labels that it is asked for, and is compared at equal accuracies along the way.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import xarray as xr

from sgdsde.plotting import Curve, CurvePanel, Figure, curve_panels
from validation.context import Context
from validation.mnist.cells.descent import descent
from validation.mnist.descents import Array, Run, learning_figure, mean_along, ratio_slopes
from validation.mnist.networks import swept
from validation.signs import mean_known

#: Along what runs are compared.
COMPARED = ("memorised", "train_accuracy", "distance", "epochs")


@dataclass(frozen=True)
class Share:
    """Runs at one share of random labels, and between which values of what they are compared.

    ``memorised`` and ``train_accuracy`` are accuracies, on the random labels and on all of the training set.
    """

    runs: tuple[Run, ...]
    memorised: tuple[float, float]
    train_accuracy: tuple[float, float]
    distance: tuple[float, float]
    epochs: tuple[float, float]


@dataclass(frozen=True)
class Size:
    """Runs by share of random labels; ``least``: the smallest slopes against ln(ε/B) that count; replicas of a seed."""

    shares: dict[float, Share]
    least: dict[str, float]
    replicas: int
    n_examples: int
    hidden: int = 256
    n_test: int = 2500


@dataclass(frozen=True)
class Runs:
    """What was run, by share of random labels and run."""

    size: Size
    found: dict[tuple[float, Run], xr.Dataset]

    def along(self, share: float, run: Run, name: str, against: str) -> Array:
        """The mean of a variable over the range in which `against` is compared, (replica,)."""
        return mean_along(self.found[share, run], name, against, getattr(self.size.shares[share], against))

    def slopes(self, share: float, name: str, against: str) -> Array:
        """Least-squares slopes of the same against ln(ε/B) over all runs, (replica,)."""
        runs = self.size.shares[share].runs
        return ratio_slopes(runs, [self.along(share, run, name, against) for run in runs])

    def exchanged(self, share: float, factor: int, name: str) -> tuple[Array, Array]:
        """What ε and B times a factor changes at equal Σ ε(k), and what ε alone does: (replica,), over all pairs."""
        triples = list(exchanges(self.size.shares[share].runs, factor))
        if not triples:
            raise ValueError(f"no runs at {share:g} with ε and B, and ε alone, times {factor}")
        values = [[self.along(share, run, name, "distance") for run in triple] for triple in triples]
        changes = np.mean([(both - one, alone - one) for one, both, alone in values], axis=0)
        return changes[0], changes[1]

    def missing(self) -> Iterator[str]:
        """Runs of which a replica did not come to where it is compared."""
        for share, held in self.size.shares.items():
            for run in held.runs:
                if any(np.isnan(self.along(share, run, "trace", against)).any() for against in COMPARED):
                    yield f"{100 * share:g} % random, {run}"


def exchanges(runs: tuple[Run, ...], factor: int) -> Iterator[tuple[Run, Run, Run]]:
    """Runs of which the second has ε and B times the factor of the first, and the third ε alone."""
    by_setting = {run.setting: run for run in runs}
    for (rate, batch), run in by_setting.items():
        both, alone = (round(rate * factor, 12), batch * factor), (round(rate * factor, 12), batch)
        if both in by_setting and alone in by_setting:
            yield run, by_setting[both], by_setting[alone]


def run_all(context: Context, source: str, size: Size) -> Runs:
    """Train all."""
    jobs = {(share, run): run.cells(random_share=share) for share, held in size.shares.items() for run in held.runs}
    return Runs(size, swept(context, descent, source, size, jobs, "replicas", single=True))


def memory_figure(runs: Runs) -> Figure:
    """The accuracies of all runs as random labels are learnt."""
    return learning_figure(
        {share: {str(run): runs.found[share, run] for run in held.runs} for share, held in runs.size.shares.items()}
    )


def slopes_figure(runs: Runs) -> Figure:
    """What is compared at equal accuracy, and at equal distance, against ε/B."""
    shown = (
        ("test accuracy at equal\naccuracy on random labels", "test_accuracy", "memorised"),
        ("accuracy on random labels\nat equal training accuracy", "memorised", "train_accuracy"),
        ("accuracy on random labels\nat equal Σ ε(k)", "memorised", "distance"),
    )
    panels = [
        CurvePanel("ε/B", text, [_curve(runs, share, name, against) for share in runs.size.shares], x_scale="log")
        for text, name, against in shown
    ]
    return curve_panels(panels)


def _curve(runs: Runs, share: float, name: str, against: str) -> Curve:
    """All runs at one share of random labels; those of one ε/B lie one above the other."""
    held = runs.size.shares[share].runs
    values = [mean_known(runs.along(share, run, name, against), np.nan) for run in held]
    mean, error, _ = np.array(values).T
    return Curve(f"{100 * share:g} % random", [run.ratio for run in held], mean, error, joined=False)
