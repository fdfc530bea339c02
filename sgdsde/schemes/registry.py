"""The registry of schemes: a scheme is declared where it is written, and found by its name."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from sgdsde.arguments import choice

#: Modules of this folder that hold no schemes; every other one does, and a new scheme is a function in one of them.
_NOT_SCHEMES = {"exits", "matrix_program", "matrix_step", "program", "registry", "step", "tape", "walls"}
_REGISTRY: dict[str, Declaration] = {}

#: Kinds of noise, the most special first: the factor A constant; A diagonal with A_ii of ω_i alone; the fields of A
#: commuting, L^j b_l = L^l b_j; any.
NOISE_KINDS = ("additive", "diagonal", "commutative", "any")
#: Kinds that hold a kind of noise, the narrowest first; additive noise is diagonal only sometimes.
_WIDER = {
    "additive": ("commutative", "any", "diagonal"),
    "diagonal": ("commutative", "any"),
    "commutative": ("any",),
    "any": (),
}
INTERPRETATIONS = ("ito", "stratonovich", "update")
EQUATIONS = ("overdamped", "momentum")
#: Equations of rules that divide by an average of squares: they are not of a temperature T and a clock s alone.
ADAPTIVE_EQUATIONS = ("rmsprop", "adam")
LOSSES = ("any", "quadratic")

#: Draws that make up a path between given ends; others are for schemes that only aim at the law.
PATH_DRAWS = ("z", "y", "area")

#: An order for the declared kind of noise, or one for each of several kinds.
Orders: TypeAlias = float | Mapping[str, float] | None


@dataclass(frozen=True)
class Declaration:
    """What a scheme says of itself.

    Attributes
    ----------
    name : str
    function : callable
        Step → the next ω, or (ω, auxiliary…).
    interpretation : str
        ``"ito"``, ``"stratonovich"`` (the tape corrects the drift: the SDE is the same), or ``"update"`` for the maps
        of optimisers, which `sgdsde.dynamics` declares.
    equation : str
        ``"overdamped"``: dω = −∇L ds + √T A dW. ``"momentum"``: dω = p dτ, dp = −(γp + ∇L)dτ + √(γT) A dW.
    noise : str
        The most general of `NOISE_KINDS` that it takes.
    loss : str
        ``"any"`` or ``"quadratic"``.
    auxiliary : tuple of str
        State carried beside ω, one vector of d each (``"v"`` for a velocity); starts at zero.
    strong, weak : dict
        Orders of convergence by kind of noise, for the kinds declared; infinite where there is no error.
    invariant : float or None
        Order in the step of the invariant law's error, where it is stated apart.
    stable : bool
        Whether steps beyond 2/curvature are safe, so that no warning is due.
    matrices : callable or None
        (landscape, dt, temperature) → matrices by name, numbers that the tape takes at run time: of arrays (rows,),
        one row for each pair that a run takes, arrays (rows, n, m).
    source : str
        Where it is from.
    numbers : tuple of str
        Run-time numbers that it takes beside `sgdsde.schemes.step.SCALARS`.
    key, modules : tuple of str
        What it is made of, and the modules of that, where its name and its function's module do not tell.
    family : callable
        What else there is of its kind, by name.
    """

    name: str
    function: Callable[[Any], Any]
    interpretation: str
    equation: str
    noise: str
    loss: str
    auxiliary: tuple[str, ...]
    strong: Mapping[str, float]
    weak: Mapping[str, float]
    invariant: float | None
    stable: bool
    matrices: Callable[..., Mapping[str, Any]] | None
    source: str
    numbers: tuple[str, ...] = ()
    key: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()
    family: Callable[[], Mapping[str, Declaration]] = field(default=lambda: declarations(), repr=False)

    def order(self, which: str, kind: str) -> float | None:
        """``"strong"`` or ``"weak"`` order for a kind of noise: the one declared for it, or for the next wider kind."""
        declared: Mapping[str, float] = getattr(self, which)
        return next((declared[name] for name in (kind, *_WIDER[kind]) if name in declared), None)

    @property
    def kind(self) -> str:
        """``"dynamics"`` or ``"scheme"``: what messages call it."""
        return "dynamics" if self.interpretation == "update" else "scheme"

    @property
    def summary(self) -> str:
        """First line of the scheme's docstring: its formula."""
        return (self.function.__doc__ or "").strip().splitlines()[0]


def scheme(
    *,
    interpretation: str,
    noise: str,
    source: str,
    equation: str = "overdamped",
    loss: str = "any",
    auxiliary: tuple[str, ...] = (),
    strong: Orders = None,
    weak: Orders = None,
    invariant: float | None = None,
    stable: bool = False,
    matrices: Callable[..., Mapping[str, Any]] | None = None,
    numbers: tuple[str, ...] = (),
) -> Callable[[Callable[[Any], Any]], Callable[[Any], Any]]:
    """Declare a function to be the scheme of its name.

    Raises
    ------
    ValueError
        For a word that is not in this module's tables.
    """
    for argument, word, known in (
        ("interpretation", interpretation, INTERPRETATIONS),
        ("equation", equation, (*EQUATIONS, *ADAPTIVE_EQUATIONS)),
        ("noise", noise, NOISE_KINDS),
        ("loss", loss, LOSSES),
    ):
        choice(argument, word, known)
    orders = [_by_kind(name, given, noise) for name, given in (("strong", strong), ("weak", weak))]

    def declare(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
        name = function.__name__
        _REGISTRY[name] = Declaration(
            name=name, function=function, interpretation=interpretation, equation=equation, noise=noise, loss=loss,
            auxiliary=auxiliary, strong=orders[0], weak=orders[1], invariant=invariant, stable=stable,
            matrices=matrices, source=source, numbers=numbers,
        )  # fmt: skip
        return function

    return declare


def _by_kind(argument: str, orders: Orders, noise: str) -> Mapping[str, float]:
    if orders is None:
        return {}
    table = dict(orders) if isinstance(orders, Mapping) else {noise: float(orders)}
    accepted = NOISE_KINDS[: NOISE_KINDS.index(noise) + 1]
    if unknown := set(table) - set(accepted):
        raise ValueError(f"{argument}: orders are by kind of noise, of {', '.join(accepted)}; got {sorted(unknown)}")
    return table


def declarations(equations: tuple[str, ...] = EQUATIONS) -> dict[str, Declaration]:
    """The schemes for some equations, by name."""
    package = importlib.import_module("sgdsde.schemes")
    for module in pkgutil.iter_modules(package.__path__):
        if module.name not in _NOT_SCHEMES:
            importlib.import_module(f"sgdsde.schemes.{module.name}")
    return {name: found for name, found in _REGISTRY.items() if found.equation in equations}


def check_follows_epochs(declaration: Declaration, draws: Iterable[str]) -> None:
    """Raise ValueError unless steps with these draws can follow epoched Brownian motion.

    Between its values at the ends of a step that is Brownian motion between given ends: so are ∫W ds and Lévy areas,
    and what is drawn beside the increments is as before. The orders that a scheme declares are for Brownian motion.
    """
    others = [name for name in draws if name not in (*PATH_DRAWS, "uniform")]
    if others or declaration.matrices is not None:
        why = f"its draws {others} are no increments of a path" if others else "its steps are made for Brownian motion"
        raise ValueError(
            f"scheme {declaration.name!r} does not follow driver 'epoched': {why}; take driver 'brownian', or a scheme "
            f"whose draws are normal, such as 'euler_maruyama', 'heun' or 'baoab'"
        )


def find(name: str, equations: tuple[str, ...] = EQUATIONS) -> Declaration:
    """Return the scheme of that name.

    Raises
    ------
    ValueError
        When there is none for these equations; the message lists those that exist.
    """
    fitting = declarations(equations)
    return fitting[choice("scheme", name, sorted(fitting))]
