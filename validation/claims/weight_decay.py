"""Smith & Le: weight decay closes the gap between the best and the largest batches."""

from __future__ import annotations

import math
from collections.abc import Iterator

from validation.claim import Check, Drawing, Found, claim
from validation.context import Context
from validation.measure import UNKNOWN, mean_check
from validation.mnist.images import images
from validation.mnist.networks import told
from validation.mnist.weight_decay import Runs, Size, decay_figure, run_all

#: By what factors of B_opt the noise scale alone would be wrong.
MOVED = {"half as large": -math.log(2), "twice as large": math.log(2)}


@claim(dict[str, Size])
def weight_decay(context: Context) -> Found:
    source = images(context)
    size: Size = context.size[source.name]
    runs = run_all(context, source.name, size)
    yield from _gaps(runs)
    yield from _places(runs)
    losses = {decay: run["train_loss"].mean("replica").to_numpy()[-1] for decay, run in runs.found.items()}
    facts = {
        "few": size.batch_sizes[0], "many": size.batch_sizes[-1], "k": size.updates,
        "lambdas": ", ".join(f"{decay:g}" for decay in size.decays),
        "left": ", ".join(f"{math.exp(-decay * size.time):.2g}" for decay in size.decays),
        "found": "; ".join(_listed(runs)),
        "losses": ", ".join(f"{loss:.2g} at λ = {decay:g}" for decay, loss in losses.items()),
    }  # fmt: skip
    yield told(context, source, size, facts)
    yield Drawing("accuracy", decay_figure(runs))


def _listed(runs: Runs) -> Iterator[str]:
    """The highest mean accuracy, and that of the largest batches."""
    for decay in runs.found:
        mean = runs.accuracy(decay).mean(axis=1)
        yield f"{mean.max():.3f} at B = {runs.best(decay)}, {mean[-1]:.3f} at the largest, λ = {decay:g}"


def _gaps(runs: Runs) -> Iterator[Check]:
    """The gap with each λ, against none; and what each λ takes from the gap without."""
    last, without = runs.size.batch_sizes[-1], runs.gaps(0.0)
    for decay in runs.found:
        label = f"gap, λ = {decay:g}: accuracy at the best B less that at B = {last}"
        yield mean_check(label, runs.gaps(decay), {"as without weight decay": float(without.mean())} if decay else {})
    for decay in runs.size.decays:
        yield mean_check(f"gap without weight decay less that at λ = {decay:g}", without - runs.gaps(decay))


def _places(runs: Runs) -> Iterator[Check]:
    """How far the best batch size has moved from where it is without decay."""
    for decay, law in runs.moves.items():
        label = f"ln of the best B over that without weight decay, λ = {decay:g}"
        moved, error = math.log(2) * law.exponent, min(math.log(2) * law.standard_error, UNKNOWN)
        yield Check(label, 0.0, moved, error, MOVED, scale=1.0, dof=law.dof)
