"""Every registered scheme on problems of every kind of noise that it declares: declared orders against measured ones."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from sgdsde.convergence.orders import most_steps, strong_order, weak_order
from sgdsde.convergence.problem import Problem
from sgdsde.convergence.problems import PROBLEMS
from sgdsde.schemes import Declaration, declarations, fits
from sgdsde.statistics.orders import Order

#: Problems by equation and kind of noise, preferred ones first: generic ones, whose errors have no accidental zeros.
PREFERRED = {
    ("overdamped", "additive"): ("two_wells", "ornstein_uhlenbeck", "correlated"),
    ("overdamped", "diagonal"): ("sinh", "geometric_pair"),
    ("overdamped", "commutative"): ("commuting_linear", "bent"),
    ("overdamped", "any"): ("crossed_linear", "regression"),
    ("momentum", "any"): ("langevin_regression", "langevin_two_wells"),
}
#: How far a measured order may be from the declared one, and how wide its interval may reach to each side.
TOLERANCE = 0.15

_STRONG_STEPS = {0: (16, 32, 64, 128, 256, 512), 1: (8, 16, 32, 64, 128)}  # by the whole part of the declared order
_STRONG_NEXT_POWER = 0.5
_WEAK_STEPS = {1: (4, 6, 8, 12, 16, 24), 2: (3, 4, 6, 8, 12, 16)}
_WEAK_NEXT_POWER = 1.0


@dataclass(frozen=True)
class Cell:
    """One order of one scheme on one problem.

    Attributes
    ----------
    which : ``"strong"`` or ``"weak"``
    kind : str
        The kind of noise for which `declared` is declared.
    declared : float
        Infinite where the scheme says that there is no error.
    """

    scheme: str
    problem: Problem
    which: str
    kind: str
    declared: float

    @property
    def label(self) -> str:
        """Such as ``"heun, strong, bent"``."""
        return f"{self.scheme}, {self.which}, {self.problem.name}"

    def measure(self, effort: float = 1.0, seed: int = 0) -> Order:
        """Measure the order; `effort` multiplies the number of paths."""
        if self.which == "strong":
            return strong_order(
                self.problem, self.scheme, steps=_STRONG_STEPS[min(int(self.declared), 1)], paths=round(2048 * effort), seed=seed,
                next_power=_STRONG_NEXT_POWER,
            )  # fmt: skip
        observable = self.problem.expectations[0]
        most = most_steps(self.problem, self.scheme)
        if most is not None:
            steps: tuple[int, ...] = tuple(range(max(2, most - 6), most + 1))
        else:
            steps = _WEAK_STEPS[2 if self.declared > 1 else 1]
        return weak_order(
            self.problem, self.scheme, observable.function, observable.exact, steps=steps,
            paths=round((65_536 if self.declared > 1 else 16_384) * effort), seed=seed, next_power=_WEAK_NEXT_POWER,
        )  # fmt: skip


def problems_of(declaration: Declaration, kind: str, count: int = 2) -> list[Problem]:
    """The first `count` problems of a kind of noise that the scheme takes."""
    names = PREFERRED[declaration.equation, kind if declaration.equation == "overdamped" else "any"]
    return [PROBLEMS[name] for name in names if fits(declaration, PROBLEMS[name].landscape)][:count]


def cells(count: int = 2) -> Iterator[Cell]:
    """All cells of the matrix, on `count` problems for each kind of noise; a new scheme is in it by being registered."""
    for name, declaration in sorted(declarations().items()):
        for which, orders in (("strong", declaration.strong), ("weak", declaration.weak)):
            for kind, order in orders.items():
                for problem in problems_of(declaration, kind, count):
                    yield Cell(name, problem, which, kind, order)


def agrees(cell: Cell, order: Order) -> bool:
    """Whether the measured order is the declared one, within `TOLERANCE`, and measured well enough to tell."""
    if math.isinf(cell.declared):
        return not order.determined
    low, high = order.interval
    return abs(order.slope - cell.declared) <= TOLERANCE and (high - low) / 2 <= TOLERANCE
