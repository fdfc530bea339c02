"""The integrators that every other claim leans on converge at the orders that they declare."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fnmatch import fnmatchcase

from sgdsde.convergence.matrix import Cell, cells
from sgdsde.convergence.orders import weak_order
from sgdsde.plotting import MeasuredOrder, orders_chart
from sgdsde.statistics import Order
from validation.claim import Check, Drawing, Found, claim
from validation.context import Context
from validation.measure import half_width, order_check

#: What the rival adds to each declared order.
OFF = 0.5
_THREADS = 2


@dataclass(frozen=True)
class Size:
    """Problems for each kind of noise; and factors on the numbers of paths by patterns of labels, the last counts."""

    problems: int
    effort: dict[str, float]

    def effort_of(self, cell: Cell) -> float:
        return [factor for pattern, factor in self.effort.items() if fnmatchcase(cell.label, pattern)][-1]


@claim(Size)
def integrator_orders(context: Context) -> Found:
    size: Size = context.size
    todo = sorted(cells(size.problems), key=lambda cell: (cell.problem.name, cell.which))
    groups = [list(group) for _, group in itertools.groupby(todo, key=lambda cell: (cell.problem.name, cell.which))]

    def measure(group: Sequence[Cell]) -> list[tuple[Cell, Order]]:
        """One after the other what shares its Brownian paths."""
        seed = context.seed(group[0].problem.name, group[0].which) % 2**32
        return [(cell, cell.measure(size.effort_of(cell), seed)) for cell in group]

    rows = []
    with ThreadPoolExecutor(_THREADS) as pool:
        for cell, order in itertools.chain.from_iterable(pool.map(measure, groups)):
            if math.isinf(cell.declared):
                yield _no_error(cell, order)
            elif order.determined:
                yield order_check(cell.label, cell.declared, order, {"½ higher": cell.declared + OFF})
                shown = cell.declared, order.slope, half_width(order)
                rows.append(MeasuredOrder(cell.scheme, cell.which, cell.problem.name, *shown))
    yield Drawing("orders", orders_chart(sorted(rows, key=lambda row: (row.scheme, row.which, row.problem))))


def _no_error(cell: Cell, order: Order) -> Check:
    """The error of a scheme that is declared to have none, against that of another."""
    steps = round(cell.problem.time / order.step_sizes[0])
    phi = cell.problem.expectations[0]
    euler = weak_order(cell.problem, "euler_maruyama", phi.function, phi.exact, steps=(steps,), paths=16_384)
    error, deviation, other = float(order.errors[0]), float(order.standard_errors[0]), float(euler.errors[0])
    label = f"{cell.label}: error at {steps} steps"
    return Check(label, 0.0, error, deviation, {"euler_maruyama's error": other}, scale=abs(other))
