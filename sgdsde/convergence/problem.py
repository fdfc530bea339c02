"""Problem: an SDE with a start and an end, and what is known of it."""

from __future__ import annotations

import functools
from dataclasses import dataclass

from numpy.typing import ArrayLike

from sgdsde.arguments import choice
from sgdsde.convergence.exact import Function, Route
from sgdsde.landscapes import Landscape, kinds
from sgdsde.layout import one_line
from sgdsde.schemes.registry import EQUATIONS, NOISE_KINDS


@dataclass(frozen=True)
class Expectation:
    """φ and E[φ(ω)] at the end: `function` takes (paths, d) to (paths,), and `name` is it as an expression."""

    name: str
    function: Function
    route: Route

    __repr__ = one_line

    @functools.cached_property
    def exact(self) -> float:
        """Computed when first asked for."""
        return self.route(self.function)


@dataclass(frozen=True, eq=False)
class Problem:
    """An SDE with a start and an end.

    Attributes
    ----------
    name : str
    landscape : Landscape
        The drift is −∇L, the noise √T A.
    w0 : tuple of float
        The start, d numbers; one number is accepted for d = 1. A momentum starts at 0.
    temperature, time : float
        T, and the length in the equation's own clock.
    equation : str
        ``"overdamped"``: dω = −∇L ds + √T A dW. ``"momentum"``: dω = p dτ, dp = −(γp + ∇L)dτ + √(γT) A dW.
    friction : float
        γ, for momentum.
    kind : str
        The most special of ``"additive"``, ``"diagonal"``, ``"commutative"``, ``"any"`` that the factor A is; told from
        the landscape's formulas where it is not given.
    solution : callable, optional
        W (paths, k) at the end → ω (paths, d) at the end, where ω depends on nothing else of the Brownian path.
    expectations : tuple of Expectation
        With their exact values, to at least nine digits.

    Examples
    --------
    >>> Problem("bowl", Landscape("x**2/2", "x", noise_factor=[["x"]]), 1.0).kind
    'diagonal'
    """

    name: str
    landscape: Landscape
    w0: ArrayLike
    temperature: float = 1.0
    time: float = 1.0
    equation: str = "overdamped"
    friction: float = 1.0
    kind: str = ""
    solution: Function | None = None
    expectations: tuple[Expectation, ...] = ()

    __repr__ = one_line

    def __post_init__(self) -> None:
        choice("equation", self.equation, EQUATIONS)
        if self.kind != "":
            choice("kind", self.kind, NOISE_KINDS)
        start = self.landscape.points(self.w0, "w0")
        if start.shape != (self.landscape.dimension,):
            raise ValueError(f"w0 must have shape {(self.landscape.dimension,)}, got {start.shape}")
        kind = self.kind or next(k for k in NOISE_KINDS if kinds.has_kind(self.landscape.symbolic, k))
        object.__setattr__(self, "w0", tuple(start.tolist()))
        object.__setattr__(self, "kind", kind)
