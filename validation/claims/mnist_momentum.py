"""Smith & Le, figure 7: the best batch size is proportional to 1/(1 − m)."""

from __future__ import annotations

from validation.claim import Finding, claim
from validation.context import Context
from validation.sizes import plans


@claim(
    title="The best batch size is proportional to 1/(1 − m)",
    statement=(
        "Momentum makes an update 1/(1 − m) times as long, and its noise with it. If only the noise scale "
        "g = εN/(B(1 − m)) matters, the best batch size grows in proportion to 1/(1 − m)."
    ),
    formula="B_opt ∝ (1 − m)^{−α},   α = 1",
    source="Smith & Le, arXiv 1710.06451, §5 and figure 7",
    plans=plans("mnist_momentum"),
)
def mnist_momentum(context: Context) -> Finding:
    from validation.mnist.rules.finding import rule_finding

    return rule_finding(
        context,
        "momentum",
        "Momenta are at most 0.9 after a first full run: at m = 0.95 on MNIST, where ε/(1 − m) = 1, the best batch "
        "size was a sixth above the law, and its accuracy 0.005 lower. The law is of small ε/(1 − m).",
    )
