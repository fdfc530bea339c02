"""Smith, Dherin, Barrett & De: the mean of reshuffled SGD goes down (ε/4) c Tr F; fresh batches do not bring that."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from validation.claim import Check, Drawing, Found, Told, claim
from validation.context import Context
from validation.laws import drift_of_orders as orders
from validation.laws import reshuffled_valley as valley
from validation.laws.orders_of_batches import SCENES
from validation.laws.reshuffled_valley import NOTHING, SHORT, TWICE, Case, Drift


@dataclass(frozen=True)
class Size:
    """How many scenes, epochs up to s = 1 of each ε, lengths of the valley's epochs, and paths.

    ``fresh`` is of independent batches and Brownian motion, whose x swings further.
    """

    scenes: int
    epochs: tuple[int, ...]
    lengths: tuple[float, ...]
    paths: int
    fresh: int
    sde: int
    simulated: int


@claim(Size)
def reshuffled_drift(context: Context) -> Found:
    size: Size = context.size
    charts = {}
    for name, scene in list(SCENES.items())[: size.scenes]:
        yield from orders.parts(name, scene)
        charts[name] = orders.orders(scene, size.epochs)
        yield from orders.order_checks(name, charts[name])
    yield orders.without_slopes()
    yield orders.simulated(context, size.simulated)
    drifts: dict[tuple[str, float], Drift] = {}
    for length in size.lengths:
        drifts["SGD, reshuffled", length] = found = valley.sgd(
            Case(length), size.paths, context.seed("reshuffled", length)
        )
        rivals = {NOTHING: 0.0, SHORT: 1.0}
        yield Check.of(f"drift of reshuffled SGD, εhN/B = {length:g}", valley.of_sgd(length), found.rate, rivals)
    yield from _equations(context, size, drifts)
    yield Told({"rate": valley.RATE, "batch": valley.BATCH, "n": valley.N, "looked": valley.EPOCHS})
    yield Drawing("valley", valley.figure(drifts, np.array(size.lengths)))
    yield Drawing("orders", orders.orders_figure(charts[next(iter(charts))]))


def _equations(context: Context, size: Size, drifts: dict[tuple[str, float], Drift]) -> Iterator[Check]:
    """What does not drift, and what the SDEs do, on the loss as it is and on the modified ones."""
    shortest, near, far = size.lengths[0], valley.NEAR, valley.FAR
    for length in (near, far):
        fresh = valley.sgd(Case(length, "without_replacement"), size.fresh, context.seed("fresh", length))
        drifts["SGD, fresh batches", length] = fresh
        own = {SHORT: valley.of_sgd(length)}
        yield Check.of(f"drift of SGD with fresh batches, εhN/B = {length:g}", 0.0, fresh.rate, own, scale=1.0)
        bridged = valley.sde(Case(length), "epoched", None, size.sde, context.seed("bridges", length))
        drifts["SDE, bridges", length] = bridged
        rivals = {NOTHING: 0.0, TWICE: valley.of_bridges(length) + 1}
        label = f"drift of the SDE with bridges, εhN/B = {length:g}"
        yield Check.of(label, valley.of_bridges(length), bridged.rate, rivals)
    brownian = valley.sde(Case(near), "brownian", None, size.fresh, context.seed("Brownian"))
    drifts["SDE, Brownian motion", near] = brownian
    yield Check.of(
        f"drift of the SDE of Brownian motion, εhN/B = {near:g}", 0.0, brownian.rate, {SHORT: 1.0}, scale=1.0
    )
    modified = valley.sde(Case(far), "brownian", "brownian", size.fresh, context.seed("modified"))
    label = f"drift of the SDE of Brownian motion on the modified loss, εhN/B = {far:g}"
    yield Check.of(label, 1.0, modified.rate, {NOTHING: 0.0, "SGD's": valley.of_sgd(far)})
    label = f"drift of reshuffled SGD is that of the modified loss, εhN/B = {far:g}"
    yield Check.of(label, 1.0, drifts["SGD, reshuffled", far].rate, {})
    corrected = valley.sde(Case(shortest), "epoched", "epoched", size.sde, context.seed("corrected"))
    rivals = {"Tr F of the bridges alone": valley.of_bridges(shortest), TWICE: valley.of_bridges(shortest) + 1}
    label = f"drift of the SDE with bridges on the loss of modified_for, εhN/B = {shortest:g}"
    yield Check.of(label, valley.of_sgd(shortest), corrected.rate, rivals)
