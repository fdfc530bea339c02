"""Rates measured side by side, so that a slow moment of the machine falls on all alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Contender:
    """Something timed: `run` does `work` units."""

    work: float
    run: Callable[[], object]


def rates(contenders: Mapping[str, Contender], rounds: int = 7) -> dict[str, float]:
    """Best rate (work per second) of each, all taking turns; the first turn of each only warms up."""
    best = dict.fromkeys(contenders, 0.0)
    for turn in range(rounds + 1):
        for name, contender in contenders.items():
            began = time.perf_counter()
            contender.run()
            spent = time.perf_counter() - began
            if turn:
                best[name] = max(best[name], contender.work / spent)
    return best
