"""SGD with independent batches against its SDE at N = 1000, down to a low training loss, by ε and width."""

from __future__ import annotations

from validation.claim import Drawing, Found, Told, claim
from validation.context import Context
from validation.mnist.images import images
from validation.mnist.sde.grid import FRESH, Size
from validation.mnist.sde.grid_checks import checks
from validation.mnist.sde.grid_notes import facts, notes
from validation.mnist.sde.grid_pictures import rates_figure, runs_figure
from validation.mnist.sde.grid_runs import run_all
from validation.protocol import read

PROTOCOL = read("mnist_sde_low_loss")


@claim(dict[str, Size], protocol=PROTOCOL)
def mnist_sde_low_loss(context: Context) -> Found:
    source = images(context)
    size: Size = context.size[source.name]
    runs = run_all(context, source.name, size, FRESH)
    made = list(checks(runs))
    yield from made
    yield Told(facts(runs), (*source.notes, *notes(runs, made, PROTOCOL)), source.label)
    (row,) = size.rows
    yield Drawing("rates", rates_figure(runs, row, PROTOCOL))
    yield Drawing("runs", runs_figure(runs, row, max(size.widths)))
