"""The passes by which paths leave: a minimum, a saddle, and where the region of ends begins beside it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sgdsde import theory
from sgdsde.landscapes import Landscape, find_saddle
from sgdsde.landscapes.minimum import nearby_minimum
from sgdsde.layout import one_line
from sgdsde.regions import Region
from sgdsde.theory.wells import climb

Array = NDArray[np.float64]

LOOKED_AT = 32  # exit points
NEAR = 1e-3  # of the distance from minimum to saddle: a step off the saddle
SAMPLES = 400  # places on the line through a saddle at which the region is looked for
BEFORE, BEYOND = -0.05, 3.0  # in widths of the barrier: the region begins on the saddle, far beyond it
BEYOND_NEXT = "the region begins beyond the next minimum, from which paths may come back"
STRAIGHT = 0.99  # cosine between the way over the saddle and the normal of the region's edge


@dataclass(frozen=True, eq=False)
class Pass:
    """A way out over a saddle.

    Attributes
    ----------
    minimum, saddle : (d,)
    edge : float
        Where the region of ends begins on the straight line over the saddle: a distance, positive beyond the saddle;
        inf when it is met later, on the way down to the next minimum.
    straight : bool
        Whether the region's edge stands at right angles to that line, as it always does with one variable.
    """

    minimum: Array
    saddle: Array
    edge: float
    straight: bool

    __repr__ = one_line

    def time(self, landscape: Landscape, temperature: float, least_barrier: float) -> float:
        """Mean time to the region, in the SDE's time s, to leading order; ValueError where this does not hold.

        Eyring–Kramers has the time to the far side of the saddle. A region that begins at a distance a along the way
        over it takes the part Φ(a/ℓ) of it, ℓ = √(TF/(2|λ_s|)) the width of the barrier: half on the saddle itself.
        """
        barrier = climb(landscape, self.minimum, self.saddle) / temperature
        if barrier < least_barrier:
            raise ValueError(f"the barrier is only {barrier:.3g} × TF/2 high, and the formula is for weak noise")
        whole = theory.eyring_kramers_time(landscape, temperature, self.minimum, self.saddle)
        noise, bent = (
            landscape.noise_covariance(self.saddle)[0, 0],
            -np.linalg.eigvalsh(landscape.hessian(self.saddle))[0],
        )
        place = self.edge / math.sqrt(temperature * float(noise) / (2 * float(bent)))
        if place < BEFORE:
            raise ValueError("paths end before they come to the saddle")
        if place < BEYOND and not self.straight:
            raise ValueError("the edge of the region crosses the saddle's surroundings at a slant")
        return whole * (1 + math.erf(place / math.sqrt(2))) / 2


def passes_of(
    landscape: Landscape, w0: Array, regions: Sequence[Region], ends: Array, saddle: ArrayLike | None
) -> tuple[Pass, ...] | str:
    """The passes to the minima that exit points `ends` (n, d) lead down to, or to the one near `saddle`; or why none.

    Raises
    ------
    ValueError
        When `saddle` is given and there is none near it, or no minimum below `w0`.
    """
    minimum = nearby_minimum(landscape, w0)
    if saddle is not None:
        if minimum is None:
            raise ValueError(
                f"w0 must lead down to a minimum when saddle is given; from {w0.tolist()} there is none with "
                "curvature in every direction"
            )
        found = _pass(landscape, minimum, _near(landscape, saddle), regions)
        return found if isinstance(found, str) else (found,)
    if minimum is None:
        return "the way down from the start ends at no minimum with curvature in every direction"
    each = [_pass(landscape, minimum, top, regions) for top in _tops(landscape, minimum, ends)]
    if not each:
        return "no saddle was found between the minimum and the region; give one as saddle"
    return tuple(one for one in each if isinstance(one, Pass)) or next(one for one in each if isinstance(one, str))


def _tops(landscape: Landscape, minimum: Array, ends: Array) -> list[Array]:
    """Saddles from the minimum to the others that exit points lead down to, else the one near the exit points."""
    others: dict[tuple[float, ...], Array] = {}
    for end in ends[:LOOKED_AT]:
        other = nearby_minimum(landscape, end)
        if other is not None and not np.allclose(other, minimum, atol=1e-6):
            others.setdefault(_key(other), other)
    asked: list[dict[str, Any]] = [{"between": (minimum, other)} for other in others.values()]
    if not asked and len(ends):
        asked = [{"near": np.median(ends, axis=0)}]
    tops: dict[tuple[float, ...], Array] = {}
    for options in asked:
        try:
            top = find_saddle(landscape, **options)
        except ValueError:
            continue
        tops.setdefault(_key(top), top)
    return list(tops.values())


def _key(point: Array) -> tuple[float, ...]:
    return tuple((point.round(6) + 0.0).tolist())


def _pass(landscape: Landscape, minimum: Array, saddle: Array, regions: Sequence[Region]) -> Pass | str:
    """The pass over a saddle, or why it is none to the region."""
    over = np.linalg.eigh(landscape.hessian(saddle))[1][:, 0]
    reach = float(np.linalg.norm(saddle - minimum))
    off = NEAR * reach * over
    below = [nearby_minimum(landscape, saddle + sign * off) for sign in (-1, 1)]
    home = [place is not None and np.allclose(place, minimum, atol=1e-5 * (1 + reach)) for place in below]
    if home == [False, False]:
        return "the saddle does not lead down to the minimum of the start"
    if home[1]:
        over, below = -over, below[::-1]
    behind = (minimum - saddle) @ over

    def margin(along: Array | float) -> Array:
        return _margin(landscape, regions, saddle + np.multiply.outer(along, over))

    ways = np.linspace(min(behind, 0.0), reach, SAMPLES)
    met = np.flatnonzero(margin(ways) > 0)
    ahead = below[1]
    held = ahead is not None and not _margin(landscape, regions, ahead) > 0
    if not len(met):
        return BEYOND_NEXT if held else Pass(minimum, saddle, math.inf, True)
    edge = _bisected(margin, ways[max(met[0] - 1, 0)], ways[met[0]])
    if ahead is not None and held and edge > np.linalg.norm(ahead - saddle):
        return BEYOND_NEXT
    if edge < BEFORE * reach:
        return "paths end before they come to the saddle"
    return Pass(minimum, saddle, edge, _is_straight(landscape, regions, saddle + edge * over, over))


def _near(landscape: Landscape, saddle: ArrayLike) -> Array:
    point = landscape.point(saddle, "saddle")
    try:
        return find_saddle(landscape, near=point)
    except ValueError:
        raise ValueError(
            f"saddle must be near a saddle of the landscape; from {point.tolist()} none is found"
        ) from None


def _margin(landscape: Landscape, regions: Sequence[Region], points: Array) -> Array:
    """Positive where a path would end: (..., d) → (...)."""
    return np.asarray(np.max([np.nan_to_num(landscape.margin(each, points), nan=-1.0) for each in regions], axis=0))


def _bisected(margin: Callable[[float], Array], outside: float, within: float) -> float:
    for _ in range(60):
        middle = (outside + within) / 2
        outside, within = (outside, middle) if margin(middle) > 0 else (middle, within)
    return float(within)


def _is_straight(landscape: Landscape, regions: Sequence[Region], place: Array, over: Array) -> bool:
    """Whether the gradient of the margin, by differences, is along the way over."""
    step = 1e-6 * (1 + float(np.abs(place).max()))
    ways = step * np.eye(len(place))
    slope = _margin(landscape, regions, place + ways) - _margin(landscape, regions, place - ways)
    return bool(abs(slope @ over) >= STRAIGHT * np.linalg.norm(slope) > 0)
