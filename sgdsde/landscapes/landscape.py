"""Landscape: a closed-form loss L(ω) with its gradient-noise factor A(ω), F = A Aᵀ."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sgdsde import codegen, expression
from sgdsde.arguments import real
from sgdsde.landscapes.noise_factor import parse_noise, validate_noise
from sgdsde.landscapes.points import checked_point, checked_points
from sgdsde.landscapes.symbolic import SOURCES, Quantity, Symbolic
from sgdsde.regions import Region
from sgdsde.tables import Table, in_notebook
from sgdsde.whitened import whitened_examples

Array = NDArray[np.float64]


class Landscape:
    """A loss per example L(ω), and the covariance F(ω) = A(ω) A(ω)ᵀ of the gradients of single examples.

    Parameters
    ----------
    loss : str
        L(ω) in the language of `sgdsde.expression`: numbers, names, + - * / **, pi, e, and sqrt, exp, log, sin, cos,
        tan, atan, sinh, cosh, tanh, softplus (log(1 + eˣ)), sigmoid (1/(1 + e⁻ˣ)), abs, min and max.
    variables : str or sequence of str
        Names of the d components of ω: ``"x"``, ``"x y"``, ``["x", "y"]``.
    parameters : mapping of str to float, optional
        Numbers that occur in the expressions by name; sweeping them compiles nothing.
    noise_covariance : number, str, d×d of str, ``"hessian"`` or ``"loss"``; optional
        F(ω): a number or an expression f stands for f·I (F itself when d = 1); ``"hessian"`` is F = ∇∇L and ``"loss"``
        F = 2L ∇∇L, the noise of a square loss L = mean r²/2 (docs/theory.md §13), both cut as below.
        A matrix is symmetric: entries across the diagonal that are written differently are compared at 40 points.
        Default 1.
    noise_factor : d×k of str or numbers, optional
        A(ω) in place of ``noise_covariance``.
    name : str, optional
        For titles and provenance.
    cut : bool, optional
        What F is where the covariance that was given is not positive semidefinite. False: it has no root there, and a
        path that comes there is lost, as said by a warning. True: its Cholesky factor is cut, so that negative pivots
        are 0 and F_ii is at most the entry that was given and at least 0: max(f, 0) for one expression f.

    Raises
    ------
    ValueError
        When an expression, a name or a shape is not accepted; the message names the argument.

    Examples
    --------
    >>> well = Landscape("x**4/4 - a*x**2/2", variables="x", parameters={"a": 1.0}, noise_covariance="1 + x**2/2")
    >>> well.loss([1.0]), well.gradient([2.0]), well.hessian([1.0]), well.noise_covariance([1.0])
    (array(-0.25), array([6.]), array([[2.]]), array([[1.5]]))
    """

    #: What runs it, the default first.
    engines: ClassVar[tuple[str, ...]] = ("numba", "torch", "numpy")
    #: Whether moments are summed over groups of paths; whether the examples of SGD are its own.
    pooled: ClassVar[bool] = False
    own_examples: ClassVar[bool] = False

    def __init__(
        self,
        loss: str,
        variables: str | Sequence[str],
        parameters: Mapping[str, float] | None = None,
        noise_covariance: Any = None,
        noise_factor: Any = None,
        name: str | None = None,
        *,
        cut: bool = False,
    ) -> None:
        self.variables = expression.parse_variables(variables)
        names = expression.parse_names(list(parameters or {}), "parameters", taken=self.variables)
        self.parameters = {key: real(f"parameters[{key!r}]", (parameters or {})[key]) for key in names}
        known = (*self.variables, *names)
        self.text = expression.parse(loss, known, "loss").text
        self.noise = parse_noise(noise_covariance, noise_factor, self.variables, names, cut)
        self.name = name or self.text

    @property
    def dimension(self) -> int:
        """d, the number of components of ω."""
        return len(self.variables)

    @property
    def noise_dimension(self) -> int:
        """k, the number of columns of the noise factor A."""
        return len(self.noise.entries[0]) if self.noise.kind == "noise_factor" else self.dimension

    def with_parameters(self, **parameters: float) -> Landscape:
        """Return the same landscape with some parameters changed.

        Raises
        ------
        ValueError
            When a name is not one of its parameters.
        """
        for key in parameters:
            if key not in self.parameters:
                raise ValueError(f"parameters: {key!r} is not among {', '.join(self.parameters) or 'none'}")
        changed = object.__new__(Landscape)
        changed.__dict__.update(self.__dict__)
        changed.__dict__.pop("_functions", None)
        changed.parameters = self.parameters | {key: real(key, value) for key, value in parameters.items()}
        return changed

    def loss(self, w: ArrayLike) -> Array:
        """L(ω): w (..., d) → (...)."""
        return self._evaluate("loss", w, ())

    def gradient(self, w: ArrayLike) -> Array:
        """∇L(ω): w (..., d) → (..., d)."""
        return self._evaluate("gradient", w, (self.dimension,))

    def hessian(self, w: ArrayLike) -> Array:
        """∇∇L(ω): w (..., d) → (..., d, d)."""
        return self._evaluate("hessian", w, (self.dimension, self.dimension))

    def curvatures(self, w: Array) -> Array:
        """Eigenvalues, ascending, of the Hessians at points (n, d) that are finite: (m, d), m ≤ n."""
        with np.errstate(all="ignore"):
            hessians = self.hessian(w)
        return np.asarray(np.linalg.eigvalsh(hessians[np.isfinite(hessians).all(axis=(1, 2))]))

    def noise_covariance(self, w: ArrayLike) -> Array:
        """F(ω), covariance of the gradient of one example: w (..., d) → (..., d, d)."""
        return self._evaluate("noise_covariance", w, (self.dimension, self.dimension))

    def noise_factor(self, w: ArrayLike) -> Array:
        """A(ω) with F = A Aᵀ: w (..., d) → (..., d, k)."""
        return self._evaluate("noise_factor", w, (self.dimension, self.noise_dimension))

    def holds(self, region: Region, w: ArrayLike) -> NDArray[np.bool_]:
        """Whether points are in a region: w (..., d) → (...)."""
        return np.asarray(self.margin(region, w) > 0)

    def margin(self, region: Region, w: ArrayLike) -> Array:
        """Positive inside of a region, negative outside, nan where it has no value: w (..., d) → (...)."""
        margins = [margin for each in region.alternatives for margin in each]
        values = iter(np.moveaxis(self._evaluate(("margins", *margins), w, (len(margins),)), -1, 0))
        inside = [np.min([next(values) for _ in each], axis=0) for each in region.alternatives]
        return np.asarray(functools.reduce(np.fmax, inside))

    def typed_noise_covariance(self, w: ArrayLike) -> Array:
        """F(ω) as it was given, wherever it may not be one; A Aᵀ where it is cut: w (..., d) → (..., d, d)."""
        return self._evaluate("typed_noise_covariance", w, (self.dimension, self.dimension))

    def points(self, w: ArrayLike, argument: str = "w") -> Array:
        """Check and convert points: shape (..., d), real; a bare number is accepted when d = 1.

        Raises
        ------
        ValueError
            When the last axis is not d long, or a value is not a finite real number.
        """
        return checked_points(w, self.dimension, ", ".join(self.variables), argument)

    def point(self, w: ArrayLike, argument: str = "w") -> Array:
        """Check and convert one point, shape (d,); ValueError as of :meth:`points`, and when there are more."""
        return checked_point(w, self.dimension, ", ".join(self.variables), argument)

    def validate_noise(self, w: Array, argument: str = "w0") -> None:
        """Raise ValueError unless F is symmetric and positive semidefinite at the points w (n, d)."""
        validate_noise(self, w, argument)

    def examples(self, examples: str | ArrayLike, n_examples: int, seed: int) -> Array:
        """(N, k) whitened examples, of which SGD takes batches; see :func:`sgdsde.whitened.whitened_examples`."""
        return whitened_examples(examples, n_examples, self.noise_dimension, seed)

    def described(self) -> dict[str, Any]:
        """What it is, for the provenance."""
        return {
            "landscape": self.name, "loss": self.text, "noise": self.noise.kind,
            "noise_entries": [list(row) for row in self.noise.entries], "noise_cut": self.noise.cut,
            "landscape_parameters": dict(self.parameters),
        }  # fmt: skip

    @property
    def key(self) -> list[Any]:
        """JSON-able identity of the mathematics: equal keys share generated code, whatever the parameters' values."""
        noise = self.noise
        return [self.text, self.variables, sorted(self.parameters), noise.kind, noise.entries, noise.cut]

    @property
    def scalars(self) -> dict[str, float]:
        """Values of the run-time numbers of generated code: p0, p1, … are the parameters, sorted by name."""
        return {f"p{i}": self.parameters[key] for i, key in enumerate(sorted(self.parameters))}

    @functools.cached_property
    def symbolic(self) -> Symbolic:
        """Loss, derivatives and noise as SymPy expressions in w0, w1, …, p0, p1, … (imports SymPy)."""
        return Symbolic.of(self)

    def block(self, quantity: Quantity) -> codegen.Block:
        """Code for one attribute, or for ``("margins", …)`` and their texts, as a function of the state."""
        return codegen.cached_block(
            ["landscape", quantity, self.key], SOURCES, lambda: self.symbolic.block(quantity, self)
        )

    def _evaluate(self, quantity: Quantity, w: ArrayLike, shape: tuple[int, ...]) -> Array:
        points = self.points(w)
        call = self._function(quantity)
        with np.errstate(all="ignore"):
            values = call(*np.moveaxis(points, -1, 0))
        spread = [np.broadcast_to(np.asarray(value, dtype=np.float64), points.shape[:-1]) for value in values]
        return np.stack(spread, axis=-1).reshape(points.shape[:-1] + shape)

    def _function(self, quantity: Quantity) -> Any:
        functions = self.__dict__.setdefault("_functions", {})
        if quantity not in functions:
            block = self.block(quantity)
            constants = block.constant_values(self.scalars)
            functions[quantity] = functools.partial(block.function(codegen.NUMPY_FUNCTIONS), *constants)
        return functions[quantity]

    def __reduce__(self) -> tuple[Any, ...]:
        make = functools.partial(Landscape, name=self.name, **self.noise.arguments())
        return make, (self.text, self.variables, self.parameters)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Landscape) and (self.key, self.parameters) == (other.key, other.parameters)

    def __hash__(self) -> int:
        return hash((self.text, self.variables, tuple(sorted(self.parameters.items())), self.noise))

    _repr_html_ = in_notebook

    def _table(self) -> Table:
        from sgdsde.landscapes.around import minima_around

        found, note = minima_around(self)
        rows = [
            [f"L({', '.join(self.variables)})", self.text],
            list(self.noise.in_words(self.dimension)),
            *([name, f"{value:g}"] for name, value in self.parameters.items()),
            *(["minimum at " + ", ".join(f"{x:.6g}" for x in w), f"L = {float(self.loss(w)):.6g}"] for w in found),
        ]
        return Table([["Landscape", "" if self.name == self.text else self.name], *rows], notes=[note])

    def __repr__(self) -> str:
        noise = ", ".join(f"{key}={value!r}" for key, value in self.noise.arguments().items())
        return f"Landscape({self.text!r}, variables={self.variables!r}, parameters={self.parameters!r}, {noise})"
