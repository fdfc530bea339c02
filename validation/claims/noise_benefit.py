"""Smith, Elsen & De: small batches are limited by noise and large ones by curvature, and noise generalises."""

from __future__ import annotations

import numpy as np

from validation.claim import Check, Finding, claim
from validation.context import Context
from validation.measure import mean_and_error
from validation.mnist.images import images, mislabelled_words
from validation.mnist.noise_benefit.pictures import epochs_picture
from validation.mnist.noise_benefit.protocol import PROTOCOLS, Measured, Point, measure
from validation.mnist.optimum import Optima
from validation.sizes import plans


@claim(
    title="The best learning rate grows with small batches, and hardly with large ones",
    statement=(
        "For a number of epochs and small B, where noise limits the learning rate, the best ε grows with B, in the "
        "paper in proportion and here a little more slowly, and the best test accuracy does not depend on B. Where "
        "curvature limits ε, the best ε hardly grows any more, and the accuracy falls with B. For a number of updates "
        "at the same ε the larger batch generalises worse, although it has seen more examples and its training loss is "
        "lower."
    ),
    formula="ε_opt ∝ B^α,   0 < α ≤ 1 at small B,   α < 1 at large B;   best accuracy(B) = constant at small B",
    source="Smith, Elsen & De, arXiv 2006.15081, §2–4",
    plans=plans("noise_benefit"),
)
def noise_benefit(context: Context) -> Finding:
    source = images(context)
    protocol = PROTOCOLS[source.name][context.preset]
    found = measure(context, protocol, source, context.progress)
    checks = _checks(found)
    few, many = protocol.equal
    return Finding(
        tuple(checks),
        headline=checks[2].label,
        pictures=(epochs_picture(found),),
        method=(
            f"Best ε: {_listed(protocol.small, found.small)}; {_listed(protocol.large, found.large)} (with 95 % "
            f"intervals). A network with {protocol.hidden} hidden ReLU units, trained without momentum on "
            f"{protocol.n_examples} random images{mislabelled_words(protocol.random_share)} for {protocol.epochs} "
            "epochs; ε is constant for half the updates and then halved after every twentieth, as in the paper. "
            f"{protocol.replicas} replicas at each ε and B, each "
            "with its own images and initial weights, the same ones everywhere. The best ε is the maximum of a local "
            "quadratic in log ε through the mean accuracies, its error from a bootstrap over replicas, with Student's "
            f"t for {protocol.replicas - 1} degrees of freedom. For {protocol.updates} updates: B = {few.batch_size} "
            f"and {many.batch_size} at ε = {few.learning_rates[0]:g}, {protocol.replicas_of_equal} replicas. Accuracy "
            "is on the whole test set. Grids and sizes were chosen after pilot runs on other seeds."
        ),
        notes=(
            f"At B = {protocol.large[0].batch_size} to {protocol.large[-1].batch_size} the exponent is "
            f"{found.large.exponent:.2f} ± {found.large.exponent_error:.2f}; the paper's is 0.",
            f"Between B = {protocol.small[0].batch_size} and {protocol.small[-1].batch_size} the exponent is "
            f"{found.small.exponent:.2f} ± {found.small.exponent_error:.2f}. Where it is below 1, curvature limits ε "
            f"already: at B = {protocol.small[-1].batch_size} the best ε is "
            f"{found.small.place[-1] / found.large.place.max():.0%} of the largest best one.",
            *source.notes,
        ),
        data=source.label,
        undecided=_undecided(found, [checks[0], *checks[3:]]),
    )


def _checks(found: Measured) -> list[Check]:
    protocol = found.protocol
    dof = protocol.replicas - 1
    small, large = (", ".join(str(p.batch_size) for p in part) for part in (protocol.small, protocol.large))
    first, last, largest = (found.best(found.runs[p]) for p in (*_ends(protocol.small), protocol.large[-1]))
    fallen, _ = mean_and_error(first - largest)
    few, many = (found.best(run) for run in found.equal)
    losses = [found.best(run, "train_loss") for run in found.equal]
    b = [point.batch_size for point in (*_ends(protocol.small), protocol.large[-1], *protocol.equal)]
    return [
        Check(
            f"α, B = {small}, not 0", 0.0, found.small.exponent, found.small.exponent_error,
            scale=1.0, dof=dof,
        ),
        Check(
            f"α, B = {large}, not 1", 1.0, found.large.exponent, found.large.exponent_error, dof=dof
        ),
        Check(
            f"best test accuracy after {protocol.epochs} epochs, B = {b[0]} less {b[1]}", 0.0,
            *mean_and_error(first - last), {"falls as at large B": fallen}, scale=1.0, dof=dof,
        ),
        Check(
            f"best test accuracy after {protocol.epochs} epochs, B = {b[1]} less {b[2]}", 0.0,
            *mean_and_error(last - largest), scale=1.0, dof=dof,
        ),
        Check(
            f"test accuracy after {protocol.updates} updates, B = {b[3]} less {b[4]}", 0.0,
            *mean_and_error(few - many), scale=1.0, dof=protocol.replicas_of_equal - 1,
        ),
        Check(
            f"ln training loss after {protocol.updates} updates, B = {b[3]} less {b[4]}", 0.0,
            *mean_and_error(np.log(losses[0] / losses[1])), scale=1.0,
            dof=protocol.replicas_of_equal - 1,
        ),
    ]  # fmt: skip


def _ends(points: tuple[Point, ...]) -> tuple[Point, Point]:
    return points[0], points[-1]


def _undecided(found: Measured, falls: list[Check]) -> str:
    """What the checks do not show: maxima at the edge of a grid, and differences of the wrong sign."""
    inside = [*found.small.bracketed, *found.large.bracketed]
    points = [*found.protocol.small, *found.protocol.large]
    reasons = [
        f"the best ε lies outside the grid at B = {p.batch_size}"
        for p, ok in zip(points, inside, strict=True)
        if not ok
    ]
    if found.large.exponent > 0.5:
        reasons.append(f"the best ε grows as B^{found.large.exponent:.2f} at large B")
    reasons += [f"not positive: {check.label}" for check in falls if check.measured <= 0]
    return "; ".join(reasons)


def _listed(points: tuple[Point, ...], best: Optima) -> str:
    return "; ".join(
        f"{place:.2g} ({low:.2g} to {high:.2g}) at B = {point.batch_size}"
        for point, place, (low, high) in zip(points, best.place, best.interval, strict=True)
    )
