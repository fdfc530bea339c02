"""Multilevel Monte Carlo: an expectation to a tolerance, from many paths with large steps and few with small ones."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sgdsde.arguments import integer, positive
from sgdsde.layout import columns
from sgdsde.statistics.levels import COLUMNS, Level, Sampler, Tally, foretold, rate

if TYPE_CHECKING:
    import xarray


@dataclass(frozen=True)
class MultilevelEstimate:
    """An expectation with its statistical error and its bias, and what each level gave to it.

    Attributes
    ----------
    value, standard_error : float
    bias : float
        Size of the bias that is left, extrapolated from the last levels.
    tolerance : float
        The root mean square error that was asked for.
    converged : bool
        Whether standard error and bias are within it: each at most tolerance/√2.
    weak, strong, growth : float
        By regression over the levels: mean correction ∝ 2^(−weak·l), its variance ∝ 2^(−strong·l), cost of a path
        ∝ 2^(growth·l). NaN where fewer than two levels tell.
    levels : tuple of Level
        Level 0 is the expectation with the largest step, the others are corrections.
    """

    value: float
    standard_error: float
    bias: float
    tolerance: float
    converged: bool
    weak: float
    strong: float
    growth: float
    levels: tuple[Level, ...]

    @property
    def cost(self) -> float:
        """Cost of all levels."""
        return sum(level.cost for level in self.levels)

    @property
    def cost_of_plain(self) -> float:
        """Cost of the same standard error by paths of the finest level alone, where cost goes with the steps."""
        last = self.levels[-1]
        fine = last.cost_per_path * 2 / 3  # a path of 2n steps came with one of n
        return fine * last.fine_variance / self.standard_error**2 if self.standard_error else math.nan

    def to_xarray(self) -> xarray.Dataset:
        """The columns of the table along the dimension ``level``; the rest as attributes."""
        import xarray

        table = {name: ("level", [getattr(level, name) for level in self.levels]) for name in COLUMNS}
        names = ("value", "standard_error", "bias", "tolerance", "weak", "strong", "growth", "cost", "cost_of_plain")
        return xarray.Dataset(table, attrs={name: getattr(self, name) for name in names})

    def __str__(self) -> str:
        head = f"{self.value:.6g} ± {self.standard_error:.2g}, bias {self.bias:.2g}, tolerance {self.tolerance:.2g}"
        gain = f"cost {self.cost:.3g} (plain Monte Carlo: {self.cost_of_plain:.3g})"
        rows = [[format(getattr(level, name), spec) for name, spec in COLUMNS.items()] for level in self.levels]
        table = [list(COLUMNS), *rows]
        lines = columns(table, right=range(len(COLUMNS)))
        return f"{head}, {gain}{'' if self.converged else '; NOT CONVERGED'}\n{lines}"

    def __repr__(self) -> str:
        return str(self)


def multilevel(
    sample: Sampler,
    tolerance: float,
    *,
    weak: float | None = 1.0,
    levels_start: int = 3,
    max_level: int = 10,
    least_paths: int = 200,
    most_paths: int = 2**20,
    steps: int = 1,
    seed: int = 0,
) -> MultilevelEstimate:
    """Estimate E φ, with a root mean square error of at most `tolerance`, at the least cost.

    Parameters
    ----------
    sample : callable
        (level, paths, seed) → φ on fine paths (paths,), φ on coarse paths driven by the same noise (None at level 0),
        and the cost of all that in any unit. Fine paths of level l take 2^l times as many steps as those of level 0.
        Fine paths of one level and coarse paths of the next must have the same law.
    tolerance : float
        ε > 0, in the unit of φ: half of ε² goes to the bias and half to the variance.
    weak : float, optional
        Weak order of the scheme, by which the bias is extrapolated; None to estimate it (at least ½ is taken).
    levels_start, max_level : int
        Levels to begin with, at least 3, and the last level that may be added.
    least_paths, most_paths : int
        Paths of a new level, at least 2, and the most that one call of `sample` is asked for.
    steps : int
        Steps at level 0, for the table.
    seed : int
        The calls' seeds are made from it, the level and the number of the call.

    Returns
    -------
    MultilevelEstimate
        With ``converged=False`` where `max_level` did not suffice.

    Raises
    ------
    ValueError
        When an argument is out of its range, or `sample` returns something else than it should.

    Notes
    -----
    Giles, Oper. Res. 56 (2008) 607, and Acta Numerica 24 (2015) 259, algorithm 1: N_l = ⌈2ε⁻² √(V_l/C_l) Σ √(V_k C_k)⌉
    paths; levels are added until the largest of |m_{L−j}| 2^(−α j)/(2^α − 1), j = 0, 1, 2, is at most ε/√2, where m_l
    is the mean correction. Means and variances are not believed below half of what the level before foretells.

    Examples
    --------
    >>> def sample(level, paths, seed):                       # φ = z + 2^−l y², exact value 0
    ...     z, y = np.random.default_rng(seed).normal(size=(2, paths))
    ...     return z + y**2 / 2**level, z + 2 * y**2 / 2**level if level else None, 2.0**level * paths
    >>> found = multilevel(sample, 0.02)
    >>> found.converged, abs(found.value) < 0.06, len(found.levels), found.cost < found.cost_of_plain / 2
    (True, True, 8, True)
    """
    tolerance, weak = positive("tolerance", tolerance), None if weak is None else positive("weak", weak)
    levels_start = integer("levels_start", levels_start, 3)
    max_level = integer("max_level", max_level, levels_start - 1)
    least_paths, most_paths = integer("least_paths", least_paths, 2), integer("most_paths", most_paths, 2)
    steps, seed = integer("steps", steps, 1), integer("seed", seed, 0)
    tallies = [Tally(level, steps * 2**level) for level in range(levels_start)]
    wanted = [least_paths] * levels_start
    while True:
        for tally, paths in zip(tallies, wanted, strict=True):
            tally.draw(sample, paths, most_paths, seed)
        levels = [tally.summary() for tally in tallies]
        sizes, spreads = [abs(level.mean) for level in levels], [level.variance for level in levels]
        order = max(0.5, -rate(sizes)) if weak is None else weak
        means, variances = foretold(sizes, order), foretold(spreads, max(0.5, -rate(spreads)))
        costs = np.array([level.cost_per_path for level in levels])
        total = np.sqrt(variances * costs).sum()
        wanted = np.ceil(2 * tolerance**-2 * np.sqrt(variances / costs) * total).astype(int).tolist()
        if any(paths > 1.01 * tally.paths for tally, paths in zip(tallies, wanted, strict=True)):
            continue
        bias = float((means[-3:] * 2.0 ** (-order * np.arange(2, -1, -1))).max() / (2**order - 1))
        if bias <= tolerance / math.sqrt(2) or len(tallies) > max_level:
            break
        tallies.append(Tally(len(tallies), steps * 2 ** len(tallies)))
        wanted.append(least_paths)
    return MultilevelEstimate(
        value=sum(level.mean for level in levels),
        standard_error=math.sqrt(sum(level.variance / level.paths for level in levels)),
        bias=bias, tolerance=tolerance, converged=bias <= tolerance / math.sqrt(2),
        weak=-rate(sizes), strong=-rate(spreads), growth=rate(costs.tolist()), levels=tuple(levels),
    )  # fmt: skip
