"""The Markov chain on cells that a stochastic differential equation becomes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sgdsde.theory.fokker_planck.grid import Grid
from sgdsde.theory.fokker_planck.selling import decompose
from sgdsde.theory.surface import Surface

Array = NDArray[np.float64]
Integers = NDArray[np.int64]

REACH = 8  # cells that a jump may span along an axis
NODES, WEIGHTS = np.polynomial.legendre.leggauss(3)


@dataclass(frozen=True, eq=False)
class Chain:
    """Jumps from each cell along K directions, both ways: arms have the shape (n, K, 2).

    Attributes
    ----------
    landscape : Surface
    temperature : float
    grid : Grid
    offsets : (n, K, 2, d)
        Cells from here to there.
    strengths : (n, K)
        ρ: D = TF/2 is Σ ρ e eᵀ in units of cells.
    potential : (n, K, 2)
        ∫ (2/T) F⁻¹∇L · dω along each arm.
    """

    landscape: Surface
    temperature: float
    grid: Grid
    offsets: Integers
    strengths: Array
    potential: Array

    @classmethod
    def of(cls, landscape: Surface, temperature: float, grid: Grid) -> Chain:
        """Decompose F on every cell; ValueError where F is not positive definite or jumps would span too many cells."""
        noise = landscape.noise_covariance(grid.centres)
        gradient = landscape.gradient(grid.centres)
        finite = np.isfinite(np.concatenate([noise.reshape(len(noise), -1), gradient], axis=1)).all(axis=1)
        _refuse(~finite, grid, "∇L and F must be finite in the box")
        smallest = np.linalg.eigvalsh(noise)[:, 0]
        _refuse(~(smallest > 1e-12 * np.abs(noise).max(axis=(1, 2))), grid, "F must be positive definite in the box")
        vectors, strengths = decompose(temperature / 2 * noise / np.multiply.outer(grid.spacing, grid.spacing))
        used = np.where(strengths[..., None] > 0, np.abs(vectors), 0).max(axis=(1, 2))
        if used.max() > REACH:
            at = int(used.argmax())
            ratio = np.sqrt(noise[at].diagonal() / noise[at, 0, 0])
            raise ValueError(
                f"cells: F at {_point(grid, at)} is so elongated that jumps span {used[at]} cells, at most {REACH} are "
                f"accepted; take cells whose sides are as 1 : {ratio[-1]:.3g} there, or a smaller box"
            )
        offsets = np.stack([vectors, -vectors], axis=2)
        chain = cls(landscape, temperature, grid, offsets, strengths, np.empty(0))
        ways = np.ones(offsets.shape[:3])
        potential = chain.potential_along(np.indices(ways.shape).reshape(3, -1), ways.ravel()).reshape(ways.shape)
        return cls(landscape, temperature, grid, offsets, strengths, potential)

    def along(self, arms: Integers, fraction: Array) -> Array:
        """(m, d) points at a fraction of arms, which are given as (3, m) indices."""
        return np.asarray(
            self.grid.centres[arms[0]] + fraction[:, None] * self.grid.spacing * self.offsets[tuple(arms)]
        )

    def potential_along(self, arms: Integers, fraction: Array) -> Array:
        """∫ (2/T) F⁻¹∇L · dω from the centre to a fraction of each arm, by Gauss and Legendre's rule of order 6."""
        total = np.zeros(len(fraction))
        step = fraction[:, None] * self.grid.spacing * self.offsets[tuple(arms)]
        active = np.flatnonzero(self.strengths[arms[0], arms[1]] > 0)
        step, arms, fraction = step[active], arms[:, active], fraction[active]
        for node, weight in zip((NODES + 1) / 2, WEIGHTS / 2, strict=True):
            points = self.along(arms, node * fraction)
            points = np.clip(points, self.grid.box[:, 0], self.grid.box[:, 1])  # arms beyond the walls are not used
            noise, gradient = self.landscape.noise_covariance(points), self.landscape.gradient(points)
            total[active] += weight * 2 / self.temperature * (_solved(noise, gradient) * step).sum(axis=1)
        return total

    def targets(self) -> tuple[Integers, NDArray[np.bool_]]:
        """Flat number of the cell at the end of each arm, and whether it is in the box; (n, K, 2) each."""
        places = self.grid.places[:, None, None] + self.offsets
        inside = np.all((places >= 0) & (places < self.grid.cells), axis=-1)
        return self.grid.flat(np.where(inside[..., None], places, 0)), np.asarray(inside)

    def bottoms(self, cells: NDArray[np.bool_], blocked: NDArray[np.bool_], most: int) -> Integers:
        """Flat numbers of those `cells` (n,) from which every jump goes up, at most so many, spread evenly.

        If there is none, that from which the steepest jump down is the least steep.
        """
        free = (self.strengths > 0)[..., None] & ~blocked
        lowest = np.where(free, self.potential, np.inf).min(axis=(1, 2))
        rises = (free & (self.potential > 0)).any(axis=(1, 2))
        found = np.flatnonzero((lowest >= 0) & rises & cells)
        if not len(found):
            return np.array([np.where(cells, lowest, -np.inf).argmax()])
        return found[np.linspace(0, len(found) - 1, min(most, len(found))).astype(np.int64)]

    def coarseness(self) -> tuple[float, Array]:
        """Largest width of a cell, in standard deviations of the well it is in or barrier it is on, and where.

        Cells that hold a critical point are those where the potential along every direction turns.
        """
        used = self.strengths > 0
        turning = (~used | (self.potential.prod(axis=2) >= 0)).all(axis=1)
        bend = np.where(used, np.abs(self.potential.sum(axis=2)), 0.0).max(axis=1) * turning
        at = int(bend.argmax())
        return float(np.sqrt(bend[at])), np.asarray(self.grid.centres[at])


def bernoulli(z: Array) -> Array:
    """z/(e^z − 1), 1 at 0."""
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        return np.asarray(np.where(np.abs(z) < 1e-12, 1 - z / 2, z / np.expm1(z)))


def _solved(matrices: Array, vectors: Array) -> Array:
    """M⁻¹ v for d = 1 or 2, by Cramer's rule."""
    if vectors.shape[-1] == 1:
        return np.asarray(vectors / matrices[:, 0])
    (a, b), (c, d) = np.moveaxis(matrices, 0, -1)
    x, y = vectors.T
    return np.asarray(np.stack([d * x - b * y, a * y - c * x], axis=-1) / (a * d - b * c)[:, None])


def _point(grid: Grid, cell: int) -> str:
    return f"({', '.join(f'{value:.4g}' for value in grid.centres[cell])})"


def _refuse(wrong: NDArray[np.bool_], grid: Grid, problem: str) -> None:
    if wrong.any():
        raise ValueError(f"landscape: {problem}, and is not at {_point(grid, int(wrong.argmax()))}")
