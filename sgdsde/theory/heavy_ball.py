"""Heavy-ball SGD on a quadratic, one pair of Hessian modes at a time: the algebra under stationary.py.

In the eigenbasis of H every mode i is the 2-vector (ω_i, v_i), advanced by v ← m v − ε(h_i ω + ξ_i), ω ← ω + v, and the
covariance of modes i and j solves a linear problem of its own, of size four. Everything below is elementwise over such
pairs: ``left`` and ``right`` are arrays of p = ε h that broadcast, and results are in units of ε² Cov(ξ_i, ξ_j).

Reshuffling is done in the coordinates (s, v), s = ω + κ v, where κ → m/(1 − m) for small p: then s is where ω comes to
rest when nothing pushes it any more, the first row of D = I − M is proportional to p, and nothing cancels however small
p is, as it would in (ω, v). Arrays of 2-vectors and 2×2 matrices carry their components on the first axes.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

#: Pairs solved at a time: bounds the memory of the 4×4 systems at 2^16 · 16 · 8 B = 8 MB.
CHUNK = 2**16


class Law(NamedTuple):
    """Covariances of a pair of modes: Cov(ω_i, ω_j), Cov(v_i, ω_j), Cov(v_i, v_j)."""

    position: Array
    cross: Array
    velocity: Array


def independent_batches(left: Array, right: Array, momentum: float) -> Law:
    """Law when the noise of every update is independent, in units of its variance (docs/theory.md §3).

    The AR(2) form ω'' = (1 + m − p)ω' − m ω − εξ gives three equations for Cov(ω_i, ω_j) at lags −1, 0, 1; solved by
    hand, and written as a sum of terms that are positive whenever both modes are stable.
    """
    m = momentum
    contraction = left * (1 + m - right / 2) + right * (1 + m - left / 2)
    position = (1 - m**2) / ((1 - m) ** 2 * contraction + m * (left - right) ** 2)
    return Law(position, position * (right - m * left) / (1 - m**2), position * (left + right) / (1 + m))


def response(curvature: Array, momentum: float, updates: int) -> tuple[Array, Array]:
    """(M^k)_ωω and (M^k)_ωv: what ω still holds of an earlier ω and v, k ``updates`` later."""
    p, m = curvature, np.full_like(curvature, momentum)
    step = np.stack([np.stack([1 - p, m], -1), np.stack([-p, m], -1)], -2)
    powered = np.linalg.matrix_power(step, updates)
    return powered[..., 0, 0], powered[..., 0, 1]


def reshuffled_average(left: Array, right: Array, momentum: float, batches: int) -> Law:
    """Law under reshuffling, averaged over the positions in an epoch, in units of F_ij/B.

    Summing X' = M X Mᵀ + noise + cross terms over an epoch, at whose ends X is the same, leaves a one-step equation
    for the average: X̄ = M X̄ Mᵀ + δ_i bᵀ + b δ_jᵀ, δ = Σ_{l<n} (n − l)(b − M^l b)/n².
    """
    one, other = _Mode(left, momentum), _Mode(right, momentum)
    return _law(one, other, average_of_epochs(one, other, batches))


def reshuffled_epoch_end(left: Array, right: Array, momentum: float, batches: int) -> Law:
    """Law under reshuffling between two epochs, in units of F_ij/B.

    Within an epoch Cov(ξ_k, ξ_l) = (F/B)(δ_kl − 1/n), so an epoch's noise is the scatter of the responses M^l b,
    l < n, about their mean. It is merged from parts as Chan, Golub & LeVeque (1979) do: the mean is never subtracted
    from a large sum, of which little would be left.
    """
    one, other = _Mode(left, momentum), _Mode(right, momentum)
    return _law(one, other, end_of_epochs(one, other, batches))


def shuffled_once(left: Array, right: Array, momentum: float, batches: int) -> Law:
    """Law over permutations, each repeated for ever, in units of F_ij/B.

    The orbit of a permutation has ω = (I − M^n)⁻¹ Σ_l M^l b ξ at an epoch's end, so that the scatter of the responses
    is taken between these inverses. Permutations that are turned round are as likely: all places have this law.
    """
    one, other = _Mode(left, momentum), _Mode(right, momentum)
    scatter, departure, departure_other = _scatter(one, other, batches)
    d, e, inner = (np.moveaxis(x, (0, 1), (-2, -1)) for x in (departure, departure_other, scatter))
    solution: Array = np.linalg.solve(e, np.linalg.solve(d, inner).swapaxes(-1, -2))
    return _law(one, other, np.moveaxis(solution, (-1, -2), (0, 1)))


def average_of_epochs(one: Response, other: Response, batches: int) -> Array:
    """X̄ of two modes, (m, m, …), in units of F_ij/B, as :func:`reshuffled_average`."""
    delta, delta_other = (_epoch(mode, batches).lag / batches**2 for mode in (one, other))
    noise = delta[:, None] * other.kick[None, :] + one.kick[:, None] * delta_other[None, :]
    return solve_pairs(one.departure, other.departure, noise)


def end_of_epochs(one: Response, other: Response, batches: int) -> Array:
    """X of two modes at the ends of epochs, (m, m, …), in units of F_ij/B, as :func:`reshuffled_epoch_end`."""
    scatter, departure, departure_other = _scatter(one, other, batches)
    return solve_pairs(departure, departure_other, scatter)


def _scatter(one: Response, other: Response, batches: int) -> tuple[Array, Array, Array]:
    """The scatter of an epoch's responses about their means, (m, m, …), and I − M^n of both modes."""
    epoch, epoch_other = _epoch(one, batches), _epoch(other, batches)
    scatter: Array = np.zeros(
        (len(one.kick), len(one.kick), *np.broadcast_shapes(one.kick.shape[1:], other.kick.shape[1:]))
    )
    for a, b in zip(epoch.merges, epoch_other.merges, strict=True):
        scatter = merged(scatter, a, b)
    return scatter, epoch.departure, epoch_other.departure


def merged(scatter: Array, a: Merge, b: Merge) -> Array:
    """The scatter of more responses of two modes about their means."""
    moved = scatter - np.einsum("ab...,bc...->ac...", a.departure, scatter)
    moved -= np.einsum("ab...,cb...->ac...", moved, b.departure)
    moved += (a.weight * a.gap)[:, None] * b.gap[None, :]
    return np.asarray(scatter + moved if a.doubles else moved)


class Response(Protocol):
    """A mode of m components: departure I − M (m, m, …), and what the noise of an update adds to it, kick b (m, …)."""

    departure: Array
    kick: Array


class Merge(NamedTuple):
    """How the scatter of an epoch's responses grows: a later part is the earlier, moved on, and the means differ."""

    departure: Array
    gap: Array
    weight: float
    doubles: bool


class _Epoch(NamedTuple):
    departure: Array  # I − M^n
    lag: Array  # Σ_{l<n} (n − l)(b − M^l b)
    merges: list[Merge]


class _Mode:
    """Modes of p = ε h in the coordinates (s, v): departure I − M and kick b of one update."""

    def __init__(self, p: Array, momentum: float) -> None:
        m = momentum
        theta = 1 / (1 + p * m / (1 - m) ** 2)  # towards (ω, v) where p is not small, or (s, v) is badly scaled
        self.coast = m / (1 - m) * theta
        across = -(1 + self.coast) * self.coast * p - p * (m / (1 - m)) ** 2 * theta
        self.departure = np.array([[(1 + self.coast) * p, across], [p, 1 - m - p * self.coast]])
        self.kick = np.array([1 + self.coast, np.ones_like(p)])


def _epoch(mode: Response, batches: int) -> _Epoch:
    """Sums over an epoch of n batches in O(log n): the block of k is doubled, or gets one update in front."""
    first, b = mode.departure, mode.kick
    d, start = first, apply(first, b)  # I − M^k and (I − M^k) b
    total, fall = b, np.zeros_like(b)  # Σ_{l<k} M^l b and b − total/k
    behind, lag = start, np.zeros_like(b)  # Σ_{l≤k} (b − M^l b), and the sum of that over the shorter blocks
    merges, k = [], 1
    for bit in bin(batches)[3:]:
        gap = apply(d, total / k)
        merges.append(Merge(d, gap, k / 2, doubles=True))
        lag = 2 * lag - apply(d, lag) + k * behind + k * (k - 1) / 2 * start
        behind = 2 * behind - apply(d, behind) + k * start
        fall = fall + gap / 2
        total = 2 * total - apply(d, total)
        d = 2 * d - multiply(d, d)
        k *= 2
        if bit == "1":
            gap = fall + apply(first, total / k)
            merges.append(Merge(first, gap, k / (k + 1), doubles=False))
            d = d + first - multiply(d, first)
            lag, behind = lag + behind, behind + apply(d, b)
            fall = gap * (k / (k + 1))
            total = b + total - apply(first, total)
            k += 1
        start = apply(d, b)
    return _Epoch(d, lag, merges)


def apply(matrices: Array, vectors: Array) -> Array:
    """Matrices (m, n, …) times vectors (n, …)."""
    return np.asarray(np.einsum("ab...,b...->a...", matrices, vectors))


def multiply(left: Array, right: Array) -> Array:
    """Matrices (m, n, …) times matrices (n, k, …)."""
    return np.asarray(np.einsum("ab...,bc...->ac...", left, right))


def solve_pairs(left: Array, right: Array, noise: Array) -> Array:
    """Solve D X + X Eᵀ − D X Eᵀ = noise, (m, m, …), for each pair of modes, D = ``left`` and E = ``right``."""
    left, right = np.broadcast_to(left, noise.shape), np.broadcast_to(right, noise.shape)
    m = len(noise)
    solution, identity = np.empty_like(noise), np.eye(m)
    rows = max(1, CHUNK * 4 * noise.shape[2] // max(1, noise.size))
    for begin in range(0, noise.shape[2], rows):
        d, e, q = (np.moveaxis(x[:, :, begin : begin + rows], (0, 1), (-2, -1)) for x in (left, right, noise))
        d, e = d[..., :, None, :, None], e[..., None, :, None, :]
        system = d * (identity[:, None, :] - e) + identity[:, None, :, None] * e
        flat = np.linalg.solve(system.reshape(*q.shape[:-2], m * m, m * m), q.reshape(*q.shape[:-2], m * m, 1))
        solution[:, :, begin : begin + rows] = np.moveaxis(flat.reshape(q.shape), (-2, -1), (0, 1))
    return solution


def _law(one: _Mode, other: _Mode, solution: Array) -> Law:
    """From the covariance of (s, v) to that of (ω, v)."""
    (ss, sv), (vs, vv) = solution  # ω = s − coast v
    position = ss - other.coast * sv - one.coast * vs + one.coast * other.coast * vv
    return Law(position, vs - other.coast * vv, vv)
