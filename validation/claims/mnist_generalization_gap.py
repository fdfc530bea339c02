"""Smith & Le, figures 3 and 4: test accuracy has an optimum between small and large batches."""

from __future__ import annotations

from validation.claim import Check, Finding, claim
from validation.context import Context
from validation.measure import mean_and_error
from validation.mnist.images import images
from validation.sizes import plans

#: Pairs of equal noise scale that are compared, those of the largest batches.
PAIRS = 6


@claim(
    title="Small and large batches generalise worse than one between, by what the noise scale says",
    statement=(
        "A network trained equally long with the batch size B classifies test images best at one B. Below it the noise "
        "keeps it from fitting; above it, it fits all training images and generalises worse: the generalisation gap. "
        "If the noise scale is what matters, a learning rate four times smaller with batches four "
        "times smaller has the same accuracy."
    ),
    formula="accuracy(ε, B) = accuracy(ε/4, B/4)      (because g ≈ εN/(B(1 − m)))",
    source="Smith & Le, arXiv 1710.06451, §5 and figures 3 and 4; Keskar et al., arXiv 1609.04836",
    plans=plans("mnist_generalization_gap"),
)
def mnist_generalization_gap(context: Context) -> Finding:
    from validation.mnist.rules import finding, pictures
    from validation.mnist.rules.curves import VARIABLES, measure
    from validation.mnist.rules.protocols import PROTOCOLS

    source, variable = images(context), VARIABLES["learning_rate"]
    found = measure(context, source, PROTOCOLS[source.name][context.preset], "learning_rate", variable)
    small, base = found.curves[0], found.curves[-1]
    accuracy, slow = found.accuracy(-1), found.accuracy(0)
    pairs = [(i, base.batch_sizes.index(4 * b)) for i, b in enumerate(small.batch_sizes) if 4 * b in base.batch_sizes]
    chosen, best = max(pairs, key=lambda pair: slow[pair[0]].mean())
    checks, dof = [], found.protocol.replicas - 1
    for i, j in pairs[-PAIRS:]:
        label = f"accuracy at ε = {base.learning_rate:g}, B = {base.batch_sizes[j]}"
        _, error = mean_and_error(accuracy[j] - slow[i])
        checks.append(Check(label, slow[i].mean(), accuracy[j].mean(), error, {"no gap": slow[chosen].mean()}, dof=dof))
    ends = [(base.batch_sizes[k], *mean_and_error(accuracy[best] - accuracy[k])) for k in (0, -1)]
    gaps = " and ".join(f"{gap:.4f} ± {error:.4f} better than at B = {b}" for b, gap, error in ends)
    loss = found.runs[-1].train_loss.isel(reading=-1).mean("replica").to_numpy()
    note = (
        f"At B = {base.batch_sizes[best]} the accuracy is {gaps} (standard errors, paired by replica). Training loss "
        f"at T = {found.protocol.time:g}: {loss[0]:.2g} at B = {base.batch_sizes[0]}, {loss[best]:.2g} at B = "
        f"{base.batch_sizes[best]}, {loss[-1]:.2g} at B = {base.batch_sizes[-1]}."
    )
    return Finding(
        tuple(checks),
        headline=checks[-1].label,
        pictures=pictures.pictures(found),
        method=(
            f"{finding.method(found, variable)} Predicted for (ε, B) is what was measured at (ε/4, B/4), and "
            f"errors are of the difference, paired by replica. B = {base.batch_sizes[best]} is the best at the other "
            "learning rate."
        ),
        notes=(note, *source.notes),
        data=source.label,
    )
