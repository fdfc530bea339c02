"""Smith & Le, figure 4: test accuracy has an optimum between small and large batches."""

from __future__ import annotations

from validation.claim import Check, Drawing, Found, Told, claim
from validation.context import Context
from validation.measure import mean_and_error
from validation.mnist.images import images
from validation.mnist.rules.curves import Size, measure
from validation.mnist.rules.law import facts, optima
from validation.mnist.rules.pictures import against_batch_size, along_training

#: Pairs of equal noise scale that are compared, those of the largest batches.
PAIRS = 6


@claim(dict[str, Size])
def mnist_generalization_gap(context: Context) -> Found:
    source = images(context)
    size: Size = context.size[source.name]
    found = measure(context, source, size, "gap")
    small, base = found.curves
    slow, accuracy = found.accuracy(0), found.accuracy(1)
    pairs = [(i, base.batch_sizes.index(4 * b)) for i, b in enumerate(small.batch_sizes) if 4 * b in base.batch_sizes]
    # By the other learning rate, so that no luck of this one is in the gaps, and between the ends that they are to.
    inner = [(i, j) for i, j in pairs if 0 < j < len(base.batch_sizes) - 1]
    chosen, best = max(inner, key=lambda pair: slow[pair[0]].mean())
    dof = accuracy.shape[1] - 1
    for i, j in pairs[-PAIRS:]:
        label = f"accuracy at ε = {base.learning_rate:g}, B = {base.batch_sizes[j]}"
        _, error = mean_and_error(accuracy[j] - slow[i])
        yield Check(label, slow[i].mean(), accuracy[j].mean(), error, {"no gap": slow[chosen].mean()}, dof=dof)
    for side, end in (("smallest", 0), ("largest", -1)):
        label = f"gap: accuracy at B = {base.batch_sizes[best]} less at the {side}, B = {base.batch_sizes[end]}"
        yield Check(label, 0.0, *mean_and_error(accuracy[best] - accuracy[end]), scale=1.0, dof=dof)
    loss = found.runs[1].train_loss.isel(reading=-1).mean("replica").to_numpy()
    losses = ", ".join(f"{loss[k]:.2g} at B = {base.batch_sizes[k]}" for k in (0, best, -1))
    told = {"found": optima(found), "best": base.batch_sizes[best], "losses": losses, "time": f"{size.time:g}"}
    yield Told(facts(size, source) | told, source.notes, source.label)
    yield Drawing("along_training", along_training(base, found.runs[1], size.updates(base)))
    yield Drawing("against_batch_size", against_batch_size(base, found.runs[1], size.updates(base)))
