"""What the sweep of ``dont_decay`` calls: networks trained under one schedule, measured after equal numbers of epochs.

Smith, Kindermans, Ying & Le (arXiv 1711.00489, §5.1): at every drop either ε falls by a factor a, or B grows by it, or
first the one and then the other. ε/B is the same in all three after any number of examples, and so are the SDE's clock
s = Σ ε/(1 − m) and, while B ≪ N, its temperature.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

import sgdsde as sg
from validation.mnist.cells.training import guessing, run_replicas, subsets, with_every_test
from validation.stores import lasting

#: Kind of schedule → whether ε falls, rather than B grows, at drop number i; the control has no drops.
FALLS: dict[str, Callable[[int], bool]] = {
    "ε falls": lambda drop: True,
    "B grows": lambda drop: False,
    "B grows, then ε falls": lambda drop: drop > 0,
}
CONTROL = "neither"


class Courses(NamedTuple):
    """ε(k) and B(k), (updates,), and after how many updates to measure, (readings,)."""

    learning_rates: NDArray[np.float64]
    batch_sizes: NDArray[np.int64]
    marks: NDArray[np.int64]


@dataclass(frozen=True)
class Schedule:
    """ε and B at first, the factor a, how many drops, and the epochs and the readings from one drop to the next."""

    learning_rate: float
    batch_size: int
    factor: int
    drops: int
    epochs: int
    readings: int = 1

    @property
    def readings_at(self) -> NDArray[np.float64]:
        """When it is measured, in epochs, (all readings,)."""
        return np.arange(1, (self.drops + 1) * self.readings + 1) * self.epochs / self.readings

    def courses(self, kind: str, n_examples: int) -> Courses:
        """Update by update.

        Raises
        ------
        ValueError
            When a reading is not after a whole number of updates, or a batch would not fit into the training set.
        """
        rates, sizes = [self.learning_rate], [self.batch_size]
        for drop in range(self.drops):
            falls = kind != CONTROL and FALLS[kind](drop)
            rates.append(rates[-1] / self.factor if falls else rates[-1])
            sizes.append(sizes[-1] if falls or kind == CONTROL else sizes[-1] * self.factor)
        per_reading = [self.epochs * n_examples / (self.readings * size) for size in sizes]
        if any(each != int(each) for each in per_reading) or sizes[-1] > n_examples:
            raise ValueError(
                f"batches of {sizes} must fit into N = {n_examples} and into the readings, got {per_reading}"
            )
        counts = [int(each) for each in per_reading]
        updates = [count * self.readings for count in counts]
        return Courses(
            np.concatenate([sg.schedules.constant(e, k) for e, k in zip(rates, updates, strict=True)]),
            np.repeat(sizes, updates),
            np.cumsum(np.repeat(counts, self.readings)),
        )


@lasting("1")
def scheduled(
    source: str,
    n_examples: int,
    hidden: int,
    kind: str,
    learning_rate: float,
    batch_size: int,
    factor: int,
    drops: int,
    epochs: int,
    readings: int,
    momentum: float,
    test_stride: int,
    replicas: int,
    seed: int,
    device: str,
) -> xr.Dataset:
    """Replicas with a training set and initial weights of their own, the same in every schedule.

    Accuracy is on every `test_stride`-th test image: an evaluation on all costs as much as an epoch of training. A
    diverged replica guesses.

    Returns
    -------
    xarray.Dataset
        ``train_loss``, ``test_accuracy``, ``test_loss`` (replica, reading), ``updates`` until each reading, and
        ``diverged`` (replica,).
    """
    sets = [with_every_test(each, test_stride) for each in subsets(source, n_examples, replicas, seed)]
    course = Schedule(learning_rate, batch_size, factor, drops, epochs, readings).courses(kind, n_examples)
    config = sg.SGDConfig(learning_rate, batch_size, n_examples, momentum)
    runs, updates = run_replicas(
        sets, hidden, config, len(course.learning_rates), evaluate_every=math.gcd(*course.marks.tolist()), seed=seed,
        device=device, learning_rates=course.learning_rates, batch_sizes=course.batch_sizes,
    )  # fmt: skip
    at = np.searchsorted(updates.to_numpy(), course.marks)
    runs = runs.isel(reading=at)[["train_loss", "test_accuracy", "test_loss", "diverged"]]
    return guessing(runs.assign(updates=("reading", course.marks)), sets)
