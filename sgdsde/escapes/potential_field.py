"""The quasi-potential everywhere in a box of two variables, by the ordered line integral method."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import solve_continuous_lyapunov

from sgdsde.arguments import integer
from sgdsde.landscapes import Landscape
from sgdsde.layout import one_line
from sgdsde.theory.fokker_planck.grid import Grid
from sgdsde.theory.quasi_potential import require_noise
from sgdsde.theory.wells import listed, minimum_at

Array = NDArray[np.float64]

_SEEDS = 3  # cells around the minimum, along each axis, whose value is that of the linear equation
_LEAST = 16  # cells along an axis
_SOURCE = '''"""Arrays for the compiled function."""
from numba import carray
from sgdsde.escapes.olim_kernel import sweep


def run(value, state, base, shortest, heap, place, medium, found, nx, ny, hx, hy, reach):
    sweep(
        carray(value, nx * ny), carray(state, nx * ny), carray(base, nx * ny), carray(shortest, nx * ny),
        carray(heap, nx * ny), carray(place, nx * ny), carray(medium, (2 * nx - 1, 2 * ny - 1, 6)), nx, ny, hx, hy,
        reach, carray(found, 1),
    )
'''


@dataclass(frozen=True, eq=False)
class QuasiPotentialField:
    """V, the least action from a minimum to each point of a box: the well's stationary density is ≍ e^{−V/T}.

    Attributes
    ----------
    landscape : Landscape
    minimum : (2,)
    box : (2, 2)
    axes : (array, array)
        Centres of the cells along each axis.
    values : (nx, ny)
        V at (axes[0][i], axes[1][j]). Past a saddle it stays at the saddle's value as far as paths slide down.
    complete : float
        The least V on the border of the box. Where V is less it does not depend on the box; beyond, a path that leaves
        the box might have less action.
    """

    landscape: Landscape
    minimum: Array
    box: Array
    axes: tuple[Array, ...]
    values: Array
    complete: float

    __repr__ = one_line

    def interpolate(self, points: ArrayLike) -> Array:
        """V at points (..., 2) of the box, by cubic interpolation; ValueError outside."""
        grid = Grid(self.box, (len(self.axes[0]), len(self.axes[1])))
        return grid.interpolate(self.values, grid.points(points, "points"))


def quasi_potential_field(
    landscape: Landscape,
    minimum: ArrayLike,
    box: ArrayLike,
    cells: int | Sequence[int] = 256,
    *,
    reach: int = 6,
) -> QuasiPotentialField:
    """Quasi-potential of a minimum in a box: :func:`sgdsde.theory.quasi_potential` at every point, at once.

    Parameters
    ----------
    landscape : Landscape
        Of two variables, with F positive definite in the box; it may depend on the place and be oblique.
    minimum : (2,)
        With positive curvature in every direction, in the box and four cells from its border.
    box : ((low, high), (low, high))
        What is filled.
    cells : int or (int, int)
        Along each axis, 16 at least.
    reach : int
        Longest step of the method in cells. Six do where F is a hundred times longer than wide; more cost time, and
        where the path bends accuracy.

    Returns
    -------
    QuasiPotentialField

    Raises
    ------
    ValueError
        When an argument is not as above; where F is not positive definite, which the metric F⁻¹ of the action needs, or
        ∇L not finite.

    Notes
    -----
    Dahiya & Cameron, J. Sci. Comput. 75 (2018) 1351 and, for F that depends on the place, Physica D 382 (2018) 33:
    cells get their values in increasing order, as by Dijkstra, each from the best straight step from an edge of the
    front, whose action is by the midpoint rule. The error is of order 1 in the cell: one to two parts in 1000 with
    256 × 256, half a percent where F is 25 times longer than wide. Around the minimum V is that of the linear equation.
    Compiled once; 256 × 256 cells take half a second of one core, and time grows as their number.

    Examples
    --------
    >>> bowl = Landscape("x**2/2 + y**2/2", "x y", noise_covariance=[["1", "1/2"], ["1/2", "2"]])
    >>> field = quasi_potential_field(bowl, [0.0, 0.0], ((-1.5, 1.5), (-1.5, 1.5)), 100)
    >>> field.interpolate([[1.0, 0.0], [0.0, 1.0]]).round(2)                                # 8/7 and 4/7
    array([1.14, 0.57])
    """
    if landscape.dimension != 2:
        names = ", ".join(landscape.variables)
        raise ValueError(f"landscape must have two variables, got {landscape.dimension}: {names}")
    low, grid = minimum_at(landscape, minimum, "minimum"), Grid.of(2, box, cells)
    if min(grid.cells) < _LEAST:
        raise ValueError(f"cells must be at least {_LEAST} along each axis, got {cells!r}")
    room = np.minimum(low - grid.box[:, 0], grid.box[:, 1] - low) / grid.spacing
    if room.min() < _SEEDS + 1:
        raise ValueError(f"minimum must be in the box, {_SEEDS + 1} cells from its border; got {listed(low)}")
    reach = integer("reach", reach, 2, min(grid.cells))
    (nx, ny), (hx, hy), size = grid.cells, grid.spacing.tolist(), len(grid.centres)
    medium = _medium(landscape, grid)
    near = np.abs((grid.centres - low) / grid.spacing).max(axis=1) <= _SEEDS
    away = grid.centres[near] - low
    inverse = np.linalg.inv(solve_continuous_lyapunov(landscape.hessian(low), landscape.noise_covariance(low)))
    value, found = np.full(size, np.inf), np.zeros(1)
    value[near] = np.einsum("ni,ij,nj->n", away, inverse, away) / 2
    whole = [near.astype(np.int64), *(np.zeros(size, dtype=np.int64) for _ in range(3))]
    state, base, heap, place = whole
    arrays = [value, state, base, np.full(size, np.inf), heap, place, medium, found]
    _compiled()(*(array.ctypes.data for array in arrays), nx, ny, hx, hy, reach)
    return QuasiPotentialField(landscape, low, grid.box, grid.axes, value.reshape(nx, ny), float(found[0]))


def _medium(landscape: Landscape, grid: Grid) -> Array:
    """What steps cost, at centres and half-way between any two of them; see `olim_kernel`."""
    half = (
        axis[0] + h / 2 * np.arange(2 * n - 1) for axis, h, n in zip(grid.axes, grid.spacing, grid.cells, strict=True)
    )
    w = np.stack(np.meshgrid(*half, indexing="ij"), axis=-1)
    require_noise(landscape, w.reshape(-1, 2), "in the box")
    metric, slope = np.linalg.inv(landscape.noise_covariance(w)), landscape.gradient(w)
    raised = np.einsum("...ij,...j->...i", metric, slope)
    steep = np.sqrt(np.maximum((slope * raised).sum(axis=-1), 0.0))
    return np.stack(
        [metric[..., 0, 0], metric[..., 0, 1], metric[..., 1, 1], *np.moveaxis(raised, -1, 0), steep], axis=-1
    )


@functools.cache
def _compiled() -> Callable[..., None]:
    """The sweep: compiled once, and kept on disk."""
    from sgdsde.engines.machine_code import load

    return load(_SOURCE, "run", "DIIDIIDDiiddi")
