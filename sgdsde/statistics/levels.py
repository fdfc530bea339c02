"""The levels of multilevel Monte Carlo: sums over their paths, and what they foretell of each other."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sgdsde.arguments import real_array
from sgdsde.layout import one_line

Array = NDArray[np.float64]

#: (level, paths, seed) → φ on fine paths (paths,), φ on coarse paths of the same noise (None at level 0), and the cost
#: of all that in any unit. Fine paths of level l take 2^l times as many steps as those of level 0.
Sampler: TypeAlias = Callable[[int, int, int], tuple[ArrayLike, ArrayLike | None, float]]

#: Columns of the table of levels, with their formats.
COLUMNS = {
    "level": "d", "steps": "d", "paths": "d", "mean": ".3e", "variance": ".3e", "cost_per_path": ".3g", "cost": ".3g",
}  # fmt: skip


@dataclass(frozen=True)
class Level:
    """One level: φ itself at level 0, fine minus coarse at the others.

    ``mean`` and ``variance`` are over its paths, ``fine_variance`` is that of φ on the fine paths.
    """

    level: int
    steps: int
    paths: int
    mean: float
    variance: float
    fine_variance: float
    cost_per_path: float
    cost: float

    __repr__ = one_line


@dataclass
class Tally:
    """Sums over the paths of a level, about the first path: rows are the correction and φ on fine paths."""

    level: int
    steps: int
    paths: int = 0
    calls: int = 0
    cost: float = 0.0
    origin: Array = field(default_factory=lambda: np.zeros(2))
    sums: Array = field(default_factory=lambda: np.zeros((2, 2)))

    def draw(self, sample: Sampler, paths: int, most_paths: int, seed: int) -> None:
        """Bring the number of paths up to `paths`, with a seed of its own for each call."""
        while self.paths < paths:
            count = min(paths - self.paths, most_paths)
            own = np.random.SeedSequence([seed, self.level, self.calls]).generate_state(1, np.uint64)[0]
            fine, coarse, cost = sample(self.level, count, int(own))
            values = self._checked(fine, coarse, cost, count)
            if not self.paths:
                self.origin = values[:, 0].copy()
            shifted = values - self.origin[:, None]
            self.sums += np.stack([shifted.sum(axis=1), (shifted**2).sum(axis=1)])
            self.paths, self.calls, self.cost = self.paths + count, self.calls + 1, self.cost + float(cost)

    def summary(self) -> Level:
        """Means and variances, the latter with divisor paths − 1."""
        mean = self.sums[0] / self.paths
        variance = np.maximum(self.sums[1] - self.paths * mean**2, 0.0) / (self.paths - 1)
        return Level(
            self.level, self.steps, self.paths, float(self.origin[0] + mean[0]), float(variance[0]), float(variance[1]),
            self.cost / self.paths, self.cost,
        )  # fmt: skip

    def _checked(self, fine: ArrayLike, coarse: ArrayLike | None, cost: float, count: int) -> Array:
        if (coarse is None) != (self.level == 0):
            raise ValueError(f"sample must return coarse paths at every level but 0, got {coarse!r} at {self.level}")
        upper = real_array("fine", fine)
        lower = np.zeros(count) if coarse is None else real_array("coarse", coarse)
        for name, values in (("fine", upper), ("coarse", lower)):
            if values.shape != (count,):
                raise ValueError(f"sample must return {name} of shape {(count,)}, got {values.shape}")
            if lost := int((~np.isfinite(values)).sum()):
                raise ValueError(
                    f"sample must return finite numbers; {lost} of {count} {name} paths at level {self.level} have "
                    "none: begin with more steps"
                )
        if not 0 < cost < math.inf:
            raise ValueError(f"sample must return a positive cost, got {cost!r}")
        return np.stack([upper - lower, upper])


def rate(values: Sequence[float]) -> float:
    """Exponent r of values ∝ 2^(r·level), by regression from level 1 on; NaN where fewer than two are positive.

    >>> round(rate([7.0, 1.0, 0.5, 0.25]), 6)
    -1.0
    """
    points = [(level, math.log2(value)) for level, value in enumerate(values) if level and value > 0]
    if len(points) < 2:
        return math.nan
    level, exponent = np.transpose(points)
    return float(np.polyfit(level, exponent, 1)[0])


def foretold(values: Sequence[float], order: float) -> Array:
    """Values ∝ 2^(−order·level), none from level 2 on below half of what the one before foretells (Giles 2015, §3).

    >>> foretold([8.0, 4.0, 2.0, 0.0], 1.0)
    array([8. , 4. , 2. , 0.5])
    """
    mended = np.array(values, np.float64)
    for level in range(2, len(mended)):
        mended[level] = max(mended[level], mended[level - 1] / 2 ** (order + 1))
    return mended
