"""Runs at N = 1000 over ε at one noise scale: SGD, what approximates it and wrong noises, for each width and seed.

All runs of a width and a seed have the same training set and initial weights. B ∝ ε, so that along a row of learning
rates there is one SDE, and what SGD does at each ε is held against it. All are looked at at the same times s = εk, but
for the noise 1.5 times as strong, which is SGD at 1.5 ε with the batches of ε: an epoch of it is 1.5 times as long, and
so are its looks apart.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from validation.mnist.sde.runs import ISOTROPIC, NOISELESS, NOISY, SDE, SGD, STRONGER, SVAG

#: SGD whose batches know nothing of each other, beside one that goes through permutations.
INDEPENDENT = "independent batches"
FRESH, SHUFFLED = "with_replacement", "reshuffle"
#: Gradient descent is looked at so many times as often as others, and the stronger noise at every third of its looks.
OFTEN, SELDOM = 2, 3


class Key(NamedTuple):
    """A run, of a network so wide, with B/ε and ε; gradient descent has no B, and 0 for B/ε."""

    run: str
    hidden: int
    ratio: int
    rate: float


class Case(NamedTuple):
    """What a run is."""

    sampling: str
    dynamics: str
    substeps: int
    batch_size: int
    looks: int
    replicas: int


class Replicas(NamedTuple):
    """How many of each seed: of the SDE, of SGD, of what else approximates it, of isotropic noise."""

    sde: int
    sgd: int
    others: int
    isotropic: int = 2


class Row(NamedTuple):
    """Increasing learning rates, B at the first one, and those at which SVAG and noisy gradient descent are run."""

    learning_rates: tuple[float, ...]
    batch_size: int
    svag: tuple[float, ...] = ()
    noisy: tuple[float, ...] = ()

    @property
    def ratio(self) -> int:
        """B/ε = 1/T."""
        return round(self.batch_size / self.learning_rates[0])

    def batch(self, rate: float) -> int:
        """B ∝ ε."""
        return round(self.ratio * rate)


@dataclass(frozen=True)
class Size:
    """Sizes and rows of learning rates, and replicas by width.

    Gradient descent takes updates of `reference_rate`, the SDE and SVAG `substeps` of its own for each of them,
    isotropic noise updates of `isotropic_rate`. The time is cut into `windows`, in which numbers are averaged over the
    looks, of which there are `looks` in all; at one of `kept_every` of them replicas are held against one another. Runs
    are compared in the windows of these numbers, from 0.
    """

    n_examples: int
    widths: dict[int, Replicas]
    rows: tuple[Row, ...]
    time: float
    windows: int
    compared: tuple[int, ...]
    looks: int
    kept_every: int
    reference_rate: float
    isotropic_rate: float
    substeps: int = 2

    def __post_init__(self) -> None:
        if self.looks % (SELDOM * self.windows * self.kept_every):
            raise ValueError(
                f"looks must be a multiple of {SELDOM} · windows · kept_every = "
                f"{SELDOM * self.windows * self.kept_every}, got {self.looks}"
            )
        if not set(self.compared) <= set(range(self.windows)):
            raise ValueError(f"compared must be windows from 0 to {self.windows - 1}, got {self.compared}")
        for row in self.rows:
            rates = (*row.learning_rates, *row.svag, *row.noisy, self.reference_rate, self.isotropic_rate)
            if any(abs(row.ratio * rate - row.batch(rate)) > 1e-9 for rate in rates):
                raise ValueError(f"learning_rates must have whole batches at B/ε = {row.ratio}, got {rates}")

    def window(self, number: int) -> str:
        """Its times in words."""
        length = self.time / self.windows
        return f"s = {length * number:g} to {length * (number + 1):g}"

    def svag_steps(self, rate: float) -> int:
        """l, at which a step of SVAG is as long as the SDE's."""
        return round(rate / self.reference_rate * self.substeps)

    def stronger(self, row: Row) -> float:
        """The learning rate at which the first one's batches have g × 1.5."""
        return round(1.5 * row.learning_rates[0], 12)

    def cases(self, sampling: str) -> Iterator[tuple[Key, Case]]:
        """All runs."""
        for hidden, replicas in self.widths.items():
            often = self.looks * OFTEN
            quiet = Case(FRESH, "gd", 1, self.n_examples, often, 1)
            yield Key(NOISELESS, hidden, 0, self.reference_rate), quiet
            for row in self.rows:
                yield from self._of_row(sampling, hidden, replicas, row)

    def _of_row(self, sampling: str, hidden: int, replicas: Replicas, row: Row) -> Iterator[tuple[Key, Case]]:
        def case(run: str, rate: float, of: str, dynamics: str, count: int, steps: int = 1) -> tuple[Key, Case]:
            return Key(run, hidden, row.ratio, rate), Case(of, dynamics, steps, row.batch(rate), self.looks, count)

        first, seldom = row.learning_rates[0], self.looks * OFTEN // SELDOM
        yield case(SDE, self.reference_rate, sampling, "sde", replicas.sde, self.substeps)
        yield case(ISOTROPIC, self.isotropic_rate, FRESH, "isotropic", replicas.isotropic)
        stronger = Case(sampling, "sgd", 1, row.batch_size, seldom, replicas.sgd)
        yield Key(STRONGER, hidden, row.ratio, self.stronger(row)), stronger
        if sampling != FRESH:
            yield case(INDEPENDENT, first, FRESH, "sgd", replicas.sgd)
        for rate in row.learning_rates:
            yield case(SGD, rate, sampling, "sgd", replicas.sgd)
        for rate in row.svag:
            yield case(SVAG, rate, sampling, "svag", replicas.others, self.svag_steps(rate))
        for rate in row.noisy:
            yield case(NOISY, rate, sampling, "noisy_gd", replicas.others)
