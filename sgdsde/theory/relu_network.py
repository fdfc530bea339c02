"""A ReLU network whose evidence is known exactly, and the rescaling of its layers that leaves its outputs alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize
from scipy.special import expit

from sgdsde.arguments import boolean, positive, real, real_array
from sgdsde.layout import one_line
from sgdsde.logistic.checks import checked_inputs

Array = NDArray[np.float64]

#: Logarithms of the weights' sizes at which integrands are summed: the same for every rescaling, so that no result is
#: invariant because its nodes are. They reach from below rounding to beyond any prior that is rescaled by 1000 or less.
LOWEST, HIGHEST, STEP = -48, 12, 1 / 16
REACH = 1000.0


@dataclass(frozen=True, eq=False)
class ReLUNetwork:
    """p(1|x) = 1/(1 + exp(−v relu(u·x))), with K inputs of which each example has one, positive.

    Parameters
    ----------
    inputs : array_like, (K, n)
        Sizes x > 0: a row for each input, with n examples of it.
    labels : array_like, (K, n)
        0 or 1.
    regularization : float
        λ > 0; the prior of the weights ω = (u, v), (K + 1,), is N(0, I/λ), and C = H + (λ/2)|ω|².

    Raises
    ------
    ValueError
        When shapes disagree, an input is not positive, a label neither 0 nor 1, or λ not positive.

    Notes
    -----
    (u, v) → (αu, v/α) is the smallest case of the rescaling by Dinh et al. (arXiv 1703.04933, definition 5). It leaves
    every output as it is, its determinant is α^(K−1), and the Hessian of H goes with it as JᵀHJ: as sharp as one likes.

    Examples
    --------
    >>> network = ReLUNetwork([[0.5, 1.5], [1.0, 0.3]], [[0, 1], [1, 1]], 0.1)
    >>> minimum = network.minimum()
    >>> for alpha in 1.0, 100.0:
    ...     there = network.rescaled(minimum, alpha)
    ...     sharpness = np.linalg.eigvalsh(network.hessian(there))[-1]
    ...     print(round(network.cross_entropy(there), 4), round(sharpness, 2), round(network.log_evidence(alpha), 6))
    1.4811 1.77 -2.869989
    1.4811 2288.61 -2.869989
    """

    inputs: Array
    labels: NDArray[np.int64]
    regularization: float

    __repr__ = one_line

    def __post_init__(self) -> None:
        inputs, labels = checked_inputs("inputs", self.inputs), np.asarray(self.labels)
        if not (inputs > 0).all():
            raise ValueError(f"inputs must be positive, got {inputs.min()}")
        if labels.shape != inputs.shape or not np.isin(labels, (0, 1)).all():
            raise ValueError(f"labels must be 0 or 1, of the shape {inputs.shape} of inputs, got {self.labels!r}")
        object.__setattr__(self, "inputs", inputs)
        object.__setattr__(self, "labels", labels.astype(np.int64))
        object.__setattr__(self, "regularization", positive("regularization", self.regularization))

    def cross_entropy(self, weights: ArrayLike) -> float:
        """H, in nats, of weights (K + 1,)."""
        w = self._weights(weights)
        return float(np.logaddexp(0, -(2 * self.labels - 1) * self._hidden(w) * w[-1]).sum())

    def cost(self, weights: ArrayLike) -> float:
        """C = H + (λ/2)|ω|²."""
        w = self._weights(weights)
        return self.cross_entropy(w) + self.regularization / 2 * float(w @ w)

    def gradient(self, weights: ArrayLike) -> Array:
        """∇C, (K + 1,)."""
        w = self._weights(weights)
        hidden = self._hidden(w)
        residual = expit(hidden * w[-1]) - self.labels
        inner = (residual * w[-1] * self.inputs * (hidden > 0)).sum(axis=1)
        return np.append(inner, (residual * hidden).sum()) + self.regularization * w

    def hessian(self, weights: ArrayLike) -> Array:
        """∇∇H, (K + 1, K + 1), of the cross-entropy alone."""
        w = self._weights(weights)
        hidden, found = self._hidden(w), np.zeros((len(w), len(w)))
        p, slope = expit(hidden * w[-1]), self.inputs * (hidden > 0)
        spread = p * (1 - p)
        inner = np.arange(len(w) - 1)
        found[inner, inner] = (spread * (w[-1] * slope) ** 2).sum(axis=1)
        found[-1, -1] = (spread * hidden**2).sum()
        found[-1, :-1] = found[:-1, -1] = (spread * w[-1] * slope * hidden + (p - self.labels) * slope).sum(axis=1)
        return found

    def minimum(self) -> Array:
        """Weights of the least C with all units alive and v > 0; RuntimeError where there is none."""
        start = np.ones(len(self.inputs) + 1)
        found = np.asarray(minimize(self.cost, start, jac=self.gradient, method="BFGS", options={"gtol": 1e-7}).x)
        for _ in range(20):
            curvature = self.hessian(found) + self.regularization * np.eye(len(found))
            found = found - np.linalg.solve(curvature, self.gradient(found))
        settled = np.linalg.norm(self.gradient(found)) <= 1e-10 and np.linalg.eigvalsh(curvature)[0] >= 0
        if not (settled and (found > 0).all()):
            raise RuntimeError(f"the network has no minimum with positive weights, Newton's method ended at {found}")
        return found

    def rescaled(self, weights: ArrayLike, alpha: float) -> Array:
        """(αu, v/α) of weights (u, v), (K + 1,): the same function."""
        w, alpha = self._weights(weights), positive("alpha", alpha)
        return np.asarray(w * np.append(np.full(len(w) - 1, alpha), 1 / alpha))

    def log_evidence(self, alpha: float = 1.0, *, carried: bool = True) -> float:
        """ln ∫ exp(−C(φ(θ))) |det J| dθ in nats, the prior normalised, in the weights θ = (αu, v/α): exact to 1e-8.

        Parameters
        ----------
        alpha : float
            From 0.001 to 1000, for which the nodes reach. They are the same for every α.
        carried : bool
            False leaves |det J| out.
        """
        if not 1 / REACH <= real("alpha", alpha) <= REACH:
            raise ValueError(f"alpha must be from {1 / REACH:g} to {REACH:g}, got {alpha!r}")
        return self._log_evidence(alpha, STEP, boolean("carried", carried))

    def _log_evidence(self, alpha: float, step: float, carried: bool) -> float:
        """Where u is negative all outputs are 0, and the integral is known; elsewhere it is summed."""
        log_size = step * np.arange(round(LOWEST / step), round(HIGHEST / step) + 1)
        size, cells = np.exp(log_size), step * np.exp(log_size)  # dθ = e^t dt
        inner = cells * self._prior(size, alpha, carried)
        outer = cells * self._prior(size, 1 / alpha, carried)
        # θ_u θ_v has the logarithm t_i + t_j: it takes a few values only, at which likelihoods are computed once.
        products = np.exp(step * np.arange(2 * round(LOWEST / step), 2 * round(HIGHEST / step) + 1))
        sums = np.add.outer(np.arange(len(size)), np.arange(len(size)))
        dead = 0.5 * (1.0 if carried else alpha)
        total = 0.0
        for sign in (1, -1):
            both = np.ones(len(size))
            for x, labels in zip(self.inputs, self.labels, strict=True):
                logits = sign * (2 * labels - 1) * x * products[:, None]
                likelihood = np.exp(-np.logaddexp(0, -logits).sum(axis=1))
                both *= likelihood[sums] @ inner + dead * 0.5 ** len(x)
            total += float(both @ outer)
        return float(np.log(total))

    def _prior(self, theta: Array, scale: float, carried: bool) -> Array:
        """Density of one θ = scale · ω."""
        density = np.sqrt(self.regularization / (2 * np.pi)) * np.exp(-self.regularization * (theta / scale) ** 2 / 2)
        return np.asarray(density / scale if carried else density)

    def _weights(self, weights: ArrayLike) -> Array:
        w = real_array("weights", weights)
        if w.shape != (len(self.inputs) + 1,):
            raise ValueError(f"weights must have the shape ({len(self.inputs) + 1},), got {w.shape}")
        return w

    def _hidden(self, weights: Array) -> Array:
        return np.asarray(np.maximum(weights[:-1, None] * self.inputs, 0))
