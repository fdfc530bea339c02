"""A posterior that is known exactly, of a logistic regression in two weights: for the claim ``posterior_sampling``."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

import sgdsde as sg
from sgdsde.logistic import Fit, LogisticRegression

Array = NDArray[np.float64]

#: λ of the claim, in units of the inputs.
PENALTY = 1.0
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
class Posterior:
    """The law ∝ exp(−C) of a binary logistic regression with two weights, C = H + (λ/2)|ω|².

    Parameters
    ----------
    model : LogisticRegression
        Of two inputs and two classes.
    penalty : float
        λ > 0.

    Raises
    ------
    ValueError
        When the model has another number of weights, or λ is not positive.

    Examples
    --------
    >>> posterior = tumours()
    >>> posterior.n_examples, posterior.fit.weights.round(2)
    (569, array([1.7 , 1.14]))
    """

    model: LogisticRegression
    penalty: float

    def __post_init__(self) -> None:
        if self.model.dimension != 2 or self.model.softmax:
            raise ValueError(f"model must have two weights for two classes, got {self.model.dimension} weights")
        self.model.cost(np.zeros(2), self.penalty)  # refuses a penalty that is not positive

    @property
    def n_examples(self) -> int:
        """N."""
        return self.model.n_examples

    @functools.cached_property
    def fit(self) -> Fit:
        """Where C is least."""
        return self.model.fit(self.penalty)

    @functools.cached_property
    def hessian(self) -> Array:
        """∇∇L at the minimum, L = C/N, (2, 2)."""
        return self.model.hessian(self.fit.weights, self.penalty) / self.n_examples

    @functools.cached_property
    def noise(self) -> Array:
        """F at the minimum, (2, 2), divisor N − 1."""
        return np.cov(self.model.per_example_gradients(self.fit.weights, self.penalty).T)

    @functools.cached_property
    def signed_inputs(self) -> Array:
        """Inputs of class 1 and the negatives of those of class 0, (N, 2): H = Σ ln(1 + exp(−xᵀω))."""
        return self.model.inputs * np.where(self.model.labels == 1, 1.0, -1.0)[:, None]

    def gradients(self, weights: Array) -> Array:
        """Gradients of single examples, (…, rows, 2), at weights (…, 2): one for all examples of a row of `rows`."""
        x = self.rows[1]
        return np.asarray(
            -x / (1 + np.exp(weights @ x.T))[..., None] + self.penalty / self.n_examples * weights[..., None, :]
        )

    def cross_entropy(self, weights: Array) -> Array:
        """H in nats, of shape (…), at weights (…, 2)."""
        counts, x = self.rows
        return np.asarray(np.logaddexp(0.0, -weights @ x.T) @ counts)

    def cost(self, weights: Array) -> Array:
        """C in nats, of shape (…), at weights (…, 2)."""
        return np.asarray(self.cross_entropy(weights) + self.penalty / 2 * (weights**2).sum(axis=-1))

    @functools.cached_property
    def exact(self) -> Moments:
        """Moments of exp(−C)."""
        return self.moments()

    def moments(self, temperature: float = 1.0, power: float = 1.0) -> Moments:
        """Moments of the law ∝ exp(−(`power` H + (λ/2)|ω|²)/`temperature`), exact to 1e-9, by the trapezoidal rule."""
        w, weights = self._weighted(temperature, power)[:2]
        mean = weights @ w
        d = w - mean
        covariance = (d * weights[:, None]).T @ d
        third = np.einsum("n,ni,nj,nk->ijk", weights, d, d, d, optimize=True)
        entropy = float(weights @ self.cross_entropy(w))
        return Moments(mean, covariance, third, entropy + self.penalty / 2 * float(weights @ (w**2).sum(1)), entropy)

    def log_evidence(self) -> float:
        """Exact ln ∫ (λ/2π) exp(−C) dω, in nats."""
        return float(self._weighted(1.0, 1.0)[2]) + float(np.log(self.penalty / (2 * np.pi)))

    def _weighted(self, temperature: float, power: float) -> tuple[Array, Array, float]:
        """Points around the law's own maximum, their weights, and ln ∫."""
        fit = self.model.fit(self.penalty / power)  # of power × (H + (λ/power)|ω|²/2)
        curvature = power * self.model.hessian(fit.weights, self.penalty / power) / temperature
        axes = np.linalg.cholesky(np.linalg.inv(curvature))
        line = np.linspace(-REACH, REACH, POINTS)
        u, v = np.meshgrid(line, line, indexing="ij")
        w = fit.weights + np.stack((u.ravel(), v.ravel()), axis=1) @ axes.T
        log = -(power * self.cross_entropy(w) + self.penalty / 2 * (w**2).sum(axis=1)) / temperature
        weights = np.exp(log - log.max())
        cell = (line[1] - line[0]) ** 2 * float(np.linalg.det(axes))
        return w, weights / weights.sum(), float(np.log(weights.sum() * cell) + log.max())

    def whitened(self, weights: Array) -> Array:
        """Deviations from the exact mean along the eigenvectors of the exact covariance, in standard deviations.

        The first axis is that of the smaller variance; of shape (…, 2), as `weights`.
        """
        return np.asarray((weights - self.exact.mean) @ self.axes)

    @functools.cached_property
    def axes(self) -> Array:
        """Eigenvectors of the exact covariance, as columns divided by standard deviations, (2, 2)."""
        values, vectors = np.linalg.eigh(self.exact.covariance)
        return np.asarray(vectors * np.where(vectors.sum(axis=0) < 0, -1.0, 1.0) / np.sqrt(values))

    def divergence(self, whitened_covariance: Array) -> float:
        """KL of normal laws: of one with this covariance in units of the posterior's, from one with the posterior's."""
        return sg.theory.posterior_divergence(np.eye(2), whitened_covariance, 1)

    def with_isotropic_noise(self) -> sg.Landscape:
        """L with F = f I; parameters ``f`` and ``power``, by which the cross-entropy is multiplied."""
        loss = f"(power*({self._entropy})+{self.penalty!r}*(u**2+v**2)/2)/{self.n_examples}"
        return sg.Landscape(loss, "u v", {"f": 1.0, "power": 1.0}, covariance="f", name="posterior, isotropic noise")

    @functools.cached_property
    def rows(self) -> tuple[Array, Array]:
        """How often each signed input occurs, (rows,), and the inputs, (rows, 2): equal examples are one row."""
        inputs, counts = np.unique(self.signed_inputs, axis=0, return_counts=True)
        return counts.astype(np.float64), inputs

    @property
    def _entropy(self) -> str:
        rows = zip(*(part.tolist() for part in self.rows), strict=True)
        return "+".join(f"{count:g}*log(1+exp({-a:g}*u{-b:+g}*v))" for count, (a, b) in rows)


def tumours() -> Posterior:
    """Malignant (1) and benign (0) tumours by mean radius and concavity of cell nuclei, correlated by 0.67.

    All 569 patients of the Wisconsin diagnostic data (Street, Wolberg & Mangasarian 1993), as scikit-learn ships them.
    The inputs are deviations from the mean, rounded to halves of a standard deviation and counted in these, so that
    many patients are alike and a landscape's text holds them all; there is no intercept.

    >>> tumours().model.inputs[:2].tolist(), int(tumours().model.labels.sum())
    ([[2.0, 5.0], [4.0, -0.0]], 212)
    """
    from sklearn.datasets import load_breast_cancer

    table = load_breast_cancer()
    columns = [list(table.feature_names).index(name) for name in ("mean radius", "mean concavity")]
    chosen = table.data[:, columns]
    inputs = np.round(2 * (chosen - chosen.mean(axis=0)) / chosen.std(axis=0))
    return Posterior(LogisticRegression(inputs, 1 - table.target), PENALTY)
