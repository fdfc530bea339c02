"""Where a path ends: the margins of regions at the end of a step, positive for a path that has entered one.

Of several regions entered within a step the path ends in the one that it came to first, and of those that it came to at
once in the one that is listed first. When it came to a region is known in order along one line; else it is taken as
the fraction m₀/(m₀ − m₁) of the step at which the line between its ends meets the boundary, with m₀ and m₁ the margins
before and after; for a path that crossed and came back, at which the line to the mirror image of its end does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sgdsde.landscapes import Landscape
from sgdsde.landscapes.symbolic import read_in
from sgdsde.regions import Region, is_affine
from sgdsde.schemes import walls
from sgdsde.schemes.registry import Declaration
from sgdsde.schemes.step import Step
from sgdsde.schemes.walls import Event

if TYPE_CHECKING:
    import sympy as sp

#: Entries by fractions of a step; those that count only where there is no other; and none.
_LAST, _NONE = 2.0, 3.0


def bridged(landscape: Landscape, declaration: Declaration, regions: Sequence[Region]) -> tuple[tuple[bool, ...], ...]:
    """For each alternative of each region: whether it is a wall whose crossings inside a step are counted.

    It is for a single margin that is affine in ω, under schemes of the overdamped SDE whose steps are those of one
    path: they follow its Brownian motion, as those with a strong order do, and ω is all their state.
    """
    follows = declaration.equation == "overdamped" and declaration.interpretation != "update"
    follows = follows and bool(declaration.strong) and not declaration.auxiliary
    names = landscape.variables
    return tuple(
        tuple(
            follows and region.between and len(each) == 1 and is_affine(each[0], names) for each in region.alternatives
        )
        for region in regions
    )


def crossings(bridged: Sequence[Sequence[bool]], uniforms: int) -> tuple[str, ...]:
    """What a run knows of crossings inside a step, for each region.

    ``"exact"``: their law, given the noise at the step's start, for all walls are parallel and one uniform number
    decides; ``"approximate"``: an approximation of it, for walls of several directions; ``"unseen"``: nothing.
    """
    known = "exact" if uniforms == 1 else "approximate"
    return tuple(known if all(each) else "unseen" for each in bridged)


def margins(
    step: Step, landscape: Landscape, regions: Sequence[Region], bridge: bool, after: Sequence[sp.Symbol]
) -> tuple[list[tuple[list[str], list[Any]]], list[sp.Expr], list[sp.Expr]]:
    """Stages of a program, and in their names one expression for each region, positive where the path ends in it.

    And a bound for each, positive wherever the margin may be, that takes no random numbers. All are in the states
    before the step and `after` it.
    """
    import sympy as sp

    found = _events(step, landscape, regions, bridge, after)
    if len(found) == len(regions) == 1:
        return [], [found[0].margin], [found[0].bound]
    raw, limit, happened, bound, first = (
        [sp.Symbol(f"{kind}{j}", real=True) for j in range(len(found))] for kind in ("xr", "xl", "xm", "xb", "xt")
    )
    of = [[j for j, each in enumerate(found) if each.region == place] for place in range(len(regions))]

    def most(values: Sequence[sp.Expr], where: Sequence[int]) -> sp.Expr:
        return sp.Max(*(values[j] for j in where)) if where else sp.Integer(-1)  # behind another's wall: never

    def known(value: sp.Expr) -> sp.Expr:
        """The value where it is positive: one that is undefined must not hide others."""
        return sp.Piecewise((value, value > 0), (-1, True))

    stages = [
        (list(map(str, raw + limit)), [each.margin for each in found] + [each.bound for each in found]),
        (list(map(str, happened + bound)), list(map(known, raw + limit))),
    ]
    limits = [most(bound, where) for where in of]
    if len(regions) == 1:
        return stages, [most(happened, of[0])], limits
    times = [each.time if regions[each.region].between else sp.Float(_LAST) for each in found]
    entered = [sp.Piecewise((time, margin > 0), (_NONE, True)) for time, margin in zip(times, happened, strict=True)]
    stages.append((list(map(str, first)), entered))
    earliest = sp.Min(*first)
    exact = [
        sp.Piecewise((most(happened, where), sp.Min(*(first[j] for j in where)) <= earliest), (-1, True))
        if where
        else sp.Integer(-1)
        for where in of
    ]
    return stages, exact, limits


def _events(
    step: Step, landscape: Landscape, regions: Sequence[Region], bridge: bool, after: Sequence[sp.Symbol]
) -> list[Event]:
    """What may happen to a path inside a step: that it crosses a wall, or is found in an alternative at the end."""
    inside = bridged(landscape, step.declaration, regions) if bridge else None
    straight, found = [], []
    for place, region in enumerate(regions):
        for number, texts in enumerate(region.alternatives):
            read = [read_in(landscape, text) for text in texts]
            if inside and inside[place][number] and _is_reached(step, read[0]):
                straight.append((place, read[0]))
            else:
                found.append(_found_inside(step, place, read, after))
    lines = walls.lines_of(straight, step.w)
    if lines:
        uniforms = step.uniform(walls.uniforms_needed(lines, landscape.noise_dimension))
        spreads = [_spread(step, line.normal) for line in lines]
        found += walls.events(lines, uniforms, spreads, step.dt, step.w, after[: len(step.w)])
    return found


def _spread(step: Step, normal: Sequence[sp.Expr]) -> sp.Matrix:
    """bᵀn, k×1: what noise does along a normal."""
    import sympy as sp

    return step.diffusion(step.w).T * sp.Matrix(normal)


def _is_reached(step: Step, margin: sp.Expr) -> bool:
    """Whether noise moves an affine margin."""
    return any(entry != 0 for entry in _spread(step, walls.normal_of(margin, step.w)))


def _found_inside(step: Step, region: int, read: Sequence[sp.Expr], after: Sequence[sp.Symbol]) -> Event:
    """All margins of an alternative are positive at the end of a step, the last from where a straight line has it."""
    import sympy as sp

    at_end = dict(zip(step.w, after, strict=False))
    ends = [margin.xreplace(at_end) for margin in read]
    times = [
        sp.Piecewise((margin / (margin - end), margin < 0), (0, True)) if margin.has(*step.w) else sp.Integer(0)
        for margin, end in zip(read, ends, strict=True)
    ]
    return Event(region, sp.Min(*ends), sp.Min(*ends), sp.Max(*times))
