"""Hessians of single examples, checked and taken to the eigenbasis of their mean: the input side of mean_square.py."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sgdsde.arguments import boolean, real_array
from sgdsde.config import SGDConfig
from sgdsde.theory.modes import TOLERANCE

Array = NDArray[np.float64]


@dataclass(frozen=True)
class ExampleCurvature:
    """Hessians H_i in the eigenbasis of their mean H, without the directions in which H is flat.

    Attributes
    ----------
    h : (r,)
        The eigenvalues of H that are not 0.
    parts : (N, r, r), or (N, k, r) where ``factored``
        H_i, or J_i with H_i = J_iᵀJ_i.
    noise : float
        p: a batch's mean Hessian has the covariance p ⟨(H_i − H)⊗(H_i − H)⟩.
    """

    h: Array
    parts: Array
    noise: float
    factored: bool

    def spread(self, s: Array) -> Array:
        """Q(S) = ⟨H_i S H_i⟩ − H S H, (r, r) → (r, r)."""
        if self.factored:
            inner = self.parts @ s @ self.parts.swapaxes(1, 2)
            found = np.einsum("nka,nkl,nlb->ab", self.parts, inner, self.parts, optimize=True)
        else:
            found = np.einsum("nab,nbc->ac", self.parts @ s, self.parts, optimize=True)
        return np.asarray(found / len(self.parts) - self.h[:, None] * s * self.h)


def example_curvature(hessians: ArrayLike, config: SGDConfig, *, factored: bool) -> ExampleCurvature:
    """Check what `mean_square_stability_limit` is given; ValueError names what is wrong."""
    parts = _parts(hessians, boolean("factored", factored))
    config.require_plain("weight_decay")
    n = len(parts)
    if config.n_examples != n:
        raise ValueError(f"config.n_examples must be the number of hessians, {n}, got {config.n_examples}")
    if config.permuted:
        raise ValueError(f"sampling must draw batches independently for this law, got {config.sampling!r}")
    if factored:
        h, basis = _modes_of_factors(parts)
        parts = parts @ basis
    else:
        h, basis = np.linalg.eigh(parts.mean(axis=0))
        parts = basis.T @ parts @ basis
    flat = np.abs(h) <= TOLERANCE * np.abs(parts).max(initial=0.0) * (len(h) + 1)
    if (h[~flat] < 0).any():
        raise ValueError(f"hessians must have a positive semidefinite mean, got one with the eigenvalue {h[0]:.6g}")
    if not factored:
        if np.abs(parts[:, flat]).max(initial=0.0) > TOLERANCE**0.5 * np.abs(parts).max(initial=0.0):
            raise ValueError("hessians must be 0 wherever their mean is, got examples that are curved where it is flat")
        parts = parts[:, ~flat][:, :, ~flat]
    else:
        parts = parts[:, :, ~flat]
    return ExampleCurvature(h[~flat], np.ascontiguousarray(parts), config.batch_noise * n / (n - 1), factored)


def _parts(hessians: ArrayLike, factored: bool) -> Array:
    """(N, P, P), symmetric, or (N, k, P)."""
    wanted = "(N, k, P) or (N, P)" if factored else "(N, P, P) or (N,)"
    parts = real_array("hessians", hessians, f"an array of shape {wanted}")
    whole = parts
    if factored and parts.ndim == 2:
        whole = parts[:, None, :]
    elif not factored and parts.ndim == 1:
        whole = parts[:, None, None]
    if whole.ndim != 3 or not whole.size or not (factored or whole.shape[1] == whole.shape[2]):
        raise ValueError(f"hessians must have the shape {wanted}, got {parts.shape}")
    if not np.isfinite(whole).all():
        raise ValueError("hessians must be finite")
    if not factored:
        apart = float(np.abs(whole - whole.swapaxes(1, 2)).max())
        if apart > TOLERANCE * np.abs(whole).max():
            raise ValueError(f"hessians must be symmetric to {TOLERANCE:g} of their largest entry, got {apart:.6g}")
    return whole


def _modes_of_factors(parts: Array) -> tuple[Array, Array]:
    """Eigenvalues of the mean of J_iᵀJ_i that may differ from 0, ascending, and eigenvectors, (P, min(Nk, P))."""
    _, singular, rows = np.linalg.svd(parts.reshape(-1, parts.shape[2]) / np.sqrt(len(parts)), full_matrices=False)
    return singular[::-1] ** 2, rows[::-1].T
