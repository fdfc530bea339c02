"""Smith & Le, figures 3 and 4: test accuracy has an optimum between small and large batches."""

from __future__ import annotations

from validation.claim import Check, Finding, Plan, claim
from validation.context import Context
from validation.mnist.images import images


@claim(
    title="Small and large batches generalise worse than one between, by what the noise scale says",
    statement=(
        "A network trained equally long with the batch size B classifies test images best at one B. Below it the noise "
        "keeps it from fitting; above it, it fits the training images as well or better and generalises worse: the "
        "generalisation gap. If the noise scale is what matters, a learning rate four times smaller has the same gap "
        "with batches four times smaller."
    ),
    formula="gap(g) = accuracy at B_opt − accuracy at B = εN/(g(1 − m)),   the same at ε and ε/4",
    source="Smith & Le, arXiv 1710.06451, §5 and figures 3 and 4; Keskar et al., arXiv 1609.04836",
    control="there is no gap, 0",
    resolution=1.0,  # that there is a gap, of about that size
    plans={"smoke": Plan(3, 3), "quick": Plan(3, 90), "full": Plan(3, 1200)},
)
def mnist_generalization_gap(context: Context) -> Finding:
    from validation.mnist import gap_pictures, rule_finding
    from validation.mnist.protocols import PROTOCOLS
    from validation.mnist.rules import VARIABLES, measure

    source, variable = images(context), VARIABLES["learning_rate"]
    found = measure(context, source, PROTOCOLS[source.name][context.preset], "learning_rate", variable)
    small, base = found.curves[0], found.curves[-1]
    accuracy, slow = found.accuracy(-1), found.accuracy(0)
    pairs = [(i, base.batch_sizes.index(4 * b)) for i, b in enumerate(small.batch_sizes) if 4 * b in base.batch_sizes]
    best = max(pairs, key=lambda pair: slow[pair[0]].mean())  # chosen by the other learning rate's accuracies
    i, j = pairs[-1]
    predicted, gap = slow[best[0]] - slow[i], accuracy[best[1]] - accuracy[j]
    best_size, last_size = base.batch_sizes[best[1]], base.batch_sizes[j]
    label = f"accuracy at B = {best_size} minus at B = {last_size}, ε = {base.learning_rate:g}"
    equal = rule_finding.paired(label, gap - predicted, 0.0, 0.0, 1.0)
    check = Check(
        f"{label}, and ε/4 with B/4", float(predicted.mean()), float(gap.mean()), equal.standard_error, 0.0,
        dof=equal.dof,
    )  # fmt: skip
    outer = [
        Check(
            f"accuracy at B = {best_size} minus at B = {base.batch_sizes[k]}, not 0",
            0.0,
            (each := rule_finding.paired("", accuracy[best[1]] - accuracy[k], 0.0, 0.0, 1.0)).measured,
            each.standard_error,
            0.0,
            "different",
            scale=1.0,
            dof=each.dof,
        )
        for k in (0, len(base.batch_sizes) - 1)
    ]
    loss = found.runs[-1].train_loss.isel(reading=-1).mean("replica").to_numpy()
    note = (
        f"Training loss at T = {found.protocol.time:g}: {loss[0]:.2g} at B = {base.batch_sizes[0]}, "
        f"{loss[best[1]]:.2g} at B = {base.batch_sizes[best[1]]}, {loss[-1]:.2g} at B = {base.batch_sizes[-1]}."
    )
    return Finding(
        (check, *outer),
        headline=check.label,
        pictures=gap_pictures.pictures(found),
        method=(
            f"{rule_finding.method(found, variable)} Differences are paired by replica; B at which they are taken is "
            "that of the highest accuracy at the other learning rate."
        ),
        notes=(note, *source.notes),
        data=source.label,
    )
