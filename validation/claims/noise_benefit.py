"""Smith, Elsen & De: small batches are limited by noise and large ones by curvature, and noise generalises."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict

import numpy as np

from validation.claim import Check, Drawing, Found, Told, claim
from validation.context import Context
from validation.measure import mean_and_error
from validation.mnist.images import images, mislabelled_words
from validation.mnist.noise_benefit.pictures import epochs_figure
from validation.mnist.noise_benefit.runs import Array, Runs, Size, run_all

#: α of ε_opt ∝ B^α by other laws, beside the paper's 1 at small and 0 at large B.
LAWS = {"∝ B": 1.0, "∝ √B": 0.5, "no dependence": 0.0}


@claim(dict[str, Size])
def noise_benefit(context: Context) -> Found:
    source = images(context)
    size: Size = context.size[source.name]
    runs = run_all(context, source.name, size)
    exponents = list(_exponents(runs))
    others = list(_differences(runs))
    yield from (*exponents, *others)
    few, many = size.equal
    alphas = [f"{check.measured:.3f} ± {check.standard_error:.3f}" for check in exponents]
    largest = max(best.place for best in runs.large.optima)
    told = {
        "mislabelled": mislabelled_words(size.random_share), "few": few.batch_size, "many": many.batch_size,
        "rate": few.learning_rates[0], "pooled": runs.small.dof + 1, "pooled_equal": len(runs.best(few)),
        "best": "; ".join(_listed(runs)), "alpha_small": alphas[0], "alpha_large": alphas[1],
        "last_small": size.small[-1].batch_size, "share": runs.small.optima[-1].place / largest,
    }  # fmt: skip
    yield Told(asdict(size) | told, source.notes, source.label, "; ".join(_reasons(runs, others)))
    yield Drawing("epochs", epochs_figure(runs))


def _exponents(runs: Runs) -> Iterator[Check]:
    """The exponents against the paper's."""
    for (batches, points, law), paper in zip(runs.parts(), ("∝ B", "no dependence"), strict=True):
        rivals = {name: value for name, value in LAWS.items() if name != paper}
        # Where nothing is known of an optimum on a side, the error is as wide as the grids are.
        widest = math.log(points[0].learning_rates[-1] / points[0].learning_rates[0]) / math.log(
            points[-1].batch_size / points[0].batch_size
        )
        error = min(law.standard_error, widest)
        yield Check(f"α, B = {batches}", LAWS[paper], law.exponent, error, rivals, scale=1.0, dof=law.dof)


def _differences(runs: Runs) -> Iterator[Check]:
    """Best accuracies after the epochs, and what a larger batch does for a number of updates."""
    size = runs.size
    first, last, largest = (runs.best(p) for p in (size.small[0], size.small[-1], size.large[-1]))
    b = [p.batch_size for p in (size.small[0], size.small[-1], size.large[-1], *size.equal)]
    few, many = size.equal
    after, equal = (
        f"best test accuracy after {size.epochs} epochs",
        f"after {size.updates} updates, B = {b[3]} less {b[4]}",
    )
    fallen = {"falls as at large B": float((first - largest).mean())}
    logs = [np.log(runs.best(p, "train_loss")) for p in size.equal]
    yield _difference(f"{after}, B = {b[0]} less {b[1]}", first - last, fallen)
    yield _difference(f"{after}, B = {b[1]} less {b[2]}", last - largest)
    yield _difference(f"test accuracy {equal}", runs.best(few) - runs.best(many))
    yield _difference(f"ln training loss {equal}", logs[0] - logs[1])


def _difference(label: str, pairs: Array, rivals: dict[str, float] | None = None) -> Check:
    """Of replicas that share images and initial weights."""
    return Check(label, 0.0, *mean_and_error(pairs), rivals or {}, scale=1.0, dof=len(pairs) - 1)


def _reasons(runs: Runs, others: list[Check]) -> Iterator[str]:
    """What the checks do not show: optima at the ends of their grids, and differences of the wrong sign."""
    for _, points, law in runs.parts():
        for point, best in zip(points, law.optima, strict=True):
            if best.place in (point.learning_rates[0], point.learning_rates[-1]):
                yield f"the best ε is at an end of the grid at B = {point.batch_size}"
    yield from (f"not positive: {check.label}" for check in others[1:] if check.measured <= 0)


def _listed(runs: Runs) -> Iterator[str]:
    for _, points, law in runs.parts():
        for point, best in zip(points, law.optima, strict=True):
            low, high = best.interval
            yield f"{best.place:.2g} ({low:.2g} to {high:.2g}) at B = {point.batch_size}"
