"""Smith & Le, figure 5: the best batch size is proportional to the learning rate."""

from __future__ import annotations

from validation.claim import Finding, claim
from validation.context import Context
from validation.sizes import plans


@claim(
    title="The best batch size is proportional to the learning rate",
    statement=(
        "A network trained with small batches is too noisy, with large ones not noisy enough: at each learning rate "
        "the test accuracy is highest at one batch size. If only the noise scale g matters, that best batch size "
        "grows in proportion to ε."
    ),
    formula="B_opt ∝ ε^α,   α = 1      (because g ≈ εN/(B(1 − m)))",
    source="Smith & Le, arXiv 1710.06451, §5 and figure 5",
    plans=plans("mnist_learning_rate"),
)
def mnist_learning_rate(context: Context) -> Finding:
    from validation.mnist.rules.finding import rule_finding

    return rule_finding(
        context,
        "learning_rate",
        "The learning rates are small after pilot runs on other seeds, in which larger ones (0.05 and 0.2) gave α from "
        "1.1 to 1.2: the law is of small ε.",
    )
