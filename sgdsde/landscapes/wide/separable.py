"""Losses that are sums of terms of one variable each, of any dimension."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sgdsde import codegen
from sgdsde.arguments import integer
from sgdsde.landscapes.landscape import Landscape
from sgdsde.landscapes.symbolic import SOURCES
from sgdsde.landscapes.wide.base import WideLandscape
from sgdsde.landscapes.wide.roots import root_of, vector

Array = NDArray[np.float64]


def separable(
    term: str,
    dimension: int,
    *,
    variable: str = "x",
    parameters: Mapping[str, ArrayLike] | None = None,
    noise_covariance: str | ArrayLike | None = None,
    noise_factor: ArrayLike | None = None,
    name: str | None = None,
) -> Separable:
    """Return the landscape L = Σ_i f(ω_i) of d terms of one form, with noise that is constant or of each ω_i alone.

    Parameters
    ----------
    term : str
        f, an expression in `variable` and the names of `parameters`, in the language of :class:`sgdsde.Landscape`.
    dimension : int
        d.
    variable : str
        Its name.
    parameters : mapping of str to number or (d,), optional
        Numbers in the expressions by name, one for all terms or one for each.
    noise_covariance : number, (d, d) or str, optional
        F: a number f stands for f·I, an array for itself; an expression s in `variable` makes F diagonal with
        F_ii = s(ω_i). Default 1.
    noise_factor : (d, k), optional
        A with F = A Aᵀ in place of `noise_covariance`.
    name : str, optional
        For titles and provenance.

    Raises
    ------
    ValueError
        When an expression, a shape or a number is not accepted; the message names the argument.

    Examples
    --------
    >>> import numpy as np, sgdsde as sg
    >>> wells = sg.landscapes.separable("x**4/4 - a*x**2/2", 3, parameters={"a": [1.0, 2.0, 3.0]})
    >>> wells.gradient(np.ones(3))
    array([ 0., -1., -2.])
    """
    d = integer("dimension", dimension, 1)
    if not isinstance(variable, str):
        raise ValueError(f"variable must be a name such as 'x', got {variable!r}")
    values = {key: vector(f"parameters[{key!r}]", value, d) for key, value in dict(parameters or {}).items()}
    elementwise = noise_covariance if isinstance(noise_covariance, str) else None
    root = None if elementwise is not None and noise_factor is None else root_of(noise_covariance, noise_factor, d)
    formula = Landscape(term, variable, {key: float(each[0]) for key, each in values.items()}, elementwise)
    if formula.dimension != 1:
        raise ValueError(f"variable must be one name, got {variable!r}")
    return Separable(formula, d, values, root, name or f"{d} terms {formula.text}")


class Separable(WideLandscape):
    """What :func:`separable` returns. `term` is the landscape of one of its terms, `root` A or None for F of `term`."""

    is_quadratic = False

    def __init__(
        self, term: Landscape, dimension: int, values: dict[str, Array], root: Array | None, name: str
    ) -> None:
        self.term, self.dimension, self.values, self.root, self.name = term, dimension, values, root, name
        self.noise_dimension = dimension if root is None else root.shape[1]
        self.decay = 0.0
        constant = {"additive", "commutative", "any"}
        self.kinds = frozenset({"diagonal", "commutative", "any"} if root is None else constant)

    def function(self, quantity: str) -> tuple[codegen.Block, Array]:
        """Code of a derivative or of the noise of one term, and its constants (d, constants)."""
        block = codegen.cached_block(
            ["separable", quantity, self.term.key],
            [*SOURCES, "landscapes/wide/separable.py"],
            lambda: self._lower(quantity),
        )
        scalars = {f"p{i}": self.values[key] for i, key in enumerate(sorted(self.values))}
        return block, np.broadcast_to(block.constant_rows(scalars), (self.dimension, len(block.constants)))

    def _lower(self, quantity: str) -> codegen.Block:
        of = self.term.symbolic
        made = {
            "loss": lambda: of.loss,
            "gradient": lambda: of.gradient[0],
            "hessian": lambda: of.hessian[0],
            "noise_factor": lambda: of.noise_factor[0],
            "noise_covariance": lambda: of.typed_noise_covariance[0],
            "correction": lambda: of.noise_factor[0] * of.noise_factor[0].diff(of.state[0]) / 2,
        }
        return codegen.lower([(["out0"], [made[quantity]()])], tuple(self.term.scalars), [str(of.state[0])])

    def _each(self, quantity: str, w: Array) -> Array:
        block, constants = self.function(quantity)
        with np.errstate(all="ignore"):
            (found,) = block.function(codegen.NUMPY_FUNCTIONS)(*constants.T, w)
        return np.array(np.broadcast_to(found, w.shape), np.float64)

    def _loss(self, w: Array) -> Array:
        return np.asarray(self._each("loss", w).sum(axis=-1))

    def _gradient(self, w: Array) -> Array:
        return self._each("gradient", w)

    def _hessian(self, w: Array) -> Array:
        return self._each("hessian", w)[..., None] * np.eye(self.dimension)

    def _curvatures(self, w: Array) -> Array:
        return np.sort(self._each("hessian", w), axis=1)

    def noise_factor(self, w: ArrayLike) -> Array:
        """A: w (..., d) → (..., d, k)."""
        points = self.points(w)
        if self.root is None:
            return self._each("noise_factor", points)[..., None] * np.eye(self.dimension)
        return np.broadcast_to(self.root, (*points.shape[:-1], *self.root.shape))

    def validate_noise(self, w: Array, argument: str = "w0") -> None:
        """Raise ValueError unless s(ω_i) ≥ 0 at the points w (n, d)."""
        if self.root is not None:
            return
        found = self._each("noise_covariance", w)
        wrong = ~(found >= 0) | ~np.isfinite(found)
        if wrong.any():
            at = tuple(np.argwhere(wrong)[0])
            raise ValueError(
                f"noise_covariance must be finite and not negative where paths start, got {found[at]:.6g} at "
                f"{argument}[{at[-1]}] = {w[at]:.6g}"
            )

    def gradient_on(self, tape: Any, w: Any) -> Any:
        """f′(ω_i)."""
        return tape.elementwise("gradient", self.function("gradient"), w)

    def noise_on(self, tape: Any, w: Any, draw: Any) -> Any:
        """A z, or √s(ω_i) z_i."""
        if self.root is not None:
            return tape.apply("A", self.root, draw)
        return tape.product(tape.elementwise("noise_factor", self.function("noise_factor"), w), draw)

    def correction_on(self, tape: Any, w: Any) -> Any:
        """½ A A′ of each term."""
        return w * 0 if self.root is not None else tape.elementwise("correction", self.function("correction"), w)

    def described(self) -> dict[str, Any]:
        """The formula, and digests of the arrays."""
        noise = self.root if self.root is not None else self.term.noise.entries[0][0]
        return {
            "landscape": self.name, "loss": self.term.text, "dimension": self.dimension, "noise": noise,
            "decay": self.decay, **{f"parameter {key}": value for key, value in self.values.items()},
        }  # fmt: skip

    def __repr__(self) -> str:
        return f"<Separable: {self.term.text!r} in each of {self.dimension} dimensions{self._with_decay}>"
