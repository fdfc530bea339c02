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


def _mnist(replicas: int, longer: float = 1.0, **sizes: int) -> Protocol:
    def run(setting: tuple[float, ...], distance: float, readings: int) -> Run:
        return Run(setting, distance * longer, round(readings * longer))

    scan = run((0.2, 40), 48, 7), run((0.2, 20), 54, 7), run((0.2, 10), 84, 9), run((0.2, 5), 140, 12)
    return Protocol(
        scan=scan,
        scaled={1: run((0.1, 5), 84, 9), 2: scan[2], 8: run((0.8, 40), 100, 8), 16: run((1.6, 80), 30, 3)},
        alone=scan[3],
        cycles=(run((0.2, 5, 0.05, 5), 100, 10), run((0.2, 5, 0.2, 20), 100, 10)),
        hottest=scan[3],
        period=400,
        memories={
            0.25: (run((0.2, 20), 100, 7), run((0.2, 5), 300, 10)),
            0.5: (run((0.2, 20), 120, 7), run((0.2, 5), 390, 10)),
        },
        early=60 * longer,
        replicas=replicas,
        **sizes,
    )


def _digits(
    replicas: int, longer: float = 1.0, level: float = 0.1, memory_level: float = 0.6, **sizes: int
) -> Protocol:
    def run(setting: tuple[float, ...], distance: float, readings: int) -> Run:
        return Run(setting, distance * longer, readings)

    scan = run((0.2, 40), 120, 12), run((0.2, 20), 120, 12), run((0.2, 10), 130, 12), run((0.2, 5), 160, 12)
    return Protocol(
        scan=scan,
        scaled={
            1: run((0.05, 5), 130, 12),
            2: run((0.1, 10), 130, 12),
            8: run((0.4, 40), 130, 12),
            64: run((3.2, 320), 90, 3),
        },
        alone=run((0.1, 5), 130, 12),
        cycles=(run((0.2, 5, 0.05, 5), 120, 12), run((0.2, 5, 0.2, 20), 120, 12)),
        hottest=scan[3],
        period=400,
        memories={
            0.25: (run((0.2, 20), 250, 10), run((0.2, 5), 450, 12)),
            0.5: (run((0.2, 20), 400, 10), run((0.2, 5), 900, 12)),
        },
        early=150 * longer,
        replicas=replicas,
        level=level,
        memory_level=memory_level,
        **sizes,
    )


#: By name of the data set and preset.
PROTOCOLS: dict[str, dict[str, Protocol]] = {
    "MNIST": {
        "smoke": _mnist(2, n_examples=200, hidden=50, n_test=200),
        "quick": _mnist(8),
        "full": _mnist(16, 3.0, n_examples=1000, n_test=5000),
    },
    "digits": {
        "smoke": _digits(2, 0.2, 1.3, 2.0, n_examples=400, hidden=20, n_test=200),
        "quick": _digits(24, n_examples=400, hidden=200),
        "full": _digits(48, n_examples=400),
    },
}
