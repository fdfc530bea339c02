"""Rates measured side by side, so that a slow moment of the machine falls on all alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Contender:
    """Something timed: `run` does `work` units."""

    work: float
    run: Callable[[], object]


@dataclass(frozen=True)
class Rates:
    """Work per second of each contender in each round, and the cores that it had; all took turns in every round."""

    rounds: Mapping[str, list[float]]
    cores: Mapping[str, list[float]]

    def best(self, name: str) -> float:
        """The rate in the best round."""
        return max(self.rounds[name])

    def median(self, name: str) -> float:
        """The rate in the median round."""
        return statistics.median(self.rounds[name])

    def ratios(self, name: str, other: str) -> list[float]:
        """The ratio of two rates in each round."""
        return [a / b for a, b in zip(self.rounds[name], self.rounds[other], strict=True)]

    def ratio(self, name: str, other: str) -> float:
        """Median over rounds of the ratio of two rates of the same round."""
        return statistics.median(self.ratios(name, other))


def rates(contenders: Mapping[str, Contender], rounds: int = 9) -> Rates:
    """Time all contenders in turn, `rounds` times, after one turn of each to warm up."""
    found: dict[str, list[float]] = {name: [] for name in contenders}
    cores: dict[str, list[float]] = {name: [] for name in contenders}
    for turn in range(rounds + 1):
        for name, contender in contenders.items():
            began, busy = time.perf_counter(), time.process_time()
            contender.run()
            spent, busy = time.perf_counter() - began, time.process_time() - busy
            if turn:
                found[name].append(contender.work / spent)
                cores[name].append(busy / spent)
    return Rates(found, cores)


def met(value: float, bar: str) -> bool:
    """Whether a value is at the right side of a bar such as ``"≥ 10"``."""
    sign, number = bar.split()
    return value >= float(number) if sign == "≥" else value <= float(number)


def verdict(checks: Sequence[tuple[str, float, str]]) -> int:
    """Print each name, value and bar; exit status 1 when a bar is missed."""
    print()
    for name, value, bar in checks:
        print(f"  {'met   ' if met(value, bar) else 'MISSED'} {name}: {value:.3g} (bar {bar})")
    return 0 if all(met(value, bar) for _, value, bar in checks) else 1
