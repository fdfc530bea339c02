"""Protocols of the claim ``three_factors``: which (ε, B) are run, how far, and where they are compared.

Jastrzębski et al. (arXiv 1711.04623) train to the end and compare Hessians there. Without weight decay the loss of a
network that has learnt all labels, and its Hessian with it, go on shrinking for ever: comparisons are meaningful at
equal training loss, which is where they are made here, by interpolation between readings. All runs of a replica have
the same images, initial weights and seed of batches: what is particular to it cancels. Sizes are fixed here,
beforehand; the pilot runs used other seeds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from validation.sizes import by_source


class Run(NamedTuple):
    """(ε, B), or two such pairs that alternate; the distance Σ ε(k); how often it is read."""

    setting: tuple[float, ...]
    distance: float
    readings: int

    @property
    def ratio(self) -> float:
        """ε/B, at the first pair."""
        return self.setting[0] / self.setting[1]

    def __str__(self) -> str:
        pairs = [f"ε = {e:g}, B = {b:g}" for e, b in zip(self.setting[::2], self.setting[1::2], strict=True)]
        return " ↔ ".join(pairs)


@dataclass(frozen=True)
class Protocol:
    """Everything that is fixed before the first run.

    ``scan``: B varied at one ε. ``scaled``: ε and B times a common factor, 1, 2, and so on; at the largest, training
    fails. ``alone``: ε doubled, B not. ``cycles``: of ε, and of B, over `period` visited examples; ``hottest``:
    constant at their largest ε/B. ``memories``: runs for each share of random labels, read at the distance `early` too.
    Numbers are compared at the training loss `level`, with random labels at `memory_level`.
    """

    scan: tuple[Run, ...]
    scaled: dict[int, Run]
    alone: Run
    cycles: tuple[Run, Run]
    hottest: Run
    period: int
    memories: dict[float, tuple[Run, ...]]
    early: float
    replicas: int
    level: float = 0.1
    memory_level: float = 0.2
    n_examples: int = 500
    hidden: int = 800
    n_test: int = 500


#: By name of the data set and preset.
PROTOCOLS = by_source("three_factors", Protocol)
