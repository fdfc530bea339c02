"""Trace and Frobenius norm of a symmetric operator, from products with a few random vectors, with standard errors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sgdsde.arguments import integer
from sgdsde.layout import one_line
from sgdsde.models.example_losses import COLUMNS
from sgdsde.statistics.estimates import Estimate, mean
from sgdsde.statistics.lanczos import Function, as_product

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Moments:
    """Estimates of what the eigenvalues of a symmetric matrix add up to.

    Attributes
    ----------
    trace : Estimate
        Σ λ_i.
    squared_norm : Estimate
        Σ λ_i² = |A|_F².
    """

    trace: Estimate
    squared_norm: Estimate

    __repr__ = one_line


def trace_and_norm(operator: Any, *, sketch: int = 16, probes: int = 16, seed: int = 0) -> Moments:
    """Tr A and |A|_F² of H or another symmetric operator: exact on a random subspace, random probes on the rest.

    Parameters
    ----------
    operator
        As in :func:`sgdsde.models.curvature.top_eigenpairs`.
    sketch : int
        Dimension of the subspace Q, the range of A on random signs; where it is P, the result is exact.
    probes : int
        Vectors of random signs v outside it, at least two.
    seed : int
        Of both.

    Returns
    -------
    Moments
        Unbiased, with standard errors from the probes. There are 2 `sketch` + `probes` products with A.

    Raises
    ------
    ValueError
        When an argument is out of range or the operator is not symmetric.

    Notes
    -----
    Hutch++ (Meyer, Musco, Musco & Woodruff 2021, arXiv 2010.09649, algorithm 1): Tr A = Tr QᵀAQ + ⟨wᵀAw⟩,
    w = (I − QQᵀ)v. The same products give |A|_F² = |AQ|_F² + ⟨|Aw|²⟩.

    Examples
    --------
    >>> found = trace_and_norm(np.diag(1 / np.arange(1.0, 101.0)), sketch=20, probes=50)
    >>> bool(abs(found.trace.value - 5.187) < 4 * found.trace.standard_error), found.trace.standard_error < 0.1
    (True, True)
    """
    product, size = as_product(operator)
    sketch = min(integer("sketch", sketch, 1), size)
    probes = integer("probes", probes, 2, also=", for a standard error")
    generator = np.random.default_rng(integer("seed", seed, 0))
    q = np.linalg.qr(_in_blocks(product, _signs(generator, size, sketch)))[0]
    aq = _in_blocks(product, q)
    inside = q.T @ aq
    if np.abs(inside - inside.T).max() > 1e-5 * np.abs(inside).max():
        raise ValueError("operator must be symmetric, got QᵀAQ that is not")
    if sketch == size:
        return Moments(Estimate(float(np.trace(inside)), 0.0), Estimate(float(np.sum(aq**2)), 0.0))
    traces, squares = [], []
    for start in range(0, probes, COLUMNS):
        w = _signs(generator, size, min(COLUMNS, probes - start))
        w -= q @ (q.T @ w)
        aw = product(w)
        traces.append(np.einsum("pn,pn->n", w, aw))
        squares.append(np.einsum("pn,pn->n", aw, aw))
    outside, norm = mean(np.concatenate(traces)), mean(np.concatenate(squares))
    return Moments(
        Estimate(float(np.trace(inside) + outside.value), outside.standard_error),
        Estimate(float(np.sum(aq**2) + norm.value), norm.standard_error),
    )


def _signs(generator: np.random.Generator, size: int, count: int) -> Array:
    return generator.choice(np.array([-1.0, 1.0]), (size, count))


def _in_blocks(product: Function, vectors: Array) -> Array:
    parts = [product(vectors[:, k : k + COLUMNS]) for k in range(0, vectors.shape[1], COLUMNS)]
    return np.concatenate(parts, axis=1)
