"""Logistic regression: binary with one weight vector, or softmax with one for each class; exact derivatives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import logsumexp

from sgdsde.arguments import real_array
from sgdsde.layout import one_line
from sgdsde.logistic.checks import Array, Labels, checked_inputs, checked_labels, checked_penalties, checked_penalty
from sgdsde.logistic.newton import Fit, minimum


@dataclass(frozen=True, eq=False)
class LogisticRegression:
    """Logistic regression of class labels on inputs, penalised by (λ/2)|ω|².

    The cost is C(ω) = H(ω) + (λ/2)|ω|² with H the cross-entropy summed over examples, in nats: exp(−C) is the
    posterior under the prior N(0, I/λ), up to a constant. There is no intercept unless `inputs` has a column of ones
    (which is then penalised like the others).

    Parameters
    ----------
    inputs : array_like, (N, P)
        X, finite.
    labels : array_like, (N,)
        y, class numbers 0, 1, …, n − 1, each of which occurs.
    softmax : bool, optional
        False: one weight vector, for two classes, p(1|x) = 1/(1 + exp(−xᵀω)). True: one for each class, with the
        penalty on all of them. None: False for two classes, True for more.

    Raises
    ------
    ValueError
        When shapes disagree, an input is not finite, a label is not a class or all are the same; the message names it.

    Notes
    -----
    Weights are flat, (D,): D = P, or P n with the n weights of an input beside each other, ``weights.reshape(P, n)``.

    Examples
    --------
    >>> model = LogisticRegression([[1.0, 0.5], [1.0, -1.0], [1.0, 2.0], [1.0, -0.3]], [1, 0, 1, 1])
    >>> fit = model.fit(0.1)
    >>> fit.weights.round(3), round(fit.cost, 3), fit.gradient_norm < 1e-10
    (array([1.347, 2.269]), 1.181, True)
    """

    inputs: Array
    labels: Labels
    softmax: bool | None = None

    __repr__ = one_line

    def __post_init__(self) -> None:
        set_field = object.__setattr__
        set_field(self, "inputs", checked_inputs("inputs", self.inputs))
        set_field(self, "labels", checked_labels("labels", self.labels, len(self.inputs)))
        if self.softmax not in (None, True, False):
            raise ValueError(f"softmax must be True, False or None, got {self.softmax!r}")
        if self.softmax is False and self.n_classes > 2:
            raise ValueError(f"softmax must be True or None for {self.n_classes} classes, got False")
        set_field(self, "softmax", self.n_classes > 2 if self.softmax is None else bool(self.softmax))

    @property
    def n_examples(self) -> int:
        """N."""
        return len(self.inputs)

    @property
    def n_classes(self) -> int:
        """n of the labels."""
        return int(self.labels.max()) + 1

    @property
    def dimension(self) -> int:
        """D, the number of weights."""
        return int(self.inputs.shape[1]) * (self.n_classes if self.softmax else 1)

    def log_probabilities(self, weights: ArrayLike, inputs: ArrayLike | None = None) -> Array:
        """ln p(class|x), shape (…, N, n), of weights (…, D) at these inputs (N, P), or at the model's own."""
        logits = self._logits(weights, self._inputs(inputs))
        return np.asarray(logits - _log_sum(logits)[..., None])

    def cross_entropy(self, weights: ArrayLike) -> Array:
        """H = −Σ ln p(y_i|x_i), in nats, shape (…), of weights (…, D): summed over the model's own examples."""
        if not self.softmax:
            logits = self._weights(weights) @ self.inputs.T
            return np.asarray(np.logaddexp(0, np.where(self.labels == 1, -logits, logits)).sum(axis=-1))
        logits = self._logits(weights, self.inputs)
        own = np.take_along_axis(logits, self._rows(logits), axis=-1)
        return np.asarray(_log_sum(logits - own).sum(axis=-1))

    def cost(self, weights: ArrayLike, regularization: float) -> Array:
        """C = H + (λ/2)|ω|², in nats, shape (…), of weights (…, D)."""
        penalty = checked_penalty("regularization", regularization) / 2
        return np.asarray(self.cross_entropy(weights) + penalty * np.square(weights).sum(axis=-1))

    def gradient(self, weights: ArrayLike, regularization: float) -> Array:
        """∇C, shape (…, D), of weights (…, D)."""
        w = self._weights(weights)
        residuals = self._residuals(self._logits(w, self.inputs))
        summed = np.swapaxes(np.swapaxes(residuals, -1, -2) @ self.inputs, -1, -2)
        return np.asarray(summed.reshape(w.shape) + checked_penalty("regularization", regularization) * w)

    def per_example_gradients(self, weights: ArrayLike, regularization: float = 0.0) -> Array:
        """Gradients of single examples, (N, D), of weights (D,): of −ln p(y_i|x_i) + (λ/2N)|ω|²; their sum is ∇C."""
        w = self._weights(weights, single=True)
        residuals = self._residuals(self._logits(w, self.inputs))
        products = self.inputs[:, :, None] * residuals[:, None, :]
        share = checked_penalty("regularization", regularization) / self.n_examples if regularization else 0.0
        return np.asarray(products.reshape(self.n_examples, -1) + share * w)

    def hessian(self, weights: ArrayLike, regularization: float) -> Array:
        """∇∇C, (D, D), of weights (D,): Σ x xᵀ ⊗ (diag p − p pᵀ) + λ I."""
        penalty = checked_penalty("regularization", regularization)
        p, x = np.exp(self.log_probabilities(self._weights(weights, single=True))), self.inputs
        if not self.softmax:
            half = x * np.sqrt(p[:, :1] * p[:, 1:])
            return np.asarray(half.T @ half + penalty * np.eye(len(half.T)))
        features, n = x.shape[1], self.n_classes
        whole = np.empty((features, n, features, n))
        for a in range(n):
            for b in range(a + 1):
                weight = p[:, a] * _others(p)[:, a] if a == b else -p[:, a] * p[:, b]
                whole[:, a, :, b] = whole[:, b, :, a] = x.T @ (x * weight[:, None])
        return np.asarray(whole.reshape(self.dimension, -1) + penalty * np.eye(self.dimension))

    def hessian_slope(self, weights: ArrayLike, direction: ArrayLike) -> Array:
        """Σ_k d_k ∂(∇∇C)/∂ω_k, (D, D), at weights (D,) along d (D,), of a model without softmax: ValueError for one."""
        if self.softmax:
            raise ValueError("softmax must be False for third derivatives")
        d = self._weights(direction, single=True, name="direction")
        p, x = np.exp(self.log_probabilities(self._weights(weights, single=True))), self.inputs
        return np.asarray((x.T * (p[:, 0] * p[:, 1] * (p[:, 0] - p[:, 1]) * (x @ d))) @ x)

    def score(self, weights: ArrayLike, inputs: ArrayLike, labels: ArrayLike) -> tuple[float, float]:
        """Mean cross-entropy, in nats, and accuracy of weights (D,) on other examples, (N', P) and (N',)."""
        x = checked_inputs("inputs", inputs, self.inputs.shape[1])
        y = checked_labels("labels", labels, len(x), self.n_classes)
        found = self.log_probabilities(self._weights(weights, single=True), x)
        return -float(found[np.arange(len(y)), y].mean()), float((found.argmax(axis=-1) == y).mean())

    def fit(self, regularization: float, start: ArrayLike | None = None) -> Fit:
        """Find the minimum of C, which is unique, by Newton's method to |∇C| ≤ 1e-10.

        Parameters
        ----------
        regularization : float
            λ > 0.
        start : array_like, (D,), optional
            Weights to begin at; 0 by default.

        Raises
        ------
        ValueError
            When λ is not positive, or so weak that rounding hides the minimum: separable data have none at λ = 0.
        """
        penalty = checked_penalty("regularization", regularization)
        begin = np.zeros(self.dimension) if start is None else self._weights(start, single=True, name="start")
        return minimum(self, penalty, begin)

    def path(self, regularization: ArrayLike) -> tuple[Fit, ...]:
        """Minima at several λ, in the order given; each fit begins at the minimum of the next stronger λ."""
        penalties = checked_penalties("regularization", regularization)
        fits: dict[int, Fit] = {}
        start = None
        for k in np.argsort(-penalties, kind="stable").tolist():
            fits[k] = self.fit(float(penalties[k]), start)
            start = fits[k].weights
        return tuple(fits[k] for k in range(len(penalties)))

    def _inputs(self, inputs: ArrayLike | None) -> Array:
        return self.inputs if inputs is None else checked_inputs("inputs", inputs, self.inputs.shape[1])

    def _weights(self, weights: ArrayLike, single: bool = False, name: str = "weights") -> Array:
        w = real_array(name, weights)
        if w.shape[-1:] != (self.dimension,) or (single and w.ndim != 1):
            wanted = f"({self.dimension},)" if single else f"(…, {self.dimension})"
            raise ValueError(f"{name} must have the shape {wanted}, got {w.shape}")
        return w

    def _logits(self, weights: ArrayLike, inputs: Array) -> Array:
        """(…, N, n); without softmax class 0 has the logit 0."""
        w = self._weights(weights)
        if self.softmax:
            return np.asarray(inputs @ w.reshape(*w.shape[:-1], inputs.shape[1], self.n_classes))
        logits = w @ inputs.T
        return np.stack([np.zeros_like(logits), logits], axis=-1)

    def _rows(self, logits: Array) -> Labels:
        return np.broadcast_to(self.labels[:, None], (*logits.shape[:-1], 1))

    def _residuals(self, logits: Array) -> Array:
        """p − 1[class = y], (…, N, n or 1), to full relative precision also where p is nearly 1."""
        p = np.exp(logits - _log_sum(logits)[..., None])
        rows = self._rows(logits)
        np.put_along_axis(p, rows, -np.take_along_axis(_others(p), rows, axis=-1), axis=-1)
        return np.asarray(p if self.softmax else p[..., 1:])


def _log_sum(logits: Array) -> Array:
    """ln Σ exp over classes, without overflow; SciPy's for two classes takes five times as long as NumPy's."""
    if logits.shape[-1] == 2:
        return np.asarray(np.logaddexp(logits[..., 0], logits[..., 1]))
    return np.asarray(logsumexp(logits, axis=-1))


def _others(p: Array) -> Array:
    """Σ over the other classes, which is 1 − p without cancellation."""
    return np.asarray(p @ (1 - np.eye(p.shape[-1])))


def as_model(inputs: ArrayLike, labels: ArrayLike, names: Sequence[str] = ("X", "y")) -> LogisticRegression:
    """The model of X and y, with errors in these names."""
    x = checked_inputs(names[0], inputs)
    return LogisticRegression(x, checked_labels(names[1], labels, len(x)))
