"""The likelihood of logistic regression in the coordinates that samplers use: prior N(0, I), inputs scaled by 1/√λ."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from sgdsde.logistic import LogisticRegression

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Likelihood:
    """Cross-entropy of weights ω = s V u, s = 1/√λ, of many u at once.

    V are the right singular vectors of the inputs that data see: whatever λ, the other directions keep their prior, and
    the evidence does not contain them. In this basis the curvature Σ σ(1 − σ) x xᵀ is nearly diagonal, unless
    examples differ much in σ(1 − σ) where singular values are the same: sampling is then slower.

    Attributes
    ----------
    inputs : ndarray, (N, r)
        X V; without softmax each row is multiplied by 2y − 1, so that the label is always 1.
    labels : ndarray, (N,)
    classes : int
        n weight vectors for softmax, otherwise 1.
    """

    inputs: Array
    labels: NDArray[np.int64]
    classes: int

    @staticmethod
    def of(model: LogisticRegression) -> Likelihood:
        """The likelihood of a model."""
        _, sizes, directions = np.linalg.svd(model.inputs, full_matrices=False)
        kept = sizes > sizes[0] * max(model.inputs.shape) * np.finfo(float).eps
        inputs = model.inputs @ directions[kept].T
        if model.softmax:
            return Likelihood(inputs, model.labels, model.n_classes)
        return Likelihood(inputs * (2 * model.labels - 1)[:, None], model.labels, 1)

    @property
    def dimension(self) -> int:
        """Numbers in a u."""
        return self.classes * int(self.inputs.shape[1])

    def logits(self, points: Array) -> Array:
        """At s = 1, (M, N) or (M, n, N), of points u (M, d)."""
        flat = points.reshape(-1, self.inputs.shape[1]) @ self.inputs.T
        return flat if self.classes == 1 else flat.reshape(len(points), self.classes, -1)

    def cross_entropy(self, logits: Array, scale: float) -> Array:
        """H, (M,), in nats, of logits at s = 1."""
        scaled = scale * logits
        if self.classes == 1:
            # ln(1 + e^−t) in three elementwise passes: np.logaddexp is several times slower.
            return np.asarray((np.log1p(np.exp(-np.abs(scaled))) - np.minimum(scaled, 0.0)).sum(axis=1))
        own = np.take_along_axis(scaled, self.labels[None, None, :], axis=1)[:, 0]
        return np.asarray((logsumexp(scaled, axis=1) - own).sum(axis=1))

    def residuals(self, logits: Array, scale: float) -> Array:
        """p − 1[class = y], of the shape of the logits at s = 1."""
        scaled = scale * logits
        if self.classes == 1:
            small = np.exp(-np.abs(scaled))
            return np.asarray(-np.where(scaled > 0, small, 1.0) / (1 + small))
        p = np.exp(scaled - logsumexp(scaled, axis=1, keepdims=True))
        p[:, self.labels, np.arange(len(self.labels))] -= 1
        return np.asarray(p)

    def gradient(self, residuals: Array, scale: float) -> Array:
        """∂H/∂u, (M, d)."""
        return np.asarray(scale * (residuals @ self.inputs).reshape(len(residuals), -1))

    def slope(self, logits: Array, residuals: Array) -> Array:
        """∂H/∂s, (M,)."""
        return np.asarray((logits * residuals).reshape(len(logits), -1).sum(axis=1))

    def curvature(self, residuals: Array) -> Array:
        """Diagonal of ∂²H/∂u² at s = 1, averaged over the points, (d,)."""
        spread = (np.abs(residuals) * (1 - np.abs(residuals))).mean(axis=0)
        return np.asarray((spread @ self.inputs**2).reshape(-1))
