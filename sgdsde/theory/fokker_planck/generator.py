"""The sparse generator of a chain on the cells where paths go on."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse import linalg

from sgdsde.theory.fokker_planck.absorption import Cuts
from sgdsde.theory.fokker_planck.chain import Chain, bernoulli

Array = NDArray[np.float64]


def rates(chain: Chain, cuts: Cuts) -> tuple[sparse.csr_array, sparse.csr_array]:
    """Rates of jumps between the alive cells, (m, m) without a diagonal, and from them into each region, (m, regions).

    Notes
    -----
    An arm of length θ (in units of its vector e) beside one of length θ' has the rate 2ρ B(z)/((θ + θ')θ), z the
    potential along it and B(z) = z/(e^z − 1).
    """
    length = cuts.fraction
    rate = _cut_rates(chain, cuts, 2 / (length + length[..., ::-1]))
    return _jumps(chain, cuts, rate), _table(cuts, rate, cuts.arm, int(cuts.arm.max(initial=0)) + 1, cuts.arm >= 0)


def balanced_rates(chain: Chain, cuts: Cuts) -> tuple[sparse.csr_array, Array]:
    """As :func:`rates`, with ρ B(z)/θ for cut arms: masses are densities there; into regions (n, K, 2).

    Notes
    -----
    Gibou, Fedkiw, Cheng & Kang, J. Comput. Phys. 176 (2002) 205: of order 2 as well, though not its derivatives there.
    """
    rate = _cut_rates(chain, cuts, np.ones_like(cuts.fraction))
    return _jumps(chain, cuts, rate), np.where(cuts.arm >= 0, rate, 0.0)


def _cut_rates(chain: Chain, cuts: Cuts, weight: Array) -> Array:
    """Rates weight · ρ B(z)/θ along all arms, (n, K, 2); 0 from where paths have ended and into reflecting walls."""
    z = chain.potential
    shorter = np.stack(np.nonzero((cuts.fraction < 1) & (chain.strengths > 0)[..., None]))
    if shorter.size:
        z = z.copy()
        z[tuple(shorter)] = chain.potential_along(shorter, cuts.fraction[tuple(shorter)])
    rate = weight * chain.strengths[..., None] * bernoulli(z) / cuts.fraction
    rate = np.where((cuts.cell < 0)[:, None, None] & ~cuts.blocked, rate, 0.0)
    if not np.isfinite(rate).all():
        raise ValueError("temperature is so small that rates overflow; raise it or take smaller cells")
    return np.asarray(rate)


def _jumps(chain: Chain, cuts: Cuts, rate: Array) -> sparse.csr_array:
    """Matrix (m, m) of those rates along arms that are between alive cells."""
    alive = cuts.cell < 0
    targets, _ = chain.targets()
    return _table(cuts, rate, (np.cumsum(alive) - 1)[targets], int(alive.sum()), cuts.arm < 0)


def _table(
    cuts: Cuts, rate: Array, column: NDArray[np.int64], columns: int, kept: NDArray[np.bool_]
) -> sparse.csr_array:
    alive = cuts.cell < 0
    kept = kept & (rate > 0)
    rows = np.broadcast_to((np.cumsum(alive) - 1)[:, None, None], rate.shape)[kept]
    return sparse.csr_array(sparse.coo_array((rate[kept], (rows, column[kept])), shape=(int(alive.sum()), columns)))


def with_diagonal(jumps: sparse.csr_array, ends: Array) -> sparse.csr_array:
    """Generator: rates of jumps, and on the diagonal minus all that leaves a cell, `ends` (m,) included."""
    return sparse.csr_array(jumps - sparse.diags_array(jumps.sum(axis=1) + ends))


def factorise(matrix: Any) -> Any:
    """LU of an M-matrix that is diagonally dominant: no pivoting, so that no off-diagonal entry is ever cancelled."""
    options = {"SymmetricMode": True, "Equil": False}
    return linalg.splu(sparse.csc_array(matrix), permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options=options)
