"""The SDE as a numerical method for SGD: of order 1 in the learning rate, and of order 2 with a corrected drift."""

from __future__ import annotations

import cmath
import itertools
import math
from dataclasses import dataclass

import numpy as np

import sgdsde as sg
from sgdsde.convergence.approximation import MODIFIED, SDE, Equation, approximation_orders
from sgdsde.convergence.spectral import Grid
from sgdsde.plotting import convergence_chart
from sgdsde.statistics import Order
from sgdsde.whitened import whitened_examples
from validation.claim import Check, Finding, Picture, Plan, claim
from validation.context import Context
from validation.sizes import plans

TIME, B, N = 1.0, 2, 8
CURVATURE, START, SHIFT = 1.0, 1.0, 0.5
EQUATIONS = {
    "SDE": SDE,
    "modified equation": MODIFIED,
    "correction of the wrong sign": Equation(correction=-1.0),
    "modified, c 10 % too small": Equation(correction=1.0, noise=0.9),
}
#: What each equation's order is held against, and whether it is claimed.
ORDERS = {
    "SDE": (1.0, True),
    "modified equation": (2.0, True),
    "correction of the wrong sign": (2.0, False),
    "modified, c 10 % too small": (2.0, False),
}
#: Standard errors on each side in a 95 % interval.
_SIDE = 1.96


@dataclass(frozen=True)
class Scene:
    """A landscape, where SGD starts on it, φ, and the grid of the backward equation."""

    loss: str
    covariance: str | None
    factor: list[list[str]] | None
    start: list[float]
    observable: str
    grid: Grid

    @property
    def landscape(self) -> sg.Landscape:
        return sg.Landscape(self.loss, ["x", "y"][: len(self.start)], None, self.covariance, self.factor)


SCENES = {
    "quadratic, constant F": Scene(
        f"{CURVATURE}*x**2/2", "1", None, [START], f"sin(x + {SHIFT})", Grid(((-1.6, 1.8),), 24)
    ),
    "quartic, F(ω)": Scene(
        "x**4/4 + x**2/2", "1 + x**2/2", None, [START], f"sin(x + {SHIFT})", Grid(((-1.6, 1.6),), 30)
    ),
    "two dimensions, F(ω) turning": Scene(
        "x**2/2 + y**2/4 + x**2*y**2/8",
        None,
        [["cos(x + y/2)", "-sin(x + y/2)/2"], ["sin(x + y/2)", "cos(x + y/2)/2"]],
        [START, -0.6],
        f"sin(x - y + {SHIFT})",
        Grid(((-1.7, 1.9), (-1.9, 1.6)), 16),
    ),
}


@dataclass(frozen=True)
class Size:
    """Paths for each ε, and the numbers of updates K = s/ε."""

    paths: int
    updates: tuple[int, ...]

    def plan(self, seconds: float) -> Plan:
        return Plan(len(SCENES) * len(EQUATIONS) + 2 * len(self.updates), seconds, self)


@claim(
    title="The SDE is SGD to order 1 in ε, and to order 2 with a corrected drift",
    statement=(
        "At fixed batch size and up to a fixed time s, what the SDE says of an expectation differs from SGD in "
        "proportion to ε. With L + (ε/4)|∇L|² in place of L the difference falls as ε². Both hold where the noise "
        "depends on ω. With the correction's sign turned, or with c off by 10 %, the order is 2 no more."
    ),
    formula="|E φ(ω_K) − E φ(ω(Kε))| = O(ε),    and O(ε²) for dω = −∇(L + (ε/4)|∇L|²) ds + √(εcF) dW",
    source="Li, Tai & E, arXiv 1511.06251, Theorem 1",
    plans=plans("weak_order", Size),
)
def weak_order(context: Context) -> Finding:
    size: Size = context.size
    orders: dict[str, dict[str, Order]] = {}
    tables = {}
    for done, (name, scene) in enumerate(SCENES.items()):
        seed = context.seed(name)
        tables[name] = whitened_examples("gaussian", N, len(scene.start), seed)
        orders[name] = approximation_orders(
            scene.landscape, TIME, size.updates, scene.start, scene.observable, EQUATIONS, scene.grid,
            batch_size=B, n_examples=N, paths=size.paths, seed=seed, examples=tables[name],
            progress=lambda fraction, done=done: context.progress((done + fraction) / len(SCENES)),  # type: ignore[misc]
        )  # fmt: skip
    first = next(iter(SCENES))
    slopes = [_slope(scene, name, order) for scene, found in orders.items() for name, order in found.items()]
    closed = [_closed(name, orders[first][name], tables[first]) for name in ("SDE", "modified equation")]
    return Finding(
        (*slopes, *itertools.chain.from_iterable(closed)),
        headline=slopes[1].label,
        pictures=tuple(_picture(number, scene, found) for number, (scene, found) in enumerate(orders.items())),
        method=(
            f"{size.paths:,} independent paths of SGD for each of {len(size.updates)} learning rates (s = {TIME:g}, B "
            f"= {B}, N = {N}, without replacement). Variance reduction: u(s, ω), the equation's E φ from ω on, is "
            "solved by Chebyshev collocation; along each path the changes E u(s_{k+1}, ω_{k+1}) − u(s_k, ω_k) are "
            "summed, with the mean over all batches exact. The sum's mean is the error, and each term is as small as "
            "the error itself, so that the relative standard error does not grow as ε falls. Slopes of log₂ error "
            "against log₂ ε by weighted least squares, with the next term of the expansion; points below four standard "
            "errors are left out. On the quadratic the errors are held against their closed form too, from the "
            "characteristic function of the batches."
        ),
        notes=(
            "Order 1 is a weak statement at fixed B: the noise itself is of order ε, and so is what an SDE with a "
            "wrong c is off by. Only beside the modified drift does a wrong c change the order.",
        ),
    )


def _half_width(order: Order) -> float:
    return (order.interval[1] - order.interval[0]) / 2


def _slope(scene: str, name: str, order: Order) -> Check:
    predicted, claimed = ORDERS[name]
    error = _half_width(order) / _SIDE
    label = f"order of the {name}, {scene}" if claimed else f"order 2 of the {name}, {scene}"
    return Check(label, predicted, order.slope, error, {f"order {3 - predicted:g}": 3 - predicted})


def _closed(name: str, order: Order, table: np.ndarray) -> list[Check]:
    """The errors on the quadratic against E sin(ω + shift) = Im e^{i shift} E e^{iω} of SGD and of the equation."""
    batches = [float(np.mean(batch)) for batch in itertools.combinations(table[:, 0], B)]
    correction = EQUATIONS[name].correction

    def sgd(rate: float) -> float:
        value, shrink = cmath.exp(1j * SHIFT), 1.0
        for _ in range(round(TIME / rate)):
            value *= sum(cmath.exp(-1j * rate * shrink * mean) for mean in batches) / len(batches)
            shrink *= 1 - rate * CURVATURE
        return (value * cmath.exp(1j * shrink * START)).imag

    def equation(rate: float, noise: float) -> float:
        curvature = CURVATURE * (1 + correction * rate * CURVATURE / 2)
        temperature = noise * sg.SGDConfig(rate, B, N).temperature
        variance = -math.expm1(-2 * curvature * TIME) * temperature / (2 * curvature)
        return math.exp(-variance / 2) * math.sin(START * math.exp(-curvature * TIME) + SHIFT)

    return [
        Check(
            f"error of the {name}, closed form, ε = 1/{round(1 / rate)}",
            sgd(rate) - equation(rate, 1.0), error, deviation, {"c 10 % too small": sgd(rate) - equation(rate, 0.9)},
        )
        for rate, error, deviation in zip(order.step_sizes, order.errors, order.standard_errors, strict=True)
    ]  # fmt: skip


def _picture(number: int, scene: str, orders: dict[str, Order]) -> Picture:
    figure = convergence_chart(orders, error="|E φ of SGD − E φ of the equation|")
    figure.axes[0].set_xlabel("learning rate ε")
    caption = (
        f"{scene[0].upper()}{scene[1:]}: weak error at s = {TIME:g} against the learning rate, with fits that allow "
        "for the next term. Bars are one standard error."
    )
    alt = "The SDE and the correction of the wrong sign fall as ε, the modified equation as ε², with a wrong c slower."
    return Picture(f"weak_order_{number + 1}", caption, alt, figure)
