"""The integrators that every other claim leans on converge at the orders that they declare."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from sgdsde.convergence.matrix import Cell, cells, size
from sgdsde.convergence.orders import weak_order
from sgdsde.plotting import MeasuredOrder, orders_chart
from sgdsde.statistics import Order
from validation.claim import Check, Finding, Picture, Plan, claim
from validation.context import Context
from validation.sizes import plans

#: What the rival adds to each declared order.
OFF = 0.5
#: Standard errors on each side in a 95 % interval.
_SIDE = 1.96
_THREADS = 2


@dataclass(frozen=True)
class Size:
    """Problems for each kind of noise, and the factor on the numbers of paths."""

    problems: int
    effort: float

    def plan(self, seconds: float) -> Plan:
        return Plan(size(self.problems), seconds, self)


@claim(
    title="The integrators converge at the orders that they declare",
    statement=(
        "Every scheme in the registry, on problems of each kind of noise for which it declares an order: the error "
        "against the exact solution (or, where none is known, against another scheme with far smaller steps on the "
        "same Brownian paths) falls with the step at the declared strong order, and the error of an expectation at "
        "the declared weak order."
    ),
    formula="E|ω_Δ(T) − ω(T)| ∝ Δ^strong,    |E φ(ω_Δ(T)) − E φ(ω(T))| ∝ Δ^weak",
    source="Kloeden & Platen 1992, definitions 9.6.1 and 9.7.1; each scheme's own source is in docs/schemes.md",
    plans=plans("integrator_orders", Size),
)
def integrator_orders(context: Context) -> Finding:
    sizes: Size = context.size
    todo = sorted(cells(sizes.problems), key=lambda cell: (cell.problem.name, cell.which))
    groups = [list(group) for _, group in itertools.groupby(todo, key=lambda cell: (cell.problem.name, cell.which))]
    done = itertools.count(1)

    def measure(group: Iterable[Cell]) -> list[tuple[Cell, Order]]:
        found = []
        for cell in group:
            found.append((cell, cell.measure(sizes.effort, context.seed(cell.problem.name, cell.which) % 2**32)))
            context.progress(next(done) / len(todo))
        return found

    with ThreadPoolExecutor(_THREADS) as pool:
        measured = dict(itertools.chain.from_iterable(pool.map(measure, groups)))
    ordered = sorted(measured.items(), key=lambda item: (item[0].scheme, item[0].which, item[0].problem.name))
    finite = [(cell, order) for cell, order in ordered if math.isfinite(cell.declared)]
    rows = [
        MeasuredOrder(cell.scheme, cell.which, cell.problem.name, cell.declared, order.slope, _half_width(order))
        for cell, order in finite
        if order.determined
    ]
    checks = tuple(_check(cell, order) for cell, order in ordered if order.determined or cell.declared == math.inf)
    return Finding(
        checks,
        headline=next(check.label for check in checks if check.label.startswith("euler_maruyama, strong")),
        pictures=(
            Picture(
                "orders",
                "Declared orders (bars) and measured ones, with 95 % intervals, on the problems of the legend.",
                "Two panels of points with intervals, strong and weak orders, one row for each scheme; the points lie "
                "on the bars that mark the declared orders.",
                orders_chart(rows),
            ),
        ),
        method=(
            "Slopes of log₂ error against log₂ Δ by least squares weighted with the full covariance of the errors, "
            "because all step sizes see the same Brownian paths; points below four standard errors are left out. The "
            "fit allows for the next term of the error's expansion. Expectations under two- and three-point noise are "
            "summed over all branches, without sampling. Standard errors are a quarter of the width of the "
            "95 % interval, which is Student's where the points scatter."
        ),
    )


def _half_width(order: Order) -> float:
    return (order.interval[1] - order.interval[0]) / 2


def _check(cell: Cell, order: Order) -> Check:
    """A slope against the declared order, or an error against none where there is none to be."""
    if math.isfinite(cell.declared):
        error = _half_width(order) / _SIDE
        return Check(cell.label, cell.declared, order.slope, error, {"½ higher": cell.declared + OFF})
    steps = round(cell.problem.time / order.step_sizes[0])
    phi = cell.problem.expectations[0]
    euler = weak_order(cell.problem, "euler_maruyama", phi.function, phi.exact, steps=(steps,), paths=16_384)
    return Check(
        f"{cell.label}: error at {steps} steps", 0.0, float(order.errors[0]), float(order.standard_errors[0]),
        {"euler_maruyama's error": float(euler.errors[0])}, scale=abs(float(euler.errors[0])),
    )  # fmt: skip
