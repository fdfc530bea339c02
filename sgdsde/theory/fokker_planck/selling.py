"""Selling's decomposition: a positive definite matrix as a positive sum of squares of integer vectors."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Integers = NDArray[np.int64]

FLIPS = 200  # far more than any accepted matrix needs


def decompose(matrices: Array) -> tuple[Integers, Array]:
    """Write each D as Σ_k ρ_k e_k e_kᵀ with ρ_k ≥ 0 and e_k integer.

    Parameters
    ----------
    matrices : (n, d, d)
        Symmetric and positive definite, d = 1 or 2.

    Returns
    -------
    (n, K, d) and (n, K)
        e and ρ, with K = 1 for d = 1 and K = 3 for d = 2.

    Notes
    -----
    Selling (J. reine angew. Math. 77 (1874) 143): of a superbase b0 + b1 + b2 = 0 of the integer lattice that is obtuse
    for D, ρ_k = −b_iᵀ D b_j and e_k ⊥ b_k. For the use in monotone schemes: Bonnans, Ottenwaelter & Zidani, ESAIM: M2AN
    38 (2004) 723; Mirebeau, SIAM J. Numer. Anal. 52 (2014) 1573. The vectors are as long as about the square root of
    D's condition number at worst.

    Examples
    --------
    >>> e, rho = decompose(np.array([[[2.0, 3.0], [3.0, 5.0]]]))
    >>> [(vector.tolist(), float(weight)) for vector, weight in zip(e[0], rho[0]) if weight]
    [([1, 2], 1.0), ([-1, -1], 1.0)]
    """
    n, d = matrices.shape[:2]
    if d == 1:
        return np.ones((n, 1, 1), dtype=np.int64), matrices[:, 0].copy()
    base = np.tile(np.array([[1, 0], [0, 1], [-1, -1]], dtype=np.int64), (n, 1, 1))
    pairs = ((0, 1, 2), (1, 2, 0), (2, 0, 1))
    products = np.empty((n, 3))
    for _ in range(FLIPS):
        for i, j, k in pairs:
            products[:, k] = np.einsum("na,nab,nb->n", base[:, i], matrices, base[:, j])
        scale = np.abs(products).max(axis=1)
        worst = products.argmax(axis=1)
        acute = products.max(axis=1) > 1e-14 * scale
        if not acute.any():
            break
        for i, j, k in pairs:
            here = np.flatnonzero(acute & (worst == k))
            one, other = base[here, i], base[here, j]
            base[here, i], base[here, k] = -one, one - other
    across = np.stack([-base[..., 1], base[..., 0]], axis=-1)
    return across, np.maximum(-products, 0.0)
