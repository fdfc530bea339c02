"""A ReLU network under Dinh et al.'s rescaling of its layers: exact evidence, and sharpness along the orbit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

from sgdsde.theory import laplace_evidence
from sgdsde.theory.reparametrisation import transformed_hessian

Array = NDArray[np.float64]

#: Logarithms of the weights' sizes at which integrands are summed: the same for every rescaling, so that no result is
#: invariant because its nodes are. They reach from below rounding to beyond any prior that is rescaled by 1000 or less.
LOWEST, HIGHEST, STEP = -48, 12, 1 / 16
#: λ of the networks of the claim.
NETWORK_LAMBDA = 0.5


@dataclass(frozen=True, eq=False)
class Network:
    """p(1|x) = 1/(1 + exp(−v relu(u·x))), with two inputs of which each example has one, positive.

    Weights are (u₁, u₂, v) with the prior N(0, I/λ). `inputs` and `labels` are (2, n): a row for each input.
    (u, v) → (αu, v/α) leaves every output as it is, and its determinant is α.
    """

    inputs: Array
    labels: NDArray[np.int64]
    regularization: float

    def cross_entropy(self, weights: Array) -> float:
        """H, in nats, of weights (3,)."""
        signs = 2 * self.labels - 1
        return float(np.logaddexp(0, -signs * self._hidden(weights) * weights[2]).sum())

    def cost(self, weights: Array) -> float:
        """C = H + (λ/2)|ω|²."""
        return self.cross_entropy(weights) + self.regularization / 2 * float(weights @ weights)

    def gradient(self, weights: Array) -> Array:
        """∇C, (3,)."""
        hidden = self._hidden(weights)
        residual = expit(hidden * weights[2]) - self.labels
        inner = (residual * weights[2] * self.inputs * (hidden > 0)).sum(axis=1)
        return np.append(inner, (residual * hidden).sum()) + self.regularization * weights

    def hessian(self, weights: Array) -> Array:
        """∇∇H, (3, 3), of the cross-entropy alone."""
        hidden, found = self._hidden(weights), np.zeros((3, 3))
        p, slope = expit(hidden * weights[2]), self.inputs * (hidden > 0)
        spread = p * (1 - p)
        inner = np.arange(2)
        found[inner, inner] = (spread * (weights[2] * slope) ** 2).sum(axis=1)
        found[2, 2] = (spread * hidden**2).sum()
        found[2, :2] = found[:2, 2] = (spread * weights[2] * slope * hidden + (p - self.labels) * slope).sum(axis=1)
        return found

    def minimum(self) -> Array:
        """Weights of the least C with all units alive and v > 0; RuntimeError where there is none."""
        found = minimize(self.cost, np.ones(3), jac=self.gradient, method="BFGS", options={"gtol": 1e-7}).x
        for _ in range(20):
            curvature = self.hessian(found) + self.regularization * np.eye(3)
            found = found - np.linalg.solve(curvature, self.gradient(found))
        if (
            not (found > 0).all()
            or np.linalg.norm(self.gradient(found)) > 1e-10
            or np.linalg.eigvalsh(curvature)[0] < 0
        ):
            raise RuntimeError(f"the network has no minimum with positive weights, Newton's method ended at {found}")
        return np.asarray(found)

    def log_evidence(self, alpha: float, step: float = STEP, *, carried: bool = True) -> float:
        """ln ∫ exp(−C(φ(θ))) |det J| dθ with the prior normalised, in the weights θ = (αu, v/α), exactly.

        Without `carried` the Jacobian is left out. Where u is negative all outputs are 0, and the integral is known.
        ValueError for α outside 0.001 … 1000, for which the nodes do not reach.
        """
        if not 1e-3 <= alpha <= 1e3:
            raise ValueError(f"alpha must be from 0.001 to 1000, got {alpha!r}")
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

    def _hidden(self, weights: Array) -> Array:
        return np.asarray(np.maximum(weights[:2, None] * self.inputs, 0))


def rescaled(weights: Array, alpha: float) -> Array:
    """(αu, v/α)."""
    return np.asarray(weights * np.array([alpha, alpha, 1 / alpha]))


def random_network(n: int, seed: int) -> Network:
    """`n` examples of each input, sizes |x| of normal numbers, and labels drawn from weights (1, 0.7, 1.5)."""
    generator = np.random.default_rng(seed)
    inputs = np.abs(generator.standard_normal((2, n)))
    p = expit(1.5 * np.array([[1.0], [0.7]]) * inputs)
    return Network(inputs, (generator.random((2, n)) < p).astype(np.int64), NETWORK_LAMBDA)


def sharpness(hessian: Array) -> tuple[float, float, float]:
    """Largest eigenvalue, trace and determinant."""
    return float(np.linalg.eigvalsh(hessian)[-1]), float(np.trace(hessian)), float(np.linalg.det(hessian))


@dataclass(frozen=True)
class Place:
    """The network at (αu, v/α), with (u, v) the minimum of C.

    `exact` is ln evidence with the prior carried along, `forgotten` without the Jacobian; `sharpness` that of H there
    and `predicted` from (u, v); `cost` is C under the isotropic prior, `lifted` by how much it should be above the
    minimum, and `reading` −C − ½ Σ ln(λᵢ/λ) there over λᵢ ≥ λ.
    """

    alpha: float
    exact: float
    forgotten: float
    sharpness: tuple[float, float, float]
    predicted: tuple[float, float, float]
    cost: float
    lifted: float
    reading: float


def orbit(network: Network, alphas: Sequence[float]) -> tuple[Place, ...]:
    """The minimum itself, α = 1, and the same function at each α."""
    minimum = network.minimum()
    return tuple(_place(network, minimum, alpha) for alpha in (1.0, *alphas))


def transported(network: Network, minimum: Array, alpha: float) -> tuple[float, float, float]:
    """Sharpness of H at (αu, v/α), by JᵀHJ from that at (u, v)."""
    return sharpness(transformed_hessian(network.hessian(minimum), np.diag(rescaled(np.ones(3), 1 / alpha))))


def reading(network: Network, weights: Array) -> float:
    """−C − ½ Σ ln(λᵢ/λ) over λᵢ ≥ λ at any weights, as if they were the minimum."""
    eigenvalues = np.linalg.eigvalsh(network.hessian(weights)) + network.regularization
    return laplace_evidence(network.cost(weights), eigenvalues, network.regularization, cutoff=True).log_evidence


def _place(network: Network, minimum: Array, alpha: float) -> Place:
    weights = rescaled(minimum, alpha)
    # Along the orbit C has its minimum where |u|² = v²: both are then |u| v.
    product = float(np.linalg.norm(minimum[:2]) * minimum[2])
    return Place(
        alpha,
        network.log_evidence(alpha),
        network.log_evidence(alpha, carried=False),
        sharpness(network.hessian(weights)),
        transported(network, minimum, alpha),
        network.cost(weights),
        network.regularization * product * (alpha - 1 / alpha) ** 2 / 2,
        reading(network, weights),
    )
