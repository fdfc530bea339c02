"""Checks of the mean of SGD over all orders of an epoch: for the claim ``reshuffled_drift``."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

import sgdsde as sg
from sgdsde.plotting import Figure, convergence_chart
from sgdsde.statistics import Estimate, Order, fit_order, mean
from validation.check import Check
from validation.context import Context
from validation.laws.orders_of_batches import NO_SLOPE, SCENES, Scene, at_zero, part_without_slopes
from validation.laws.reshuffled_valley import NOTHING, SHORT
from validation.measure import order_check, whole

#: Learning rates from which the limit is taken, and what it is known to.
RATES, KNOWN = np.array([0.04, 0.02, 0.01, 0.005]), 1e-3
#: Epochs up to s = 1 of the mean that is also simulated.
SIMULATED = 16
EQUATIONS = {"with Tr F": 1.0, "without Tr F": 0.0, "c 10 % too small": 0.9}


def parts(name: str, scene: Scene) -> Iterator[Check]:
    """What part of the drift an epoch has in the limit of small ε, by all courses that it may take."""
    found = {
        sampling: at_zero(RATES, np.array([scene.part(rate, sampling) for rate in RATES]))
        for sampling in ("reshuffle", "without_replacement")
    }
    label, b = "part of (ε/4) c ∂Tr F in an epoch, ε → 0", scene.batch
    rivals = {NOTHING: 0.0, "1/B for c": 1 / b / (1 / b - 1 / scene.n_examples)}
    yield Check(f"{label}, reshuffled, {name}", 1.0, found["reshuffle"], 0.0, rivals, KNOWN)
    fresh = found["without_replacement"]
    yield Check(f"{label}, fresh batches, {name}", 0.0, fresh, 0.0, {SHORT: 1.0}, KNOWN, scale=1.0)


def orders(scene: Scene, epochs: tuple[int, ...]) -> dict[str, Order]:
    """Orders in ε of the distance of E ω from flows at s = 1."""
    rates = [1 / (scene.updates * count) for count in epochs]
    means = [scene.mean(rate, count) for rate, count in zip(rates, epochs, strict=True)]
    return {
        equation: fit_order(
            rates,
            [
                float(np.linalg.norm(found - scene.flow(rate, count, share)))
                for rate, count, found in zip(rates, epochs, means, strict=True)
            ],
            0.0,
            next_power=1.0,
        )
        for equation, share in EQUATIONS.items()
    }


def order_checks(name: str, orders: dict[str, Order]) -> Iterator[Check]:
    yield order_check(f"order of the flow with Tr F, {name}", 2, orders["with Tr F"], {"order 1": 1})
    yield order_check(f"order of the flow without Tr F, {name}", 1, orders["without Tr F"], {"order 2": 2})
    yield order_check(f"order 2 of the flow with c 10 % too small, {name}", 2, orders["c 10 % too small"], {})


def without_slopes() -> Check:
    found = at_zero(RATES, np.array([part_without_slopes(rate) for rate in RATES]))
    label = f"part of (ε/4) c ∂Tr F in an epoch, ε → 0, noise that is no gradient, N = {NO_SLOPE.n_examples}, B = 1"
    return Check(label, -1.0, found, 0.0, {SHORT: 1.0, NOTHING: 0.0}, KNOWN)


def simulated(context: Context, paths: int) -> Check:
    """E ω at s = 1 by simulation, against the sum over all orders, as a part of what Tr F adds to the flow."""
    name, scene = next(iter(SCENES.items()))
    rate = 1 / (scene.updates * SIMULATED)
    run = sg.simulate_sgd(
        scene.landscape, scene.config(rate), list(scene.w0), scene.updates * SIMULATED, paths, examples=scene.table,
        seed=context.seed("simulated"),
    )  # fmt: skip
    plain, modified = (float(scene.flow(rate, SIMULATED, share)[0]) for share in (0.0, 1.0))
    found, unit = mean(whole(run).final[:, 0]), modified - plain
    part = Estimate((found.value - plain) / unit, found.standard_error / abs(unit))
    exact = (float(scene.mean(rate, SIMULATED)[0]) - plain) / unit
    return Check.of(f"part of Tr F in E ω at s = 1, simulated, ε = 1/{1 / rate:g}, {name}", exact, part, {NOTHING: 0.0})


def orders_figure(orders: dict[str, Order]) -> Figure:
    figure = convergence_chart(orders, error="|E ω of reshuffled SGD − flow|")
    figure.axes[0].set_xlabel("learning rate ε")
    return figure
