"""Every registered scheme on problems of each kind of noise that it declares: declared orders against measured ones."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from sgdsde.convergence.orders import Observable, most_steps, strong_order, weak_order
from sgdsde.convergence.problem import Problem
from sgdsde.convergence.problems import PROBLEMS
from sgdsde.layout import one_line
from sgdsde.schemes import Declaration, declarations, fits
from sgdsde.statistics.orders import Order

#: Problems by equation and kind of noise, preferred ones first: generic ones, whose errors have no accidental zeros.
PREFERRED = {
    ("overdamped", "additive"): ("two_wells", "ripples", "correlated", "ornstein_uhlenbeck"),
    ("overdamped", "diagonal"): ("sinh", "geometric_pair"),
    ("overdamped", "commutative"): ("commuting_linear", "bent"),
    ("overdamped", "any"): ("crossed_linear", "regression"),
    ("momentum", "any"): ("langevin_regression", "langevin_two_wells"),
}
#: Problems for some weak orders instead: errors of order 3/2 have factors b″, which vanish for linear noise.
_INSTEAD = {("diagonal", 1.5): ("tanh", "sinh"), ("additive", 1.0): ("two_wells", "ornstein_uhlenbeck")}
#: How far a measured order may be from the declared one, and how wide its interval may reach to each side.
TOLERANCE = 0.15

_STRONG_STEPS = {
    0: (16, 32, 64, 128, 256, 512),
    1: (8, 12, 16, 24, 32, 48, 64, 96),
}  # by the whole part of the declared order
_STRONG_NEXT_POWER = 0.5


@dataclass(frozen=True)
class _Weak:
    """Steps and paths of a weak order, and the next power that its fit allows for."""

    steps: tuple[int, ...]
    paths: int
    next_power: float | None = 1.0


#: By equation, additive noise or problem, and declared order. Symmetric splittings have an expansion in
#: Δ², and additive noise leaves so little of the sampling error that steps can be small: they need no other power.
_WEAK = {
    ("overdamped", 1.0): _Weak((6, 8, 12, 16, 24, 48), 131_072),
    ("crossed_linear", 1.0): _Weak((6, 8, 12, 16, 24, 48), 65_536),
    ("regression", 1.0): _Weak((8, 12, 16, 24, 32, 64), 131_072),
    ("additive", 1.0): _Weak((6, 8, 12, 16, 24, 48), 524_288),
    ("overdamped", 1.5): _Weak((6, 8, 12, 16, 24, 48), 131_072),
    ("overdamped", 2.0): _Weak((3, 4, 6, 8, 12, 16, 24), 262_144),
    ("additive", 2.0): _Weak((6, 8, 12, 16, 24, 48), 262_144, None),
    ("momentum", 1.0): _Weak((6, 8, 12, 16, 24, 48), 32_768),
    ("momentum", 2.0): _Weak((2, 3, 4, 6, 8), 262_144, None),
    ("langevin_two_wells", 2.0): _Weak((3, 4, 5, 6, 8, 10), 524_288, None),
}
#: What is measured by sampling, by problem and declared order, where the first expectation is too noisy for it, or does
#: not show the leading term.
_SAMPLED = {
    ("regression", 1.0): "sin(x + y)",
    ("sinh", 1.5): "sin(x)",
    ("two_wells", 1.0): "sin(x)",
}


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

    __repr__ = one_line

    @property
    def label(self) -> str:
        """Such as ``"heun, strong, bent"``."""
        return f"{self.scheme}, {self.which}, {self.problem.name}"

    def measure(self, effort: float = 1.0, seed: int = 0) -> Order:
        """Measure the order; `effort` multiplies the number of paths."""
        if self.which == "strong":
            steps, paths = _STRONG_STEPS[min(int(self.declared), 1)], 8192 if self.declared > 1 else 4096
            return strong_order(
                self.problem, self.scheme, steps=steps, paths=round(paths * effort), seed=seed,
                next_power=_STRONG_NEXT_POWER,
            )  # fmt: skip
        most = most_steps(self.problem, self.scheme)
        problem = self.problem
        if most is not None:  # few steps can be enumerated: over a shorter time they are small enough
            problem = PROBLEMS.get(f"{problem.name}_short", problem)
        observable: Observable | str = problem.expectations[0].function
        exact: float | None = problem.expectations[0].exact
        if most is not None:
            weak = _Weak(tuple(range(max(2, most - 6), most + 1)), 0)
        else:
            if sampled := _SAMPLED.get((problem.name, self.declared)):
                observable, exact = sampled, None
            place = "additive" if self.kind == "additive" else problem.equation
            order = 2.0 if self.declared > 1 and (place, self.declared) not in _WEAK else self.declared
            weak = _WEAK.get((problem.name, order)) or _WEAK[place, order]
        return weak_order(
            problem, self.scheme, observable, exact, steps=weak.steps, paths=round(weak.paths * effort), seed=seed,
            next_power=weak.next_power,
        )  # fmt: skip


def problems_of(declaration: Declaration, which: str, kind: str, count: int = 2) -> list[Problem]:
    """The first `count` problems of a kind of noise that the scheme takes."""
    names = PREFERRED[declaration.equation, kind if declaration.equation == "overdamped" else "any"]
    if which == "weak":
        names = _INSTEAD.get((kind, declaration.weak[kind]), names)
    return [PROBLEMS[name] for name in names if fits(declaration, PROBLEMS[name].landscape)][:count]


def cells(count: int = 2) -> Iterator[Cell]:
    """All cells of the matrix, on `count` problems for each kind of noise; registering a scheme puts it there."""
    for name, declaration in sorted(declarations().items()):
        for which, orders in (("strong", declaration.strong), ("weak", declaration.weak)):
            for kind, order in orders.items():
                for problem in problems_of(declaration, which, kind, count):
                    yield Cell(name, problem, which, kind, order)


def size(count: int = 2) -> int:
    """Number of cells, counted from the declarations alone."""
    return count * sum(len(found.strong) + len(found.weak) for found in declarations().values())


def agrees(cell: Cell, order: Order) -> bool:
    """Whether the measured order is the declared one, within `TOLERANCE`, and measured well enough to tell."""
    if math.isinf(cell.declared):
        return not order.determined
    low, high = order.interval
    return abs(order.slope - cell.declared) <= TOLERANCE and (high - low) / 2 <= TOLERANCE
