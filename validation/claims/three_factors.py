"""Three Factors: ε/B decides how sharp the minimum is that SGD finds, and ε and B may be exchanged."""

from __future__ import annotations

from validation.claim import Finding, claim
from validation.context import Context
from validation.mnist.images import images
from validation.sizes import plans


@claim(
    title="Sharpness falls with ε/B, and is hardly changed where ε and B double together",
    statement=(
        "Where training losses are equal, the network that was trained at a larger ε/B has the smaller largest "
        "eigenvalue and trace of the Hessian. Doubling ε and B together leaves sharpness, the way to that loss and "
        "test accuracy nearly as they were, while ε alone changes the first two by far more; scaled too far, training "
        "fails. A cycle of B does what a cycle of ε does. At larger ε/B fewer random labels are learnt by the "
        "same Σ ε(k), and at equal loss the network is less sharp. That fewer are learnt at equal training accuracy, "
        "or that it generalises better where as many are learnt, as the paper has it, is not claimed: the notes have "
        "the measured slopes."
    ),
    formula="d ln λ_max / d ln(ε/B) < 0,   (ε, B) → (βε, βB) changes nothing at small ε",
    source="Jastrzębski et al., Three Factors Influencing Minima in SGD, arXiv 1711.04623, §4",
    plans=plans("three_factors"),
)
def three_factors(context: Context) -> Finding:
    from validation.mnist.three_factors.checks import PARTS, measured, memory_notes
    from validation.mnist.three_factors.pictures import pictures
    from validation.mnist.three_factors.protocol import PROTOCOLS

    source = images(context)
    plan = PROTOCOLS[source.name][context.preset]
    found = measured(context, source.name, plan)
    checks = tuple(check for part in PARTS for check in part(found))
    missing = found.missing()
    return Finding(
        checks,
        headline=next(check.label for check in checks if check.rivals),
        pictures=pictures(found),
        method=(
            f"A network with {plan.hidden} hidden ReLU units, trained without momentum on {plan.n_examples:,} random "
            f"images, {plan.replicas} replicas, each with its own images and initial weights, the same ones in every "
            f"run. B runs from {plan.scan[-1].setting[1]:g} to {plan.scan[0].setting[1]:g} at ε = "
            f"{plan.scan[0].setting[0]:g}. As the loss, and the Hessian with it, shrinks for ever once all labels are "
            f"learnt, numbers are compared at the training loss {plan.level:g} ({plan.memory_level:g} with random "
            "labels), on the straight line in ln L through the readings within a factor of 4 of it. tr H is exact; "
            "λ_max is that of Gauss and Newton's part of H, which at such a loss is within 2 % of that of H. Cycles "
            f"alternate every {plan.period // 2} examples: {plan.cycles[0]}, against {plan.cycles[1]}. Random labels "
            f"are uniform draws, right ones among them; they are compared at Σ ε(k) = {plan.early:g} and at equal "
            "loss. An effect of the wrong sign counts as none. Lengths and losses were chosen in pilot runs on other "
            "seeds, in which ε and B times 4 already had a trace 10 % lower; even times 2 lowered it by 5 % in the "
            "mean of four runs on four seeds, which none of them can tell from nothing: it is a law of small ε. The "
            "straight line replaced interpolation, which left some eigenvalues unread, after a first run at seed 0. "
            "Errors are those of differences within replicas."
        ),
        notes=(*source.notes, *(text for share in plan.memories for text in memory_notes(found, share))),
        data=source.label,
        undecided=f"some replicas did not reach the training loss of the comparison: {'; '.join(missing)}"
        if missing
        else "",
    )
