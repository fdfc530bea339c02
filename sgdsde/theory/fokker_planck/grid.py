"""A box cut into equal cells."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sgdsde.arguments import integers, real_array

Array = NDArray[np.float64]
Integers = NDArray[np.int64]

LEAST, MOST = 8, 4_000_000  # cells along an axis, and in all
#: Names of the walls by axis: where a component is smallest and where it is largest.
WALLS = (("left", "right"), ("bottom", "top"))


@dataclass(frozen=True, eq=False)
class Grid:
    """Cells of a box; arrays over cells have the shape `cells`, or are flat in C order.

    Attributes
    ----------
    box : (d, 2)
        Lowest and highest value of each component.
    cells : tuple of int
        How many along each axis.
    """

    box: Array
    cells: tuple[int, ...]

    @classmethod
    def of(cls, dimension: int, box: ArrayLike, cells: int | Sequence[int]) -> Grid:
        """Check what a user gives; ValueError says what is accepted."""
        try:
            sides = real_array("box", box)
        except ValueError:
            sides = np.empty(0)
        sides = sides[None] if dimension == 1 and sides.shape == (2,) else sides
        if sides.shape != (dimension, 2) or not np.isfinite(sides).all() or not (sides[:, 0] < sides[:, 1]).all():
            raise ValueError(f"box must be (lowest, highest) for each of {dimension} components, finite; got {box!r}")
        counts = integers("cells", (cells,) * dimension if np.ndim(cells) == 0 else cells, LEAST)
        if len(counts) != dimension or math.prod(counts) > MOST:
            raise ValueError(
                f"cells must be one number, or {dimension} of them, with a product of at most {MOST}, got {cells!r}"
            )
        return cls(sides, counts)

    @property
    def dimension(self) -> int:
        """d."""
        return len(self.cells)

    @functools.cached_property
    def spacing(self) -> Array:
        """(d,) sides of a cell."""
        return np.asarray((self.box[:, 1] - self.box[:, 0]) / self.cells)

    @property
    def volume(self) -> float:
        """Length or area of a cell."""
        return float(self.spacing.prod())

    @property
    def axes(self) -> tuple[Array, ...]:
        """Centres of the cells along each axis."""
        return tuple(
            low + h * (np.arange(n) + 0.5) for (low, _), h, n in zip(self.box, self.spacing, self.cells, strict=True)
        )

    @functools.cached_property
    def places(self) -> Integers:
        """(n, d) number of each cell along each axis."""
        return np.stack(np.unravel_index(np.arange(math.prod(self.cells)), self.cells), axis=-1)

    @functools.cached_property
    def centres(self) -> Array:
        """(n, d) centre of each cell."""
        return np.asarray(self.box[:, 0] + self.spacing * (self.places + 0.5))

    def flat(self, places: Integers) -> Integers:
        """(..., d) → (...): flat number of cells, which must be in the box."""
        return np.asarray(np.ravel_multi_index(tuple(np.moveaxis(places, -1, 0)), self.cells))

    def cell_of(self, points: Array) -> Integers:
        """(n, d) → (n,): flat number of the cell that holds each point; the nearest for points outside."""
        place = np.floor((points - self.box[:, 0]) / self.spacing).astype(np.int64)
        return self.flat(np.clip(place, 0, np.array(self.cells) - 1))

    def points(self, points: ArrayLike, argument: str) -> Array:
        """Check points (..., d), or a number when d = 1: finite, in the box."""
        try:
            array = real_array(argument, points)
        except ValueError:
            array = np.empty(0)
        array = array[None] if array.ndim == 0 and self.dimension == 1 else array
        inside = array.ndim and array.shape[-1] == self.dimension
        if not inside or not ((array >= self.box[:, 0]) & (array <= self.box[:, 1])).all():
            raise ValueError(
                f"{argument} must have shape (..., {self.dimension}) and lie in the box {self.box.tolist()}; "
                f"got {points!r}"
            )
        return array

    def share(self, point: Array) -> Array:
        """(d,) → (n,): unit mass on the 2^d nearest centres, so that its mean is the point."""
        nearest = np.clip(point, *(np.array([axis[end] for axis in self.axes]) for end in (0, -1)))
        cells, weights = self._nodes(nearest[None], 2)
        return np.bincount(cells[0], weights[0], minlength=math.prod(self.cells)).astype(np.float64)

    def interpolate(self, values: Array, points: Array) -> Array:
        """Cubic interpolation from the 4^d nearest centres: values of shape `cells`, points (..., d) → (...)."""
        cells, weights = self._nodes(points.reshape(-1, self.dimension), 4)
        return np.asarray((values.ravel()[cells] * weights).sum(axis=1).reshape(points.shape[:-1]))

    def _nodes(self, points: Array, nodes: int) -> tuple[Integers, Array]:
        """Flat numbers of the nodes^d cells about each point, and Lagrange's weights; (m, nodes^d) each."""
        cells, weights = np.zeros((len(points), 1), dtype=np.int64), np.ones((len(points), 1))
        for axis, n in enumerate(self.cells):
            x = (points[:, axis] - self.box[axis, 0]) / self.spacing[axis] - 0.5
            first = np.clip(np.floor(x).astype(np.int64) - nodes // 2 + 1, 0, n - nodes)
            near, each = x - first, range(nodes)
            along = np.stack([np.prod([(near - k) / (j - k) for k in each if k != j], axis=0) for j in each], axis=1)
            here = first[:, None] + np.arange(nodes)
            cells = (cells[:, :, None] * n + here[:, None, :]).reshape(len(points), -1)
            weights = (weights[:, :, None] * along[:, None, :]).reshape(len(points), -1)
        return cells, weights
