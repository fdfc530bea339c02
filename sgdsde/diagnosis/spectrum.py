"""The curvature that the gradient noise of a network sees, from Hessian products by Lanczos' method."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sgdsde.statistics.lanczos import Run, lanczos

Array = NDArray[np.float64]

#: Sharpest directions in which single examples are looked at.
LOOKED_AT = 3


def noise_curvature(runs: list[Run], bases: Array, lengths: Array) -> tuple[Array, Array, Array]:
    """Curvatures θ_j and shares w_j with Tr f(H)F ≈ Tr F Σ w_j f(θ_j), (n,) each, and sharpest directions, (P, k).

    Gauss' rule for E zᵀf(H)z, from Lanczos' method for draws z of covariance F, whose squared lengths are given.
    """
    pairs = [(run.ritz[0], run.ritz[1][0] ** 2 * length) for run, length in zip(runs, lengths, strict=True)]
    curvature, share = (np.concatenate(each) for each in zip(*pairs, strict=True))
    best = int(np.argmax([run.ritz[0][-1] for run in runs]))
    rows = bases[best][: len(runs[best].ritz[0])]
    return curvature, share / share.sum(), rows.T @ runs[best].ritz[1][:, ::-1][:, :LOOKED_AT]


def explored(hessian: Any, starts: Array, steps: int, tell: Callable[[float], None]) -> tuple[list[Run], Array]:
    """Lanczos' runs with H from several starts, (n, P), side by side, and their orthonormal rows, (n, steps, P)."""
    found: tuple[list[Run], Array] = [], np.empty((0, 0, 0))
    for found in lanczos(hessian.product, starts, steps):
        tell(found[1].shape[1] / steps)
    return found


def function_of(run: Run, basis: Array, function: Callable[[Array], Array]) -> Array:
    """f(H) x of the unit vector that a run began with."""
    values, vectors = run.ritz
    return np.asarray(basis[: len(values)].T @ (vectors @ (function(values) * vectors[0])))
