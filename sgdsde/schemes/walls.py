"""Crossings inside a step of the boundaries that are straight, given both its ends: laws of a Brownian bridge.

Between the ends ω₀ and ω₁ of a step the path is a Brownian bridge; along the normal n of a wall its variance over the
step is v = Δ|bᵀn|², b the diffusion at ω₀. So it is when epoched Brownian motion drives it: a bridge over an epoch,
between two times of which its values are given, is in between a bridge of the same variance as Brownian motion is. All
walls ask about this one path:

- One wall, a₀ before it and a₁ at the end, is crossed with probability exp(−2 a₀ a₁/v). A uniform number u decides.
- Of parallel walls on one side the nearest is crossed first: it alone decides, with the same u.
- Two walls that face each other have the joint law of the bridge's two extremes: which is crossed first is an
  alternating series of reflections (Anderson 1960, Ann. Math. Statist. 31, 165). The path leaves above where u is small
  and below where 1 − u is.
- Walls of different directions: the joint law of a bridge's extremes along two normals has no closed form. Their
  uniform numbers are u = Φ(bᵀn·Z/|bᵀn|) of one normal vector Z, so that they are those of one wall where normals agree,
  exclusive where they are opposite, and independent where bᵀn and bᵀn′ are orthogonal, which is exact. Between these it
  is an approximation: each wall has its own probability, and that of leaving is between the largest and the sum.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sgdsde import expression

if TYPE_CHECKING:
    import sympy as sp

#: −log of the least uniform number, 2⁻³³, and a little more.
LEAST_UNIFORM = 22.875
#: Terms of the alternating series: enough to 1e−7 while the step's deviation is below the distance of the two walls.
_TERMS = 3
#: log Φ(−x) = −x²/2 + log t + a polynomial in t = 1/(1 + 0.3 x), to 3e−8 for x ≥ 0; from values in Chebyshev points.
_SLOPE = 0.3
_TAIL = (
    -2.122911297, 0.9999902279, 0.410398438, 0.1469108883, 0.0538619873, -0.340896529, 0.7011311062, -1.534583063,
    1.684314128, -0.86154961, 0.1701865736,
)  # fmt: skip


@dataclass(frozen=True)
class Wall:
    """The boundary of a half-plane, in units of its line's coordinate n·ω.

    Attributes
    ----------
    region : int
    position : expression, n·ω on it for walls above, −n·ω for those below; of parameters alone.
    """

    region: int
    position: sp.Expr


@dataclass
class Line:
    """All walls with one normal.

    Attributes
    ----------
    normal : (d,) expressions of parameters.
    above, below : lists of Wall, left with n·ω growing and falling.
    """

    normal: tuple[sp.Expr, ...]
    above: list[Wall] = field(default_factory=list)
    below: list[Wall] = field(default_factory=list)


@dataclass(frozen=True)
class Event:
    """Something that may have happened inside a step.

    Attributes
    ----------
    region : int
    margin : expression, positive where it has happened.
    bound : expression, positive wherever `margin` may be; takes no random numbers.
    time : expression, when it was first so, as a fraction of the step; means nothing elsewhere.
    """

    region: int
    margin: sp.Expr
    bound: sp.Expr
    time: sp.Expr


def normal_of(margin: sp.Expr, state: Sequence[sp.Symbol]) -> tuple[sp.Expr, ...]:
    """Gradient of an affine margin."""
    return tuple(expression.derivative(margin, x) for x in state)


def lines_of(margins: Iterable[tuple[int, sp.Expr]], state: Sequence[sp.Symbol]) -> list[Line]:
    """Sort the affine margins of regions (index, margin) by their normals.

    Those whose ratio depends on parameters are on lines of their own: nobody knows its sign.
    """
    import sympy as sp

    found: list[Line] = []
    for region, margin in margins:
        normal = normal_of(margin, state)
        offset = sp.expand(margin - sum(slope * x for slope, x in zip(normal, state, strict=True)))
        for line in found:
            ratio = _ratio(normal, line.normal)
            if ratio is not None:
                break
        else:
            line, ratio = Line(normal), sp.Integer(1)
            found.append(line)
        (line.above if ratio > 0 else line.below).append(Wall(region, -offset / abs(ratio)))
    return found


def _ratio(normal: Sequence[sp.Expr], other: Sequence[sp.Expr]) -> sp.Expr | None:
    """The number by which a normal is a multiple of another, if it is one."""
    import sympy as sp

    place = next(i for i, slope in enumerate(other) if slope != 0)
    ratio = sp.cancel(normal[place] / other[place])
    if not ratio.is_number or ratio == 0:
        return None
    same = all(sp.expand(a - ratio * b) == 0 for a, b in zip(normal, other, strict=True))
    return ratio if same else None


def uniforms_needed(lines: Sequence[Line], noise_dimension: int) -> int:
    """How many uniform numbers a step takes: one for a single line, else pairs for the normal vector Z."""
    return 1 if len(lines) == 1 else 2 * -(-noise_dimension // 2)


def events(
    lines: Sequence[Line], uniforms: Sequence[sp.Symbol], spreads: Sequence[sp.Matrix], dt: sp.Expr,
    before: Sequence[sp.Symbol], after: Sequence[sp.Symbol],
) -> list[Event]:  # fmt: skip
    """Crossings of the walls of all lines, with `spreads` bᵀn (k×1), between the states before and after a step."""
    import sympy as sp

    normals = _normals(uniforms) if len(lines) > 1 else None
    least = LEAST_UNIFORM if normals is None else LEAST_UNIFORM * len(uniforms) / 2 + 4.0  # Φ(−x) > exp(−x²/2)/(12 x)
    found = []
    for line, spread in zip(lines, spreads, strict=True):
        variance = dt * sum(x**2 for x in spread)
        if normals is None:
            tails = (uniforms[0], 1 - uniforms[0])
        else:
            along = sum(x * z for x, z in zip(spread, normals, strict=False)) / sp.sqrt(sum(x**2 for x in spread))
            tails = tuple(sp.Piecewise((_tail(s * along), variance > 0), (0.5, True)) for s in (1, -1))
        found += _events(line, tails, variance, least, before, after)
    return found


def _events(
    line: Line, tails: Sequence[sp.Expr], variance: sp.Expr, least: float, before: Sequence[Any], after: Sequence[Any]
) -> list[Event]:
    import sympy as sp

    def along(state: Sequence[Any]) -> sp.Expr:
        return sum(slope * x for slope, x in zip(line.normal, state, strict=True))

    sides = [
        (walls, sign, tail) for walls, sign, tail in ((line.above, 1, tails[0]), (line.below, -1, tails[1])) if walls
    ]
    nearest = [sp.Min(*(wall.position for wall in walls)) for walls, *_ in sides]
    ends = [
        [place - sign * along(state) for state in (before, after)]
        for place, (_, sign, _) in zip(nearest, sides, strict=True)
    ]
    found = []
    for side, (walls, _, tail) in enumerate(sides):
        start, end = ends[side]
        logarithm = -2 * start * end / variance
        probability = sp.exp(logarithm)
        if len(sides) == 2:
            probability = _first(ends[side], ends[1 - side], variance)
        margin, bound = probability - tail, logarithm + sp.Float(least)
        time = start / (start + sp.Abs(end) + sp.Float(1e-30))
        for region, first in _owners(walls, nearest[side]):
            here = margin if first is True else sp.Piecewise((margin, first), (-1, True))
            found.append(Event(region, here, bound, time))
    return found


def _owners(walls: Sequence[Wall], nearest: sp.Expr) -> list[tuple[int, Any]]:
    """Regions of the nearest walls, and the condition, of parameters alone, that a region has the nearest."""
    if len({wall.region for wall in walls}) == 1:
        return [(walls[0].region, True)]
    if all(wall.position.is_number for wall in walls):
        return [(min(walls, key=lambda wall: (float(wall.position), wall.region)).region, True)]
    return [(wall.region, wall.position <= nearest) for wall in walls]


def _first(near: Sequence[sp.Expr], far: Sequence[sp.Expr], variance: sp.Expr) -> sp.Expr:
    """Probability that a bridge crosses one of two facing walls, and before the other.

    `near` and `far` are its distances from the two, at the start and at the end, where they are negative beyond.
    """
    import sympy as sp

    width = near[0] + far[0]

    def short_of(wall: Sequence[sp.Expr]) -> sp.Expr:
        """The same, for an end that is not beyond this wall."""
        start, end = wall
        total = sp.Integer(0)
        for n in range(1, _TERMS + 1):
            more = (n - 1) * width
            total += sp.exp(-2 * (more + start) * (more + end) / variance)
            total -= sp.exp(-2 * n * width * (n * width + end - start) / variance)
        return total

    return sp.Piecewise((short_of(near), near[1] > 0), (1 - short_of(far), True))


def _normals(uniforms: Sequence[sp.Symbol]) -> list[sp.Expr]:
    """Standard normals of pairs of uniform numbers (Box and Muller)."""
    import sympy as sp

    found = []
    for u, angle in zip(uniforms[::2], uniforms[1::2], strict=True):
        radius = sp.sqrt(-2 * sp.log(u))
        found += [radius * sp.cos(2 * sp.pi * angle), radius * sp.sin(2 * sp.pi * angle)]
    return found


def _tail(x: sp.Expr) -> sp.Expr:
    """Φ(−x), by `_TAIL` for positive x and 1 less that of −x else."""
    import sympy as sp

    t = 1 / (1 + _SLOPE * sp.Abs(x))
    polynomial = sp.Float(_TAIL[-1])
    for coefficient in reversed(_TAIL[:-1]):
        polynomial = polynomial * t + sp.Float(coefficient)
    small = t * sp.exp(polynomial - x**2 / 2)
    return sp.Piecewise((small, x > 0), (1 - small, True))
