"""How paths go from one region to another: committors, and the density, current and rate of reactive paths."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from sgdsde.layout import one_line
from sgdsde.theory.fokker_planck.absorption import Cuts, Region
from sgdsde.theory.fokker_planck.generator import balanced_rates
from sgdsde.theory.fokker_planck.solver import Solver

if TYPE_CHECKING:
    from sgdsde.theory.fokker_planck.equation import FokkerPlanck

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ReactiveTransition:
    """Paths from region A to region B, from the last time in A to the first in B, in the stationary law.

    Arrays have the shape `cells` of the equation; units are those of ω and of the SDE's time s.

    Attributes
    ----------
    equation : FokkerPlanck
    a, b : region
        As they were given.
    region : array of int
        0 on cells of A, 1 on those of B, −1 between.
    forward_committor : array
        q⁺: probability to come to B before A; 0 in A, 1 in B.
    backward_committor : array
        q⁻: probability to have been in A after B. 1 − q⁺ where the law has no current: F = σ²I, or one dimension.
    stationary_density : array
        p, of integral 1.
    reactive_density : array
        p q⁺ q⁻: where paths are while on their way. Large where they go slowly, not where they all go.
    reactive_current : (d, *cells)
        Net flux of paths on their way, per time and per length across (d = 2). Without divergence between A and B.
    reactive_rate : float
        Transitions from A to B per time: the flux of the current through every line between A and B.
    probability_reactive, probability_last_a : float
        Shares of time on the way from A to B, and after A and before B; `reactive_rate` over the latter is the rate of
        transitions of a path that was last in A, whose inverse is the mean time from one entrance into A (after B) to
        the next into B.
    """

    equation: FokkerPlanck
    a: Region
    b: Region
    region: NDArray[np.int64]
    forward_committor: Array
    backward_committor: Array
    stationary_density: Array
    reactive_density: Array
    reactive_current: Array
    reactive_rate: float
    probability_reactive: float
    probability_last_a: float

    __repr__ = one_line


def reactive_transition(equation: FokkerPlanck, a: Region, b: Region) -> ReactiveTransition:
    """See :meth:`FokkerPlanck.reactive_transition`."""
    if equation.absorbing is not None:
        raise ValueError("reactive_transition has no meaning where paths end; leave out absorbing")
    density, volume = equation.stationary(), equation.grid.volume
    cuts = equation._cuts((a, b), ("a", "b"))
    for number, name in enumerate("ab"):
        if not ((cuts.cell == number).any() or (cuts.arm == number).any()):
            raise ValueError(f"{name} must hold cells of the box, or some of its walls")
    alive = cuts.cell < 0
    if not alive.any():
        raise ValueError("a and b must leave cells of the box between them")
    mass = density.ravel() * volume
    jumps, out = balanced_rates(equation._chain, cuts)
    into = [np.where(cuts.arm == number, out, 0.0)[alive] for number in range(2)]
    back = _returned(equation, cuts, mass)[alive]  # of detailed balance
    from_a, from_b = (mass[alive, None, None] * rate * back for rate in into)
    ends = into[0].sum(axis=(1, 2)) + into[1].sum(axis=(1, 2))
    solver = Solver(jumps, ends, equation._bottoms(cuts))
    forward = solver.solve(-into[1].sum(axis=(1, 2)))
    last_a, last_b = (solver.solve(-each.sum(axis=(1, 2)), transposed=True) for each in (from_a, from_b))
    mass[alive] = last_a + last_b
    backward = np.divide(last_a, mass[alive], out=1 - forward, where=mass[alive] > 0)
    total = float(mass.sum())
    leaving = last_a[:, None, None] * into[1] - from_a * forward[:, None, None]
    gross = sparse.diags_array(last_a) @ jumps @ sparse.diags_array(forward)
    current = _current(equation, cuts, gross, leaving)
    last = float(last_a.sum() + mass[cuts.cell == 0].sum())
    spread = equation._spread
    return ReactiveTransition(
        equation, a, b, cuts.cell.reshape(equation.grid.cells),
        spread(forward, cuts) + (cuts.cell == 1).reshape(equation.grid.cells),
        spread(backward, cuts) + (cuts.cell == 0).reshape(equation.grid.cells),
        (mass / total / volume).reshape(equation.grid.cells), spread(last_a * forward / total / volume, cuts),
        current / total, float((last_a[:, None, None] * into[1]).sum()) / total, float(last_a @ forward) / total,
        last / total,
    )  # fmt: skip


def _returned(equation: FokkerPlanck, cuts: Cuts, mass: Array) -> Array:
    """What comes back along each arm that meets a region, over what goes there: 1 with detailed balance, (n, K, 2).

    Of the whole chain that is the ratio of the two fluxes on the arm, and its power θ where a region cuts it at θ.
    """
    chain = equation._chain
    jumps, _ = balanced_rates(chain, equation._plain)
    flux = sparse.csr_array(sparse.diags_array(mass) @ jumps)
    ratio = np.ones(cuts.fraction.shape)
    targets, inside = chain.targets()
    arms = np.nonzero((cuts.arm >= 0) & (cuts.cell < 0)[:, None, None] & inside & (chain.strengths > 0)[..., None])
    if arms[0].size:
        there, back = flux[arms[0], targets[arms]], flux[targets[arms], arms[0]]
        known = (there > 0) & (back > 0)
        ratio[arms] = np.where(known, back / np.where(known, there, 1.0), 1.0) ** cuts.fraction[arms]
    return ratio


def _current(equation: FokkerPlanck, cuts: Cuts, gross: Any, leaving: Array) -> Array:
    """Mean over the two sides of each cell of the net flux, (d, *cells); `leaving` (m, K, 2) is that into regions."""
    alive = np.flatnonzero(cuts.cell < 0)
    net = sparse.coo_array(gross - gross.T)
    start, end = net.coords
    way = equation.grid.centres[alive[end]] - equation.grid.centres[alive[start]]
    found = np.zeros((equation.grid.dimension, len(cuts.cell)))
    for axis, spacing in enumerate(equation.grid.spacing):
        within = np.bincount(start, net.data * way[:, axis], minlength=len(alive))
        across = (leaving * equation._chain.offsets[alive][..., axis]).sum(axis=(1, 2)) * spacing
        found[axis, alive] = (within + across) / (2 * equation.grid.volume)
    return found.reshape(-1, *equation.grid.cells)
