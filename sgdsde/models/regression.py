"""Linear regression as a problem for SGD: its examples, its minimum, and the exact law that SGD settles into."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sgdsde.arguments import integer, real, real_array
from sgdsde.config import SGDConfig
from sgdsde.landscapes.wide import LinearRegressionLandscape, linear_regression
from sgdsde.layout import one_line
from sgdsde.theory import linear_regression_covariance, stationary_covariance
from sgdsde.theory.modes import symmetric

Array = NDArray[np.float64]

#: Rows of X that are worked on at once.
ROWS = 4096
#: The law of a finite data set is found by iteration: to this relative change, or given up as unstable.
CHANGE, MOST_ITERATIONS = 1e-12, 10_000


@dataclass(frozen=True, eq=False)
class LinearRegression:
    """The mean of ½(x_iᵀω − y_i)² over examples: a finite set of them, or Gaussian ones that never repeat.

    Parameters
    ----------
    hessian : array_like, (P, P) or a number
        A, the mean of x xᵀ, positive definite: the Hessian of the mean loss.
    optimum : array_like, (P,)
        ω*, where the mean loss is least.
    label_variance : float
        σ² ≥ 0, the mean of (x_iᵀω* − y_i)².
    inputs, outputs : ndarray, (N, P) and (N,), or None
        X and y, of which the three above are then the moments; :meth:`from_examples` makes them agree. None: every
        example is new, x ~ N(0, A) and y = xᵀω* + N(0, σ²), which is the limit N → ∞.

    Raises
    ------
    ValueError
        When shapes disagree, a number is not finite, A is not positive definite or σ² < 0; the message names it.

    Examples
    --------
    >>> problem = LinearRegression.from_examples([[1.0], [2.0], [2.0]], [1.0, 2.0, 1.0])
    >>> problem.hessian, problem.optimum.round(3), round(problem.label_variance, 3)
    (array([[3.]]), array([0.778]), 0.185)
    """

    hessian: Array
    optimum: Array
    label_variance: float
    inputs: Array | None = None
    outputs: Array | None = None

    __repr__ = one_line

    def __post_init__(self) -> None:
        set_field = object.__setattr__
        set_field(self, "hessian", symmetric("hessian", self.hessian))
        set_field(self, "optimum", _finite("optimum", self.optimum, (len(self.hessian),)))
        set_field(self, "label_variance", real("label_variance", self.label_variance, 0))
        if self.curvature[0] <= 1e-12 * self.curvature[-1]:
            raise ValueError(
                "hessian must be positive definite (inputs: as many independent columns as there are weights), "
                f"its eigenvalues are from {self.curvature[0]:.3g} to {self.curvature[-1]:.3g}"
            )
        if (self.inputs is None) != (self.outputs is None):
            raise ValueError("outputs must be given with inputs, and None without them")
        if self.inputs is not None:
            inputs = _finite("inputs", self.inputs, (None, len(self.hessian)))
            set_field(self, "inputs", inputs)
            set_field(self, "outputs", _finite("outputs", self.outputs, (len(inputs),)))

    @classmethod
    def from_examples(cls, inputs: ArrayLike, outputs: ArrayLike) -> LinearRegression:
        """The regression of y, shape (N,), on the columns of X, shape (N, P); ω* is the least-squares solution."""
        x = _finite("inputs", inputs, (None, None))
        y = _finite("outputs", outputs, (len(x),))
        if len(x) < max(2, x.shape[1]):
            raise ValueError(f"inputs must have at least 2 rows and as many as columns, got the shape {x.shape}")
        hessian = x.T @ x / len(x)
        if not np.isfinite(hessian).all():
            raise ValueError("inputs must have finite squares")
        curvature, basis = np.linalg.eigh(hessian)
        # Singular inputs are refused by name below; until then the division must not warn.
        inverse = np.divide(1, curvature, out=np.zeros_like(curvature), where=curvature > 0)
        optimum = (basis * inverse) @ (basis.T @ (x.T @ y / len(x)))
        residual = y - x @ optimum
        optimum += (basis * inverse) @ (basis.T @ (x.T @ residual / len(x)))  # takes out the rounding of the first
        return cls(hessian, optimum, float(np.mean((y - x @ optimum) ** 2)), x, y)

    @classmethod
    def gaussian(
        cls,
        dimension: int,
        n_examples: int | None = None,
        spectrum: ArrayLike = 1.0,
        label_variance: float = 1.0,
        seed: int = 0,
    ) -> LinearRegression:
        """Gaussian inputs with covariance diag(spectrum), true weights 1, labels with noise of variance σ².

        Parameters
        ----------
        dimension : int
            P.
        n_examples : int, optional
            N examples, drawn once from `seed`; None: fresh examples at every update, N → ∞.
        spectrum : array_like, (P,) or a number
            Eigenvalues of the covariance of the inputs, all positive.
        label_variance : float
            σ² ≥ 0.
        seed : int
            Of the examples.

        Examples
        --------
        >>> LinearRegression.gaussian(2, n_examples=1000, spectrum=[1.0, 0.5]).curvature.round(1)
        array([0.5, 1. ])
        """
        p = integer("dimension", dimension, 1)
        variances = real_array("spectrum", spectrum)
        if variances.shape not in ((), (p,)) or not (np.isfinite(variances).all() and (variances > 0).all()):
            raise ValueError(f"spectrum must be a positive number or {p} of them, one per weight, got {spectrum!r}")
        variance, optimum = real("label_variance", label_variance, 0), np.ones(p)
        if n_examples is None:
            return cls(np.diag(np.broadcast_to(variances, p)), optimum, variance)
        generator = np.random.default_rng(integer("seed", seed, 0))
        x = generator.standard_normal((integer("n_examples", n_examples, 1), p))
        x *= np.sqrt(variances)
        return cls.from_examples(x, x @ optimum + np.sqrt(variance) * generator.standard_normal(len(x)))

    def landscape(self) -> LinearRegressionLandscape:
        """The same problem for ``simulate_sgd``, ``simulate_sde`` and ``ladder``; ValueError without examples."""
        if self.inputs is None or self.outputs is None:
            raise ValueError("inputs must be given: a landscape of this problem is made of its examples")
        return linear_regression(self.inputs, self.outputs)

    @property
    def dimension(self) -> int:
        """P."""
        return len(self.hessian)

    @property
    def n_examples(self) -> int | None:
        """N; None where every example is new."""
        return None if self.inputs is None else len(self.inputs)

    @cached_property
    def modes(self) -> tuple[Array, Array]:
        """Eigenvalues of A, ascending, (P,), and its eigenvectors in columns, (P, P)."""
        values, vectors = np.linalg.eigh(self.hessian)
        return values, vectors

    @property
    def curvature(self) -> Array:
        """Eigenvalues of A, ascending, (P,)."""
        return self.modes[0]

    @property
    def residuals(self) -> Array:
        """y − X ω*, (N,); empty where every example is new."""
        if self.inputs is None or self.outputs is None:
            return np.empty(0)
        return np.asarray(self.outputs - self.inputs @ self.optimum)

    def noise_covariance(self, w: ArrayLike | None = None) -> Array:
        """F(ω), the covariance of one example's gradient: (P, P), divisor N − 1; at the minimum without a point.

        Where every example is new F = (σ² + δᵀAδ) A + A δ δᵀA with δ = ω − ω*, by the fourth moments of a Gaussian.

        >>> problem = LinearRegression.from_examples([[1.0], [2.0], [2.0]], [1.0, 2.0, 1.0])
        >>> problem.noise_covariance().round(3), problem.noise_covariance([0.0]).round(3)
        (array([[1.037]]), array([[2.333]]))
        """
        away = np.zeros(self.dimension) if w is None else _finite("w", w, (self.dimension,)) - self.optimum
        slope = self.hessian @ away
        if self.inputs is None:
            return np.asarray((self.label_variance + away @ slope) * self.hessian + np.outer(slope, slope))
        errors = self.residuals - self.inputs @ away
        spread = self._weighted_moment(errors**2) - np.outer(slope, slope)
        return spread * len(self.inputs) / (len(self.inputs) - 1)

    def stationary_covariance(self, config: SGDConfig) -> Array:
        """Exact stationary covariance of SGD on these examples, with the noise that grows away from the minimum.

        Parameters
        ----------
        config : SGDConfig
            (ε, B, N, m, sampling); where every example is new, N and the sampling play no part.

        Returns
        -------
        ndarray, (P, P), in units of weights squared.

        Raises
        ------
        ValueError
            When N is not that of the data, batches are those of permutations (not independent), or the variance
            grows without bound at this learning rate.

        Notes
        -----
        At ω* + d, the gradients of single examples have the mean A d and, over a stationary d with covariance Σ and
        mean 0, the covariance F(Σ) = [⟨x xᵀ (xᵀΣx)⟩ + ⟨e² x xᵀ⟩ − AΣA] N/(N − 1). Σ solves the Lyapunov equation of
        heavy-ball SGD with the noise F(Σ), here by iteration, O(N P²) each. Fresh Gaussian examples have
        a closed form, Liu, Ziyin & Ueda, arXiv 2012.03636: :func:`sgdsde.theory.linear_regression_covariance`.

        Examples
        --------
        >>> config = SGDConfig(0.5, batch_size=4, n_examples=1000)
        >>> problems = [LinearRegression.gaussian(1, n) for n in (1000, None)]
        >>> [float(problem.stationary_covariance(config).trace().round(3)) for problem in problems]
        [0.103, 0.1]
        """
        check_examples(self, config)
        if self.n_examples is None:
            return linear_regression_covariance(self.hessian, self.label_variance, config)
        if config.permuted:
            raise ValueError(f"sampling must draw batches independently for this law, got {config.sampling!r}")
        unbiased = self.n_examples / (self.n_examples - 1)
        still = self.noise_covariance()
        sigma = first = stationary_covariance(self.hessian, still, config, dynamics="sgd")
        for _ in range(MOST_ITERATIONS):
            spread = self._weighted_moment(self._squares(sigma)) - self.hessian @ sigma @ self.hessian
            before = sigma
            sigma = stationary_covariance(self.hessian, still + unbiased * spread, config, dynamics="sgd")
            if np.abs(sigma - before).max() <= CHANGE * np.abs(sigma).max():
                return sigma
            if not sigma.trace() < 1e9 * first.trace():
                break
        raise ValueError(
            f"learning_rate must be small enough for the variance to stay finite on these examples, "
            f"got {config.learning_rate!r} with batch_size {config.batch_size} and momentum {config.momentum:g}"
        )

    def _rows(self) -> Iterator[tuple[slice, Array]]:
        assert self.inputs is not None
        for first in range(0, len(self.inputs), ROWS):
            rows = slice(first, first + ROWS)
            yield rows, self.inputs[rows]

    def _weighted_moment(self, weights: Array) -> Array:
        """The mean of w_i x_i x_iᵀ."""
        total = sum((x.T @ (x * weights[rows, None]) for rows, x in self._rows()), start=np.zeros_like(self.hessian))
        return np.asarray(total / len(weights))

    def _squares(self, sigma: Array) -> Array:
        """x_iᵀ Σ x_i, (N,)."""
        return np.concatenate([np.einsum("np,np->n", x @ sigma, x) for _, x in self._rows()])


def check_examples(problem: LinearRegression, config: SGDConfig) -> None:
    """ValueError unless the config is about as many examples as the problem has."""
    config.require_plain("dampening", "weight_decay")
    if problem.n_examples not in (None, config.n_examples):
        raise ValueError(
            f"config.n_examples must be the number of examples of the problem, {problem.n_examples}, "
            f"got {config.n_examples}"
        )


def _finite(name: str, value: object, shape: tuple[int | None, ...]) -> Array:
    """A finite array of float64 with that shape; None stands for any length."""
    wanted = f"an array of shape ({', '.join('n' if k is None else str(k) for k in shape)})" if shape else "a number"
    array = real_array(name, value, f"{wanted} of real numbers")
    if array.ndim != len(shape) or any(k not in (None, n) for k, n in zip(shape, array.shape, strict=True)):
        raise ValueError(f"{name} must be {wanted}, got the shape {array.shape}")
    if not np.isfinite(array).all():
        where = np.argwhere(~np.isfinite(array))[0].tolist() if shape else ""
        raise ValueError(f"{name} must be finite, got {array[~np.isfinite(array)].ravel()[0]} at {where}".rstrip(" at"))
    return array
