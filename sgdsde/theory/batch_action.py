"""The action of polygons where steps are SGD's, of batches of examples, and not normal: a Frame for least_action.py."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sgdsde.theory.action import NOISE_STEP, Frame
from sgdsde.theory.generating import Generating

Array = NDArray[np.float64]

_DOUBLINGS, _CUTS, _STEPS, _HALVINGS = 40, 60, 40, 20
_SOLVED = 1e-12  # of the conditions of the maximum, relative
_ACCEPTED = 1e-7  # where rounding lets no step help


@dataclass(frozen=True, eq=False)
class BatchFrame(Frame):
    """As `Frame`, with H(z, θ) = −θ·∇L + K(Aᵀθ), K the cumulant generating function of examples.

    Attributes
    ----------
    generating : Generating
    """

    generating: Generating

    def segments(self, step: Array, middle: Array) -> tuple[Array, Array, Array]:
        """Actions of segments and their derivatives with respect to step and middle: (..., d) → (...), 2 × (..., d).

        The largest θ·Δ with H(θ) ≤ 0, where Δ = κ ∂H/∂θ: κ is the time that the step takes, in units of 1/ε updates.
        inf where no batches lead that way.
        """
        plain, first, _ = super().segments(step, middle)
        shape, d = step.shape, step.shape[-1]
        at = self.points(middle)
        slope = (self.landscape.gradient(at) @ self.inverse.T).reshape(-1, d)
        factor = (self.inverse @ self.landscape.noise_factor(at)).reshape(len(slope), d, -1)
        sound = np.isfinite(plain).ravel()
        law = _Law(slope[sound], factor[sound], self.generating)
        theta: Array = np.zeros((len(slope), d))
        time: Array = np.full(len(slope), np.inf)
        theta[sound], time[sound] = law.highest(step.reshape(-1, d)[sound], first.reshape(-1, d)[sound])
        known = np.isfinite(time)
        time, theta = np.where(known, time, 0.0), theta.reshape(shape)
        value = np.where(known.reshape(shape[:-1]), (theta * step).sum(axis=-1), np.inf)
        ways = np.eye(d) * NOISE_STEP * self.reach
        bend = self.inverse @ self.landscape.hessian(at) @ self.axes
        changes = []
        for way in ways:
            ahead, behind = (self.landscape.noise_factor(self.points(middle + sign * way)) for sign in (1, -1))
            changes.append(self.inverse @ (ahead - behind) / (2 * NOISE_STEP * self.reach))
        _, tilted, _ = self.generating(np.einsum("...ik,...i->...k", factor.reshape(*shape, -1), theta))
        by_noise = np.stack([np.einsum("...i,...ik,...k->...", theta, each, tilted) for each in changes], axis=-1)
        by_slope = np.einsum("...ik,...i->...k", bend, theta)
        return value, theta, time.reshape(shape[:-1])[..., None] * (by_slope - by_noise)


class _Law:
    """H at n points: slope (n, d) and noise factor (n, d, k)."""

    def __init__(self, slope: Array, factor: Array, generating: Generating) -> None:
        self.slope, self.factor, self.generating = slope, factor, generating

    def __call__(self, theta: Array, rows: NDArray[np.intp]) -> tuple[Array, Array, Array]:
        """H (m,), its slope (m, d) and Hessian (m, d, d) at θ (m, d), at some of the points."""
        slope, factor = self.slope[rows], self.factor[rows]
        value, tilted, bend = self.generating(np.einsum("nik,ni->nk", factor, theta))
        drift = np.einsum("nik,nk->ni", factor, tilted) - slope
        return value - (slope * theta).sum(axis=1), drift, factor @ bend @ np.swapaxes(factor, 1, 2)

    def highest(self, step: Array, first: Array) -> tuple[Array, Array]:
        """θ (n, d) of the largest θ·Δ with H(θ) ≤ 0, and the time κ (n,); inf where there is none.

        `first` is the θ of normal noise: the search begins where its ray leaves H ≤ 0.
        """
        everywhere = np.arange(len(step))
        theta, known = self._on_ray(first)
        with np.errstate(all="ignore"):
            _, drift, _ = self(theta, everywhere)
            speed, length = np.linalg.norm(drift, axis=1), np.linalg.norm(step, axis=1)
            time = np.maximum((step * drift).sum(axis=1), 1e-3 * length * speed) / speed**2
            time[~known] = np.inf
            if step.shape[1] > 1:
                self._newton(step, theta, time)
        return theta, time

    def _on_ray(self, first: Array) -> tuple[Array, NDArray[np.bool_]]:
        """Where rays through `first` leave H ≤ 0, and whether they do."""
        rows = np.arange(len(first))
        low, high = np.zeros(len(first)), np.ones(len(first))

        def outside(scale: Array) -> NDArray[np.bool_]:
            with np.errstate(all="ignore"):
                return np.asarray(~(self(scale[:, None] * first, rows)[0] <= 0))

        for _ in range(_DOUBLINGS):
            inner = ~outside(high)
            if not inner.any():
                break
            low, high = np.where(inner, high, low), np.where(inner, 2 * high, high)
        still = (first == 0).all(axis=1)
        known = outside(high) | still
        for _ in range(_CUTS):
            middle = (low + high) / 2
            beyond = outside(middle)
            low, high = np.where(beyond, low, middle), np.where(beyond, middle, high)
        return np.where(still[:, None], 0.0, low[:, None] * first), known

    def _newton(self, step: Array, theta: Array, time: Array) -> None:
        """Solve κ ∂H/∂θ = Δ, H = 0 in place; κ = inf where that fails."""
        length, scale = np.linalg.norm(step, axis=1), (self.slope**2).sum(axis=1) + 1e-300
        d = step.shape[1]

        def residual(theta: Array, time: Array, rows: NDArray[np.intp]) -> tuple[Array, Array]:
            value, drift, bend = self(theta, rows)
            miss = np.concatenate(
                [(time[:, None] * drift - step[rows]) / length[rows, None], (value / scale[rows])[:, None]], axis=1
            )
            matrix = np.zeros((len(rows), d + 1, d + 1))
            matrix[:, :d, :d] = time[:, None, None] * bend / length[rows, None, None]
            matrix[:, :d, d] = time[:, None] * drift / length[rows, None]  # in ln κ
            matrix[:, d, :d] = drift / scale[rows, None]
            return miss, matrix

        rows = np.flatnonzero(np.isfinite(time))
        miss, matrix = residual(theta[rows], time[rows], rows)
        for _ in range(_STEPS):
            size = np.abs(miss).max(axis=1)
            going = ~(size <= _SOLVED)
            rows, miss, matrix = rows[going], miss[going], matrix[going]
            if not len(rows):
                return
            sound = np.isfinite(matrix).all(axis=(1, 2)) & (np.abs(np.linalg.det(np.nan_to_num(matrix))) > 0)
            matrix[~sound] = np.eye(d + 1)
            move = -np.linalg.solve(matrix, miss[..., None])[..., 0]
            fraction, left = np.ones(len(rows)), sound.copy()
            norm = np.linalg.norm(miss, axis=1)
            for _ in range(_HALVINGS):
                tried = np.flatnonzero(left)
                if not len(tried):
                    break
                here = rows[tried]
                part = fraction[tried, None] * move[tried]
                new = theta[here] + part[:, :d], time[here] * np.exp(np.clip(part[:, d], -2, 2))
                after, at = residual(*new, here)
                better = np.linalg.norm(after, axis=1) < norm[tried]
                done, here = tried[better], here[better]
                theta[here], time[here] = new[0][better], new[1][better]
                miss[done], matrix[done], left[done] = after[better], at[better], False
                fraction[tried[~better]] /= 2
            failed = left | ~sound
            time[rows[failed & ~(np.abs(miss).max(axis=1) <= _ACCEPTED)]] = np.inf
            rows, miss, matrix = rows[~failed], miss[~failed], matrix[~failed]
        time[rows[~(np.abs(miss).max(axis=1) <= _ACCEPTED)]] = np.inf
