"""A network under SGD, SVAG, noisy gradient descent and the SDE: where they agree, and where not."""

from __future__ import annotations

from validation.claim import Finding, claim
from validation.context import Context
from validation.mnist.images import images
from validation.sizes import plans


@claim(
    title="At small ε a network under SGD is its SDE; at larger ε and the same noise scale it is not",
    statement=(
        "From the same initial weights SGD, SVAG, noisy gradient descent and the SDE have the same training loss, "
        "test accuracy, weight norm, largest Hessian eigenvalue and Tr F, and the same spread of weights and outputs, "
        "at all times, if ε is small. Noise 1.5 times as strong, or isotropic noise of the same trace, is told apart. "
        "As ε grows at the same noise scale, SGD leaves the SDE, and SVAG does not."
    ),
    formula="dω = −∇L ds + √(T F(ω)) dW,   T = εc,   an update is s = ε,   c = (N − 1)/(N B)",
    source="Smith & Le, arXiv 1710.06451, §4; Li, Malladi & Arora, arXiv 2102.12470",
    plans=plans("mnist_sde"),
)
def mnist_sde(context: Context) -> Finding:
    from validation.mnist.sde.checks import (
        distances_from_sde,
        large_rate_checks,
        run_label,
        small_rate_checks,
        wrong_noise_checks,
    )
    from validation.mnist.sde.pictures import rates_picture, runs_picture
    from validation.mnist.sde.protocol import NOISY, PROTOCOLS, SDE, SGD, SVAG, run_all
    from validation.mnist.sde.report import method, rate_notes, wrong_notes

    source = images(context)
    protocol = PROTOCOLS[source.name][context.preset]
    runs = run_all(context, source, protocol)
    small = small_rate_checks(runs, protocol)
    distances = {
        name: distances_from_sde(runs, protocol, name, context.seed("permutations", name))
        for name in (SGD, SVAG, NOISY)
    }
    headline = f"{run_label(protocol, SDE, protocol.smallest)} against SGD, T = {protocol.time:g}"
    return Finding(
        (*small, *wrong_noise_checks(runs, protocol), *large_rate_checks(runs, protocol)),
        headline=next(c.label for c in small if c.label.startswith("training loss") and c.label.endswith(headline)),
        pictures=(runs_picture(runs, protocol), rates_picture(runs, protocol, distances)),
        method=method(protocol),
        notes=(*source.notes, *wrong_notes(runs, protocol), *rate_notes(runs, protocol, distances)),
        data=source.label,
    )
