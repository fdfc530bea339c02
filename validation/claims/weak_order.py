"""The SDE as a numerical method for SGD: of order 1 in the learning rate, and of order 2 with a corrected drift."""

from __future__ import annotations

import cmath
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

import sgdsde as sg
from sgdsde.convergence.approximation import MODIFIED, SDE, Equation, approximation_orders
from sgdsde.convergence.spectral import Grid
from sgdsde.plotting import Figure, convergence_chart
from sgdsde.statistics import Order
from sgdsde.whitened import whitened_examples
from validation.claim import Check, Drawing, Found, Told, claim
from validation.context import Context
from validation.measure import order_check

TIME, B, N = 1.0, 2, 8
CURVATURE, START, SHIFT = 1.0, 1.0, 0.5
EQUATIONS = {
    "SDE": SDE,
    "modified equation": MODIFIED,
    "correction of the wrong sign": Equation(correction=-1.0),
    "modified, c 10 % too small": Equation(correction=1.0, noise=0.9),
}
#: Of these an order is claimed, the others have not order 2.
CLAIMED = {"SDE": 1, "modified equation": 2}


@dataclass(frozen=True)
class Scene:
    """A landscape, where SGD starts on it, φ, and the grid of the backward equation."""

    landscape: sg.Landscape
    w0: list[float]
    observable: str
    grid: Grid


_TURNING = [["cos(x + y/2)", "-sin(x + y/2)/2"], ["sin(x + y/2)", "cos(x + y/2)/2"]]
SCENES = {
    "quadratic, constant F": Scene(
        sg.landscapes.quadratic(h=CURVATURE, f=1.0), [START], f"sin(x + {SHIFT})", Grid(((-1.6, 1.8),), 24)
    ),
    "quartic, F(ω)": Scene(
        sg.Landscape("x**4/4 + x**2/2", "x", noise_covariance="1 + x**2/2"),
        [START], f"sin(x + {SHIFT})", Grid(((-1.6, 1.6),), 30),
    ),
    "two dimensions, F(ω) turning": Scene(
        sg.Landscape("x**2/2 + y**2/4 + x**2*y**2/8", ["x", "y"], noise_factor=_TURNING),
        [START, -0.6], f"sin(x - y + {SHIFT})", Grid(((-1.7, 1.9), (-1.9, 1.6)), 16),
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Size:
    """Paths for each ε, and the numbers of updates K = s/ε."""

    paths: int
    updates: tuple[int, ...]


@claim(Size)
def weak_order(context: Context) -> Found:
    size: Size = context.size
    yield Told({"rates": len(size.updates), "time": TIME, "b": B, "n": N})
    closed: list[Check] = []
    for number, (name, scene) in enumerate(SCENES.items(), 1):
        seed = context.seed(name)
        table = whitened_examples("gaussian", N, len(scene.w0), seed)
        orders = approximation_orders(
            scene.landscape, TIME, size.updates, scene.w0, scene.observable, EQUATIONS, scene.grid,
            batch_size=B, n_examples=N, paths=size.paths, seed=seed, examples=table,
        )  # fmt: skip
        for equation, order in orders.items():
            predicted = CLAIMED.get(equation, 2)
            label = f"{'order' if equation in CLAIMED else 'order 2'} of the {equation}, {name}"
            yield order_check(label, predicted, order, {f"order {3 - predicted}": 3 - predicted})
        if number == 1:
            closed += [c for each in CLAIMED for c in _closed(each, orders[each], table[:, 0])]
        yield Told({f"scene_{number}": f"{name[0].upper()}{name[1:]}"})
        yield Drawing(f"weak_order_{number}", _figure(orders))
    yield from closed


def _closed(name: str, order: Order, table: np.ndarray) -> Iterator[Check]:
    """The errors on the quadratic against E sin(ω + shift) = Im e^{i shift} E e^{iω} of SGD and of the equation."""
    correction = EQUATIONS[name].correction

    def sgd(rate: float) -> float:
        kicks = rate * (1 - rate * CURVATURE) ** np.arange(round(TIME / rate))
        batch = sg.theory.batch_characteristic(table, sg.SGDConfig(rate, B, N))
        mean = START * (1 - rate * CURVATURE) ** len(kicks)
        return float((batch(-kicks).prod() * cmath.exp(1j * (mean + SHIFT))).imag)

    def equation(rate: float, noise: float) -> float:
        curvature = CURVATURE * (1 + correction * rate * CURVATURE / 2)
        temperature = noise * sg.SGDConfig(rate, B, N).temperature
        variance = -math.expm1(-2 * curvature * TIME) * temperature / (2 * curvature)
        return math.exp(-variance / 2) * math.sin(START * math.exp(-curvature * TIME) + SHIFT)

    for rate, error, deviation in zip(order.step_sizes, order.errors, order.standard_errors, strict=True):
        label = f"error of the {name}, closed form, ε = 1/{round(1 / rate)}"
        exact, small = (sgd(rate) - equation(rate, noise) for noise in (1.0, 0.9))
        yield Check(label, exact, error, deviation, {"c 10 % too small": small})


def _figure(orders: dict[str, Order]) -> Figure:
    figure = convergence_chart(orders, error="|E φ of SGD − E φ of the equation|")
    figure.axes[0].set_xlabel("learning rate ε")
    return figure
