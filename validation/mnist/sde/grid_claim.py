"""A grid of runs as a claim: checks, what is said of them, and figures."""

from __future__ import annotations

from collections.abc import Sequence

from validation.claim import Drawing, Found, Told
from validation.context import Context
from validation.mnist.images import images
from validation.mnist.sde.grid import Size
from validation.mnist.sde.grid_checks import checks
from validation.mnist.sde.grid_notes import facts, notes
from validation.mnist.sde.grid_pictures import rates_figure, runs_figure
from validation.mnist.sde.grid_runs import run_all
from validation.protocol import Protocol


def measured(context: Context, sampling: str, protocol: Protocol, names: Sequence[str]) -> Found:
    """SGD of this sampling against its SDE; ``names`` are those of the figures of the rows."""
    source = images(context)
    size: Size = context.size[source.name]
    runs = run_all(context, source.name, size, sampling)
    made = list(checks(runs))
    yield from made
    yield Told(facts(runs), (*source.notes, *notes(runs, made, protocol)), source.label)
    for name, row in zip(names, size.rows, strict=True):
        yield Drawing(name, rates_figure(runs, row, protocol))
    yield Drawing("runs", runs_figure(runs, size.rows[0], max(size.widths)))
