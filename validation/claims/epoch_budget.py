"""Smith, Elsen & De: how the best learning rate depends on the epochs, for test accuracy and for training loss."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from validation.claim import Check, Drawing, Found, claim
from validation.context import Context
from validation.measure import exponent_check
from validation.mnist.epoch_budget import QUANTITIES, Budget, Point, Runs, Size, budget_figure, run_all
from validation.mnist.images import images
from validation.mnist.networks import told
from validation.mnist.rates import at_ends, widest
from validation.signs import of_sign_in

#: γ of best ε ∝ budget^γ at a small B: for 128 times the budget the paper has ε fall by a factor of 2, and of 16.
PAPER = {"test accuracy": -math.log(2) / math.log(128), "training loss": -math.log(16) / math.log(128)}
#: What else γ could be: that of the other quantity, or ε in proportion to 1/budget, so that Σ ε stays.
RIVALS = {quantity: f"as for {other}" for quantity, other in zip(QUANTITIES, reversed(QUANTITIES), strict=True)}
INVERSE = "∝ 1/epochs"
#: Differences count from here on, of test accuracies and of ln training losses.
LEAST_ACCURACY, LEAST_LOSS = 0.002, 0.1


@claim(dict[str, Size])
def epoch_budget(context: Context) -> Found:
    source = images(context)
    size: Size = context.size[source.name]
    runs = run_all(context, source.name, size)
    for point in (size.small, size.large):
        yield from _exponents(runs, point)
    yield from _accuracies(runs)
    few, _ = size.equal
    facts = {
        "pooled": len(runs.best(few)), "few": few.epochs, "budgets": ", ".join(map(str, size.epochs)),
        "b": size.small.batch_size, "large_b": size.large.batch_size,
        "best": "; ".join(_listed(runs)), "gammas": "; ".join(_measured(runs)),
    }  # fmt: skip
    yield told(context, source, size, facts, *_ends(runs))
    yield Drawing("budgets", budget_figure(runs, PAPER))


def _exponents(runs: Runs, point: Point) -> Iterator[Check]:
    """γ at a batch size: of the paper at the small one, and 0 at the large one, whose limit is that of stability."""
    most = widest(point, runs.size.epochs[0], runs.size.epochs[-1])
    for quantity, gamma in PAPER.items():
        law, small = runs.laws[point.batch_size, quantity], point is runs.size.small
        other = RIVALS[quantity] if small else "as at small B for training loss"
        value = PAPER[RIVALS[quantity].removeprefix("as for ")] if small else PAPER["training loss"]
        label = f"γ, best ε for {quantity}, B = {point.batch_size}"
        rivals = {other: value, INVERSE: -1.0}
        yield exponent_check(label, gamma if small else 0.0, law, rivals, most=most, scale=1.0)


def _accuracies(runs: Runs) -> Iterator[Check]:
    """What the small batches have more at the best ε, after the first and last budgets and for a number of updates."""
    size, (few, many) = runs.size, runs.size.equal
    small, large = size.small.batch_size, size.large.batch_size
    for epochs in (size.epochs[0], size.epochs[-1]):
        more = runs.best(Budget(small, epochs)) - runs.best(Budget(large, epochs))
        label = f"best test accuracy after {epochs} epochs, B = {small} less {large}"
        yield of_sign_in(label, more, 1, LEAST_ACCURACY)
    after = f"after {size.updates(many)} updates, B = {small} less {large}"
    more = runs.best(few) - runs.best(many)
    yield of_sign_in(f"best test accuracy {after}", more, 1, LEAST_ACCURACY)
    losses = [np.log(runs.best(each, "train_loss")) for each in (few, many)]
    label = f"ln training loss at the best ε for test accuracy {after}"
    yield of_sign_in(label, losses[0] - losses[1], 1, LEAST_LOSS)


def _ends(runs: Runs) -> Iterator[str]:
    """Optima at the ends of their grids: of these nothing is known on a side, nor of the exponents made of them."""
    for (batch, quantity), law in runs.laws.items():
        point = runs.size.small if batch == runs.size.small.batch_size else runs.size.large
        for number in at_ends([point] * len(law.optima), law):
            epochs = runs.size.epochs[number]
            yield f"The best ε for {quantity} is at an end of the grid at B = {batch} after {epochs} epochs."


def _listed(runs: Runs) -> Iterator[str]:
    for (batch, quantity), law in runs.laws.items():
        yield f"{', '.join(f'{best.place:.2g}' for best in law.optima)} for {quantity} at B = {batch}"


def _measured(runs: Runs) -> Iterator[str]:
    for (batch, quantity), law in runs.laws.items():
        yield f"{law.exponent:.3f} ± {law.standard_error:.3f} for {quantity} at B = {batch}"
