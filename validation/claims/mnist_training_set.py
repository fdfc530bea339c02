"""Smith & Le, figure 6: the best batch size grows with the training set; in proportion to it only if more is true."""

from __future__ import annotations

from validation.claim import Check, Finding, claim
from validation.context import Context
from validation.mnist.images import images
from validation.sizes import plans


@claim(
    title="The best batch size grows with the training set, more slowly than in proportion",
    statement=(
        "With more examples the best batch size is larger. That ε and m act through ε/(B(1 − m)) alone is a property "
        "of the dynamics, and holds at each N: with few examples too the best batch size is proportional to ε. "
        "That N acts through g = εN/(B(1 − m)) is not: the SDE of the mean loss has the temperature ε/B whatever N. "
        "It is an assumption on which temperature is best, by the evidence; for these small N the best batch size "
        "after equally long training grows, and more slowly than in proportion. (Smith & Le find proportionality, "
        "and deviations from it where N is small.)"
    ),
    formula="B_opt ∝ ε^α at few examples, α = 1;      B_opt ∝ N^β, β < 1",
    source="Smith & Le, arXiv 1710.06451, §5 and figure 6",
    plans=plans("mnist_training_set"),
)
def mnist_training_set(context: Context) -> Finding:
    from validation.mnist.rules import finding
    from validation.mnist.rules.curves import VARIABLES, measure
    from validation.mnist.rules.protocols import PROTOCOLS

    source, size, rate = images(context), VARIABLES["training_set"], VARIABLES["learning_rate"]
    protocol = PROTOCOLS[source.name][context.preset]
    found = measure(context.part(0, 0.7), source, protocol, "training_set", size)
    few = measure(context.part(0.7, 1), source, protocol, "few examples", rate)
    n = few.curves[0].n_examples
    check = finding.exponent_check(few, rate, f", N = {n}")
    sizes = ", ".join(f"{curve.n_examples}" for curve in found.curves)
    beta, error, dof = found.optima.exponent, found.optima.exponent_error, found.optima.dof
    proportional = Check(f"exponent β, N = {sizes}, not 1", 1.0, beta, error, dof=dof)
    low, high = found.optima.exponent_interval
    note = (
        f"The rule B_opt ∝ N: β = {beta:.2f}, 95 % interval {low:.2f} to {high:.2f} for N = {sizes}. The accuracy at "
        f"the best batch size is {', '.join(f'{top:.3f}' for top in found.optima.value)}."
    )
    return Finding(
        (check, proportional),
        headline=check.label,
        pictures=(
            finding.accuracy_picture(found, size),
            finding.accuracy_picture(few, rate, "few_examples"),
        ),
        method=f"{finding.method(found, size, 'β')} At N = {n}: {finding.method(few, rate)}",
        notes=(note, *source.notes),
        data=source.label,
        undecided=finding.undecided(found, size) or finding.undecided(few, rate),
    )
