"""A network under SGD, SVAG, noisy gradient descent and the SDE: where they agree, and where not."""

from __future__ import annotations

from dataclasses import asdict

from validation.claim import Drawing, Found, Told, claim
from validation.context import Context
from validation.mnist.images import images
from validation.mnist.sde.checks import checks, distances_from_sde, rate_notes
from validation.mnist.sde.pictures import rates_figure, runs_figure
from validation.mnist.sde.runs import NOISY, SGD, SVAG, Size, run_all


@claim(dict[str, Size])
def mnist_sde(context: Context) -> Found:
    source = images(context)
    size: Size = context.size[source.name]
    runs = run_all(context, source.name, size)
    yield from checks(runs)
    distances = {
        name: distances_from_sde(runs, name, context.seed("permutations", name)) for name in (SGD, SVAG, NOISY)
    }
    told = {
        "smallest": size.smallest,
        "svag": size.label(SVAG, size.smallest),
        "seeds": runs.seeds,
        "wrong_batch": size.batch_size * 2 // 3,
        "read": ", ".join(f"{time:g}" for time in size.times),
    }
    yield Told(asdict(size) | told, (*source.notes, *rate_notes(runs, distances)), source.label)
    yield Drawing("runs", runs_figure(runs))
    yield Drawing("rates", rates_figure(runs, distances))
