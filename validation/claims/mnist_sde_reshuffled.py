"""Reshuffled SGD against the SDE that epoched Brownian motion drives, at N = 1000, by ε, ε/B and width."""

from __future__ import annotations

from validation.claim import Drawing, Found, Told, claim
from validation.context import Context
from validation.mnist.images import images
from validation.mnist.sde.grid import SHUFFLED, Size
from validation.mnist.sde.grid_checks import checks
from validation.mnist.sde.grid_notes import facts, notes
from validation.mnist.sde.grid_pictures import rates_figure, runs_figure
from validation.mnist.sde.grid_runs import run_all
from validation.protocol import read

PROTOCOL = read("mnist_sde_reshuffled")


@claim(dict[str, Size], protocol=PROTOCOL)
def mnist_sde_reshuffled(context: Context) -> Found:
    source = images(context)
    size: Size = context.size[source.name]
    runs = run_all(context, source.name, size, SHUFFLED)
    made = list(checks(runs))
    yield from made
    yield Told(facts(runs), (*source.notes, *notes(runs, made, PROTOCOL)), source.label)
    for name, row in zip(("strong", "weak"), size.rows, strict=True):
        yield Drawing(name, rates_figure(runs, row, PROTOCOL))
    yield Drawing("runs", runs_figure(runs, size.rows[0], max(size.widths)))
