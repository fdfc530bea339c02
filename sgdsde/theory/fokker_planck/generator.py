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
    length, z = cuts.fraction, chain.potential
    shorter = np.stack(np.nonzero((length < 1) & (chain.strengths > 0)[..., None]))
    if shorter.size:
        z = z.copy()
        z[tuple(shorter)] = chain.potential_along(shorter, length[tuple(shorter)])
    rate = 2 * chain.strengths[..., None] * bernoulli(z) / ((length + length[..., ::-1]) * length)
    alive = cuts.cell < 0
    rate = np.where(alive[:, None, None] & ~cuts.blocked, rate, 0.0)
    if not np.isfinite(rate).all():
        raise ValueError("temperature is so small that rates overflow; raise it or take smaller cells")
    number, count = np.cumsum(alive) - 1, int(alive.sum())
    targets, _ = chain.targets()

    def table(kept: NDArray[np.bool_], column: NDArray[np.int64], columns: int) -> sparse.csr_array:
        rows = np.broadcast_to(number[:, None, None], rate.shape)[kept]
        return sparse.csr_array(sparse.coo_array((rate[kept], (rows, column[kept])), shape=(count, columns)))

    inner = (cuts.arm < 0) & (rate > 0)
    outer = (cuts.arm >= 0) & (rate > 0)
    return table(inner, number[targets], count), table(outer, cuts.arm, int(cuts.arm.max(initial=0)) + 1)


def with_diagonal(jumps: sparse.csr_array, ends: Array) -> sparse.csr_array:
    """Generator: rates of jumps, and on the diagonal minus all that leaves a cell, `ends` (m,) included."""
    return sparse.csr_array(jumps - sparse.diags_array(jumps.sum(axis=1) + ends))


def factorise(matrix: Any) -> Any:
    """LU of an M-matrix that is diagonally dominant: no pivoting, so that no off-diagonal entry is ever cancelled."""
    options = {"SymmetricMode": True, "Equil": False}
    return linalg.splu(sparse.csc_array(matrix), permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options=options)
