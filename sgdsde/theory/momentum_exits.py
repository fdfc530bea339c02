"""Exit times of heavy ball: an integral equation in ω and the velocity, for the updates themselves."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
#: Where an update goes without noise, and its standard deviation, from ω.
Moved = Callable[[Array], tuple[Array, Array]]

#: Nodes of the velocity and of the noise, and how many standard deviations that reaches; points of an interpolation in
#: ω, its spacing in standard deviations of the velocity, and the most nodes.
SPEEDS, KICKS, FURTHEST = 12, 22, 6.0
STENCIL, SPACING, MOST = 6, 0.75, 20_000


def exit_with_momentum(
    moved: Moved, momentum: float, x0: float, ends: Sequence[float], is_open: tuple[bool, bool]
) -> tuple[float, float]:
    """The fraction of paths that leave by an end that is open, and the mean number of updates, from x0 at rest.

    u(ω, v) = 1 + E u(ω + v', v'), v' = m v − ε(L' + ξ), by collocation: Gauss–Hermite nodes in v, whose polynomials u
    is interpolated by, and an even grid in ω with polynomials of degree 5. ValueError where MOST nodes do not do.
    """
    from scipy.sparse import identity
    from scipy.sparse.linalg import splu

    equation = _Collocation(moved, momentum, ends)
    x, v = (each.ravel() for each in np.meshgrid(equation.x, equation.speeds, indexing="ij"))
    inside, beyond = equation.expectation(x, v)
    left = beyond @ np.array(is_open, dtype=float)
    solved = splu((identity(len(x)) - inside).tocsc()).solve(np.stack([np.ones(len(x)), left], 1))
    first, out = equation.expectation(np.array([x0]), np.zeros(1))
    updates, gone = (first @ solved)[0]
    return float(gone + (out @ np.array(is_open, dtype=float))[0]), float(1 + updates)


class _Collocation:
    """Nodes of ω and v, and what is expected after an update of a function that is given there."""

    def __init__(self, moved: Moved, momentum: float, ends: Sequence[float]) -> None:
        self.moved, self.momentum, self.ends = moved, momentum, ends
        _, noise = moved(np.linspace(ends[0], ends[1], 257))
        widths = noise / math.sqrt(1 - momentum**2)
        count = max(STENCIL, math.ceil((ends[1] - ends[0]) / (SPACING * float(widths.min()))) + 1)
        if count * SPEEDS > MOST:
            raise ValueError(
                f"learning_rate must be larger between {ends[0]:g} and {ends[1]:g}: updates of {noise.min():.2g} with "
                f"momentum need more than {MOST} nodes, and mean_exit_time of the SDE holds"
            )
        self.x = np.linspace(ends[0], ends[1], count)
        self.speeds = np.polynomial.hermite_e.hermegauss(SPEEDS)[0] * float(widths.max())

    def expectation(self, x: Array, v: Array) -> tuple[Any, Array]:
        """Matrix (n, nodes) from values at the nodes to those expected an update after (x, v), 0 outside the ends.

        And the chances (n, 2) to be beyond the left and the right end then.
        """
        from scipy.sparse import csr_array
        from scipy.special import ndtr

        centre, noise = self.moved(x)
        drift = self.momentum * v + centre - x  # the velocity without noise
        limits = [(end - x - drift) / noise for end in self.ends]  # beyond which kicks lead out
        low, high = (np.clip(limit, -FURTHEST, FURTHEST) for limit in limits)
        nodes, weights = np.polynomial.legendre.leggauss(KICKS)
        shape = (len(x), len(self.x) * SPEEDS)
        found = csr_array(shape)
        kicks = (low + high) / 2 + (high - low) / 2 * nodes[:, None]
        chances = weights[:, None] * (high - low) * np.exp(-(kicks**2) / 2)
        held = ndtr(limits[1]) - ndtr(limits[0])  # exactly, lest paths leak where it takes many updates to leave
        chances *= held / np.maximum(chances.sum(0), np.finfo(float).tiny)
        for kick, chance in zip(kicks, chances, strict=True):
            speed = drift + noise * kick
            place = (x + speed - self.ends[0]) / (self.x[1] - self.x[0])
            first = np.clip(np.nan_to_num(place).astype(int) - STENCIL // 2 + 1, 0, len(self.x) - STENCIL)
            across = _lagrange(np.arange(float(STENCIL)), place - first)
            along = _lagrange(self.speeds, np.clip(speed, self.speeds[0], self.speeds[-1]))
            entries = chance[:, None, None] * across[:, :, None] * along[:, None, :]
            columns = (first[:, None] + np.arange(STENCIL))[:, :, None] * SPEEDS + np.arange(SPEEDS)
            rows = np.broadcast_to(np.arange(len(x))[:, None, None], entries.shape)
            inside = (chance > 0)[:, None, None] & np.ones(entries.shape, dtype=bool)
            found = found + csr_array((entries[inside], (rows[inside], columns[inside])), shape)
        return found, np.stack([ndtr(limits[0]), ndtr(-limits[1])], 1)


def _lagrange(nodes: Array, at: Array) -> Array:
    """Values (n, nodes) of the polynomials that are 1 at a node and 0 at the others, by the barycentric formula."""
    scaled = nodes / np.ptp(nodes)
    distances = scaled[:, None] - scaled + np.eye(len(nodes))
    difference = at[:, None] / np.ptp(nodes) - scaled
    hit = np.abs(difference) < 1e-13
    terms = 1 / distances.prod(1) / np.where(hit, 1.0, difference)
    terms = np.where(hit.any(1, keepdims=True), hit, terms)
    return np.asarray(terms / terms.sum(1, keepdims=True))
