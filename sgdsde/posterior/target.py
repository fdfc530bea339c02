"""A posterior that is known exactly: of a logistic regression in two weights."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sgdsde.arguments import positive
from sgdsde.landscapes import Landscape
from sgdsde.layout import one_line
from sgdsde.logistic import Fit, LogisticRegression
from sgdsde.theory import posterior_divergence

Array = NDArray[np.float64]

#: The trapezoidal rule reaches so many standard deviations of Laplace's approximation to each side, on so many points.
REACH, POINTS = 9.0, 101


class Moments(NamedTuple):
    """Moments of a law of the weights: mean (2,), covariance (2, 2), third central moments (2, 2, 2), and ⟨C⟩, ⟨H⟩."""

    mean: Array
    covariance: Array
    third: Array
    cost: float
    cross_entropy: float


@dataclass(frozen=True, eq=False)
class LogisticPosterior:
    """The law ∝ exp(−C) of a binary logistic regression with two weights, C = H + (λ/2)|ω|².

    Parameters
    ----------
    model : LogisticRegression
        Of two inputs and two classes.
    regularization : float
        λ > 0.

    Raises
    ------
    ValueError
        When the model has another number of weights, or λ is not positive.

    Notes
    -----
    SGD on C/N, N examples, samples it as far as its noise lets it (Mandt, Hoffman & Blei, arXiv 1704.04289, §4): see
    :func:`sgd_law` and :func:`sample_sgd`.

    Examples
    --------
    >>> posterior = LogisticPosterior(LogisticRegression([[1, 0.5], [1, -1], [1, 2], [1, -0.3]], [1, 0, 1, 1]), 0.5)
    >>> posterior.exact.mean.round(3), posterior.exact.covariance.round(3)
    (array([0.762, 1.282]), array([[0.923, 0.043],
           [0.043, 1.029]]))
    >>> round(posterior.log_evidence(), 4)
    -2.5368
    """

    model: LogisticRegression
    regularization: float

    __repr__ = one_line

    def __post_init__(self) -> None:
        if self.model.dimension != 2 or self.model.softmax:
            raise ValueError(f"model must have two weights for two classes, got {self.model.dimension} weights")
        object.__setattr__(self, "regularization", positive("regularization", self.regularization))

    @property
    def n_examples(self) -> int:
        """N."""
        return self.model.n_examples

    @functools.cached_property
    def fit(self) -> Fit:
        """Where C is least."""
        return self.model.fit(self.regularization)

    @functools.cached_property
    def hessian(self) -> Array:
        """∇∇L at the minimum, L = C/N, (2, 2)."""
        return self.model.hessian(self.fit.weights, self.regularization) / self.n_examples

    @functools.cached_property
    def noise_covariance(self) -> Array:
        """F at the minimum, (2, 2), divisor N − 1."""
        return np.cov(self.model.per_example_gradients(self.fit.weights, self.regularization).T)

    @functools.cached_property
    def signed_inputs(self) -> Array:
        """Inputs of class 1 and the negatives of those of class 0, (N, 2): H = Σ ln(1 + exp(−xᵀω))."""
        return self.model.inputs * np.where(self.model.labels == 1, 1.0, -1.0)[:, None]

    @functools.cached_property
    def rows(self) -> tuple[Array, Array]:
        """How often each signed input occurs, (rows,), and the inputs, (rows, 2): equal examples are one row."""
        inputs, counts = np.unique(self.signed_inputs, axis=0, return_counts=True)
        return counts.astype(np.float64), inputs

    def gradients(self, weights: Array) -> Array:
        """Gradients of single examples, (…, rows, 2), at weights (…, 2): one for all examples of a row of `rows`."""
        x = self.rows[1]
        share = self.regularization / self.n_examples
        return np.asarray(-x / (1 + np.exp(weights @ x.T))[..., None] + share * weights[..., None, :])

    def mean_gradient(self, weights: Array) -> Array:
        """∇L(ω): (…, 2) → (…, 2)."""
        return np.asarray(self.rows[0] @ self.gradients(weights) / self.n_examples)

    def gradient_moments(self, weights: Array) -> tuple[Array, Array]:
        """∇L(ω), (…, 2), and F(ω), the covariance of the gradients of single examples, divisor N − 1, (…, 2, 2)."""
        counts, each = self.rows[0], self.gradients(weights)
        mean = np.asarray(counts @ each / self.n_examples)
        d = each - mean[..., None, :]
        return mean, np.asarray(np.swapaxes(d * counts[:, None], -1, -2) @ d / (self.n_examples - 1))

    def batch_noise(self, weights: Array) -> Array:
        """F(ω): (…, 2) → (…, 2, 2)."""
        return self.gradient_moments(weights)[1]

    def cross_entropy(self, weights: Array) -> Array:
        """H in nats, of shape (…), at weights (…, 2)."""
        counts, x = self.rows
        return np.asarray(np.logaddexp(0.0, -weights @ x.T) @ counts)

    def cost(self, weights: Array) -> Array:
        """C in nats, of shape (…), at weights (…, 2)."""
        return np.asarray(self.cross_entropy(weights) + self.regularization / 2 * (weights**2).sum(axis=-1))

    @functools.cached_property
    def exact(self) -> Moments:
        """Moments of exp(−C)."""
        return self.moments()

    def moments(self, temperature: float = 1.0, power: float = 1.0) -> Moments:
        """Moments of the law ∝ exp(−(`power` H + (λ/2)|ω|²)/`temperature`), exact to 1e-9, by the trapezoidal rule."""
        w, weights = self._weighted(positive("temperature", temperature), positive("power", power))[:2]
        mean = weights @ w
        d = w - mean
        covariance = (d * weights[:, None]).T @ d
        third = np.einsum("n,ni,nj,nk->ijk", weights, d, d, d, optimize=True)
        entropy = float(weights @ self.cross_entropy(w))
        cost = entropy + self.regularization / 2 * float(weights @ (w**2).sum(1))
        return Moments(mean, covariance, third, cost, entropy)

    def log_evidence(self) -> float:
        """Exact ln ∫ (λ/2π) exp(−C) dω, in nats."""
        return float(self._weighted(1.0, 1.0)[2]) + float(np.log(self.regularization / (2 * np.pi)))

    def _weighted(self, temperature: float, power: float) -> tuple[Array, Array, float]:
        """Points around the law's own maximum, their weights, and ln ∫."""
        penalty = self.regularization / power
        fit = self.model.fit(penalty)  # of power × (H + (λ/power)|ω|²/2)
        curvature = power * self.model.hessian(fit.weights, penalty) / temperature
        axes = np.linalg.cholesky(np.linalg.inv(curvature))
        line = np.linspace(-REACH, REACH, POINTS)
        u, v = np.meshgrid(line, line, indexing="ij")
        w = fit.weights + np.stack((u.ravel(), v.ravel()), axis=1) @ axes.T
        log = -(power * self.cross_entropy(w) + self.regularization / 2 * (w**2).sum(axis=1)) / temperature
        weights = np.exp(log - log.max())
        cell = (line[1] - line[0]) ** 2 * float(np.linalg.det(axes))
        return w, weights / weights.sum(), float(np.log(weights.sum() * cell) + log.max())

    @functools.cached_property
    def axes(self) -> Array:
        """Eigenvectors of the exact covariance, as columns divided by standard deviations, (2, 2); least first."""
        values, vectors = np.linalg.eigh(self.exact.covariance)
        return np.asarray(vectors * np.where(vectors.sum(axis=0) < 0, -1.0, 1.0) / np.sqrt(values))

    def whitened(self, weights: Array) -> Array:
        """Deviations from the exact mean along `axes`, in standard deviations; of shape (…, 2), as `weights`."""
        return np.asarray((weights - self.exact.mean) @ self.axes)

    def relative(self, covariance: Array) -> Array:
        """A covariance of weights, (2, 2), along `axes`, in units of the posterior's variances."""
        return np.asarray(self.axes.T @ covariance @ self.axes)

    def divergence(self, covariance: Array) -> float:
        """KL, in nats, of the normal law with this covariance of weights, (2, 2), from that with the posterior's."""
        return posterior_divergence(np.eye(2), self.relative(covariance), 1)

    def with_isotropic_noise(self) -> Landscape:
        """L with F = f I; parameters ``f`` and ``power``, by which the cross-entropy is multiplied."""
        rows = zip(*(part.tolist() for part in self.rows), strict=True)
        entropy = "+".join(f"{count:g}*log(1+exp({-a:g}*u{-b:+g}*v))" for count, (a, b) in rows)
        loss = f"(power*({entropy})+{self.regularization!r}*(u**2+v**2)/2)/{self.n_examples}"
        return Landscape(loss, "u v", {"f": 1.0, "power": 1.0}, noise_covariance="f", name="posterior, isotropic noise")
