"""Linear regression as a landscape: the noise of its own examples, which grows away from the minimum."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sgdsde.arguments import real_array
from sgdsde.landscapes.wide.base import WideLandscape
from sgdsde.landscapes.wide.roots import check_finite

Array = NDArray[np.float64]


def linear_regression(inputs: ArrayLike, outputs: ArrayLike, *, name: str | None = None) -> LinearRegressionLandscape:
    """Return the landscape L = mean of ½(x_iᵀω − y_i)² over N examples, with the noise of their own gradients.

    Parameters
    ----------
    inputs : (N, d)
        X.
    outputs : (N,)
        y.
    name : str, optional
        For titles and provenance.

    Returns
    -------
    LinearRegressionLandscape
        Example i has the gradient x_i(x_iᵀω − y_i), so that F(ω) is their covariance, divisor N − 1, and
        A(ω) = [g_1 − ḡ, …, g_N − ḡ]/√(N − 1): the SDE takes N normals a step. SGD draws batches of these very examples,
        of which ``config.n_examples`` must say how many there are.

    Raises
    ------
    ValueError
        When a shape is wrong or a number is not finite; the message names the argument.

    See Also
    --------
    sgdsde.models.LinearRegression : its exact stationary covariance under SGD; its ``landscape()`` is this.

    Examples
    --------
    >>> import sgdsde as sg
    >>> line = sg.landscapes.linear_regression([[1.0], [2.0], [2.0]], [1.0, 2.0, 1.0])
    >>> line.hessian([0.0]), line.noise_covariance([1.0])
    (array([[3.]]), array([[1.33333333]]))
    """
    x, y = (
        real_array(key, value, f"an array of shape {shape}")
        for key, value, shape in (("inputs", inputs, "(N, d)"), ("outputs", outputs, "(N,)"))
    )
    if x.ndim != 2 or len(x) < 2 or not x.shape[1]:
        raise ValueError(f"inputs must have the shape (N, d) with N ≥ 2 and d ≥ 1, got {x.shape}")
    if y.shape != (len(x),):
        raise ValueError(f"outputs must have the shape {(len(x),)}, one for each row of inputs, got {y.shape}")
    check_finite("inputs", x)
    check_finite("outputs", y)
    return LinearRegressionLandscape(x.copy(), y.copy(), name or f"linear regression of {len(x)} examples")


class LinearRegressionLandscape(WideLandscape):
    """What :func:`linear_regression` returns. `inputs` X (N, d), `outputs` y (N,)."""

    is_quadratic = True
    own_examples = True
    kinds = frozenset({"any"})

    def __init__(self, inputs: Array, outputs: Array, name: str) -> None:
        self.inputs, self.outputs, self.name, self.decay = inputs, outputs, name, 0.0
        self.noise_dimension, self.dimension = inputs.shape
        self.matrix = inputs.T @ inputs / len(inputs)
        self.slope = -inputs.T @ outputs / len(inputs)
        check_finite("inputs: their squares", self.matrix)
        check_finite("outputs: their products with inputs", self.slope)

    def _errors(self, w: Array) -> Array:
        return np.asarray(w @ self.inputs.T - self.outputs)

    def _loss(self, w: Array) -> Array:
        return np.asarray((self._errors(w) ** 2).mean(axis=-1) / 2)

    def _gradient(self, w: Array) -> Array:
        return np.asarray(w @ self.matrix + self.slope)

    def _hessian(self, w: Array) -> Array:
        return np.broadcast_to(self.matrix, (*w.shape[:-1], *self.matrix.shape))

    @functools.cached_property
    def _spectrum(self) -> Array:
        return np.asarray(np.linalg.eigvalsh(self.matrix), np.float64)[None]

    def _curvatures(self, w: Array) -> Array:
        return self._spectrum

    def noise_factor(self, w: ArrayLike) -> Array:
        """A: w (..., d) → (..., d, N), the examples' gradients less their mean, by √(N − 1)."""
        points = self.points(w)
        each = self.inputs.T * self._errors(points)[..., None, :]
        return np.asarray((each - self._gradient(points)[..., None]) / np.sqrt(len(self.inputs) - 1))

    def examples(self, examples: str | ArrayLike, n_examples: int, seed: int) -> Array:
        """(N, d) its own inputs; ValueError when others are asked for, or another number of them."""
        default = isinstance(examples, str) and examples == "gaussian"
        if not default and not np.array_equal(np.asarray(examples), self.inputs):
            raise ValueError(f"examples must be left out: those of {self.name} are its own; got {examples!r}")
        if n_examples != len(self.inputs):
            raise ValueError(
                f"config.n_examples must be the number of examples of the regression, {len(self.inputs)}, "
                f"got {n_examples}"
            )
        return self.inputs

    def gradient_on(self, tape: Any, w: Any) -> Any:
        """XᵀX ω/N − Xᵀy/N."""
        return tape.apply("XᵀX/N", self.matrix, w) + tape.vector("Xᵀy/N", self.slope)

    def noise_on(self, tape: Any, w: Any, draw: Any) -> Any:
        """Xᵀ(r ∘ (z − z̄))/√(N − 1) with r = Xω − y for normals; the batch's own mean gradient less ∇L for SGD."""
        if draw.is_batch:
            return tape.batch_gradient(w, draw, self.inputs, self.outputs) - self.gradient_on(tape, w)
        errors = tape.let(tape.apply("X", self.inputs, w) + tape.vector("y", -self.outputs))
        weighted = tape.product(errors, tape.centred(draw))
        return tape.apply("Xᵀ/√(N−1)", self.inputs.T / np.sqrt(len(self.inputs) - 1), weighted)

    def correction_on(self, tape: Any, w: Any) -> Any:
        """Refused: schemes in the sense of Stratonovich do not run on it."""
        return tape.unfit("the noise of a regression's examples")

    def described(self) -> dict[str, Any]:
        """Digests of the examples."""
        return {
            "landscape": self.name, "loss": "linear regression", "inputs": self.inputs, "outputs": self.outputs,
            "decay": self.decay,
        }  # fmt: skip

    def __repr__(self) -> str:
        return f"<Linear regression: {len(self.inputs)} examples in {self.dimension} dimensions{self._with_decay}>"
