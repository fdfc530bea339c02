"""Smith & Le: by the central limit theorem the gradient noise of a batch is normal; from which B on, along training."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from validation.claim import Check, Drawing, Found, claim
from validation.context import Context
from validation.measure import mean_check
from validation.mnist.cells.normality.gradients import KINDS
from validation.mnist.images import images
from validation.mnist.networks import told
from validation.mnist.normality import VECTORS, Runs, Size, distance_figure, kurtosis_figure, run_all

NORMAL, ALONE = "normal at every B", "as at B = 1"
#: What is called told apart, in standard errors; and the excess kurtosis that is called small.
LIMIT, SMALL = 4.0, 0.5


@claim(Size)
def gradient_normality(context: Context) -> Found:
    source = images(context)
    size: Size = context.size
    runs = run_all(context, source.name, size)
    yield from _kurtoses(runs)
    yield from _distances(runs)
    losses = runs.found["train_loss"].mean("replica").to_numpy()
    stages = zip(size.stages.items(), losses, strict=True)
    facts = {
        "batches": size.draws * size.groups, "limit": LIMIT, "small": SMALL,
        "whens": ", ".join(f"{stage} ({k} updates, training loss {loss:.2g})" for (stage, k), loss in stages),
        "kappas": "; ".join(_kappas(runs)), "apart": "; ".join(_apart(runs)),
    }  # fmt: skip
    yield told(context, source, size, facts)
    yield Drawing("kurtosis", kurtosis_figure(runs))
    yield Drawing("distance", distance_figure(runs))


def _kurtoses(runs: Runs) -> Iterator[Check]:
    """Measured over 3 + κ/B: 1 by the exact law of independent draws."""
    for kind, stage, batch in runs.cases():
        ratios, normal = runs.ratios(kind, stage, batch)
        label = f"kurtosis over 3 + κ/B, {kind}, {stage}, B = {batch}"
        yield mean_check(label, ratios, {NORMAL: normal}, predicted=1.0, scale=None)


def _distances(runs: Runs) -> Iterator[Check]:
    """From normal vectors of the same covariance: 0 by the central limit theorem."""
    for kind, stage, batch in runs.cases(VECTORS):
        rivals = {ALONE: float(runs.distances(kind, stage, 1).mean())} if batch > 1 else {}
        label = f"distance from normal, {kind}, {stage}, B = {batch}"
        yield mean_check(label, runs.distances(kind, stage, batch), rivals)


def _kappas(runs: Runs) -> Iterator[str]:
    """κ, and the batch size with which κ/B is small."""
    for stage in runs.size.stages:
        for kind in KINDS:
            kappa = float(np.median(runs.excess(kind, stage)))
            yield f"{kappa:.2g} along {kind}, {stage} (below {SMALL:g} from B = {max(1, round(abs(kappa) / SMALL))})"


def _apart(runs: Runs) -> Iterator[str]:
    """From which B on vectors of batches are not told from normal ones."""
    for stage in runs.size.stages:
        for kind in VECTORS:
            batch = runs.hidden_from(kind, stage, LIMIT)
            yield f"{kind}, {stage}: " + (f"from B = {batch}" if batch else "at no B here")
