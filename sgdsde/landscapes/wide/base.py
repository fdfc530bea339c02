"""What landscapes without formulas share, and what schemes and theory ask of them."""

from __future__ import annotations

import abc
import copy
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sgdsde.arguments import real
from sgdsde.landscapes.points import checked_point, checked_points
from sgdsde.whitened import whitened_examples

Array = NDArray[np.float64]


class WideLandscape(abc.ABC):
    """A loss L(ω) of many variables and the covariance F(ω) = A(ω) A(ω)ᵀ of its examples' gradients, as arrays.

    It has the methods of a :class:`Landscape` that need no formula, and goes to ``simulate_sgd``, ``simulate_sde``,
    ``integrate`` and ``ladder`` as one does. Nothing is compiled for it.

    Attributes
    ----------
    dimension, noise_dimension : int
        d and k.
    decay : float
        λ of a weight decay: the loss gains (λ/2)|ω|².
    name : str
    """

    #: What runs it, the default first.
    engines: ClassVar[tuple[str, ...]] = ("torch",)
    #: Whether moments are summed over groups of paths, since d² numbers for each path are too many.
    pooled: ClassVar[bool] = True
    #: Whether the examples of SGD are its own.
    own_examples: ClassVar[bool] = False
    parameters: Mapping[str, float] = {}

    dimension: int
    noise_dimension: int
    decay: float
    name: str

    @property
    def variables(self) -> tuple[str, ...]:
        """Names of the components of ω: w0, w1, …."""
        return tuple(f"w{i}" for i in range(self.dimension))

    # The mathematics without the weight decay, which this class adds

    @abc.abstractmethod
    def _loss(self, w: Array) -> Array: ...

    @abc.abstractmethod
    def _gradient(self, w: Array) -> Array: ...

    @abc.abstractmethod
    def _hessian(self, w: Array) -> Array: ...

    @abc.abstractmethod
    def _curvatures(self, w: Array) -> Array:
        """Eigenvalues of the distinct Hessians of points (n, d): (m, d), m ≤ n."""

    @abc.abstractmethod
    def noise_factor(self, w: ArrayLike) -> Array:
        """A(ω): w (..., d) → (..., d, k)."""

    @abc.abstractmethod
    def described(self) -> dict[str, Any]:
        """What it is, for the provenance; arrays are recorded by their digests."""

    # What a scheme's tape asks, `sgdsde.schemes.matrix_step`

    #: Kinds of noise that it has, of `sgdsde.schemes.registry.NOISE_KINDS`.
    kinds: frozenset[str]
    #: Whether its Hessian is constant.
    is_quadratic: bool

    @abc.abstractmethod
    def gradient_on(self, tape: Any, w: Any) -> Any:
        """∇L at a vector of the tape, without the weight decay."""

    @abc.abstractmethod
    def noise_on(self, tape: Any, w: Any, draw: Any) -> Any:
        """A(ω) z for a vector of the tape and a draw of k numbers."""

    @abc.abstractmethod
    def correction_on(self, tape: Any, w: Any) -> Any:
        """½ Σ_j (∂A_j) A_j at a vector of the tape, between the senses of Itô and Stratonovich."""

    # Functions of points

    def loss(self, w: ArrayLike) -> Array:
        """L(ω): w (..., d) → (...)."""
        points = self.points(w)
        return np.asarray(self._loss(points) + self.decay / 2 * (points**2).sum(axis=-1))

    def gradient(self, w: ArrayLike) -> Array:
        """∇L(ω): w (..., d) → (..., d)."""
        points = self.points(w)
        return np.asarray(self._gradient(points) + self.decay * points)

    def hessian(self, w: ArrayLike) -> Array:
        """∇∇L(ω): w (..., d) → (..., d, d)."""
        found = self._hessian(self.points(w))
        return found + self.decay * np.eye(self.dimension) if self.decay else found

    def curvatures(self, w: Array) -> Array:
        """Eigenvalues, ascending, of the distinct Hessians among points (n, d) that are finite: (m, d), m ≤ n."""
        found = self._curvatures(self.points(w)) + self.decay
        return np.asarray(found[np.isfinite(found).all(axis=1)])

    def noise_covariance(self, w: ArrayLike) -> Array:
        """F(ω), covariance of the gradient of one example: w (..., d) → (..., d, d)."""
        noise_factor = self.noise_factor(w)
        return np.asarray(noise_factor @ noise_factor.swapaxes(-1, -2))

    def typed_noise_covariance(self, w: ArrayLike) -> Array:
        """F(ω)."""
        return self.noise_covariance(w)

    def points(self, w: ArrayLike, argument: str = "w") -> Array:
        """Check and convert points: shape (..., d), real; ValueError says what is wrong."""
        return checked_points(w, self.dimension, f"{self.dimension} components", argument)

    def point(self, w: ArrayLike, argument: str = "w") -> Array:
        """Check and convert one point, shape (d,); ValueError as of :meth:`points`, and when there are more."""
        return checked_point(w, self.dimension, f"{self.dimension} components", argument)

    def validate_noise(self, w: Array, argument: str = "w0") -> None:
        """Raise ValueError unless F is positive semidefinite at the points w (n, d); here it was checked before."""
        return

    def examples(self, examples: str | ArrayLike, n_examples: int, seed: int) -> Array:
        """(N, k) whitened examples, of which SGD takes batches."""
        return whitened_examples(examples, n_examples, self.noise_dimension, seed)

    def weight_decayed(self, weight_decay: float) -> WideLandscape:
        """With the loss L + (λ/2)|ω|² and the same noise; ValueError unless λ ≥ 0."""
        changed = copy.copy(self)
        changed.decay = self.decay + real("weight_decay", weight_decay, 0)
        return changed

    def with_parameters(self, **parameters: float) -> WideLandscape:
        """Return itself without any; ValueError for a name, since its numbers are in arrays."""
        for key in parameters:
            raise ValueError(f"parameters: {key!r} is not among none: the numbers of {self.name} are arrays")
        return self

    def margin(self, region: Any, w: ArrayLike) -> Array:
        """ValueError: regions are conditions in names."""
        raise ValueError(f"stop must be left out for {self.name}: regions are for landscapes of formulas")

    holds = margin

    @property
    def symbolic(self) -> Any:
        """ValueError: there is no formula."""
        raise ValueError(f"landscape must be one of formulas, a Landscape, for this; {self.name} is made of arrays")

    @property
    def _with_decay(self) -> str:
        return f", decay={self.decay:g}" if self.decay else ""
