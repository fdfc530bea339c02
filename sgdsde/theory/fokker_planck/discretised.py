"""A stochastic differential equation on a box of cells: what every question about it shares."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from sgdsde.arguments import positive, real_array
from sgdsde.callers import stacklevel
from sgdsde.theory.fokker_planck.absorption import Cuts, Region, cut
from sgdsde.theory.fokker_planck.chain import Chain
from sgdsde.theory.fokker_planck.generator import rates, with_diagonal
from sgdsde.theory.fokker_planck.grid import Grid
from sgdsde.theory.fokker_planck.solver import MOST_KEPT, Solver
from sgdsde.theory.surface import Surface

Array = NDArray[np.float64]

WIDEST = 0.5  # cells, in standard deviations of a well
AT_WALLS = 1e-3  # density at reflecting walls, of the mean density
SWEEPS = 4  # of inverse iteration, towards the quasi-stationary density


class BoxWarning(UserWarning):
    """The density reaches the reflecting walls of the box."""


class CellWarning(UserWarning):
    """A well or barrier is hardly wider than a cell."""


class Discretised:
    """The chain, its generator and its regions; see `FokkerPlanck`."""

    def __init__(
        self,
        landscape: Surface,
        temperature: float,
        box: ArrayLike,
        cells: int | Sequence[int],
        absorbing: Region | None = None,
    ) -> None:
        dimension = getattr(landscape, "dimension", None)
        if dimension not in (1, 2):
            got = f"{dimension}: {', '.join(landscape.variables)}" if dimension else repr(landscape)
            raise ValueError(f"landscape must be a Landscape of 1 or 2 variables, got {got}")
        self.landscape, self.temperature = landscape, positive("temperature", temperature)
        self.grid = Grid.of(dimension, box, cells)
        self.absorbing = absorbing
        self._chain = Chain.of(landscape, self.temperature, self.grid)
        self._plain = self._cuts(())
        width, where = self._chain.coarseness()
        if width > WIDEST:
            warnings.warn(
                f"a cell is {width:.2g} standard deviations wide in the well or on the barrier at "
                f"{np.round(where, 4).tolist()}; results need cells {width / WIDEST:.2g} times smaller at least",
                CellWarning,
                stacklevel=stacklevel(),
            )

    def __repr__(self) -> str:
        box = " × ".join(f"({low:g}, {high:g})" for low, high in self.grid.box)
        cells = " × ".join(map(str, self.grid.cells))
        return f"<{type(self).__name__} of {self.landscape!r} at T = {self.temperature:g}: {cells} cells in {box}>"

    @property
    def axes(self) -> tuple[Array, ...]:
        """Centres of the cells along each axis."""
        return self.grid.axes

    @functools.cached_property
    def generator(self) -> sparse.csr_array:
        """Q on the cells that do not absorb."""
        jumps, ends = rates(self._chain, self._plain)
        return with_diagonal(jumps, ends.sum(axis=1))

    def interpolate(self, values: ArrayLike, points: ArrayLike) -> Array:
        """Cubic interpolation of an array over cells at points (..., d), two cells or more from absorbing regions."""
        array = self._over_cells(values, "values")
        return self.grid.interpolate(array, self.grid.points(points, "points"))

    def moments(self, density: ArrayLike) -> tuple[Array, Array]:
        """Mean (d,) and covariance (d, d) of a density over cells, which is normalised for it."""
        mass = self._over_cells(density, "density").ravel()
        if not (mass.min() >= 0 and mass.sum() > 0):
            raise ValueError("density must not be negative, and somewhere positive")
        mean = mass @ self.grid.centres / mass.sum()
        shifted = self.grid.centres - mean
        return mean, (mass[:, None] * shifted).T @ shifted / mass.sum()

    def _cuts(self, regions: Sequence[Region], arguments: Sequence[str] = ("region",)) -> Cuts:
        """Where paths end in the regions, and in `absorbing`, which is the last of them."""
        named = list(zip(regions, arguments, strict=False))
        if self.absorbing is not None:
            named.append((self.absorbing, "absorbing"))
        return cut(self._chain, [region for region, _ in named], [argument for _, argument in named])

    def _killed(self, cuts: Cuts, argument: str) -> tuple[sparse.csr_array, sparse.csr_array, Solver]:
        """Jumps, ends and the solver, where paths end for certain; warns when reflecting walls matter."""
        if not (cuts.arm >= 0).any():
            raise ValueError(f"{argument} must hold cells of the box, or some of its walls, and not all cells")
        jumps, ends = rates(self._chain, cuts)
        solver = Solver(jumps, ends.sum(axis=1), self._bottoms(cuts))
        lasting = np.ones(jumps.shape[0])
        for _ in range(SWEEPS):
            lasting = -solver.solve(lasting / lasting.sum(), transposed=True)
        self._check_walls(self._spread(lasting, cuts), cuts, "quasi-stationary density")
        return jumps, ends, solver

    def _bottoms(self, cuts: Cuts) -> NDArray[np.int64]:
        """Bottoms of wells, as numbers among the alive cells."""
        alive = cuts.cell < 0
        return np.asarray((np.cumsum(alive) - 1)[self._chain.bottoms(alive, cuts.blocked, MOST_KEPT)])

    def _spread(self, values: Array, cuts: Cuts) -> Array:
        """Values (m,) on alive cells → `cells`, zero elsewhere."""
        found = np.zeros(len(cuts.cell))
        found[cuts.cell < 0] = values
        return found.reshape(self.grid.cells)

    def _over_cells(self, values: ArrayLike, argument: str) -> Array:
        array = real_array(argument, values)
        if array.shape != self.grid.cells or not np.isfinite(array).all():
            raise ValueError(f"{argument} must be finite, of shape {self.grid.cells}; got shape {array.shape}")
        return array

    def _check_walls(self, density: Array, cuts: Cuts, name: str) -> None:
        """Warn when a density is not small at reflecting walls."""
        places, last = self.grid.places[:, None, None], np.array(self.grid.cells) - 1
        outermost = ((places == 0) | (places == last)).any(axis=-1)
        walled = (cuts.blocked & outermost).any(axis=(1, 2)) & (cuts.cell < 0)
        if not walled.any():
            return
        ratio = float(density.ravel()[walled].max() / density.mean())
        if ratio > AT_WALLS:
            warnings.warn(
                f"at reflecting walls of the box the {name} is {ratio:.2g} of its mean over the box; make the box "
                "larger, or ignore this where the walls are meant",
                BoxWarning,
                stacklevel=stacklevel(),
            )
