"""Kühn & Rosenow on a network: reshuffled SGD spreads much less along flat directions, as an epoched SDE has it."""

from __future__ import annotations

from validation.claim import Drawing, Found, claim
from validation.context import Context
from validation.mnist.directions import FLAT, INDEPENDENT, SDE, SGD, STEEP, Size, checks, figure, run_all
from validation.mnist.images import images
from validation.mnist.networks import told


@claim(dict[str, Size])
def flat_directions(context: Context) -> Found:
    source = images(context)
    size: Size = context.size[source.name]
    runs = run_all(context, source.name, size)
    yield from checks(runs)
    steep, flat = ((runs.lengths > STEEP).sum(axis=1), (runs.lengths < FLAT).sum(axis=1))
    facts = {
        "temperature": f"1/{round(size.batch_size / size.learning_rate)}", "flat": FLAT, "steep": STEEP,
        "counts": f"{flat.min()} to {flat.max()} flat ones and {steep.min()} to {steep.max()} steep ones",
        "time": size.trained * size.trained_rate, "longest": f"{runs.lengths.max():.2g}",
        "flatter": f"{runs.along(SGD, False).mean() / runs.along(INDEPENDENT, False).mean():.2g}",
        "steeper": f"{runs.along(SGD, True).mean() / runs.along(INDEPENDENT, True).mean():.2g}",
        "of_sde": f"{runs.along(SDE, False).mean() / runs.along(INDEPENDENT, False).mean():.2g}",
    }  # fmt: skip
    yield told(context, source, size, facts)
    yield Drawing("spread", figure(runs))
