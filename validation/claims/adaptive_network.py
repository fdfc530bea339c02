"""Malladi, Lyu, Panigrahi & Arora on a network: batches κ times as large go with √κ ε in Adam and RMSprop."""

from __future__ import annotations

from collections.abc import Iterator

from validation.claim import Check, Drawing, Found, claim
from validation.context import Context
from validation.measure import mean_check
from validation.mnist.adaptive import RULES, Run, Size, network_figure, run_all
from validation.mnist.images import images
from validation.mnist.networks import told


@claim(dict[str, Size])
def adaptive_network(context: Context) -> Found:
    source = images(context)
    size: Size = context.size[source.name]
    runs = run_all(context, source.name, size)
    for run in runs:
        for kappa in size.kappas:
            yield from _checks(run, kappa)
    diverged = sum(int(each["diverged"].sum()) for run in runs for each in run.found.values())
    losses = [
        f"{run.dynamics}: {float(run.found[1, 0.5]['train_loss'].mean('replica')[-1]):.3g}" for run in runs
    ]  # fmt: skip
    facts = {
        "rate": size.learning_rate, "batch": size.batch_size, "most": size.batch_size * max(size.kappas),
        "epochs": size.updates * size.batch_size / size.n_examples, "listed": " and ".join(size.dynamics),
        "losses": ", ".join(losses),
    }  # fmt: skip
    notes = [f"{diverged} runs diverged and count as guessing."] if diverged else []
    yield told(context, source, size, facts, *notes)
    yield Drawing("losses", network_figure(runs, size))


def _checks(run: Run, kappa: int) -> Iterator[Check]:
    """Loss and accuracy by the square-root rule against κ = 1, and that the other rules change the loss."""
    first, *others = RULES
    for what, values in (("ln training loss", run.ln_losses), ("test accuracy, points", run.accuracies)):
        rivals = {RULES[power]: float(values(kappa, power).mean()) for power in others}
        yield mean_check(
            f"{what}, {RULES[first]} less κ = 1, {run.dynamics}, κ = {kappa}", values(kappa, first), rivals
        )
    for power in others:
        label = f"ln training loss, {RULES[power]} less κ = 1, {run.dynamics}, κ = {kappa}"
        yield mean_check(label, run.ln_losses(kappa, power))
