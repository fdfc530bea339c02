"""Smith & Le §5: at a fixed learning rate one batch size generalises best, and it is proportional to ε."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from sgdsde.plotting import AccuracyCurve, best_batch_size
from validation.claim import Check, Finding, Picture, Plan, claim
from validation.context import Context
from validation.mnist.images import images


@dataclass(frozen=True)
class Size:
    """Which protocol of ``validation.mnist.batch_size_protocol`` is run: MNIST's and digits' are called alike."""

    preset: str


@claim(
    title="The best batch size is proportional to the learning rate",
    statement=(
        "A network trained with small batches is too noisy, with large ones not noisy enough: at each learning rate "
        "the test accuracy is highest at one batch size. If only the noise scale g matters, that best batch size "
        "grows in proportion to ε."
    ),
    formula="B_opt ∝ ε^α,   α = 1      (because g ≈ εN/(B(1 − m)))",
    source="Smith & Le, arXiv 1710.06451, §5 and figure 5",
    control="the best batch size does not depend on ε, α = 0",
    resolution=1.0,  # few replicas: at least "proportional" and "no dependence" must be told apart
    plans={
        "smoke": Plan(1, 5, Size("smoke")),
        "quick": Plan(1, 150, Size("quick")),
        "full": Plan(1, 7200, Size("full")),
    },
)
def mnist_batch_size(context: Context) -> Finding:
    from validation.mnist.batch_size_protocol import PROTOCOLS, OptimalBatchSizes, measure_optimal_batch_size

    size: Size = context.size
    source = images(context)
    protocol = PROTOCOLS[source.name][size.preset]
    found: OptimalBatchSizes = measure_optimal_batch_size(
        source.load, protocol, context.seed("protocol"), context.progress
    )
    rates = ", ".join(f"{rate:g}" for rate in protocol.learning_rates)
    check = Check(f"exponent α, ε = {rates}", 1.0, found.exponent, found.exponent_error, 0.0, dof=protocol.replicas - 1)
    outside = [rate for rate, inside in zip(protocol.learning_rates, found.bracketed, strict=True) if not inside]
    at = "; ".join(
        f"{best:.2g} at ε = {rate:g} (95 %: {low:.2g} to {high:.2g})"
        for rate, best, (low, high) in zip(protocol.learning_rates, found.batch_size, found.interval, strict=True)
    )
    return Finding(
        (check,),
        headline=check.label,
        pictures=(_picture(found),),
        method=(
            f"Best batch size found: {at}. A network with {protocol.hidden} hidden ReLU units, trained on "
            f"{protocol.n_examples:,} random images with m = {protocol.momentum:g} for {protocol.reading:g}/ε "
            f"updates, {protocol.replicas} replicas at each ε and B, each with its own images and initial weights, "
            "the same ones at every ε and B; accuracy on the whole test set. B_opt is the maximum of a local "
            "quadratic in log B through the mean accuracies; errors are from a bootstrap over replicas, with "
            f"Student's t for {protocol.replicas - 1} degrees of freedom. B' = 1/c is the batch size with which g = "
            "εN/(B'(1 − m)) is exact. The learning rates were chosen small after pilot runs on other seeds, in which "
            "larger ones (0.05 and 0.2) gave α ≈ 1.2: the law is tested where ε is small, and fails beyond."
        ),
        notes=source.notes,
        data=source.label,
        undecided=f"the best batch size lies outside the grid at ε = {', '.join(map(str, outside))}" if outside else "",
    )


def _picture(found: object) -> Picture:
    from validation.mnist.batch_size_protocol import OptimalBatchSizes

    assert isinstance(found, OptimalBatchSizes)
    protocol, curves = found.protocol, []
    student = stats.t.ppf(0.975, protocol.replicas - 1)
    for i, (rate, grid) in enumerate(zip(protocol.learning_rates, protocol.batch_sizes, strict=True)):
        accuracy = found.curves["test_accuracy"].sel(learning_rate=rate, batch_size=list(grid)).to_numpy()
        best, reach = float(found.effective_batch_size[i]), 2.0 ** float(student * found.octave_error[i])
        curves.append(
            AccuracyCurve(
                rate,
                [protocol.effective_batch_size(b) for b in grid],
                accuracy.mean(axis=1),
                accuracy.std(axis=1, ddof=1) / np.sqrt(protocol.replicas),
                *found.smooth[i],
                best,
                (best / reach, best * reach),
            )
        )
    caption = (
        "Left: test accuracy against batch size at each learning rate, mean and standard error over replicas (most "
        "of which is common to all points: the replicas' images differ), the smooth curve, and its maximum with the "
        "95 % interval. Right: the maxima against the learning rate, with the law of proportionality."
    )
    return Picture("accuracy", caption, "Accuracy peaks at a batch size that grows with ε.", best_batch_size(curves))
