"""Smith, Elsen & De: small batches are limited by noise and large ones by curvature, and noise generalises."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from validation.claim import Check, Drawing, Found, claim
from validation.context import Context
from validation.measure import exponent_check, mean_check
from validation.mnist.images import images
from validation.mnist.networks import told
from validation.mnist.noise_benefit import Runs, Size, epochs_figure, run_all
from validation.mnist.rates import at_ends, widest

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
    facts = {
        "few": few.batch_size, "many": many.batch_size, "rate": few.learning_rates[0], "pooled": runs.small.dof + 1,
        "pooled_equal": len(runs.best(few)), "best": "; ".join(_listed(runs)), "alpha_small": alphas[0],
        "alpha_large": alphas[1], "last_small": size.small[-1].batch_size,
        "share": runs.small.optima[-1].place / largest,
    }  # fmt: skip
    yield told(context, source, size, facts, undecided="; ".join(_reasons(runs, others)))
    yield Drawing("epochs", epochs_figure(runs))


def _exponents(runs: Runs) -> Iterator[Check]:
    """The exponents against the paper's."""
    for (batches, points, law), paper in zip(runs.parts(), ("∝ B", "no dependence"), strict=True):
        rivals = {name: value for name, value in LAWS.items() if name != paper}
        most = widest(points[0], points[0].batch_size, points[-1].batch_size)
        yield exponent_check(f"α, B = {batches}", LAWS[paper], law, rivals, most=most, scale=1.0)


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
    yield mean_check(f"{after}, B = {b[0]} less {b[1]}", first - last, fallen)
    yield mean_check(f"{after}, B = {b[1]} less {b[2]}", last - largest)
    yield mean_check(f"test accuracy {equal}", runs.best(few) - runs.best(many))
    yield mean_check(f"ln training loss {equal}", logs[0] - logs[1])


def _reasons(runs: Runs, others: list[Check]) -> Iterator[str]:
    """What the checks do not show: optima at the ends of their grids, and differences of the wrong sign."""
    for _, points, law in runs.parts():
        for number in at_ends(points, law):
            yield f"the best ε is at an end of the grid at B = {points[number].batch_size}"
    yield from (f"not positive: {check.label}" for check in others[1:] if check.measured <= 0)


def _listed(runs: Runs) -> Iterator[str]:
    for _, points, law in runs.parts():
        for point, best in zip(points, law.optima, strict=True):
            low, high = best.interval
            yield f"{best.place:.2g} ({low:.2g} to {high:.2g}) at B = {point.batch_size}"
